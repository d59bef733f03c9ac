/* The first and the last packet of each flow of a recording, for a timeline.
 *
 * A flow is what has one protocol and one pair of addresses and ports, in both directions, for as
 * long as the recording lasts; its first packet says who began.
 * Calling sequence: flow_ends_new(); flow_ends_packet() for each; flow_ends_finish(); free.  The
 * callback gets each flow once, or, where there are more than FLOW_ENDS_MAX at a time, in parts.
 * Threads: one owner.  Memory: fixed, about 30 MB. */
#ifndef WEIR_ANALYZE_FLOW_ENDS_H
#define WEIR_ANALYZE_FLOW_ENDS_H

#include "base/compiler.h"
#include "packet/headers.h"
#include "weir/reader.h"

enum {
	FLOW_ENDS_MAX = 196608
};

struct flow_end {
	uint8_t ip_version, protocol;
	uint8_t src[16], dst[16]; /* of the first packet */
	uint16_t src_port, dst_port;
	int64_t first_ns, last_ns;
	uint64_t packets, bytes; /* on the wire */
	uint32_t pid;            /* the first known; 0: unknown */
};

/* 0, or a negative code that ends the work. */
typedef int flow_end_fn(void *arg, const struct flow_end *flow);

struct flow_ends;

struct flow_ends *flow_ends_new(flow_end_fn *found, void *arg) MUST_CHECK;
void flow_ends_free(struct flow_ends *f);
int flow_ends_packet(struct flow_ends *f, const struct packet *p) MUST_CHECK;
int flow_ends_finish(struct flow_ends *f) MUST_CHECK;
/* Packets without an IP header, which belong to no flow. */
uint64_t flow_ends_others(const struct flow_ends *f);

#endif
