/* Between the files of the WinDivert source: windivert.c opens and runs, windivert_take.c makes
 * records, windivert_iface.c knows interfaces, windivert_report.c tells the manifest. */
#ifndef WEIR_CAPTURE_WINDIVERT_PARTS_H
#define WEIR_CAPTURE_WINDIVERT_PARTS_H

#include "capture/driver_loss.h"
#include "capture/packet_cut.h"
#include "capture/source.h"
#include "capture/tick_clock.h"
#include "port/windivert.h"
#include "weir/filter.h"

#define WD_BUFFER_BYTES RECORD_MAX_DATA /* a whole one fits a record */
#define WD_CACHE        512             /* twice what a store takes; see wd_iface() */
#define WD_INTERFACES   16

/* Interfaces are told apart by all that is the same for their packets. */
struct wd_place {
	uint32_t index, sub_index;
	bool is_loopback, is_impostor;
	struct iface *iface; /* NULL: the slot is free */
};

/* How many had come, up to when. */
struct wd_noted {
	uint64_t packets;
	int64_t ticks;
};

struct source {
	struct source_context *context;
	bool is_inline; /* packets are taken and sent on, not copied */
	struct windivert *w;
	/* probe: open from the start, takes nothing: the driver stays loaded. */
	struct windivert_handle *probe, *handle;
	struct windivert_how how;
	struct windivert_limits limits;
	unsigned major, minor;
	char *filter_text;           /* for the driver */
	bool is_exact;               /* and it says all */
	const struct filter *filter; /* to be asked of each packet; NULL: none */
	uint32_t interfaces[WD_INTERFACES];
	unsigned interface_count;
	struct tick_clock clock;
	struct driver_loss loss;
	struct wd_noted noted[2]; /* a second apart */
	int64_t noted_ns;         /* monotonic */
	struct wd_place places[WD_CACHE];
	unsigned place_count;
	struct weir_error iface_error;
	/* Sniffing through: the capture queue was full for too long, so packets are copied and not
	 * taken, until there is room. */
	bool is_through;
	int64_t full_since_ns;             /* monotonic; 0: it is not */
	int64_t through_ns, through_at_ns; /* since when; monotonic, UTC */
	uint64_t recorded_before;
	/* Told once a second. */
	struct losses told;
	int64_t told_ns, told_at_ns, anchored_ns, anchor_told_ns;
	uint64_t recorded, skipped, uncut, odd, truncated, impostors, loopback;
	uint64_t not_sent, maybe_sent; /* maybe: of calls that failed with several */
	uint64_t told_not_sent, told_maybe_sent, told_uncut, told_odd, told_truncated;
	struct weir_error send_error, maybe_error;
	int64_t looked_ns; /* at the stop event; monotonic */
};

/* The records of a batch; in a handle that takes them, packets are then sent on. */
void wd_take(struct source *s, const struct windivert_got *got);

/* The interface of an address, made when it is first seen; NULL: the store takes no more. */
struct iface *wd_iface(struct source *s, const struct windivert_address *a);

/* The clock's anchor, each second. */
void wd_anchor(struct source *s, int64_t now_monotonic_ns, bool is_last);
/* What passed unrecorded, and all else that has to be told; with is_last all of it. */
void wd_report(struct source *s, int64_t now_monotonic_ns, bool is_last);
/* Packets that passed while no handle was open, or may have: dated, estimated. */
void wd_tell_estimate(struct source *s, enum loss reason, const char *why,
		      uint64_t packets, int64_t from_ns, int64_t to_ns);
json_t *wd_describe(struct source *s);

#endif
