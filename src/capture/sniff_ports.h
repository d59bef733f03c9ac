/* The inside of the passive source: its ports (a ring and what it listens on), what is known of the
 * interfaces behind them, and how both follow the machine's interfaces as these come and go.
 *
 * Everything here belongs to the capture thread once the source runs. */
#ifndef WEIR_CAPTURE_SNIFF_PORTS_H
#define WEIR_CAPTURE_SNIFF_PORTS_H

#include "base/compiler.h"
#include "capture/frame.h"
#include "capture/inplace.h"
#include "capture/link_watch.h"
#include "capture/packet_ring.h"
#include "capture/source.h"

#define SNIFF_PORTS 64   /* interfaces that can be named */
#define SNIFF_SLOTS 1024 /* a power of two */
#define SNIFF_GONE  64   /* interfaces that are remembered; a power of two */

/* Packets that were lost before the frame `before` (counted from 0) of a ring. */
struct sniff_drops {
	uint64_t count, before;
};

/* Frames that were seen of one interface, not yet in its counters. */
struct sniff_tally {
	struct iface *iface;
	uint64_t packets, bytes;
};

/* One ring.  All interfaces share one: it hears an interface from its first packet on, keeps the
 * packets of all in their order, and needs no memory set aside for the quiet ones. */
struct sniff_port {
	/* NULL: all interfaces.  The interface it is bound to may have been given another one since. */
	const char *name;
	uint32_t index;  /* what it is bound to; 0: all, or its interface is gone */
	int64_t gone_ns; /* realtime; since then it hears nothing */
	/* An interface that it could not be bound to, and the packets that that one had when it got the name. */
	uint32_t unheard_index;
	uint64_t unheard_before;
	struct packet_ring *ring;
	enum frame_form form; /* what its filter in the kernel was made for */
	bool is_filter_in_kernel;
	struct iface *iface; /* a named one's; the last that it was learned as */
	/* The block that is being made records of, and its frame that comes next. */
	struct ring_block block;
	struct inplace inplace;
	struct frame frame;
	bool has_block, has_frame, has_lane;
	unsigned lane;      /* whose frames become records in place */
	struct span *spans; /* one a block */
	struct sniff_tally tally;
	uint64_t kept; /* by the kernel, in the ring: all of them are to be walked */
	/* Lost packets that no record tells of yet; the later ones are kept apart while the first
	 * wait, else a loss that goes on would never be told of. */
	struct sniff_drops drops, more_drops;
	uint64_t untold; /* of those that are told of: a record had no room for it */
	/* Lost packets that no event tells of yet, lost between the two times. */
	uint64_t gap;
	int64_t gap_from_ns, gap_to_ns;
	int64_t counted_ns; /* realtime of the last look at the kernel's counters */
};

/* What a frame needs to know of its interface. */
struct sniff_slot {
	uint32_t index;
	uint16_t hatype;
	enum frame_form form;
	struct iface *iface; /* NULL: the slot is empty */
};

struct source {
	struct source_context *context;
	struct link_watch *links;
	struct sniff_port ports[SNIFF_PORTS];
	unsigned port_count;
	uint32_t limit;    /* bytes of a packet that are recorded */
	int wait_fd;       /* epoll: stop, changes of interfaces, rings */
	unsigned turns;    /* since it was looked at */
	bool has_changes;  /* of interfaces, to be read */
	bool is_giving_up; /* at the end: what finds no room is counted and let go */
	bool has_unflushed;
	bool is_dense; /* records are always put together */
	bool is_filter_in_kernel;
	char filter_why[WEIR_ERROR_TEXT]; /* why it is not */
	uint64_t stalls;                  /* times that the capture queue had no room */
	int64_t counted_ns, told_ns; /* monotonic, of the last counting and telling */
	struct sniff_slot slots[SNIFF_SLOTS];
	/* The last interfaces that went: their packets may still be in the rings. */
	struct net_link gone[SNIFF_GONE];
	unsigned gone_count; /* so far */
};

/* Decides what to listen on; makes no socket.  The error names the interfaces that there are. */
int sniff_ports_choose(struct source *s, struct weir_error *err) MUST_CHECK;
/* Puts the interfaces that are up into the table of interfaces. */
int sniff_ports_describe(struct source *s, struct weir_error *err) MUST_CHECK;
/* Reads what has changed: events, and rings bound to interfaces that came back. */
int sniff_ports_follow(struct source *s, struct weir_error *err) MUST_CHECK;

const struct sniff_slot *sniff_slot_learn(struct source *s, uint32_t index,
					  uint16_t hatype, struct weir_error *err);

/* The slot of a frame's interface; learns one that is new.  NULL only without memory. */
static inline const struct sniff_slot *sniff_slot(struct source *s, uint32_t index,
						  uint16_t hatype, struct weir_error *err)
{
	const struct sniff_slot *slot = &s->slots[index & (SNIFF_SLOTS - 1)];

	return LIKELY(slot->index == index && slot->hatype == hatype && slot->iface)
		       ? slot
		       : sniff_slot_learn(s, index, hatype, err);
}

/* What became of a turn. */
enum walk {
	WALK_EMPTY, /* no more frames */
	WALK_MORE,  /* there may be */
	WALK_FULL,  /* the capture queue, or the disk, has no room */
};

/* sniff_walk.c: a block of each ring; a negative code or one of enum walk, the highest of all. */
int sniff_walk_all(struct source *s, struct weir_error *err) MUST_CHECK;

/* sniff_wait.c: opened with the rings.  True: stop. */
int sniff_wait_open(struct source *s, struct weir_error *err) MUST_CHECK;
void sniff_wait_close(struct source *s);
bool sniff_wait(struct source *s, int state);

/* An event for the manifest; takes members. */
void sniff_event(struct source *s, const char *type, json_t *members);

#endif
