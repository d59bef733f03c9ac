/* A bounded window that moves over a stream of bytes: a file, a pipe, or memory (tests, fuzzing).
 *
 * Calling sequence: byte_source_fd() or byte_source_memory(), window_init(), then
 *
 *	rc = window_want(&w, n, &err);        1: n bytes are at window_bytes(&w)
 *	... read them through a cursor ...    0: the stream ended; window_left(&w) bytes are there
 *	window_pass(&w, n);                   negative: a read failed
 *
 * and window_fini().  Bytes stay where they are, passed or not, until the next window_want().
 * Nothing is mapped: a file may be cut while it is read.  The window grows up to WINDOW_MAX and
 * never further; asking for more is the caller's bug.
 *
 * Ownership: a window owns its memory and its source; a source owns its descriptor (but not
 * memory).  A window may be moved by assignment.  One thread at a time.  Offsets are in bytes from
 * the stream's first. */
#ifndef WEIR_STORE_WINDOW_H
#define WEIR_STORE_WINDOW_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_MAX   (16u * 1024 * 1024) /* bytes that can be looked at together */
#define WINDOW_FIRST (128u * 1024)       /* the size that a window starts with */

struct hash; /* base/hash.h */

/* What has come out of a source that cannot be read again. */
struct byte_tap {
	struct hash *hash;
	bool is_whole;   /* its end was met */
	bool has_failed; /* the hash */
};

struct byte_source {
	/* Up to `room` bytes; *got 0 is the end. */
	int (*read)(struct byte_source *s, void *into, size_t room, size_t *got,
		    struct weir_error *err);
	const uint8_t *memory; /* the rest of it */
	uint64_t left;         /* bytes that may still be read, at most */
	int fd;
	bool is_owner;        /* of fd */
	struct byte_tap *tap; /* the caller's; NULL: none.  Only of a descriptor. */
};

/* Reads fd from where it stands, `limit` bytes at most. */
struct byte_source byte_source_fd(int fd, uint64_t limit, bool is_owner);
struct byte_source byte_source_memory(const void *bytes, size_t length);
void byte_source_close(struct byte_source *s);

struct window {
	struct byte_source source;
	uint8_t *bytes;
	size_t capacity, start, end;
	uint64_t offset; /* of bytes[start] in the stream */
	bool is_ended;
};

/* Takes the source, also where it fails. */
int window_init(struct window *w, struct byte_source source,
		struct weir_error *err) MUST_CHECK;
void window_fini(struct window *w);
int window_want(struct window *w, size_t n, struct weir_error *err) MUST_CHECK;

static inline const uint8_t *window_bytes(const struct window *w)
{
	return w->bytes + w->start;
}

static inline size_t window_left(const struct window *w)
{
	return w->end - w->start;
}

/* Passes n bytes that are there. */
void window_pass(struct window *w, size_t n);

#endif
