/* The last look at a record before it is handed to the write worker: whose packet it is, and, where
 * the filter asks for that, whether it is recorded at all.
 *
 * It comes as late as can be (a span is sealed up to 40 ms after its first packet), because the
 * kernel tells of a socket's owner at about the time of its packets, not before them: by then what
 * was under way is known.  A verdict never waits for it.
 *
 * Calling sequence, on the capture thread:
 *	judge_begin(j)		once a run of packets: takes in what has happened
 *	judge_packet(j, ...)	each packet
 * or judge_span() for a span whose records were made with judge_meta().
 *
 * Cost: no allocation, no system call but one look at the ring of events a run. */
#ifndef WEIR_CAPTURE_JUDGE_H
#define WEIR_CAPTURE_JUDGE_H

#include "process/attribution.h"
#include "store/iface.h"
#include "store/span.h"

struct filter;

struct judge {
	struct attribution *attribution;
	const struct filter *filter; /* NULL: every record stays */
	unsigned asks;               /* of it: filter_asks_of_process() */
	struct iface_table *ifaces;
	uint32_t snaplen; /* what judge_span() leaves of a packet at most */
	/* Private: in which span each process was seen last. */
	uint32_t span;

	struct judge_seen {
		uint32_t process, span;
	} * seen;
};

/* filter: only one that asks for processes is looked at; it is judged here and nowhere else.
 * snaplen: bytes of a packet that are recorded, 0: all. */
int judge_init(struct judge *j, struct attribution *a, const struct filter *filter,
	       struct iface_table *ifaces, uint32_t snaplen,
	       struct weir_error *err) MUST_CHECK;
void judge_fini(struct judge *j);

void judge_begin(struct judge *j);
/* The same, for packets that are noted in one span. */
void judge_begin_span(struct judge *j);

/* False: the packet is not to be recorded.  The owner is set; `span` is where its process is noted
 * (NULL: nowhere). */
bool judge_packet(struct judge *j, const struct attributed *p, const struct iface *iface,
		  struct span *span, struct record_owner *owner);

/* What a record is made with whose owner comes later: has the room for any. */
static inline void judge_meta(struct record_meta *meta)
{
	meta->has_owner = true;
	meta->owner = (struct record_owner){ .certainty = OWNER_EXACT };
}

/* All records of a span, in place, whose packets are whole; those that stay are cut and close up.  Their packet ids are given here, from
 * *last_id on; with a limit (not 0) no more than to it. */
void judge_span(struct judge *j, struct span *span, uint64_t *last_id, uint64_t limit);

#endif
