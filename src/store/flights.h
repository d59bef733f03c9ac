/* Spans on their way to the disk: several writes at a time, finished in the order of their files.
 *
 * A span stays here until its bytes, and those of every span sent before it, are on the disk.  So
 * when a write fails all that follows it is still in memory, and can be written again elsewhere.
 *
 * Calling sequence: flights_init(), flights_send() while flights_has_room(), flights_collect(), then
 * for each flights_first() that is done: land it and flights_pop(); flights_fini().
 * One thread: the write worker's.  No allocation after flights_init(). */
#ifndef WEIR_STORE_FLIGHTS_H
#define WEIR_STORE_FLIGHTS_H

#include "store/segment.h"

#define FLIGHTS_DEPTH \
 8 /* more gained nothing on a disk that takes 2 GB/s, or on a busy one */

struct flight {
	struct segment *segment; /* NULL: taken out (the segment's recovery has it) */
	struct span *span;
	struct piece piece;
	size_t length; /* of the write: the piece and its pads */
	bool is_done;
	int error; /* errno; 0: all of it was written */
};

struct flights {
	const struct disk *disk;
	struct writes *writes;
	struct flight slots[WRITES_MAX];
	unsigned first, count;
	unsigned flying, depth; /* not done yet, and the most of them */
};

int flights_init(struct flights *f, const struct disk *disk, unsigned depth) MUST_CHECK;
void flights_fini(struct flights *f);

static inline bool flights_has_room(const struct flights *f)
{
	/* Done ones may have to wait for one before them: that keeps the disk from nothing. */
	return f->flying < f->depth && f->count < WRITES_MAX;
}

/* Writes the span's first `padded` bytes behind the segment's last, through segment->direct_fd. */
int flights_send(struct flights *f, struct segment *g, struct span *span,
		 size_t padded) MUST_CHECK;
/* Takes what results there are. */
void flights_collect(struct flights *f);
/* The same, and waits for one where there is none, not longer than timeout_ns. */
void flights_wait(struct flights *f, int64_t timeout_ns);
/* The oldest, or NULL. */
struct flight *flights_first(struct flights *f);
void flights_pop(struct flights *f);
/* Once all of the segment's are done: copies them from the oldest on, and takes them out.  Returns
 * how many. */
unsigned flights_take_out(struct flights *f, const struct segment *g,
			  struct flight out[WRITES_MAX]);
bool flights_are_done(const struct flights *f, const struct segment *g);

#endif
