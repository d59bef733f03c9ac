/* Lines on their way out: each thread fills a buffer of its own and hands whole lines to one sink.
 *
 * Calling sequence: out_init(); for each line out_begin(bound) (room for bound bytes, or NULL),
 * write, out_room() where more comes than was said, out_end(p) behind the last byte; out_flush();
 * out_fini().  A line that found no memory is dropped whole and counted.
 * Threads: a struct out belongs to one, a sink to all.
 * Memory: OUT_BYTES a thread, more only while one line needs it. */
#ifndef WEIR_FILESYSTEM_OUT_H
#define WEIR_FILESYSTEM_OUT_H

#include "port/port.h"

#include <stdatomic.h>

#define OUT_BYTES (256U << 10)

struct out_sink {
	struct port_monitor *lock;
	/* 0 or -errno; called under the lock. */
	int (*write)(void *arg, const void *bytes, size_t length);
	void *arg;
	uint64_t max_bytes; /* 0: no bound */
	/* Guarded by lock, but the flags may be looked at by anybody. */
	uint64_t bytes, lost_lines;
	int error;           /* -errno of the first failed write */
	atomic_bool is_over; /* a failure, or the bound: nothing is written any more */
};

struct out {
	struct out_sink *sink;
	char *data;
	size_t used, size;
	bool is_line_lost;
	uint64_t lost_lines;
};

int out_sink_init(struct out_sink *s, int (*put)(void *, const void *, size_t),
		  void *arg) MUST_CHECK;
void out_sink_fini(struct out_sink *s);

int out_init(struct out *o, struct out_sink *sink) MUST_CHECK;
void out_fini(struct out *o);
char *out_begin(struct out *o, size_t bound);
/* p is where writing stands; the place where it goes on, with room for bound bytes more. */
char *out_room(struct out *o, char *p, size_t bound);
void out_end(struct out *o, const char *p);
void out_flush(struct out *o);

#endif
