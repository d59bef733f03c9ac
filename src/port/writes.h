/* File writes in flight: several are handed to the kernel and are done in any order, so that a slow
 * disk holds none of them up and is never without work.
 *
 * Calling sequence, by one thread:
 *	writes_new()      any thread, while the process still has its privileges
 *	writes_begin()    on the thread that goes on with it
 *	writes_submit()   takes one; `tag` comes back with its result
 *	writes_take()     results that are there; writes_wait() for at least one
 *	writes_free()     when nothing is in flight any more
 *
 * Ownership: the bytes are lent until their result was taken, and must stay as they are.
 * How: io_uring by its three system calls (linux/io_uring.h; liburing would bring a library for what
 * is two rings in shared memory).  Where it is denied (kernel.io_uring_disabled, seccomp) or absent,
 * each write is done by pwrite(2) as it is submitted; writes_why() says so. */
#ifndef WEIR_PORT_WRITES_H
#define WEIR_PORT_WRITES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WRITES_MAX 32 /* in flight */

struct writes;

struct written {
	uint32_t tag;
	int32_t result; /* bytes, or -errno */
};

/* NULL only without memory.  with_ring false: pwrite(2) only. */
struct writes *writes_new(unsigned depth, bool with_ring) MUST_CHECK;
void writes_free(struct writes *w);
/* "io_uring" or "pwrite"; and why it is not io_uring, empty where it is. */
const char *writes_method(const struct writes *w);
const char *writes_why(const struct writes *w);

void writes_begin(struct writes *w);
/* -1 and errno when it cannot be taken: nothing was written.  At most `depth` may be in flight. */
int writes_submit(struct writes *w, int fd, const void *bytes, size_t length, off_t at,
		  uint32_t tag) MUST_CHECK;
/* As many results as are there, at most max; does not wait. */
unsigned writes_take(struct writes *w, struct written *done, unsigned max);
/* Until a result can be taken, or timeout_ns has passed. */
void writes_wait(struct writes *w, int64_t timeout_ns);

/* For poll(): readable when results can be taken; -1 where nothing is ever in flight. */
int writes_fd(const struct writes *w);
/* From now on each result also raises this event descriptor. */
void writes_wake(struct writes *w, int event_fd);

#endif
