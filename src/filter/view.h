/* What a filter sees of a packet: found once, asked many times.
 *
 * Calling sequence: view_packet() (network, forward) or view_record() (flow, socket, reflect), then
 * the view_... readers that the field table names.  The view borrows input and packet.
 * Pure; no allocation.  The parser is WinDivert's, to the letter: IPv4 without tunnels, IPv6 with
 * its extension headers, and a transport header only where it is whole.  Longer packets than
 * WinDivert ever has are Linux's own: their lengths count as the longest that the language knows. */
#ifndef WEIR_FILTER_VIEW_H
#define WEIR_FILTER_VIEW_H

#include "filter/wide.h"
#include "weir/filter.h"

/* HEADER_NONE stands for "needs no header"; it is always there. */
enum header {
	HEADER_NONE,
	HEADER_IP,
	HEADER_IPV6,
	HEADER_ICMP,
	HEADER_ICMPV6,
	HEADER_TCP,
	HEADER_UDP,
	HEADER_COUNT,
};

#define HEADER_BIT(h) (1U << (h))

/* Bytes of the longest packet that a header can state. */
#define VIEW_IPV4_MOST 65535
#define VIEW_IPV6_MOST 65575

/* Written for every packet: kept small, and no byte of it is set twice. */
struct view {
	const struct filter_input *in;
	const uint8_t *packet;
	uint32_t length;      /* bytes that are there */
	uint32_t wire_length; /* that the packet had before it was cut */
	uint32_t present;     /* HEADER_BITs */
	uint32_t transport;   /* where the transport header begins, if there is one */
	uint32_t payload, payload_length; /* may lie behind what is there */
	uint8_t protocol;
	bool is_fragment, is_record;
};

/* NULL: the packet has none. */
static inline const uint8_t *view_header(const struct view *v, enum header h)
{
	if (!(v->present & HEADER_BIT(h)))
		return NULL;
	return h > HEADER_IPV6 ? v->packet + v->transport : v->packet;
}

/* 0, or WEIR_ERR_FORMAT. */
int view_packet(struct view *v, const struct filter_input *in);
int view_record(struct view *v, const struct filter_input *in);

/* Readers, one a field that is not plainly some bits of a header. */
uint64_t view_zero(const struct view *v);
uint64_t view_one(const struct view *v);
uint64_t view_inbound(const struct view *v);
uint64_t view_outbound(const struct view *v);
uint64_t view_loopback(const struct view *v);
uint64_t view_impostor(const struct view *v);
uint64_t view_if_idx(const struct view *v);
uint64_t view_sub_if_idx(const struct view *v);
uint64_t view_ip(const struct view *v);
uint64_t view_ipv6(const struct view *v);
uint64_t view_icmp(const struct view *v);
uint64_t view_icmpv6(const struct view *v);
uint64_t view_tcp(const struct view *v);
uint64_t view_udp(const struct view *v);
uint64_t view_flow_label(const struct view *v);
uint64_t view_payload_length(const struct view *v);
uint64_t view_fragment(const struct view *v);
uint64_t view_protocol(const struct view *v);
uint64_t view_length(const struct view *v);
uint64_t view_timestamp(const struct view *v);
uint64_t view_event(const struct view *v);
uint64_t view_local_port(const struct view *v);
uint64_t view_remote_port(const struct view *v);
u128 view_local_address(const struct view *v);
u128 view_remote_address(const struct view *v);
uint64_t view_process_id(const struct view *v);
uint64_t view_endpoint_id(const struct view *v);
uint64_t view_parent_endpoint_id(const struct view *v);
uint64_t view_reflect_layer(const struct view *v);
uint64_t view_priority(const struct view *v);
uint64_t view_random8(const struct view *v);
uint64_t view_random16(const struct view *v);
uint64_t view_random32(const struct view *v);
uint64_t view_time(const struct view *v);

/* Whether the input has what an extension field reads. */
bool view_has_time(const struct view *v);
bool view_has_process_id(const struct view *v);

/* NULL: unknown. */
const char *view_iface(const struct view *v);
const char *view_process_name(const struct view *v);
const char *view_process_path(const struct view *v);
const char *view_user(const struct view *v);
const char *view_container(const struct view *v);

/* WinDivert's packet hash (random.c) for this seed; depends on headers, never on payload. */
uint64_t view_hash(const struct view *v, int64_t seed);

u128 view_mapped(uint32_t ipv4);
u128 view_wide(const uint8_t bytes[16]);

#endif
