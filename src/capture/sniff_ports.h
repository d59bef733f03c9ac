/* The inside of the passive source: its ports (a ring and what it listens on), what is known of the
 * interfaces behind them, and how both follow the machine's interfaces as these come and go.
 *
 * Everything here belongs to the capture thread once the source runs. */
#ifndef WEIR_CAPTURE_SNIFF_PORTS_H
#define WEIR_CAPTURE_SNIFF_PORTS_H

#include "capture/frame.h"
#include "capture/link_watch.h"
#include "capture/packet_ring.h"
#include "capture/source.h"

#define SNIFF_PORTS 64   /* interfaces that can be named */
#define SNIFF_SLOTS 1024 /* a power of two */

/* Packets that were lost before the frame `before` (counted from 0) of a ring. */
struct sniff_drops {
	uint64_t count, before;
};

/* One ring.  All interfaces share one: it hears an interface from its first packet on, keeps the
 * packets of all in their order, and needs no memory set aside for the quiet ones. */
struct sniff_port {
	const char *name; /* NULL: all interfaces */
	uint32_t index;   /* what it is bound to; 0: all, or its interface is gone */
	struct packet_ring *ring;
	struct iface *iface; /* a named one's; the last that it was learned as */
	uint64_t kept; /* by the kernel, in the ring: all of them are to be walked */
	/* Lost packets that no record tells of yet; the later ones are kept apart while the first
	 * wait, else a loss that goes on would never be told of. */
	struct sniff_drops drops, more_drops;
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
	bool is_giving_up; /* at the end: what finds no room is counted and let go */
	bool has_unflushed;
	bool is_filter_in_kernel;
	char filter_why[WEIR_ERROR_TEXT]; /* why it is not */
	uint64_t stalls;                  /* times that the capture queue had no room */
	int64_t counted_ns, told_ns; /* monotonic, of the last counting and telling */
	struct sniff_slot slots[SNIFF_SLOTS];
};

/* Decides what to listen on; makes no socket.  The error names the interfaces that there are. */
int sniff_ports_choose(struct source *s, struct weir_error *err) MUST_CHECK;
/* Puts the interfaces that are up into the table of interfaces. */
int sniff_ports_describe(struct source *s, struct weir_error *err) MUST_CHECK;
/* Reads what has changed: events, and rings bound to interfaces that came back. */
int sniff_ports_follow(struct source *s, struct weir_error *err) MUST_CHECK;

/* The slot of a frame's interface; learns one that is new.  NULL only without memory. */
const struct sniff_slot *sniff_slot(struct source *s, uint32_t index, uint16_t hatype,
				    struct weir_error *err);

/* An event for the manifest; takes members. */
void sniff_event(struct source *s, const char *type, json_t *members);

#endif
