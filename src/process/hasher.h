/* SHA-256 of executables, each once: most processes are of a few programs.
 *
 * Calling sequence: hasher_new(), hasher_hash() any number of times, hasher_free().  One thread. */
#ifndef WEIR_PROCESS_HASHER_H
#define WEIR_PROCESS_HASHER_H

#include "process/facts.h"

struct hasher;

struct hasher *hasher_new(void) MUST_CHECK;
void hasher_free(struct hasher *h);
/* Sets sha256, else reason; takes the descriptor.  A file is known again by its device, inode, size
 * and change time. */
void hasher_hash(struct hasher *h, struct process_facts *f, int exe);
/* The same where nothing need be read; false: it must be, and exe is still the caller's. */
bool hasher_knows(struct hasher *h, struct process_facts *f, int exe);

#endif
