/* The readers of view.h: one value each. */
#include "filter/view.h"

#include "base/bytes.h"

uint64_t view_zero(const struct view *v)
{
	(void)v;
	return 0;
}

uint64_t view_one(const struct view *v)
{
	(void)v;
	return 1;
}

/* A member of the address record as it is. */
#define MEMBER(name, member)              \
 uint64_t name(const struct view *v)      \
 {                                        \
  return (uint64_t)v->in->address.member; \
 }
MEMBER(view_outbound, is_outbound)
MEMBER(view_loopback, is_loopback)
MEMBER(view_impostor, is_impostor)
MEMBER(view_if_idx, if_idx)
MEMBER(view_sub_if_idx, sub_if_idx)
MEMBER(view_timestamp, timestamp)
MEMBER(view_event, event)
MEMBER(view_process_id, process_id)
MEMBER(view_endpoint_id, endpoint_id)
MEMBER(view_parent_endpoint_id, parent_endpoint_id)
MEMBER(view_reflect_layer, reflect_layer)
MEMBER(view_priority, priority)
#undef MEMBER

uint64_t view_inbound(const struct view *v)
{
	return !v->in->address.is_outbound;
}

/* At flow and socket both are 0 whatever the event is: a flaw of WinDivert that filters may
 * rely on. */
uint64_t view_ip(const struct view *v)
{
	return view_header(v, HEADER_IP) != NULL;
}

uint64_t view_ipv6(const struct view *v)
{
	return view_header(v, HEADER_IPV6) != NULL;
}

static bool has(const struct view *v, enum header h, uint8_t protocol,
		bool is_right_family)
{
	return v->is_record ? v->protocol == protocol && is_right_family
			    : view_header(v, h) != NULL;
}

uint64_t view_icmp(const struct view *v)
{
	return has(v, HEADER_ICMP, 1, !v->in->address.is_ipv6);
}

uint64_t view_icmpv6(const struct view *v)
{
	return has(v, HEADER_ICMPV6, 58, v->in->address.is_ipv6);
}

uint64_t view_tcp(const struct view *v)
{
	return has(v, HEADER_TCP, 6, true);
}

uint64_t view_udp(const struct view *v)
{
	return has(v, HEADER_UDP, 17, true);
}

/* WinDivert swaps the bytes of each half of the word where it means to swap the word. */
uint64_t view_flow_label(const struct view *v)
{
	const uint8_t *p = v->packet;

	return (uint64_t)p[2] << 24 | (uint64_t)p[3] << 16 | (uint64_t)(p[1] & 15) << 8;
}

uint64_t view_payload_length(const struct view *v)
{
	return v->payload_length < UINT16_MAX ? v->payload_length : UINT16_MAX;
}

uint64_t view_fragment(const struct view *v)
{
	return v->is_fragment;
}

uint64_t view_protocol(const struct view *v)
{
	return v->protocol;
}

uint64_t view_length(const struct view *v)
{
	return v->wire_length < VIEW_IPV6_MOST ? v->wire_length : VIEW_IPV6_MOST;
}

/* Of ICMP the type stands for the source port, 0 for the destination. */
static uint64_t port(const struct view *v, bool is_source)
{
	const uint8_t *p = view_header(v, HEADER_TCP);

	if (!p)
		p = view_header(v, HEADER_UDP);
	if (p)
		return get_u16be(is_source ? p : p + 2);
	p = view_header(v, HEADER_ICMP);
	if (!p)
		p = view_header(v, HEADER_ICMPV6);
	return p && is_source ? p[0] : 0;
}

uint64_t view_local_port(const struct view *v)
{
	const struct filter_address *a = &v->in->address;

	return v->is_record ? a->local_port : port(v, a->is_outbound);
}

uint64_t view_remote_port(const struct view *v)
{
	const struct filter_address *a = &v->in->address;

	return v->is_record ? a->remote_port : port(v, !a->is_outbound);
}

static u128 address(const struct view *v, bool is_source)
{
	const uint8_t *p = view_header(v, HEADER_IP);

	if (p)
		return view_mapped(get_u32be(is_source ? p + 12 : p + 16));
	return view_wide(v->packet + (is_source ? 8 : 24));
}

u128 view_local_address(const struct view *v)
{
	const struct filter_address *a = &v->in->address;

	return v->is_record ? view_wide(a->local_address) : address(v, a->is_outbound);
}

u128 view_remote_address(const struct view *v)
{
	const struct filter_address *a = &v->in->address;

	return v->is_record ? view_wide(a->remote_address) : address(v, !a->is_outbound);
}

/* All bits of the hash's top byte are set before it is cut up. */
uint64_t view_random8(const struct view *v)
{
	return view_hash(v, v->in->address.timestamp) >> 48 & 0xff;
}

uint64_t view_random16(const struct view *v)
{
	return view_hash(v, v->in->address.timestamp) >> 32 & 0xffff;
}

uint64_t view_random32(const struct view *v)
{
	return view_hash(v, v->in->address.timestamp) & 0xffffffff;
}

uint64_t view_time(const struct view *v)
{
	return (uint64_t)v->in->time_ns;
}

bool view_has_time(const struct view *v)
{
	return v->in->has_time;
}

/* Records of flows, sockets and handles always say it. */
bool view_has_process_id(const struct view *v)
{
	return v->is_record || v->in->has_process_id;
}

const char *view_iface(const struct view *v)
{
	return v->in->iface;
}

const char *view_process_name(const struct view *v)
{
	return v->in->process_name;
}

const char *view_process_path(const struct view *v)
{
	return v->in->process_path;
}

const char *view_user(const struct view *v)
{
	return v->in->user;
}

const char *view_container(const struct view *v)
{
	return v->in->container;
}
