/* What a driver has probably dropped without a word: WinDivert's queue has limits in packets, bytes
 * and time, drops its oldest packets beyond them, and counts nothing.
 *
 * What can be seen: each packet's time, and when we asked.  A *mark* is a moment at which we come back
 * to ask.  Every packet of an earlier time that is received behind the mark was in the queue then; so
 * once a later one comes, it is known how full the queue was.  Where it was at a limit, or we were
 * away for longer than packets are kept, packets are missing between the one before the mark and the
 * first behind it: as many as the rate of those that were kept says, and at least one.
 *
 *	driver_loss_init(&l, &limits, ticks_per_s, now)
 *	driver_loss_call(&l, now)		before each receive
 *	  driver_loss_return(&l, now)		after it
 *	  driver_loss_packet(&l, ticks, bytes)	each packet
 *	  while (driver_loss_take(&l, &gap))	what is new
 *	driver_loss_finish(&l)			at the end; then once more driver_loss_take()
 *
 * It is an estimate, and nothing is said of what the driver drops elsewhere (a second queue of its
 * own, of 4096 packets, shows nothing of itself).
 * Pure; one thread; fixed memory. */
#ifndef WEIR_CAPTURE_DRIVER_LOSS_H
#define WEIR_CAPTURE_DRIVER_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#define DRIVER_MARKS 512
#define DRIVER_GAPS  16

struct driver_limits {
	uint64_t packets, bytes, time_ms; /* of the queue */
	uint64_t slack; /* packets that may be on their way to us outside of the queue */
};

enum driver_gap_why {
	DRIVER_GAP_PACKETS, /* the queue held as many packets as it may */
	DRIVER_GAP_BYTES,
	DRIVER_GAP_TIME, /* packets waited, or we were away, for as long as they are kept */
};

struct driver_gap {
	int64_t from_ticks, to_ticks; /* the packets around it */
	uint64_t packets;             /* estimated; at least 1 */
	enum driver_gap_why why;
};

struct driver_mark {
	int64_t at, last;        /* of the mark; of the packet before it */
	int64_t first;           /* of the packet behind it */
	uint64_t packets, bytes; /* received before it */
	bool has_first, is_late;
};

struct driver_loss {
	struct driver_limits limits;
	int64_t ticks_per_s, began, away_since, last;
	bool has_last;
	uint64_t packets, bytes; /* received so far */
	struct driver_mark marks[DRIVER_MARKS];
	unsigned head, count, fresh; /* fresh: the newest ones without a packet behind */
	struct driver_gap gaps[DRIVER_GAPS];
	unsigned gap_count;
	/* For the manifest. */
	uint64_t estimated, gap_total, most_packets, most_bytes;
	int64_t most_away, most_age; /* ticks */
};

void driver_loss_init(struct driver_loss *l, const struct driver_limits *limits,
		      int64_t ticks_per_s, int64_t now);
void driver_loss_call(struct driver_loss *l, int64_t now);
void driver_loss_return(struct driver_loss *l, int64_t now);
void driver_loss_packet(struct driver_loss *l, int64_t ticks, uint32_t bytes);
void driver_loss_finish(struct driver_loss *l);
bool driver_loss_take(struct driver_loss *l, struct driver_gap *gap);

/* "packets", "bytes", "time" */
const char *driver_gap_name(enum driver_gap_why why);

#endif
