/* The two rings of io_uring, by its three system calls: liburing would bring a library for what is two
 * arrays in shared memory.  The side that fills a ring stores its tail with release, the other loads it
 * with acquire; heads the same way back.
 *
 * Calling sequence: uring_init() on any thread; uring_enable() on the one that goes on with it;
 * uring_put(), uring_enter(), uring_take(); uring_fini() when nothing is in flight.
 * Errors: 0 or -1 with errno, as the system calls have it.
 * Facts: linux/io_uring.h; io_uring_setup(2), io_uring_enter(2), io_uring_register(2). */
#ifndef WEIR_PORT_LINUX_URING_H
#define WEIR_PORT_LINUX_URING_H

#include "base/compiler.h"

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uring {
	int fd;           /* -1: there is none */
	bool has_timeout; /* waiting may take one */
	unsigned *sq_tail, *sq_flags, sq_mask;
	struct io_uring_sqe *entries;
	unsigned *cq_head, *cq_tail, cq_mask;
	struct io_uring_cqe *results;
	void *map, *entries_map;
	size_t map_bytes, entries_bytes;
};

int uring_init(struct uring *u, unsigned depth) MUST_CHECK;
void uring_fini(struct uring *u);
int uring_enable(const struct uring *u) MUST_CHECK;
/* Into the next place; the caller keeps count of the places. */
void uring_put(struct uring *u, const struct io_uring_sqe *entry);
/* Takes the last entries back, which the kernel has not consumed. */
void uring_unput(struct uring *u, unsigned count);
/* Entries consumed, or -1. */
int uring_enter(const struct uring *u, unsigned submit, unsigned wait, unsigned flags,
		void *arg, size_t size);
/* Results wait in the kernel to be made. */
bool uring_must_ask(const struct uring *u);
bool uring_is_empty(const struct uring *u);
/* The next result, false where there is none. */
bool uring_take(struct uring *u, uint64_t *tag, int32_t *result);

#endif
