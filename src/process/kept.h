/* What a filter asks of processes that had to make room in the table: as much of their texts as makes a difference
 * to it.  So the packets of any number of live processes are judged without asking for them again and again.
 *
 * Calling sequence: kept_new() for a filter, which it borrows; kept_put() who makes room, kept_find() who is
 * not there; kept_free().  Pure; no allocation after _new(); the caller's lock.
 * Full: of the four that share a place the one used least lately goes. */
#ifndef WEIR_PROCESS_KEPT_H
#define WEIR_PROCESS_KEPT_H

#include "process/facts.h"
#include "weir/filter.h"

struct kept;

/* Some text of each kind, the filter's own one if it asks for it, lent; NULL: it has none. */
struct kept_texts {
	const char *name, *path, *user, *container;
	int64_t from_ns; /* of packets from then on, by the events' clock */
};

int kept_new(struct kept **k, const struct filter *f) MUST_CHECK;
void kept_free(struct kept *k);
size_t kept_bytes(void);

void kept_put(struct kept *k, const struct process_facts *f, int64_t from_ns);
/* Of the program that it ran at that count of execs (facts.h); NULL: it is not known. */
const struct kept_texts *kept_find(struct kept *k, uint32_t pid, uint64_t start_ns,
				   uint32_t execs);

#endif
