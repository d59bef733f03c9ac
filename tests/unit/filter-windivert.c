/* What is given to WinDivert matches every packet that the filter matches, and no other when it is
 * said to be exact; its driver takes it. */
#include "lib/filter_random.h"
#include "lib/tap.h"

#define FILTERS 8000
#define PACKETS 24

static char said[FILTER_WINDIVERT_TEXT];

/* The text and what it is, "exact" or "wider", in `said`; or "refused". */
static const char *windivert_of(const char *text, enum filter_layer layer)
{
	const char *what = "refused";
	bool is_exact;
	struct filter *f;

	if (filter_compile(&f, text, layer, 0, NULL))
		return what;
	if (!filter_windivert(f, said, sizeof said, &is_exact, NULL))
		what = is_exact ? "exact" : "wider";
	filter_free(f);
	return what;
}

static void test_examples(void)
{
	static const struct {
		const char *text, *what, *said;
	} cases[] = {
		{ "true", "exact", "true" },
		{ "tcp and udp.DstPort == 53 and false", "exact", "false" },
		{ "outbound and tcp.DstPort == 443", "exact",
		  "outbound and tcp.DstPort = 443" },
		{ "not (tcp.DstPort == 80)", "exact",
		  "(tcp.DstPort = 80? false : true)" },
		{ "not (tcp)", "exact", "not tcp" },
		{ "tcp.DstPort in {80, 443, 8000..8100}", "exact",
		  "tcp.DstPort = 80 or tcp.DstPort = 443 or "
		  "(tcp.DstPort >= 8000 and tcp.DstPort <= 8100)" },
		{ "udp and tcp.DstPort not in {0..1023}", "exact",
		  "udp and tcp.DstPort >= 1024" },
		{ "ip.SrcAddr == 10.0.0.0/8", "exact",
		  "ip.SrcAddr >= 10.0.0.0 and ip.SrcAddr <= 10.255.255.255" },
		{ "ipv6.SrcAddr == fe80::/10", "exact",
		  "ipv6.SrcAddr >= fe80:: and "
		  "ipv6.SrcAddr <= febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "not (packet[1000] == 7)", "exact",
		  "(packet[1000b] = 0x7? false : true)" },
		{ "packet[9] in {0..255}", "exact",
		  "packet[9b] = 0x0 or packet[9b] != 0x0" },
		/* A constant out of range is never shown to the driver. */
		{ "tcp.DstPort == 70000", "exact", "not tcp" },
		{ "ip.TOS == 300", "exact", "false" },
		{ "impostor > -0", "exact", "true" },
		{ "packet32[0] == -5", "exact", "false" },
		{ "length in {0..65575}", "exact", "(length < 65575 or length = 65575)" },
		/* What WinDivert does not know may be either way. */
		{ "tcp and iface == \"eth0\"", "wider", "tcp" },
		{ "tcp or time > 5", "wider", "true" },
		{ "not (tcp or processId == 1)", "wider", "not tcp" },
		{ "(iface == \"lo\"? tcp: udp)", "wider", "tcp or udp" },
		{ "tcp and false and user == \"root\"", "exact", "false" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		printf("# %s\n", cases[i].text);
		CHECK_STR(windivert_of(cases[i].text, FILTER_NETWORK), cases[i].what);
		CHECK_STR(said, cases[i].said);
	}
}

/* The driver refuses what is no event of the layer. */
static void test_events(void)
{
	CHECK_STR(windivert_of("event", FILTER_SOCKET), "wider");
	CHECK_STR(said, "true");
	CHECK_STR(windivert_of("not (event == CLOSE)", FILTER_SOCKET), "exact");
	CHECK_STR(said, "event != CLOSE");
	CHECK_STR(windivert_of("event in {BIND, CONNECT}", FILTER_SOCKET), "exact");
	CHECK_STR(said, "event >= BIND and event <= CONNECT");
	CHECK_STR(windivert_of("event < 5", FILTER_NETWORK), "wider");
	CHECK_STR(said, "true");
	CHECK_STR(windivert_of("priority > -5 and layer == NETWORK", FILTER_REFLECT),
		  "exact");
	CHECK_STR(said, "priority >= -4 and layer = NETWORK");
	CHECK_STR(windivert_of("processId == 7 and process.name == \"a\"", FILTER_FLOW),
		  "wider");
	CHECK_STR(said, "processId = 7");
}

static bool takes_port(const struct filter *f, unsigned port)
{
	struct filter_input in = { .packet = NULL };
	uint8_t packet[28] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17 };

	packet[22] = (uint8_t)(port >> 8);
	packet[23] = (uint8_t)port;
	filter_input_packet(&in, packet, sizeof packet);
	return filter_match(f, &in) > 0;
}

/* More than WinDivert has room for. */
static void test_long(void)
{
	static char text[20000];
	unsigned kept = 0, taken = 0;
	struct filter *f;
	size_t n;

	n = (size_t)snprintf(text, sizeof text, "udp.DstPort in {7");
	for (unsigned p = 1; p <= 400; p++)
		n += (size_t)snprintf(text + n, sizeof text - n, ", %u", 100 * p);
	(void)snprintf(text + n, sizeof text - n, "} and ip.TTL == 64");
	CHECK_STR(windivert_of(text, FILTER_NETWORK), "wider");
	CHECK_EQ(filter_compile(&f, said, FILTER_NETWORK, FILTER_WINDIVERT, NULL), 0);
	for (unsigned p = 0; p < 65536; p++) {
		bool is_asked = p == 7 || (p && p % 100 == 0 && p <= 40000);

		kept += is_asked && takes_port(f, p);
		taken += takes_port(f, p);
	}
	filter_free(f);
	printf("# %u ports of 401\n", taken);
	CHECK_EQ(kept, 401);
	CHECK(taken < 35000); /* some 60 gaps of 99 ports are left out */
	CHECK(strstr(said, "ip.TTL = 64") != NULL);
	/* Deeper than WinDivert goes is no loss: parentheses that say nothing are left out. */
	n = 0;
	for (int i = 0; i < 330; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "not (");
	n += (size_t)snprintf(text + n, sizeof text - n, "tcp");
	for (int i = 0; i < 330; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, ")");
	CHECK_STR(windivert_of(text, FILTER_NETWORK), "exact");
	CHECK_STR(said, "tcp");
	/* Conditions that are open each take both ways, within bounds. */
	n = 0;
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "(");
	n += (size_t)snprintf(text + n, sizeof text - n, "iface == \"a\"");
	for (int i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "? tcp: udp)");
	CHECK_STR(windivert_of(text, FILTER_NETWORK), "wider");
}

static void test_no_room(void)
{
	struct weir_error err;
	struct filter *f;
	bool is_exact;
	char small[8];

	CHECK_EQ(filter_compile(&f, "not (tcp)", FILTER_NETWORK, 0, NULL), 0);
	CHECK_EQ(filter_windivert(f, small, 7, &is_exact, &err), WEIR_ERR_LIMIT);
	CHECK_EQ(filter_windivert(f, small, 8, &is_exact, &err), 0);
	CHECK_STR(small, "not tcp");
	filter_free(f);
}

struct tally {
	unsigned filters, exact, matches, missed, extra, refused;
};

static void random_input(struct dice *d, struct filter_input *in, uint8_t packet[512],
			 enum filter_layer layer)
{
	*in = (struct filter_input){ .packet = NULL };
	if (layer <= FILTER_FORWARD)
		filter_input_packet(in, packet, random_packet(d, packet));
	in->address.event = (uint8_t)roll(d, 11);
	in->address.local_port = (uint16_t)random_port(d);
	in->address.remote_port = (uint16_t)random_port(d);
	in->address.protocol = (uint8_t)PICK(d, 6, 17, 1, 58);
	in->address.reflect_layer = roll(d, 6);
	in->address.priority = (int16_t)((int)roll(d, 65536) - 32768);
	random_address(d, in->address.local_address, 16);
	in->address.is_outbound = roll(d, 2);
	in->address.is_loopback = roll(d, 2);
	in->address.if_idx = roll(d, 8);
	in->address.timestamp = (int64_t)roll(d, 300) - 100;
	in->has_time = roll(d, 2);
	in->time_ns = roll(d, 2000);
	in->has_process_id = roll(d, 2);
	in->address.process_id = roll(d, 6);
	in->iface = roll(d, 2) ? "eth0" : NULL;
	in->user = roll(d, 2) ? "root" : NULL;
}

/* What the driver refuses, the remarks tell. */
static bool is_for_driver(const struct filter *w)
{
	static const char *const signs[] = { "driver", "holds for", "is always",
					     "low 32 bits" };
	static struct filter_note notes[256];
	size_t n = filter_lint(w, notes, 256);

	for (size_t i = 0; i < n && i < 256; i++)
		for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++)
			if (strstr(notes[i].text, signs[k]) &&
			    !strstr(notes[i].text, "at this layer")) {
				printf("# %s: %s\n", said, notes[i].text);
				return false;
			}
	return true;
}

static void compare(const char *text, enum filter_layer layer, struct dice *d,
		    struct tally *t)
{
	struct filter *f, *w;
	bool is_exact;

	if (filter_compile(&f, text, layer, 0, NULL))
		return;
	t->filters++;
	if (filter_windivert(f, said, sizeof said, &is_exact, NULL) ||
	    filter_compile(&w, said, layer, FILTER_WINDIVERT, NULL)) {
		t->refused++;
		filter_free(f);
		return;
	}
	t->exact += is_exact;
	for (int i = 0; i < PACKETS; i++) {
		struct filter_input in;
		uint8_t packet[512];
		bool want, got;

		random_input(d, &in, packet, layer);
		want = filter_match(f, &in) > 0;
		got = filter_match(w, &in) > 0;
		t->matches += want;
		t->missed += want && !got;
		t->extra += is_exact && got && !want;
		if ((want && !got) || (is_exact && got && !want))
			printf("# %d but %d: %s\n#  as %s\n", want, got, text, said);
	}
	t->refused += !is_for_driver(w);
	filter_free(f);
	filter_free(w);
}

static void test_random(void)
{
	struct dice d = { .state = 20261123 };
	struct tally t = { 0 };
	char text[4000];

	for (int i = 0; i < FILTERS; i++) {
		(void)random_extended_filter(&d, text, sizeof text, 1 + roll(&d, 4));
		compare(text, FILTER_NETWORK, &d, &t);
	}
	printf("# %u filters, %u exact, %u matches\n", t.filters, t.exact, t.matches);
	CHECK(t.filters > FILTERS * 9 / 10);
	CHECK(t.exact > FILTERS / 4);
	CHECK(t.exact < t.filters);
	CHECK(t.matches > FILTERS);
	CHECK_EQ(t.missed, 0);
	CHECK_EQ(t.extra, 0);
	CHECK_EQ(t.refused, 0);
}

static void test_random_records(void)
{
	struct dice d = { .state = 7 };
	struct tally t = { 0 };
	char text[3000];

	for (int i = 0; i < FILTERS / 2; i++) {
		enum filter_layer layer =
			(enum filter_layer)(FILTER_FORWARD + roll(&d, 4));
		size_t n = roll(&d, 2) ? (size_t)snprintf(text, 8, "not (") : 0;
		bool is_not = n;

		n += random_filter(&d, text + n, sizeof text - 10, layer, 3);
		(void)snprintf(text + n, sizeof text - n, is_not ? ")" : "");
		compare(text, layer, &d, &t);
	}
	printf("# %u filters, %u exact, %u matches\n", t.filters, t.exact, t.matches);
	CHECK(t.filters > FILTERS / 4);
	CHECK(t.exact > FILTERS / 4);
	CHECK(t.matches > FILTERS);
	CHECK_EQ(t.missed, 0);
	CHECK_EQ(t.extra, 0);
	CHECK_EQ(t.refused, 0);
}

int main(void)
{
	RUN(test_examples);
	RUN(test_events);
	RUN(test_long);
	RUN(test_no_room);
	RUN(test_random);
	RUN(test_random_records);
	return tap_done();
}
