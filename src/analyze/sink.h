/* Where an export goes: a file that appears whole or not at all, or a stream.
 *
 * Calling sequence:
 *	sink_open()                      refuses what is there already
 *	p = sink_room(s, n); sink_took(s, k);     any number of times
 *	sink_put(s, bytes, n);
 *	sink_close()                     the file gets its name; or sink_discard(): nothing is left
 *
 * A regular file is written as ".NAME.PID" in the same folder, made exclusively, and renamed at the
 * end without replacing anything.  It is not synced: an export can be made again from its
 * source.  It is written through the page cache or past it, whichever is found cheaper (way.h).  A FIFO or a device that is there is written to directly; "-" is standard output.
 *
 * Errors: a failed write is kept and shown by sink_failed() at once and by sink_close() in words;
 * sink_room() gives room all the same, so that writers need not ask each time.
 * Memory: one buffer of 1 MiB, more only for a single record that is larger.  One thread. */
#ifndef WEIR_ANALYZE_SINK_H
#define WEIR_ANALYZE_SINK_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

int sink_open(struct sink **s, const char *path, struct weir_error *err) MUST_CHECK;
/* A file that is one of many and appears at once, under its own name: made, or gone on with.  Its
 * buffer is 64 KiB.  Whoever discards it removes it. */
int sink_open_piece(struct sink **s, const char *path, bool is_again,
		    struct weir_error *err) MUST_CHECK;
/* A descriptor that is open already, and is taken; path is for messages. */
int sink_open_fd(struct sink **s, const char *path, int fd,
		 struct weir_error *err) MUST_CHECK;
/* n contiguous bytes to write into, until the next call. */
uint8_t *sink_room(struct sink *s, size_t n);
/* How many of them were used. */
void sink_took(struct sink *s, size_t n);
void sink_put(struct sink *s, const void *bytes, size_t n);
/* Hands on what is buffered: for a reader who waits for it. */
void sink_flush(struct sink *s);
bool sink_failed(const struct sink *s);
/* It failed because nobody reads the pipe any more, and for nothing worse. */
bool sink_lost_reader(const struct sink *s);
/* Bytes put in so far. */
uint64_t sink_bytes(const struct sink *s);
struct way;
/* What is known of the ways to the file; a test may set it. */
struct way *sink_way(struct sink *s);
/* Both free s, always. */
int sink_close(struct sink *s, struct weir_error *err) MUST_CHECK;
void sink_discard(struct sink *s);

#endif
