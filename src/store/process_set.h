/* Which processes a file has its packets explained by, and which blocks are still to be written.
 *
 * A block stands behind the first packet that it explains, as soon as the process is known; where
 * packets are written past the page cache, not before what is in flight has landed.
 *
 * Calling sequence: process_set_clear() with a new file, process_set_note() with each span of it,
 * process_set_next() until it returns 0 where blocks can be written, and at the end with `is_last`.
 * Fixed memory: processes beyond PROCESS_SET are in processes.jsonl alone.  One thread. */
#ifndef WEIR_STORE_PROCESS_SET_H
#define WEIR_STORE_PROCESS_SET_H

#include "store/span.h"

#include <stddef.h>

#define PROCESS_SET     1024 /* a power of two */
#define PROCESS_PENDING 256
/* Bytes that a live process's block takes at most (its texts are cut when they are read). */
#define PROCESS_BLOCK_ROOM 2560

struct process_source {
	/* Writes a block; 0: nothing is known (yet, unless is_last). */
	size_t (*put)(void *arg, uint32_t process, uint8_t *block, bool is_last);
	void *arg;
};

struct process_set {
	uint32_t known[PROCESS_SET]; /* by number, 0: free */
	unsigned count;
	uint32_t pending[PROCESS_PENDING];
	unsigned pending_count, next;
};

void process_set_clear(struct process_set *s);
void process_set_note(struct process_set *s, const struct span *span);
/* The next block that can be written, at `block`; 0: there is none.  Start with process_set_begin(). */
void process_set_begin(struct process_set *s);
size_t process_set_next(struct process_set *s, const struct process_source *source,
			uint8_t *block, bool is_last);

/* What the span may add to the file, with what is pending; bytes. */
static inline uint64_t process_set_cost(const struct process_set *s,
					const struct span *span)
{
	return (uint64_t)(s->pending_count + span->process_count) * PROCESS_BLOCK_ROOM;
}

#endif
