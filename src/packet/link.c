#include "packet/link.h"

#include "base/compiler.h"
#include "base/cursor.h"

enum {
	NULL_BSD = 0,
	ETHERNET = 1,
	RAW_BSD = 12,
	RAW_OPENBSD = 14,
	RAW = 101,
	LOOP = 108,
	SLL = 113,
	IPV4 = 228,
	IPV6 = 229,
	SLL2 = 276
};

enum {
	ARPHRD_NETLINK_DEVICE = 824, /* its "protocol" is a netlink family */
	PACKET_TYPE_OUTGOING = 4,    /* sll_pkttype, linux/if_packet.h */
	ETHERTYPE_FLOOR = 1536       /* below it the field is a length (IEEE 802.3) */
};

static bool is_vlan_type(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

/* From an ethertype on: passes tags and LLC/SNAP; leaves the cursor at the network header. */
static void decode_ethertype(struct link *l, struct cursor *c)
{
	uint16_t type = cur_u16be(c);

	while (is_vlan_type(type) && !c->is_bad) {
		uint16_t tag = cur_u16be(c);

		if (l->vlan_count < LINK_VLANS)
			l->vlan[l->vlan_count] = tag & 0xfff;
		l->vlan_count++;
		type = cur_u16be(c);
	}
	if (type < ETHERTYPE_FLOOR) {
		/* SNAP with organisation 0 carries an ethertype (RFC 1042). */
		const uint8_t *llc = cur_bytes(c, 6);
		bool is_snap = llc && !memcmp(llc, "\xaa\xaa\x03\0\0\0", 6);

		type = is_snap ? cur_u16be(c) : 0;
	}
	l->ethertype = type;
}

static void decode_version(struct link *l, const struct cursor *c)
{
	struct cursor peek = *c;
	unsigned version = cur_u8(&peek) >> 4;

	if (version == 4)
		l->ethertype = ETHERTYPE_IPV4;
	else if (version == 6)
		l->ethertype = ETHERTYPE_IPV6;
}

/* An address family of the capturing system, in its byte order or (LOOP) in network order: the
 * half that is not zero tells.  6 is written as 24, 28 or 30 by the BSDs, 10 by Linux, 23 by
 * Windows. */
static void decode_family(struct link *l, struct cursor *c)
{
	uint32_t family = cur_u32be(c);

	if (family > 0xffff)
		family = family >> 24 | (family >> 8 & 0xff00);
	switch (family) {
	case 2:
		l->ethertype = ETHERTYPE_IPV4;
		break;
	case 10:
	case 23:
	case 24:
	case 28:
	case 30:
		l->ethertype = ETHERTYPE_IPV6;
		break;
	default:
		break;
	}
}

static void set_direction(struct link *l, unsigned packet_type)
{
	if (packet_type == PACKET_TYPE_OUTGOING)
		l->direction = LINK_DIRECTION_OUT;
	else if (packet_type < PACKET_TYPE_OUTGOING)
		l->direction = LINK_DIRECTION_IN;
}

static void decode_sll(struct link *l, struct cursor *c)
{
	unsigned packet_type = cur_u16be(c), hardware = cur_u16be(c);

	cur_skip(c, 10);
	if (c->is_bad)
		return;
	set_direction(l, packet_type);
	if (hardware != ARPHRD_NETLINK_DEVICE)
		decode_ethertype(l, c);
}

static void decode_sll2(struct link *l, struct cursor *c)
{
	const uint8_t *type = cur_bytes(c, 2);
	struct cursor t, rest;
	unsigned hardware, packet_type;

	cur_skip(c, 6);
	hardware = cur_u16be(c);
	packet_type = cur_u8(c);
	cur_skip(c, 9);
	if (c->is_bad)
		return;
	set_direction(l, packet_type);
	if (hardware == ARPHRD_NETLINK_DEVICE)
		return;
	cur_init(&t, type, 2);
	l->ethertype = cur_u16be(&t);
	if (!is_vlan_type(l->ethertype))
		return;
	/* The tag's own two bytes follow the header, then the ethertype behind it. */
	rest = *c;
	if (l->vlan_count++ < LINK_VLANS)
		l->vlan[0] = cur_u16be(&rest) & 0xfff;
	decode_ethertype(l, &rest);
	*c = rest;
}

bool link_decode(struct link *l, uint16_t linktype, const uint8_t *data, size_t caplen)
{
	struct cursor c;

	*l = (struct link){ .ethertype = 0 };
	cur_init(&c, data, caplen);
	switch (linktype) {
	case ETHERNET:
		cur_skip(&c, 12);
		decode_ethertype(l, &c);
		break;
	case RAW:
	case RAW_BSD:
	case RAW_OPENBSD:
	case IPV4:
	case IPV6:
		decode_version(l, &c);
		break;
	case NULL_BSD:
	case LOOP:
		decode_family(l, &c);
		break;
	case SLL:
		decode_sll(l, &c);
		break;
	case SLL2:
		decode_sll2(l, &c);
		break;
	default:
		break;
	}
	if (c.is_bad)
		l->ethertype = 0;
	l->network_off = (uint32_t)(c.at - data);
	return l->ethertype != 0;
}

const char *link_name(uint16_t linktype)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ NULL_BSD, "null" },    { ETHERNET, "ethernet" },
		{ RAW, "raw" },          { RAW_BSD, "raw" },
		{ RAW_OPENBSD, "raw" },  { LOOP, "loop" },
		{ SLL, "linux-cooked" }, { SLL2, "linux-cooked-2" },
		{ IPV4, "ipv4" },        { IPV6, "ipv6" },
		{ 105, "ieee802.11" },   { 127, "ieee802.11-radiotap" },
		{ 195, "ieee802.15.4" }, { 189, "usb" },
		{ 253, "netlink" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == linktype)
			return names[i].name;
	return NULL;
}
