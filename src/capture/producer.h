/* The capture worker's end of the capture queue: where records are made.
 *
 * A producer has a fixed pool of blocks (taken and touched at start).  A source asks for room,
 * puts the packet's bytes there, and commits; full or old blocks are sealed and handed to the
 * write worker as spans, which come back to the pool when they have been written.
 *
 *	data = producer_reserve(p, iface, caplen, len);
 *	if (data) {
 *		memcpy(data, bytes, caplen);
 *		producer_commit(p, &meta);
 *	}
 *
 * Threads: a producer belongs to one capture worker.  No allocation after producer_init().
 * Full: reserve returns NULL and has counted the packet in LOSS_QUEUE_FULL; with `is_blocking` it
 * waits for the write worker instead (import, and divert --strict). */
#ifndef WEIR_CAPTURE_PRODUCER_H
#define WEIR_CAPTURE_PRODUCER_H

#include "base/spsc.h"
#include "capture/judge.h"
#include "port/port.h"
#include "store/iface.h"
#include "store/loss.h"
#include "store/record.h"
#include "store/span.h"

struct producer;

struct producer_config {
	size_t memory_bytes; /* of the pool */
	size_t block_bytes; /* of one block; a multiple of 4096, at least RECORD_MAX_DATA + 4096 */
	unsigned number; /* which capture worker: the high 16 bits of its packet ids */
	unsigned
		foreign; /* spans of other memory that may be on their way at the same time */
	uint64_t count_limit; /* records to make at most; 0: no limit */
	bool is_blocking;
	/* Timed seals are off: spans depend on the input alone (import is repeatable). */
	bool is_untimed;
	const struct port_event *wake_writer;
	/* Asked about each record when its span is sealed, and not before the span is 40 ms old where
	 * there is room; NULL: nobody is. */
	struct judge *judge;
};

int producer_new(struct producer **p, const struct producer_config *config,
		 struct weir_error *err) MUST_CHECK;
void producer_free(struct producer *p);

/* How many bytes of each packet are to be put there where `limit` are to be recorded: with a judge all
 * that there are, for it looks at them first. */
uint32_t producer_limit(const struct producer *p, uint32_t limit);
/* Room for a packet of caplen bytes that was len bytes long; NULL: see above.  A second reserve
 * without commit takes the first one back. */
uint8_t *producer_reserve(struct producer *p, struct iface *iface, uint32_t caplen,
			  uint32_t len);
/* Where producer_reserve() will put the next packet of this interface or of others of its lane, if
 * that has no more than caplen bytes: a source may receive it there before it knows what it is.
 * Counts nothing; NULL: there is no room. */
uint8_t *producer_place(struct producer *p, const struct iface *iface, uint32_t caplen);
/* Whether producer_reserve() would find room now, without counting anything: for a source that can
 * wait because it has a buffer of its own. */
bool producer_has_room(const struct producer *p, const struct iface *iface,
		       uint32_t caplen);
/* meta.ns, .flags, .drops, .queue are the source's; ids and lengths are filled in here. */
void producer_commit(struct producer *p, struct record_meta *meta);
/* Of a record that is made elsewhere, and was judged: its ids, and it counts. */
void producer_stamp(struct producer *p, const struct iface *iface,
		    struct record_meta *meta);
/* Takes a span of other memory (its owner's release() gets it back): it is written behind what was
 * recorded in its lane so far. */
void producer_hand(struct producer *p, struct span *span);
/* As reserve + memcpy + commit. Returns whether it was recorded. */
bool producer_put(struct producer *p, struct iface *iface, const uint8_t *bytes,
		  uint32_t caplen, uint32_t len, struct record_meta *meta);
/* Whether records gain by waiting for the age at which they are sealed. */
bool producer_is_judged(const struct producer *p);
/* For records that are made elsewhere; NULL: nobody judges. */
struct judge *producer_judge(const struct producer *p);
/* Seals what is older than 40 ms (or everything with `force`).  To be called at least each 50 ms. */
/* Returns whether there are records that are still to be sealed. */
bool producer_flush(struct producer *p, int64_t now_monotonic_ns, bool force);
/* The count limit has been reached: nothing more will be recorded. */
bool producer_is_done(const struct producer *p);

struct losses *producer_losses(struct producer *p);
const struct counter *producer_packets(
	const struct producer *p); /* records made so far */
/* Blocks in use of all blocks, for status; the most ever used. */
void producer_fill(const struct producer *p, unsigned *used, unsigned *most,
		   unsigned *all);

/* The write worker's end. */
/* Spans that wait, of the most that can. */
void producer_waiting(const struct producer *p, unsigned *waiting, unsigned *all);
struct span *producer_take(struct producer *p);

#endif
