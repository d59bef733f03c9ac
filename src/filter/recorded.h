/* A filter applied to a packet as a record holds it, with its link layer: one meaning for what is
 * recorded passively, imported, and found again in stored packets.
 *
 * The filter sees the packet from its network header to its end as that header states it (Ethernet
 * fills short frames up), and its lengths as they were before it was cut.  What carries no IP never matches.  Outbound is the direction of
 * epb_flags, else of the link header.
 *
 * Calling sequence: filter_takes(), filter_takes_pending(); the strings and bytes are borrowed for the call.
 * Threads: any.  No allocation. */
#ifndef WEIR_FILTER_RECORDED_H
#define WEIR_FILTER_RECORDED_H

#include "weir/filter.h"

struct recorded {
	const uint8_t *data; /* caplen bytes from the link header on */
	size_t caplen, len;  /* len: before it was cut */
	uint16_t linktype;   /* LINKTYPE_ number */
	int64_t ns;
	uint32_t flags;    /* epb_flags; 0 unknown */
	const char *iface; /* name; NULL or empty: unknown */
	uint32_t if_idx;
	bool is_loopback, has_pid;
	uint32_t pid;
	const char *process_name, *process_path, *user, *container; /* NULL: unknown */
};

bool filter_takes(const struct filter *f, const struct recorded *r);
/* The same, where of its process some is still to be found out: as filter_matches_pending(). */
enum filter_answer filter_takes_pending(const struct filter *f, const struct recorded *r,
					unsigned pending);

#endif
