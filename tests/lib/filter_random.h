/* Random filters and packets that meet: constants are drawn from the values that the packets have.
 *
 * struct dice is a stream of numbers, from a seed or from a fuzzer's bytes. */
#ifndef TESTS_FILTER_RANDOM_H
#define TESTS_FILTER_RANDOM_H

#include "weir/filter.h"

#include <stdio.h>
#include <string.h>

struct dice {
	uint64_t state;
	const uint8_t *bytes; /* NULL: the seed alone */
	size_t left;
};

static inline uint32_t roll(struct dice *d, uint32_t sides)
{
	if (d->bytes) {
		uint32_t v = 0;

		for (int i = 0; i < 2 && d->left; i++, d->left--)
			v = v << 8 | *d->bytes++;
		return v % sides;
	}
	/* xorshift64* */
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return (uint32_t)((d->state * UINT64_C(2685821657736338717)) >> 33) % sides;
}

static inline uint32_t pick(struct dice *d, const uint32_t *from, uint32_t count)
{
	return from[roll(d, count)];
}

#define PICK(d, ...)                        \
 pick(d, (const uint32_t[]){ __VA_ARGS__ }, \
      (uint32_t)(sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)))

static inline uint32_t random_port(struct dice *d)
{
	return PICK(d, 0, 53, 80, 443, 1000, 65535, 8080, roll(d, 65536));
}

/* An extension header of a random kind; returns its length. */
static inline size_t random_extension(struct dice *d, uint8_t *p, size_t room,
				      uint8_t *protocol)
{
	uint8_t kind = (uint8_t)PICK(d, 0, 43, 44, 51, 60, 135);
	size_t n = kind == 44 ? 8 : kind == 51 ? 12 : 8 * (1 + roll(d, 2));

	if (n > room)
		return 0;
	memset(p, 0, n);
	*protocol = kind;
	p[1] = (uint8_t)(kind == 51 ? 1 : kind == 44 ? 0 : n / 8 - 1);
	if (kind == 44)
		p[3] = (uint8_t)PICK(d, 0, 1, 0, 8);
	if (!roll(d, 12))
		p[1] = (uint8_t)roll(d, 256);
	return n;
}

static inline void random_address(struct dice *d, uint8_t *p, size_t size)
{
	memset(p, 0, size);
	p[0] = (uint8_t)(size == 4 ? PICK(d, 10, 127, 192) : PICK(d, 0xfe, 0x20, 0));
	p[1] = (uint8_t)(size == 4 ? 0 : PICK(d, 0x80, 1, 0));
	p[size / 2] = (uint8_t)roll(d, 2);
	p[size - 1] = (uint8_t)roll(d, 4);
}

/* Transport header and payload, perhaps cut short; returns the length. */
static inline size_t random_transport(struct dice *d, uint8_t *p, size_t room,
				      uint8_t protocol)
{
	size_t n = protocol == 6 ? 20 : 8;
	size_t payload = roll(d, 40);

	if (n + payload > room)
		return 0;
	for (size_t i = 0; i < n + payload; i++)
		p[i] = (uint8_t)PICK(d, 0, 1, 0x41, 255, roll(d, 256));
	p[0] = p[2] = 0;
	if (protocol == 6 || protocol == 17) {
		uint32_t source = random_port(d), target = random_port(d);

		p[0] = (uint8_t)(source >> 8);
		p[1] = (uint8_t)source;
		p[2] = (uint8_t)(target >> 8);
		p[3] = (uint8_t)target;
	}
	if (protocol == 6)
		p[12] = (uint8_t)(PICK(d, 5, 5, 5, 6, 8, 4, 15) << 4);
	return roll(d, 8) ? n + payload : roll(d, (uint32_t)(n + payload));
}

static inline uint8_t random_protocol(struct dice *d)
{
	return (uint8_t)PICK(d, 6, 6, 17, 17, 1, 58, 47, roll(d, 256));
}

static inline size_t random_ipv4(struct dice *d, uint8_t *p, size_t room)
{
	uint8_t protocol = random_protocol(d);
	size_t header = 4 * (size_t)PICK(d, 5, 5, 5, 6, 15), n, total;

	memset(p, 0, header);
	n = header + random_transport(d, p + header, room - header, protocol);
	total = roll(d, 8) ? n : roll(d, (uint32_t)n + 8);
	p[0] = (uint8_t)(0x40 | (roll(d, 20) ? header / 4 : roll(d, 16)));
	p[1] = (uint8_t)roll(d, 256);
	p[2] = (uint8_t)(total >> 8);
	p[3] = (uint8_t)total;
	p[4] = (uint8_t)roll(d, 2);
	p[6] = (uint8_t)PICK(d, 0, 0, 0x40, 0x20, 0x80);
	p[7] = (uint8_t)PICK(d, 0, 0, 0, 0, 3);
	p[8] = (uint8_t)PICK(d, 64, 128, 1);
	p[9] = protocol;
	random_address(d, p + 12, 4);
	random_address(d, p + 16, 4);
	return n;
}

static inline size_t random_ipv6(struct dice *d, uint8_t *p, size_t room)
{
	uint8_t protocol = random_protocol(d), kinds[4];
	size_t n = 40, starts[4], count = roll(d, 2) ? 0 : roll(d, 4), made = 0, length;

	memset(p, 0, 40);
	for (size_t i = 0; i < count; i++) {
		size_t more = random_extension(d, p + n, room - n, &kinds[made]);

		if (!more)
			break;
		starts[made++] = n;
		n += more;
	}
	p[6] = made ? kinds[0] : protocol;
	for (size_t i = 0; i < made; i++)
		p[starts[i]] = i + 1 < made ? kinds[i + 1] : protocol;
	n += random_transport(d, p + n, room - n, protocol);
	length = roll(d, 8) ? n - 40 : roll(d, (uint32_t)n);
	p[0] = 0x60 | (uint8_t)roll(d, 2);
	p[1] = (uint8_t)roll(d, 256);
	p[3] = (uint8_t)roll(d, 2);
	p[4] = (uint8_t)(length >> 8);
	p[5] = (uint8_t)length;
	p[7] = (uint8_t)PICK(d, 64, 255, 1);
	random_address(d, p + 8, 16);
	random_address(d, p + 24, 16);
	return n;
}

/* A packet of at most 512 bytes; returns its length. */
static inline size_t random_packet(struct dice *d, uint8_t packet[512])
{
	size_t n;

	memset(packet, 0, 512);
	n = roll(d, 5) < 3 ? random_ipv4(d, packet, 512) : random_ipv6(d, packet, 512);
	if (!roll(d, 12))
		n = roll(d, (uint32_t)n + 1);
	if (!roll(d, 10) && n < 500)
		n += 6; /* padding of the link */
	return n;
}

static inline void random_constant(struct dice *d, const struct filter_field *f,
				   char *text, size_t size)
{
	bool is_address = strstr(f->type, "address") != NULL;

	if (is_address && roll(d, 4))
		(void)snprintf(text, size, "%u.0.%u.%u", PICK(d, 10, 127, 192),
			       roll(d, 2), roll(d, 4));
	else if (is_address)
		(void)snprintf(text, size, "%s::%u", roll(d, 2) ? "fe80" : "2001:0:0:0:1",
			       roll(d, 4));
	else if (strstr(f->name, "Port"))
		(void)snprintf(text, size, "%u", random_port(d));
	else if (!strcmp(f->name, "length") || strstr(f->name, "Length"))
		(void)snprintf(text, size, "%u", roll(d, 100));
	else if (!roll(d, 12))
		(void)snprintf(text, size, "%s%llu", roll(d, 2) ? "-" : "",
			       (unsigned long long)roll(d, 65536) << roll(d, 32));
	else
		(void)snprintf(text, size, "%u",
			       PICK(d, 0, 1, 2, 5, 6, 17, 58, 64, 0x41, 255, 256, 65535));
}

/* One test, of WinDivert's language; returns its length. */
static inline size_t random_test(struct dice *d, char *text, size_t size,
				 enum filter_layer layer)
{
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=" };
	struct filter_field f;
	char index[24] = "", constant[64];

	do {
		(void)filter_field_at(roll(d, 88), &f);
	} while (!strchr(f.layers, "NMFSR"[layer]));
	if (f.is_array)
		(void)snprintf(index, sizeof index, "[%s%u%s]", roll(d, 2) ? "" : "-",
			       4 + roll(d, 40), roll(d, 2) ? "" : "b");
	random_constant(d, &f, constant, sizeof constant);
	if (!roll(d, 5))
		return (size_t)snprintf(text, size, "%s%s%s", roll(d, 2) ? "not " : "",
					f.name, index);
	return (size_t)snprintf(text, size, "%s%s%s %s %s", roll(d, 8) ? "" : "not ",
				f.name, index, ops[roll(d, 6)], constant);
}

/* A filter of some tests; never longer than size allows. */
static inline size_t random_filter(struct dice *d, char *text, size_t size,
				   enum filter_layer layer, unsigned depth)
{
	uint32_t kind = roll(d, depth ? 8 : 2);
	size_t n = 0;

	if (kind < 2 || size < 400)
		return random_test(d, text, size, layer);
	text[n++] = '(';
	n += random_filter(d, text + n, size / 3, layer, depth - 1);
	if (kind == 7) {
		n += (size_t)snprintf(text + n, size - n, "? ");
		n += random_filter(d, text + n, size / 3, layer, depth - 1);
		n += (size_t)snprintf(text + n, size - n, " : ");
	} else {
		n += (size_t)snprintf(text + n, size - n, kind < 5 ? " and " : " or ");
	}
	n += random_filter(d, text + n, size / 3, layer, depth - 1);
	n += (size_t)snprintf(text + n, size - n, ")");
	return n;
}

/* One test, of what weir adds to the language. */
static inline size_t random_extended_test(struct dice *d, char *text, size_t size)
{
	static const char *const ports[] = { "tcp.DstPort", "udp.SrcPort", "localPort",
					     "tcp.PayloadLength", "length" };
	static const char *const addresses[] = { "ip.SrcAddr", "ip.DstAddr" };
	static const char *const beside[] = { "iface == \"eth0\"", "processId in {1, 5}",
					      "time > 1000", "user != \"root\"" };
	uint32_t low = random_port(d);

	switch (roll(d, 6)) {
	case 0:
		return (size_t)snprintf(text, size, "%s%s in {%u, %u..%u, %u}",
					roll(d, 4) ? "" : "not ", ports[roll(d, 5)],
					random_port(d), low, low + roll(d, 2000),
					roll(d, 90));
	case 1:
		return (size_t)snprintf(
			text, size, "%s %s 10.0.%u.0/%u", addresses[roll(d, 2)],
			roll(d, 3) ? "==" : "!=", roll(d, 2), 24 + roll(d, 8));
	case 2:
		if (!roll(d, 3))
			return (size_t)snprintf(text, size, "%s == ::ffff:10.0.%u.0/%u",
						roll(d, 2) ? "ip.DstAddr" : "localAddr",
						roll(d, 2), 120 + roll(d, 9));
		return (size_t)snprintf(text, size, "%s %s fe80::/%u",
					roll(d, 2) ? "ipv6.SrcAddr" : "localAddr",
					roll(d, 3) ? "==" : "!=", 9 + roll(d, 100));
	case 3:
		return (size_t)snprintf(text, size, "%s[%s%u] in {0..%u, 0x41, 200..255}",
					roll(d, 2) ? "packet" : "udp.Payload",
					roll(d, 2) ? "" : "-", 1 + roll(d, 40),
					roll(d, 60));
	case 4:
		return (size_t)snprintf(text, size, "%s", beside[roll(d, 4)]);
	default:
		return random_test(d, text, size, FILTER_NETWORK);
	}
}

/* A filter of the network layer with weir's extensions. */
static inline size_t random_extended_filter(struct dice *d, char *text, size_t size,
					    unsigned depth)
{
	uint32_t kind = roll(d, depth ? 9 : 1);
	size_t n = 0;

	if (kind < 1 || size < 400)
		return random_extended_test(d, text, size);
	n = (size_t)snprintf(text, size, kind > 5 ? "not (" : "(");
	n += random_extended_filter(d, text + n, size / 4, depth - 1);
	if (kind == 1 || kind == 6) {
		n += (size_t)snprintf(text + n, size - n, "? ");
		n += random_extended_filter(d, text + n, size / 4, depth - 1);
		n += (size_t)snprintf(text + n, size - n, " : ");
	} else {
		n += (size_t)snprintf(text + n, size - n, kind % 2 ? " and " : " or ");
	}
	n += random_extended_filter(d, text + n, size / 4, depth - 1);
	n += (size_t)snprintf(text + n, size - n, ")");
	return n;
}

/* A number of a filter object: base 32, the last digit of another alphabet; returns its length. */
static inline size_t object_number(char *text, uint32_t v)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	static const char last[] = "WXYZabcdefghijklmnopqrstuvwxyz+=";
	size_t n = 0;

	for (int shift = 30; shift; shift -= 5)
		if (v >> shift)
			text[n++] = digits[v >> shift & 31];
	text[n++] = last[v & 31];
	return n;
}

/* What a test of an object compares with, and an array's index. */
static inline size_t random_words(struct dice *d, char *text,
				  const struct filter_field *f)
{
	uint32_t index = 4 + roll(d, 40), most = 0;
	size_t n = object_number(
		text, PICK(d, 0, 1, 2, 6, 17, 58, 64, 255, 0x0a000001, random_port(d)));

	if (f->is_array)
		return n +
		       object_number(text + n, 65535 + (roll(d, 2) ? index : 0U - index));
	if (strstr(f->name, "Addr") && strncmp(f->name, "ip.", 3) != 0)
		most = 3;
	else if (!strcmp(f->name, "timestamp"))
		most = 1;
	for (uint32_t i = 1; i <= most; i++)
		n += object_number(text + n, i == 1   ? PICK(d, 0, 0xffff)
					     : i == 3 ? PICK(d, 0, 0xfe800000, 0x20010000)
						      : 0);
	return n;
}

/* To a later test, or to the end. */
static inline size_t random_target(struct dice *d, char *text, uint32_t own,
				   uint32_t count)
{
	if (own + 1 < count && roll(d, 2)) {
		text[0] = 'L';
		return 1 + object_number(text + 1, own + 1 + roll(d, count - own - 1));
	}
	text[0] = roll(d, 2) ? 'A' : 'X';
	return 1;
}

/* A filter object of the network layer, of at most 400 bytes. */
static inline void random_object(struct dice *d, char *text)
{
	uint32_t count = 1 + roll(d, 5), number;
	struct filter_field f;

	memcpy(text, "@WinDiv_W", 9);
	text += 9;
	text += object_number(text, count);
	for (uint32_t i = 0; i < count; i++) {
		do {
			number = roll(d, 86);
			(void)filter_field_at(number, &f);
		} while (!strchr(f.layers, 'N') || !strcmp(f.name, "processId"));
		*text++ = '_';
		text += object_number(text, number);
		text += object_number(text, roll(d, 6));
		text += object_number(text, !roll(d, 8));
		text += random_words(d, text, &f);
		text += random_target(d, text, i, count);
		text += random_target(d, text, i, count);
	}
	*text = '\0';
}

#endif
