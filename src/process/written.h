/* Which lines of processes.jsonl were written lately, so that one that is told of again is not written again:
 * 65,536 of them, by a hash.
 *
 * Calling sequence: written_new(), written_before() a line, written_free().  Pure; no allocation after _new(); one
 * thread.  Of the four that share a place the oldest goes. */
#ifndef WEIR_PROCESS_WRITTEN_H
#define WEIR_PROCESS_WRITTEN_H

#include "process/facts.h"

struct written;

int written_new(struct written **w) MUST_CHECK;
void written_free(struct written *w);
size_t written_bytes(void);

/* Of the same program of the same process, and as far: that it has ended is another line.  It is one of them from now
 * on. */
bool written_before(struct written *w, const struct process_facts *f);

#endif
