/* A filter's verdict by the genuine WinDivert.dll beside ours, for genuine.c. */
#ifndef TESTS_FILTER_COMPARE_H
#define TESTS_FILTER_COMPARE_H

#include "windivert.h"

#include "lib/filter_random.h"

#define PACKETS_A_FILTER 24

/* The record of 80 bytes, little endian as this machine is. */
static inline void put_address(struct wd_address *wire, const struct filter_address *a,
			       enum filter_layer layer)
{
	uint8_t *p = wire->rest;

	memset(wire, 0, sizeof *wire);
	wire->timestamp = a->timestamp;
	wire->word = (uint32_t)layer | (uint32_t)a->event << 8 |
		     (a->is_outbound ? WD_OUTBOUND : 0) |
		     (a->is_loopback ? WD_LOOPBACK : 0) |
		     (a->is_impostor ? WD_IMPOSTOR : 0) | (a->is_ipv6 ? WD_IPV6 : 0);
	if (layer <= FILTER_FORWARD) {
		memcpy(p, &a->if_idx, 4);
		memcpy(p + 4, &a->sub_if_idx, 4);
	} else if (layer <= FILTER_SOCKET) {
		memcpy(p, &a->endpoint_id, 8);
		memcpy(p + 8, &a->parent_endpoint_id, 8);
		memcpy(p + 16, &a->process_id, 4);
		for (int i = 0; i < 16; i++) {
			p[20 + i] = a->local_address[15 - i];
			p[36 + i] = a->remote_address[15 - i];
		}
		memcpy(p + 52, &a->local_port, 2);
		memcpy(p + 54, &a->remote_port, 2);
		p[56] = a->protocol;
	} else {
		memcpy(p + 8, &a->process_id, 4);
		memcpy(p + 12, &a->reflect_layer, 4);
		memcpy(p + 24, &a->priority, 2);
	}
}

/* 1, 0, -1: cannot be judged. */
static inline int judge(const struct windivert *w, const char *text,
			enum filter_layer layer, const struct filter_input *in)
{
	struct wd_address a;

	put_address(&a, &in->address, layer);
	SetLastError(0);
	if (w->eval(text, in->packet, (unsigned)in->length, &a))
		return 1;
	return GetLastError() == ERROR_INVALID_PARAMETER ? -1 : 0;
}

static inline void random_record(struct dice *d, struct filter_address *a)
{
	a->event = (uint8_t)roll(d, 11);
	a->local_port = (uint16_t)random_port(d);
	a->remote_port = (uint16_t)random_port(d);
	a->protocol = (uint8_t)PICK(d, 6, 17, 1, 58);
	a->reflect_layer = roll(d, 5);
	a->priority = (int16_t)((int)roll(d, 60001) - 30000);
	random_address(d, a->local_address, 16);
	random_address(d, a->remote_address, 16);
	a->is_outbound = roll(d, 2);
	a->is_loopback = roll(d, 2);
	a->is_impostor = roll(d, 2);
	a->if_idx = roll(d, 8);
	a->sub_if_idx = roll(d, 3);
	a->process_id = roll(d, 6);
	a->endpoint_id = (uint64_t)roll(d, 1 << 30) << 20 | roll(d, 70000);
	a->parent_endpoint_id = roll(d, 70000);
	a->timestamp = (int64_t)roll(d, 300) - 100;
}

/* Whatever a program may hand in: packets cut short, flags that disagree with them. */
static inline void random_any_input(struct dice *d, struct filter_input *in,
				    uint8_t packet[512], enum filter_layer layer)
{
	*in = (struct filter_input){ .packet = NULL };
	random_record(d, &in->address);
	if (layer <= FILTER_FORWARD && roll(d, 60))
		filter_input_packet(in, packet, random_packet(d, packet));
	if (layer > FILTER_FORWARD)
		in->address.is_ipv6 = roll(d, 2);
	else if (!roll(d, 40))
		in->address.is_ipv6 = !in->address.is_ipv6;
}

/* What can be judged at that layer. */
static inline void random_sound_input(struct dice *d, struct filter_input *in,
				      uint8_t packet[512], enum filter_layer layer)
{
	static const uint8_t ip[28] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17 };

	*in = (struct filter_input){ .packet = NULL };
	random_record(d, &in->address);
	if (layer > FILTER_FORWARD) {
		in->address.is_ipv6 = roll(d, 2);
		return;
	}
	in->address.event = 0;
	memcpy(packet, ip, sizeof ip);
	filter_input_packet(in, packet, sizeof ip);
}

static inline size_t say_address(char *text, size_t size, const char *name,
				 const uint8_t a[16])
{
	size_t n = (size_t)snprintf(text, size, " and %s == ", name);

	for (int i = 0; i < 16; i += 2)
		n += (size_t)snprintf(text + n, size - n, "%s%x", i ? ":" : "",
				      (unsigned)a[i] << 8 | a[i + 1]);
	return n;
}

/* A filter that is true of this record alone, as far as filters see it. */
static inline void text_of_address(struct dice *d, const struct filter_address *a,
				   enum filter_layer layer, char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "timestamp == %lld",
				    (long long)a->timestamp);

	(void)d;
	if (layer <= FILTER_FORWARD)
		n += (size_t)snprintf(text + n, size - n,
				      " and ifIdx == %u and subIfIdx == %u and %s",
				      a->if_idx, a->sub_if_idx,
				      a->is_impostor ? "impostor" : "not impostor");
	if (layer != FILTER_FORWARD && layer != FILTER_REFLECT)
		n += (size_t)snprintf(text + n, size - n, " and %s and %s",
				      a->is_outbound ? "outbound" : "inbound",
				      a->is_loopback ? "loopback" : "not loopback");
	if (layer > FILTER_FORWARD)
		n += (size_t)snprintf(text + n, size - n, " and processId == %u and %s",
				      a->process_id, a->event ? "event" : "not event");
	if (layer == FILTER_REFLECT) {
		(void)snprintf(text + n, size - n, " and layer == %u and priority == %d",
			       a->reflect_layer, a->priority);
	} else if (layer > FILTER_FORWARD) {
		n += (size_t)snprintf(
			text + n, size - n,
			" and endpointId == %llu and parentEndpointId == %llu and "
			"localPort == %u and remotePort == %u and protocol == %u",
			(unsigned long long)a->endpoint_id,
			(unsigned long long)a->parent_endpoint_id, a->local_port,
			a->remote_port, a->protocol);
		n += say_address(text + n, size - n, "localAddr", a->local_address);
		(void)say_address(text + n, size - n, "remoteAddr", a->remote_address);
	}
}

/* Words and signs of the language, one after the other, or a filter with some bytes changed. */
static inline void random_text(struct dice *d, char *text, size_t size,
			       enum filter_layer layer)
{
	static const char *const pieces[] = {
		"(",
		")",
		"[",
		"]",
		"-",
		"!",
		"not ",
		" and ",
		" or ",
		"&&",
		"||",
		"=",
		"!=",
		"<=",
		">",
		"b",
		" ",
		"0x",
		"0",
		"10.0.0.0",
		"80",
		"::",
		"fe80::1",
		"65535",
		"1:2:3:4:5:6:7:8",
		"TRUE",
		"TCP",
		"CLOSE",
		"\xff",
		"340282366920938463463374607431768211456",
		":",
		"true",
		"1.2.3",
		"4294967296.1.1.1",
	};
	size_t n = 0, count = 1 + roll(d, 12);
	struct filter_field f;

	text[0] = '\0';
	if (roll(d, 3)) {
		n = random_filter(d, text, size, layer, 3);
		for (unsigned k = roll(d, 3); n && k; k--)
			text[roll(d, (uint32_t)n)] = (char)(32 + roll(d, 95));
		return;
	}
	while (count-- && n + 80 < size) {
		(void)filter_field_at(roll(d, 86), &f);
		n += (size_t)snprintf(
			text + n, size - n, "%s%s",
			roll(d, 3) ? pieces[roll(d, sizeof pieces / sizeof pieces[0])]
				   : f.name,
			roll(d, 2) ? " " : "");
	}
}

struct agreement {
	unsigned filters, exact, judged, matches, missed, extra, refused;
};

/* What filter_windivert() writes is a filter there, and matches what ours matches: all of it, and
 * nothing else where it says that it is exact. */
static inline void agree(const struct windivert *w, const char *text,
			 enum filter_layer layer, struct dice *d, struct agreement *t)
{
	static char said[FILTER_WINDIVERT_TEXT], object[WD_OBJECT_BYTES];
	const char *message = "our own";
	struct filter *f;
	bool is_exact = false;

	if (filter_compile(&f, text, layer, 0, NULL))
		return;
	t->filters++;
	if (filter_windivert(f, said, sizeof said, &is_exact, NULL) ||
	    !w->compile(said, layer, object, sizeof object, &message, NULL)) {
		if (t->refused++ < 5)
			printf("# %s: %s\n#  as %s\n", message, text, said);
		filter_free(f);
		return;
	}
	t->exact += is_exact;
	for (int i = 0; i < PACKETS_A_FILTER; i++, t->judged++) {
		struct filter_input in;
		uint8_t packet[512];
		bool ours, theirs;

		random_any_input(d, &in, packet, layer);
		in.has_time = roll(d, 2);
		in.time_ns = roll(d, 2000);
		in.has_process_id = roll(d, 2);
		in.iface = roll(d, 2) ? "eth0" : NULL;
		in.user = roll(d, 2) ? "root" : NULL;
		ours = filter_match(f, &in) > 0;
		theirs = judge(w, object, layer, &in) > 0;
		t->matches += ours;
		t->missed += ours && !theirs;
		t->extra += is_exact && theirs && !ours;
		if (((ours && !theirs) || (is_exact && theirs && !ours)) &&
		    t->missed + t->extra < 5)
			printf("# %d there, %d here: %s\n#  as %s\n", theirs, ours, text,
			       said);
	}
	filter_free(f);
}

#endif
