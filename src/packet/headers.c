#include "packet/headers.h"

#include "base/compiler.h"
#include "base/cursor.h"

enum {
	HOP_BY_HOP = 0,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	DESTINATION = 60,
	MOBILITY = 135,
	HIP = 139,
	SHIM6 = 140
};

/* A packet under decoding.  `left` is what the headers say is still to come of the IP packet; it
 * may exceed what was captured. */
struct decode {
	struct headers *h;
	struct cursor c;
	uint32_t left;
	bool is_bounded; /* the cursor ends with the IP packet, not with what was captured */
};

/* Ends the cursor n bytes on: what stands behind the IP packet, as Ethernet's padding does, is none
 * of its headers. */
static void bound(struct decode *d, uint32_t n)
{
	if (cur_left(&d->c) <= n)
		return;
	d->c.end = d->c.at + n;
	d->is_bounded = true;
}

/* Passes n bytes of header: the packet must have said that they exist. */
static void pass(struct decode *d, uint32_t n)
{
	if (d->left < n) {
		d->h->is_malformed = true;
		d->left = 0;
		return;
	}
	d->left -= n;
	d->h->payload_off += n;
}

static void decode_tcp(struct decode *d)
{
	struct headers *h = d->h;
	uint32_t header_bytes;
	uint16_t word;

	h->tcp_seq = cur_u32be(&d->c);
	h->tcp_ack = cur_u32be(&d->c);
	word = cur_u16be(&d->c);
	h->tcp_window = cur_u16be(&d->c);
	if (d->c.is_bad)
		return;
	h->has_tcp = true;
	h->tcp_flags = word & 0x1ff;
	header_bytes = (uint32_t)(word >> 12) * 4;
	if (header_bytes < 20)
		h->is_malformed = true;
	else
		pass(d, header_bytes);
}

static void decode_icmp(struct decode *d)
{
	struct headers *h = d->h;

	h->icmp_type = cur_u8(&d->c);
	h->icmp_code = cur_u8(&d->c);
	h->has_icmp = !d->c.is_bad;
	cur_skip(&d->c, 2);
	h->icmp_id = cur_u16be(&d->c);
	h->icmp_seq = cur_u16be(&d->c);
	pass(d, 8);
}

static void decode_transport(struct decode *d, uint8_t protocol, uint32_t off)
{
	struct headers *h = d->h;

	h->protocol = protocol;
	h->transport_off = off;
	if (h->fragment_off)
		return;
	switch (protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
	case PROTOCOL_SCTP:
		h->src_port = cur_u16be(&d->c);
		h->dst_port = cur_u16be(&d->c);
		h->has_ports = !d->c.is_bad;
		if (protocol == PROTOCOL_TCP)
			decode_tcp(d);
		else
			pass(d, protocol == PROTOCOL_SCTP ? 12 : 8);
		break;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		decode_icmp(d);
		break;
	default:
		break;
	}
}

/* `after` is where the IP header starts; the length field is 0 on packets whose segmentation was
 * left to the hardware and that are longer than it can say. */
static void decode_ipv4(struct decode *d, uint32_t after, uint32_t wire_left)
{
	struct headers *h = d->h;
	unsigned first = cur_u8(&d->c);
	uint32_t header_bytes = (first & 15) * 4, total, fragment;
	uint8_t protocol;
	const uint8_t *src, *dst;

	cur_skip(&d->c, 1);
	total = cur_u16be(&d->c);
	h->fragment_id = cur_u16be(&d->c);
	fragment = cur_u16be(&d->c);
	cur_skip(&d->c, 1);
	protocol = cur_u8(&d->c);
	cur_skip(&d->c, 2);
	src = cur_bytes(&d->c, 4);
	dst = cur_bytes(&d->c, 4);
	if (!src || !dst)
		return;
	if (first >> 4 != 4 || header_bytes < 20) {
		h->is_malformed = true;
		return;
	}
	h->ip_version = 4;
	memcpy(h->src, src, 4);
	memcpy(h->dst, dst, 4);
	h->is_fragment = (fragment & 0x3fff) != 0;
	h->fragment_off = (fragment & 0x1fff) * 8;
	d->left = total ? total : wire_left;
	if (total)
		bound(d, total > 20 ? total - 20 : 0);
	pass(d, header_bytes);
	cur_skip(&d->c, header_bytes - 20);
	if (d->c.is_bad || h->is_malformed)
		h->protocol = protocol;
	else
		decode_transport(d, protocol, after + header_bytes);
}

static bool is_extension(uint8_t next)
{
	return next == HOP_BY_HOP || next == ROUTING || next == FRAGMENT ||
	       next == AUTHENTICATION || next == DESTINATION || next == MOBILITY ||
	       next == HIP || next == SHIM6;
}

/* One extension header; returns its length, 0 where it is cut off. */
static uint32_t pass_extension(struct decode *d, uint8_t *next)
{
	struct headers *h = d->h;
	uint8_t type = *next, length_field;
	uint32_t bytes;

	*next = cur_u8(&d->c);
	length_field = cur_u8(&d->c);
	if (type == FRAGMENT) {
		uint16_t word = cur_u16be(&d->c);

		h->fragment_id = cur_u32be(&d->c);
		h->is_fragment = (word & 0xfff9) != 0;
		h->fragment_off = word & 0xfff8;
		bytes = 8;
	} else {
		bytes = type == AUTHENTICATION ? (length_field + 2U) * 4
					       : (length_field + 1U) * 8;
		cur_skip(&d->c, bytes - 2);
	}
	if (d->c.is_bad) {
		*next = type;
		return 0;
	}
	pass(d, bytes);
	return bytes;
}

static void decode_ipv6(struct decode *d, uint32_t after, uint32_t wire_left)
{
	struct headers *h = d->h;
	unsigned version = cur_u32be(&d->c) >> 28;
	uint32_t payload = cur_u16be(&d->c);
	uint8_t next = cur_u8(&d->c);
	const uint8_t *src, *dst;

	cur_skip(&d->c, 1);
	src = cur_bytes(&d->c, 16);
	dst = cur_bytes(&d->c, 16);
	if (!src || !dst)
		return;
	if (version != 6) {
		h->is_malformed = true;
		return;
	}
	h->ip_version = 6;
	memcpy(h->src, src, 16);
	memcpy(h->dst, dst, 16);
	/* 0: a jumbogram, or left to the hardware; the wire's length is the better one. */
	d->left = payload || wire_left < 40 ? payload : wire_left - 40;
	if (payload)
		bound(d, payload);
	h->payload_off += 40;
	after += 40;
	while (is_extension(next) && !h->is_malformed && !h->fragment_off) {
		uint32_t bytes = pass_extension(d, &next);

		if (!bytes)
			break;
		after += bytes;
	}
	if (d->c.is_bad || h->is_malformed)
		h->protocol = next;
	else
		decode_transport(d, next, after);
}

static void decode_arp(struct decode *d)
{
	struct headers *h = d->h;
	const uint8_t *kind = cur_bytes(&d->c, 6), *src, *dst;

	h->arp_op = cur_u16be(&d->c);
	if (!kind || memcmp(kind, "\0\1\x08\0\6\4", 6) != 0)
		return;
	cur_skip(&d->c, 6);
	src = cur_bytes(&d->c, 4);
	cur_skip(&d->c, 6);
	dst = cur_bytes(&d->c, 4);
	if (!src || !dst)
		return;
	memcpy(h->src, src, 4);
	memcpy(h->dst, dst, 4);
	h->has_arp = true;
	pass(d, 28);
}

void headers_decode(struct headers *h, uint16_t linktype, const uint8_t *data,
		    size_t caplen, uint32_t wire_len)
{
	struct decode d = { .h = h };
	uint32_t off;

	*h = (struct headers){ .ip_version = 0 };
	if (!link_decode(&h->link, linktype, data, caplen)) {
		h->payload_bytes = wire_len;
		return;
	}
	off = h->payload_off = h->link.network_off;
	cur_init(&d.c, data + off, caplen - off);
	d.left = wire_len > off ? wire_len - off : 0;
	switch (h->link.ethertype) {
	case ETHERTYPE_IPV4:
		decode_ipv4(&d, off, d.left);
		break;
	case ETHERTYPE_IPV6:
		decode_ipv6(&d, off, d.left);
		break;
	case ETHERTYPE_ARP:
		decode_arp(&d);
		break;
	default:
		break;
	}
	if (d.c.is_bad && d.is_bounded) {
		h->is_malformed = true;
		d.left = 0;
	}
	h->payload_bytes = d.left;
	h->is_cut = d.c.is_bad && !d.is_bounded;
}
