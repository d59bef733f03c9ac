#include "filter/view.h"

#include "base/bytes.h"

enum {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AUTHENTICATION = 51,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_MOBILITY = 135,
};

u128 view_mapped(uint32_t ipv4)
{
	return WIDE(0, UINT64_C(0xffff00000000) | ipv4);
}

u128 view_wide(const uint8_t bytes[16])
{
	return WIDE(get_u64be(bytes), get_u64be(bytes + 8));
}

/* The length of an IPv6 extension header whose first two bytes are at p; 0: p is none. */
static uint32_t extension_length(uint8_t protocol, const uint8_t *p)
{
	switch (protocol) {
	case PROTOCOL_FRAGMENT:
		return 8;
	case PROTOCOL_AUTHENTICATION:
		return ((uint32_t)p[1] + 2) * 4;
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_DESTINATION:
	case PROTOCOL_MOBILITY:
		return ((uint32_t)p[1] + 1) * 8;
	default:
		return 0;
	}
}

/* Returns where the transport header begins; *fragment_offset is 0 for a first fragment too. */
static uint32_t skip_extensions(struct view *v, uint32_t end, uint32_t *fragment_offset)
{
	uint32_t at = 40;

	while (!*fragment_offset && end - at >= 2) {
		const uint8_t *p = v->packet + at;
		uint32_t n = extension_length(v->protocol, p);

		if (!n || n > end - at)
			break;
		if (v->protocol == PROTOCOL_FRAGMENT) {
			if (v->is_fragment)
				break;
			v->is_fragment = true;
			*fragment_offset = get_u16be(p + 2) & 0xfff8;
		}
		v->protocol = p[0];
		at += n;
	}
	return at;
}

/* The header at p with `left` bytes behind it: returns its bit and sets *length, or returns 0. */
static uint32_t transport(const struct view *v, const uint8_t *p, uint32_t left,
			  uint32_t *length)
{
	*length = 8;
	if (v->protocol == PROTOCOL_TCP) {
		if (left < 20 || p[12] >> 4 < 5)
			return 0;
		*length = (uint32_t)(p[12] >> 4) * 4;
		return HEADER_BIT(HEADER_TCP);
	}
	if (left < 8)
		return 0;
	if (v->protocol == PROTOCOL_UDP)
		return HEADER_BIT(HEADER_UDP);
	if (v->protocol == PROTOCOL_ICMP && v->present & HEADER_BIT(HEADER_IP))
		return HEADER_BIT(HEADER_ICMP);
	if (v->protocol == PROTOCOL_ICMPV6 && v->present & HEADER_BIT(HEADER_IPV6))
		return HEADER_BIT(HEADER_ICMPV6);
	return 0;
}

/* The packet ends at `end` on the wire; not all of it may be there. */
static void find_payload(struct view *v, uint32_t at, uint32_t end, bool has_transport)
{
	uint32_t bit = 0, length = 0, there = end < v->length ? end : v->length;

	if (has_transport)
		bit = transport(v, v->packet + at, there - at, &length);
	if (!bit)
		length = 0;
	if (length > end - at)
		length = end - at;
	v->present |= bit;
	v->transport = at;
	v->payload = at + length;
	v->payload_length = end - at - length;
}

/* Linux joins segments to packets that are longer than their header can say (BIG TCP); it says 0 then.
 * Of IPv6 such a packet has an option with the length, or had one: what is there counts. */
static bool is_big(const struct view *v, uint32_t stated, uint32_t most)
{
	return !stated && v->wire_length > most;
}

static int parse_ipv4(struct view *v)
{
	const uint8_t *p = v->packet;
	uint32_t header = (uint32_t)(p[0] & 15) * 4, total = get_u16be(p + 2);
	uint16_t fragment = get_u16be(p + 6);

	if (is_big(v, total, VIEW_IPV4_MOST))
		total = v->wire_length;
	if (header < 20 || total < header || v->length < header)
		return WEIR_ERR_FORMAT;
	v->present = HEADER_BIT(HEADER_NONE) | HEADER_BIT(HEADER_IP);
	v->protocol = p[9];
	v->is_fragment = fragment & 0x3fff;
	find_payload(v, header, total < v->wire_length ? total : v->wire_length,
		     !(fragment & 0x1fff));
	return 0;
}

static int parse_ipv6(struct view *v)
{
	const uint8_t *p = v->packet;
	uint32_t total, at, fragment_offset = 0;

	if (v->length < 40)
		return WEIR_ERR_FORMAT;
	total = 40 + (uint32_t)get_u16be(p + 4);
	if (total > v->wire_length || is_big(v, total - 40, VIEW_IPV6_MOST))
		total = v->wire_length;
	v->present = HEADER_BIT(HEADER_NONE) | HEADER_BIT(HEADER_IPV6);
	v->protocol = p[6];
	v->is_fragment = false;
	at = skip_extensions(v, total < v->length ? total : v->length, &fragment_offset);
	find_payload(v, at, total, !fragment_offset);
	return 0;
}

int view_packet(struct view *v, const struct filter_input *in)
{
	unsigned version;

	if (!in->packet || in->length < 20)
		return WEIR_ERR_FORMAT;
	v->in = in;
	v->packet = in->packet;
	v->length = in->length < UINT32_MAX ? (uint32_t)in->length : UINT32_MAX;
	v->wire_length =
		in->wire_length < UINT32_MAX ? (uint32_t)in->wire_length : UINT32_MAX;
	if (v->wire_length < v->length)
		v->wire_length = v->length;
	v->is_record = false;
	version = in->packet[0] >> 4;
	if (version != (in->address.is_ipv6 ? 6 : 4))
		return WEIR_ERR_FORMAT;
	return version == 4 ? parse_ipv4(v) : parse_ipv6(v);
}

int view_record(struct view *v, const struct filter_input *in)
{
	memset(v, 0, sizeof *v);
	v->in = in;
	v->present = HEADER_BIT(HEADER_NONE);
	v->is_record = true;
	v->protocol = in->address.protocol;
	return 0;
}
