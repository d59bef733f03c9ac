/* When what was written is made durable: each second, and sooner where there is much of it.
 *
 * A flush makes every write behind it wait, for as long as the bytes since the one before need on
 * their way to the medium: 370 ms for what a stream of 600 MB/s has written in a second, which is
 * longer than the capture queue bridges.  In steps that take SYNC_STALL_NS each it bridges them.  How
 * many bytes that are the disk tells, at each flush.
 *
 * While the recorder is behind even that would lose packets for certain, to save some from a power cut
 * that hardly ever comes: then it is done every ten seconds.
 *
 * Calling sequence: syncing_init(); where syncing_is_due(), sync and tell with syncing_done().
 * Pure: the caller has the clock (monotonic) and the count of bytes.  One thread; what syncing_due()
 * reads may be read by any. */
#ifndef WEIR_STORE_SYNCING_H
#define WEIR_STORE_SYNCING_H

#include "base/counter.h"
#include "base/time.h"

#include <stdbool.h>

#define SYNC_NS      NS_PER_S
#define SYNC_MOST_NS (10 * NS_PER_S)
/* Two may follow each other, where a segment ends. */
#define SYNC_STALL_NS (40 * NS_PER_MS)
#define SYNC_LEAST    (UINT64_C(16) << 20)
#define SYNC_MOST     (UINT64_C(256) << 20)

struct syncing {
	int64_t done_ns; /* the last time that what was due was made durable */
	uint64_t done_bytes;
	uint64_t step_bytes;
	struct counter due_bytes; /* from this count on the next one is due */
};

void syncing_init(struct syncing *s);
/* `written`: bytes so far; is_behind: what can wait should. */
bool syncing_is_due(const struct syncing *s, int64_t now, uint64_t written,
		    bool is_behind);
/* Of what had been written when it began. */
void syncing_done(struct syncing *s, int64_t began, int64_t now, uint64_t written);
/* Whether so many bytes are a reason; any thread. */
bool syncing_due(const struct syncing *s, uint64_t written);

#endif
