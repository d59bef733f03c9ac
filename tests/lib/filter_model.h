/* A second evaluator of the filter language, as naive as can be: it reads the text anew for every
 * packet, looks fields up by name in a table of its own, and knows nothing of trees, sets or graphs.
 * It takes valid WinDivert text of the network layer, as filter_random.h makes it. */
#ifndef TESTS_FILTER_MODEL_H
#define TESTS_FILTER_MODEL_H

#include "weir/filter.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 model_wide;

struct model_number {
	bool is_negative;
	model_wide size;
};

struct model {
	const uint8_t *p;
	size_t n; /* of the packet */
	const struct filter_address *address;
	bool v4, has_tcp, has_udp, has_icmp, has_icmpv6, is_fragment;
	size_t header, payload, end; /* of the transport header, of its payload */
	uint8_t protocol;
	const char *text;
};

static unsigned model_be(const uint8_t *p, unsigned count)
{
	unsigned v = 0;

	while (count--)
		v = v << 8 | *p++;
	return v;
}

/* Where the transport header would begin; sets protocol, is_fragment; *later: no first fragment. */
static size_t model_skip(struct model *m, bool *later)
{
	size_t at = 40;

	for (;;) {
		uint8_t k = m->protocol;
		size_t left = m->end - at, size = 0;

		if (left < 2 || *later)
			return at;
		if (k == 0 || k == 43 || k == 60 || k == 135)
			size = ((size_t)m->p[at + 1] + 1) * 8;
		if (k == 51)
			size = ((size_t)m->p[at + 1] + 2) * 4;
		if (k == 44 && !m->is_fragment)
			size = 8;
		if (!size || size > left)
			return at;
		if (k == 44) {
			m->is_fragment = true;
			*later = model_be(m->p + at + 2, 2) >> 3 != 0;
		}
		m->protocol = m->p[at];
		at += size;
	}
}

static void model_transport(struct model *m)
{
	size_t left = m->end - m->header, size = 0;
	const uint8_t *t = m->p + m->header;

	if (m->protocol == 6 && left >= 20 && t[12] >= 0x50) {
		m->has_tcp = true;
		size = (size_t)(t[12] >> 4) * 4;
		if (size > left)
			size = left;
	} else if (m->protocol == 17 && left >= 8) {
		m->has_udp = true;
		size = 8;
	} else if (m->protocol == 1 && m->v4 && left >= 8) {
		m->has_icmp = true;
		size = 8;
	} else if (m->protocol == 58 && !m->v4 && left >= 8) {
		m->has_icmpv6 = true;
		size = 8;
	}
	m->payload += size;
}

/* False: a packet that cannot be judged. */
static bool model_parse(struct model *m)
{
	bool later = false;
	size_t total;

	if (m->n < 20)
		return false;
	m->v4 = m->p[0] >> 4 == 4;
	if (m->v4) {
		m->header = (size_t)(m->p[0] & 15) * 4;
		total = model_be(m->p + 2, 2);
		if (m->header < 20 || total < m->header || m->n < m->header)
			return false;
		m->end = total < m->n ? total : m->n;
		m->protocol = m->p[9];
		m->is_fragment = (m->p[6] & 0x3f) || m->p[7];
		later = (m->p[6] & 0x1f) || m->p[7];
	} else {
		if (m->p[0] >> 4 != 6 || m->n < 40)
			return false;
		total = 40 + model_be(m->p + 4, 2);
		m->end = total < m->n ? total : m->n;
		m->protocol = m->p[6];
		m->header = model_skip(m, &later);
	}
	m->payload = m->header;
	if (!later)
		model_transport(m);
	return true;
}

/* Fields that are plain bits of a header: name, owner, offset, bytes, right shift, bits.  Owner: 4,
 * 6, t(cp), u(dp), i(cmp), j (icmpv6). */
static const struct model_bits {
	const char *name;
	char owner;
	unsigned at, bytes, shift, bits;
} model_bits[] = {
	{ "ip.HdrLength", '4', 0, 1, 0, 4 },
	{ "ip.TOS", '4', 1, 1, 0, 8 },
	{ "ip.Length", '4', 2, 2, 0, 16 },
	{ "ip.Id", '4', 4, 2, 0, 16 },
	{ "ip.DF", '4', 6, 2, 14, 1 },
	{ "ip.MF", '4', 6, 2, 13, 1 },
	{ "ip.FragOff", '4', 6, 2, 0, 13 },
	{ "ip.TTL", '4', 8, 1, 0, 8 },
	{ "ip.Protocol", '4', 9, 1, 0, 8 },
	{ "ip.Checksum", '4', 10, 2, 0, 16 },
	{ "ipv6.TrafficClass", '6', 0, 4, 20, 8 },
	{ "ipv6.Length", '6', 4, 2, 0, 16 },
	{ "ipv6.NextHdr", '6', 6, 1, 0, 8 },
	{ "ipv6.HopLimit", '6', 7, 1, 0, 8 },
	{ "icmp.Type", 'i', 0, 1, 0, 8 },
	{ "icmp.Code", 'i', 1, 1, 0, 8 },
	{ "icmp.Checksum", 'i', 2, 2, 0, 16 },
	{ "icmp.Body", 'i', 4, 4, 0, 32 },
	{ "icmpv6.Type", 'j', 0, 1, 0, 8 },
	{ "icmpv6.Code", 'j', 1, 1, 0, 8 },
	{ "icmpv6.Checksum", 'j', 2, 2, 0, 16 },
	{ "icmpv6.Body", 'j', 4, 4, 0, 32 },
	{ "tcp.SrcPort", 't', 0, 2, 0, 16 },
	{ "tcp.DstPort", 't', 2, 2, 0, 16 },
	{ "tcp.SeqNum", 't', 4, 4, 0, 32 },
	{ "tcp.AckNum", 't', 8, 4, 0, 32 },
	{ "tcp.HdrLength", 't', 12, 2, 12, 4 },
	{ "tcp.Urg", 't', 12, 2, 5, 1 },
	{ "tcp.Ack", 't', 12, 2, 4, 1 },
	{ "tcp.Psh", 't', 12, 2, 3, 1 },
	{ "tcp.Rst", 't', 12, 2, 2, 1 },
	{ "tcp.Syn", 't', 12, 2, 1, 1 },
	{ "tcp.Fin", 't', 12, 2, 0, 1 },
	{ "tcp.Window", 't', 14, 2, 0, 16 },
	{ "tcp.Checksum", 't', 16, 2, 0, 16 },
	{ "tcp.UrgPtr", 't', 18, 2, 0, 16 },
	{ "udp.SrcPort", 'u', 0, 2, 0, 16 },
	{ "udp.DstPort", 'u', 2, 2, 0, 16 },
	{ "udp.Length", 'u', 4, 2, 0, 16 },
	{ "udp.Checksum", 'u', 6, 2, 0, 16 },
};

/* What a constant is folded against, where that is not 0 to 2^bits - 1: name, low, high, sign of
 * low.  bits: of the value. */
static const char *const model_unfolded[] = { "tcp.SeqNum",  "tcp.AckNum", "icmp.Body",
					      "icmpv6.Body", "packet32",   "loopback",
					      "impostor" };

static bool model_has(const struct model *m, char owner)
{
	switch (owner) {
	case '4':
		return m->v4;
	case '6':
		return !m->v4;
	case 't':
		return m->has_tcp;
	case 'u':
		return m->has_udp;
	case 'i':
		return m->has_icmp;
	case 'j':
		return m->has_icmpv6;
	default:
		return true;
	}
}

static char model_owner(const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return 0;
	if (!strncmp(name, "ip.", 3))
		return '4';
	if (!strncmp(name, "ipv6.", 5))
		return '6';
	if (!strncmp(name, "icmp.", 5))
		return 'i';
	return !strncmp(name, "icmpv6.", 7) ? 'j' : name[0];
}

static model_wide model_mapped(const uint8_t *p)
{
	return (model_wide)0xffff << 32 | model_be(p, 4);
}

static model_wide model_address(const uint8_t *p)
{
	model_wide v = 0;

	for (int i = 0; i < 16; i++)
		v = v << 8 | p[i];
	return v;
}

static model_wide model_end_address(const struct model *m, bool is_source)
{
	if (m->v4)
		return model_mapped(m->p + (is_source ? 12 : 16));
	return model_address(m->p + (is_source ? 8 : 24));
}

static unsigned model_end_port(const struct model *m, bool is_source)
{
	const uint8_t *t = m->p + m->header;

	if (m->has_tcp || m->has_udp)
		return model_be(is_source ? t : t + 2, 2);
	return (m->has_icmp || m->has_icmpv6) && is_source ? t[0] : 0;
}

/* Fields without an owner, but for arrays and random numbers. */
static bool model_plain(const struct model *m, const char *name, struct model_number *v)
{
	const struct filter_address *a = m->address;
	bool out = a->is_outbound;

	const struct {
		const char *name;
		model_wide value;
	} rows[] = {
		{ "zero", 0 },
		{ "true", 1 },
		{ "false", 0 },
		{ "inbound", !out },
		{ "outbound", out },
		{ "ifIdx", a->if_idx },
		{ "subIfIdx", a->sub_if_idx },
		{ "ip", m->v4 },
		{ "ipv6", !m->v4 },
		{ "icmp", m->has_icmp },
		{ "icmpv6", m->has_icmpv6 },
		{ "tcp", m->has_tcp },
		{ "udp", m->has_udp },
		{ "loopback", a->is_loopback },
		{ "impostor", a->is_impostor },
		{ "localAddr", model_end_address(m, out) },
		{ "remoteAddr", model_end_address(m, !out) },
		{ "localPort", model_end_port(m, out) },
		{ "remotePort", model_end_port(m, !out) },
		{ "protocol", m->protocol },
		{ "event", a->event },
		{ "length", m->n },
		{ "fragment", m->is_fragment },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!strcmp(rows[i].name, name)) {
			v->size = rows[i].value;
			return true;
		}
	if (strcmp(name, "timestamp") != 0)
		return false;
	v->is_negative = a->timestamp < 0;
	v->size = v->is_negative ? (model_wide)0 - (model_wide)a->timestamp
				 : (model_wide)a->timestamp;
	if (v->is_negative) /* the cast above kept the sign's bits */
		v->size = (uint64_t)v->size;
	return true;
}

/* packet16, tcp.Payload32, ...: false when out of bounds. */
static bool model_item(const struct model *m, const char *name, long index,
		       unsigned bytes, struct model_number *v)
{
	bool is_payload = strstr(name, "Payload") != NULL;
	long from = is_payload ? (long)m->payload : 0;
	long to = is_payload ? (long)m->end : (long)m->n;
	long at = index < 0 ? to + index : from + index;

	if (at < from || at + (long)bytes > to)
		return false;
	v->size = model_be(m->p + at, bytes);
	return true;
}

/* False: absent. */
static bool model_value(const struct model *m, const char *name, long index,
			unsigned bytes, struct model_number *v)
{
	char owner = model_owner(name);

	*v = (struct model_number){ false, 0 };
	if (!model_has(m, owner))
		return false;
	if (bytes)
		return model_item(m, name, index, bytes, v);
	for (size_t i = 0; i < sizeof model_bits / sizeof model_bits[0]; i++) {
		const struct model_bits *b = &model_bits[i];
		const uint8_t *p = m->p;

		if (strcmp(b->name, name) != 0)
			continue;
		if (owner != '4' && owner != '6')
			p += m->header;
		v->size = model_be(p + b->at, b->bytes) >> b->shift;
		v->size &= ((model_wide)1 << b->bits) - 1;
		return true;
	}
	if (strstr(name, "PayloadLength"))
		v->size = m->end - m->payload;
	else if (!strcmp(name, "ip.SrcAddr"))
		v->size = model_mapped(m->p + 12);
	else if (!strcmp(name, "ip.DstAddr"))
		v->size = model_mapped(m->p + 16);
	else if (!strcmp(name, "ipv6.SrcAddr"))
		v->size = model_address(m->p + 8);
	else if (!strcmp(name, "ipv6.DstAddr"))
		v->size = model_address(m->p + 24);
	else if (!strcmp(name, "ipv6.FlowLabel"))
		v->size = (model_wide)m->p[2] << 24 | (model_wide)m->p[3] << 16 |
			  (model_wide)(m->p[1] & 15) << 8;
	else
		return model_plain(m, name, v);
	return true;
}

static int model_order(struct model_number a, struct model_number b)
{
	int larger = a.size > b.size ? 1 : a.size < b.size ? -1 : 0;

	if (a.is_negative != b.is_negative)
		return a.is_negative ? -1 : 1;
	return a.is_negative ? -larger : larger;
}

static bool model_holds(int order, const char *op)
{
	if (!strcmp(op, "=="))
		return order == 0;
	if (!strcmp(op, "!="))
		return order != 0;
	if (op[0] == '<')
		return order < 0 || (op[1] && !order);
	return order > 0 || (op[1] && !order);
}

static void model_range(const char *name, unsigned bytes, struct model_number *low,
			struct model_number *high)
{
	unsigned bits = 1;

	*low = (struct model_number){ false, 0 };
	for (size_t i = 0; i < sizeof model_bits / sizeof model_bits[0]; i++)
		if (!strcmp(model_bits[i].name, name))
			bits = model_bits[i].bits;
	if (strstr(name, "Port") || strstr(name, "PayloadLength") ||
	    !strcmp(name, "ip.TOS"))
		bits = 16;
	if (strstr(name, "Idx"))
		bits = 32;
	if (!strcmp(name, "protocol"))
		bits = 8;
	if (strstr(name, "Addr"))
		bits = 128;
	if (bytes)
		bits = 8 * bytes;
	high->is_negative = false;
	high->size = bits == 128 ? ~(model_wide)0 : ((model_wide)1 << bits) - 1;
	if (!strcmp(name, "ip.SrcAddr") || !strcmp(name, "ip.DstAddr")) {
		low->size = (model_wide)0xffff << 32;
		high->size = low->size + UINT32_MAX;
	}
	if (!strcmp(name, "ipv6.FlowLabel"))
		high->size = 0xfffff;
	if (!strcmp(name, "zero") || !strcmp(name, "false"))
		high->size = 0;
	if (!strcmp(name, "true"))
		low->size = 1;
	if (!strcmp(name, "event"))
		high->size = 9;
	if (!strcmp(name, "length")) {
		low->size = 20;
		high->size = 65575;
	}
	if (!strcmp(name, "timestamp")) {
		*low = (struct model_number){ true, (model_wide)1 << 63 };
		high->size = ((model_wide)1 << 63) - 1;
	}
}

/* 1: holds for every value, -1: for none, 0: depends; told by trying both ends of the range. */
static int model_fold(const char *name, unsigned bytes, const char *op,
		      struct model_number c)
{
	struct model_number low, high;
	bool below, above;

	for (size_t i = 0; i < sizeof model_unfolded / sizeof model_unfolded[0]; i++)
		if (!strcmp(name, model_unfolded[i]))
			return 0;
	model_range(name, bytes, &low, &high);
	below = model_order(c, low) < 0;
	above = model_order(c, high) > 0;
	if (op[0] == '=' || op[0] == '!') {
		bool is_same = op[0] == '=';

		if (!model_order(low, high) && !model_order(c, low))
			return is_same ? 1 : -1;
		return !below && !above ? 0 : is_same ? -1 : 1;
	}
	if (model_holds(model_order(low, c), op) && model_holds(model_order(high, c), op))
		return 1;
	return model_holds(model_order(low, c), op) ||
			       model_holds(model_order(high, c), op)
		       ? 0
		       : -1;
}

static const char *model_inverse(const char *op)
{
	static const char *const pairs[][2] = { { "==", "!=" },
						{ "<", ">=" },
						{ ">", "<=" } };

	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 2; k++)
			if (!strcmp(pairs[i][k], op))
				return pairs[i][!k];
	return op;
}

static bool model_test(const struct model *m, const char *name, long index,
		       unsigned bytes, const char *op, struct model_number c)
{
	int fold = model_fold(name, bytes, op, c);
	struct model_number v;
	bool is_wide = strstr(name, "Addr") || !strcmp(name, "timestamp");

	if (fold)
		return model_has(m, model_owner(name)) == (fold > 0);
	if (!model_value(m, name, index, bytes, &v))
		return false;
	if (!is_wide)
		c.size = (uint32_t)c.size;
	return model_holds(model_order(v, c), op);
}

static void model_blanks(struct model *m)
{
	m->text += strspn(m->text, " ");
}

static bool model_take(struct model *m, const char *what)
{
	size_t n = strlen(what);

	model_blanks(m);
	if (strncmp(m->text, what, n) != 0)
		return false;
	m->text += n;
	return true;
}

static struct model_number model_constant(struct model *m)
{
	struct model_number c = { model_take(m, "-"), 0 };
	size_t n = strspn(m->text, "0123456789abcdef.:");
	uint8_t bytes[16];
	char word[64];

	(void)snprintf(word, sizeof word, "%.*s", (int)n, m->text);
	m->text += n;
	if (strchr(word, ':') && inet_pton(AF_INET6, word, bytes) == 1)
		c.size = model_address(bytes);
	else if (strchr(word, '.') && inet_pton(AF_INET, word, bytes) == 1)
		c.size = model_mapped(bytes);
	else
		for (const char *d = word; *d; d++)
			c.size = c.size * 10 + (unsigned)(*d - '0');
	return c;
}

static bool model_read_test(struct model *m)
{
	static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };
	struct model_number c = { false, 0 };
	const char *op = "!=";
	bool is_inverse = false;
	unsigned bytes = 0;
	long index = 0;
	char name[40];
	size_t n;

	while (model_take(m, "not "))
		is_inverse = !is_inverse;
	model_blanks(m);
	n = strcspn(m->text, " [()?:");
	(void)snprintf(name, sizeof name, "%.*s", (int)n, m->text);
	m->text += n;
	if (model_take(m, "[")) {
		char *end;

		bytes = strstr(name, "32") ? 4 : strstr(name, "16") ? 2 : 1;
		index = strtol(m->text, &end, 10);
		m->text = end;
		if (!model_take(m, "b"))
			index *= (long)bytes;
		(void)model_take(m, "]");
	}
	for (size_t i = 0; i < 6; i++)
		if (model_take(m, ops[i])) {
			op = ops[i];
			model_blanks(m);
			c = model_constant(m);
			break;
		}
	return model_test(m, name, index, bytes, is_inverse ? model_inverse(op) : op, c);
}

static bool model_or(struct model *m);

static bool model_primary(struct model *m)
{
	bool a, b, c;

	if (!model_take(m, "("))
		return model_read_test(m);
	a = model_or(m);
	if (model_take(m, "?")) {
		b = model_or(m);
		(void)model_take(m, ":");
		c = model_or(m);
		a = a ? b : c;
	}
	(void)model_take(m, ")");
	return a;
}

static bool model_and(struct model *m)
{
	bool v = model_primary(m);

	while (model_take(m, "and "))
		v = model_primary(m) && v;
	return v;
}

static bool model_or(struct model *m)
{
	bool v = model_and(m);

	while (model_take(m, "or "))
		v = model_and(m) || v;
	return v;
}

/* 1, 0, -1: cannot be judged. */
static inline int model_match(const char *text, const struct filter_input *in)
{
	struct model m = {
		.p = in->packet, .n = in->length, .address = &in->address, .text = text
	};

	if (!model_parse(&m))
		return -1;
	return model_or(&m);
}

#endif
