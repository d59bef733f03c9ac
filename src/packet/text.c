#include "packet/text.h"

#include "base/bytes.h"
#include "base/compiler.h"

static char *put_decimal(char *p, unsigned v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

static char *put_ipv4(char *p, const uint8_t *a)
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		p = put_decimal(p, a[i]);
	}
	return p;
}

static char *put_hex(char *p, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 12;

	while (shift && !(v >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*p++ = digits[v >> shift & 15];
	return p;
}

/* The longest run of zero groups, the first of equals; runs of one are not shortened. */
static void find_zeros(const uint8_t *a, unsigned *start, unsigned *length)
{
	unsigned run = 0;

	*start = 8;
	*length = 1;
	for (unsigned i = 0; i < 8; i++) {
		run = get_u16be(a + 2 * i) ? 0 : run + 1;
		if (run > *length) {
			*length = run;
			*start = i + 1 - run;
		}
	}
}

static char *put_ipv6(char *p, const uint8_t *a)
{
	unsigned start, length;
	bool is_mapped;

	find_zeros(a, &start, &length);
	/* ::1.2.3.4 and ::ffff:1.2.3.4 */
	is_mapped = start == 0 &&
		    (length == 6 || (length == 5 && get_u16be(a + 10) == 0xffff));
	for (unsigned i = 0; i < 8; i++) {
		if (i == start) {
			*p++ = ':';
			if (start + length == 8)
				*p++ = ':';
		}
		if (i >= start && i < start + length)
			continue;
		if (i)
			*p++ = ':';
		if (i == 6 && is_mapped)
			return put_ipv4(p, a + 12);
		p = put_hex(p, get_u16be(a + 2 * i));
	}
	return p;
}

size_t address_text(unsigned ip_version, const uint8_t *address, char text[ADDRESS_TEXT])
{
	char *p = ip_version == 6 ? put_ipv6(text, address) : put_ipv4(text, address);

	*p = '\0';
	return (size_t)(p - text);
}

/* Appends what fits; the sizes of text.h are for all of it. */
static size_t append(char *text, size_t size, size_t at, const char *word)
{
	while (*word && at + 1 < size)
		text[at++] = *word++;
	text[at] = '\0';
	return at;
}

size_t tcp_flags_text(uint16_t flags, char text[FLAGS_TEXT])
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {
		{ 0x002, "SYN" }, { 0x001, "FIN" }, { 0x004, "RST" },
		{ 0x008, "PSH" }, { 0x010, "ACK" }, { 0x020, "URG" },
		{ 0x040, "ECE" }, { 0x080, "CWR" }, { 0x100, "AE" },
	};

	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(flags & names[i].bit))
			continue;
		if (at)
			at = append(text, FLAGS_TEXT, at, ",");
		at = append(text, FLAGS_TEXT, at, names[i].name);
	}
	return at;
}

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return "tcp";
	case PROTOCOL_UDP:
		return "udp";
	case PROTOCOL_ICMP:
		return "icmp";
	case PROTOCOL_ICMPV6:
		return "icmpv6";
	case PROTOCOL_SCTP:
		return "sctp";
	case PROTOCOL_UDPLITE:
		return "udplite";
	case 2:
		return "igmp";
	case 47:
		return "gre";
	case 50:
		return "esp";
	case 51:
		return "ah";
	case 89:
		return "ospf";
	default:
		return NULL;
	}
}

static const char *ethertype_name(uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IPV4: /* whose header is cut off or false */
		return "ipv4";
	case ETHERTYPE_IPV6:
		return "ipv6";
	case ETHERTYPE_ARP:
		return "arp";
	case 0x8847:
		return "mpls";
	case 0x8863:
	case 0x8864:
		return "pppoe";
	case 0x888e:
		return "eapol";
	case 0x88cc:
		return "lldp";
	case 0x88e5:
		return "macsec";
	case 0x88f7:
		return "ptp";
	default:
		return NULL;
	}
}

size_t protocol_text(const struct headers *h, char text[PROTOCOL_TEXT])
{
	const char *name;
	int n;

	text[0] = '\0';
	name = h->ip_version ? protocol_name(h->protocol)
			     : ethertype_name(h->link.ethertype);
	if (name)
		return append(text, PROTOCOL_TEXT, 0, name);
	if (h->ip_version)
		n = snprintf(text, PROTOCOL_TEXT, "ip-%u", h->protocol);
	else if (h->link.ethertype)
		n = snprintf(text, PROTOCOL_TEXT, "0x%04x", h->link.ethertype);
	else
		return 0;
	return n > 0 ? (size_t)n : 0;
}

struct icmp_name {
	uint8_t type;
	int16_t code; /* -1: any */
	const char *name;
};

static const char *find_icmp(const struct icmp_name *t, size_t count,
			     const struct headers *h)
{
	for (size_t i = 0; i < count; i++)
		if (t[i].type == h->icmp_type &&
		    (t[i].code < 0 || t[i].code == h->icmp_code))
			return t[i].name;
	return NULL;
}

static const char *icmp_name(const struct headers *h)
{
	static const struct icmp_name v4[] = {
		{ 0, -1, "echo reply" },      { 3, 0, "net unreachable" },
		{ 3, 1, "host unreachable" }, { 3, 2, "protocol unreachable" },
		{ 3, 3, "port unreachable" }, { 3, 4, "fragmentation needed" },
		{ 3, 13, "prohibited" },      { 3, -1, "unreachable" },
		{ 5, -1, "redirect" },        { 8, -1, "echo request" },
		{ 11, -1, "time exceeded" },  { 12, -1, "parameter problem" },
	};
	static const struct icmp_name v6[] = {
		{ 1, 4, "port unreachable" },
		{ 1, -1, "unreachable" },
		{ 2, -1, "packet too big" },
		{ 3, -1, "time exceeded" },
		{ 4, -1, "parameter problem" },
		{ 128, -1, "echo request" },
		{ 129, -1, "echo reply" },
		{ 130, -1, "multicast query" },
		{ 131, -1, "multicast report" },
		{ 143, -1, "multicast report" },
		{ 133, -1, "router solicitation" },
		{ 134, -1, "router advertisement" },
		{ 135, -1, "neighbor solicitation" },
		{ 136, -1, "neighbor advertisement" },
	};

	if (h->protocol == PROTOCOL_ICMPV6)
		return find_icmp(v6, ARRAY_LEN(v6), h);
	return find_icmp(v4, ARRAY_LEN(v4), h);
}

size_t icmp_text(const struct headers *h, char text[ICMP_TEXT])
{
	const char *name = icmp_name(h);
	int n;

	if (name)
		return append(text, ICMP_TEXT, 0, name);
	n = snprintf(text, ICMP_TEXT, "type %u code %u", h->icmp_type, h->icmp_code);
	return n > 0 ? (size_t)n : 0;
}
