/* What weir adds to the language, and the remarks. */
#include "lib/filter.h"
#include "lib/filter_random.h"
#include "lib/tap.h"

/* TCP 10.0.0.5:51515 -> 93.184.216.34:443, and UDP 10.0.0.5:51515 -> 8.8.8.8:53. */
static const char tcp[] =
	"45000028123440004006e8bc0a0000055db8d822c93b01bb00000005000000005002faf0aa160000";
static const char udp[] =
	"4500003100010000801120a70a00000508080808c93b0035001d6a9dabcd01000001"
	"000000000000016101620000010001";

static int ask(const char *text, const char *hex, struct filter_input *in)
{
	uint8_t bytes[256];

	filter_input_packet(in, bytes, hex_bytes(hex, bytes, sizeof bytes));
	in->address.is_outbound = true;
	return verdict(text, FILTER_NETWORK, 0, in);
}

static void test_meaning(void)
{
	static const struct {
		const char *text;
		int of_tcp, of_udp;
	} cases[] = {
		/* The complement, beside WinDivert's inverted operator. */
		{ "not (tcp.DstPort == 80)", 1, 1 },
		{ "not tcp.DstPort == 80", 1, 0 },
		{ "not (tcp.DstPort == 443)", 0, 1 },
		{ "not (tcp.DstPort != 443)", 1, 1 },
		{ "not (not (tcp))", 1, 0 },
		{ "not not (tcp)", 1, 0 },
		{ "! (tcp and tcp.DstPort == 443 or udp.DstPort == 54)", 0, 1 },
		{ "not (tcp? tcp.Syn: udp.DstPort == 53)", 0, 0 },
		{ "not (packet[1000] == 7)", 1, 1 },
		/* Prefixes. */
		{ "ip.SrcAddr == 10.0.0.0/8", 1, 1 },
		{ "ip.SrcAddr != 10.0.0.0/8", 0, 0 },
		{ "ip.DstAddr == 8.8.8.0/24", 0, 1 },
		{ "ip.DstAddr == 0.0.0.0/0", 1, 1 },
		{ "ip.DstAddr == 8.8.8.8/32", 0, 1 },
		{ "remoteAddr == ::ffff:8.0.0.0/104", 0, 1 },
		{ "remoteAddr == ::/0", 1, 1 },
		{ "ip.SrcAddr == fe80::/10", 0, 0 },
		/* Sets. */
		{ "tcp.DstPort in {80, 443, 8000..8100}", 1, 0 },
		{ "tcp.DstPort in {80, 400..500}", 1, 0 },
		{ "tcp.DstPort not in {80, 8000..8100}", 1, 0 },
		{ "not tcp.DstPort in {80}", 1, 0 },
		{ "not (tcp.DstPort in {80})", 1, 1 },
		{ "tcp.DstPort in {70000}", 0, 0 },
		{ "tcp.DstPort not in {70000}", 1, 0 },
		{ "tcp.SeqNum in {4294967301}", 0, 0 },
		{ "tcp.SeqNum in {5}", 1, 0 },
		{ "ip.DstAddr in {8.8.4.4, 8.8.8.0/24, 9.0.0.0..9.0.0.5}", 0, 1 },
		{ "packet[9] in {6..6, 1}", 1, 0 },
		{ "timestamp in {-5..5}", 1, 1 },
		{ "timestamp in {-5..-0}", 0, 0 },
	};
	struct filter_input in = { .packet = NULL };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int on_tcp = ask(cases[i].text, tcp, &in);
		int on_udp = ask(cases[i].text, udp, &in);

		if (on_tcp != cases[i].of_tcp || on_udp != cases[i].of_udp)
			printf("# %s\n", cases[i].text);
		CHECK_EQ(on_tcp, cases[i].of_tcp);
		CHECK_EQ(on_udp, cases[i].of_udp);
	}
}

static void test_what_is_beside_the_packet(void)
{
	struct filter_input none = { .packet = NULL };
	struct filter_input in = { .iface = "eth0",
				   .process_name = "curl \"x\"",
				   .process_path = "/usr/bin/curl",
				   .user = "root",
				   .has_time = true,
				   .has_process_id = true,
				   .time_ns = INT64_C(1700000000000000000),
				   .address = { .process_id = 7 } };

	static const struct {
		const char *text;
		int there, absent;
	} cases[] = {
		{ "iface == \"eth0\"", 1, 0 },
		{ "iface != \"eth0\"", 0, 0 },
		{ "not (iface == \"eth0\")", 0, 1 },
		{ "iface in {\"lo\", \"eth0\"}", 1, 0 },
		{ "iface not in {\"lo\", \"eth1\"}", 1, 0 },
		{ "iface == \"eth0\" and iface == \"eth1\"", 0, 0 },
		{ "process.name == \"curl \\\"x\\\"\"", 1, 0 },
		{ "process.path = \"/usr/bin/curl\" and user = \"root\"", 1, 0 },
		{ "user == \"nobody\"", 0, 0 },
		{ "processId == 7", 1, 0 },
		{ "processId != 8", 1, 0 },
		{ "time >= \"2023-11-14\" and time < \"2023-11-15T00:00:00Z\"", 1, 0 },
		{ "time in {\"2023-11-14\"..\"2023-11-15\"}", 1, 0 },
		{ "time == 1700000000000000000", 1, 0 },
		{ "time < 0", 0, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int there = ask(cases[i].text, tcp, &in);
		int absent = ask(cases[i].text, tcp, &none);

		if (there != cases[i].there || absent != cases[i].absent)
			printf("# %s\n", cases[i].text);
		CHECK_EQ(there, cases[i].there);
		CHECK_EQ(absent, cases[i].absent);
	}
}

/* The TCP packet with 12 bytes of options and 100 of payload, IPv6 with an extension header in front of UDP. */
static const char long_tcp[] =
	"45000098123440004006e84c0a0000055db8d822c93b01bb00000005000000008002faf0aa160000"
	"020405b4010303070402080a"
	"4845414400000000";
static const char long_udp6[] =
	"6000000003e82c4020010db800000000000000000000000120010db8000000000000000000000002"
	"1100000012345678c93b003503e00000aabb";

/* Of a packet that was cut, lengths are those of the wire; bytes that are not there pass no test. */
static void test_what_was_cut(void)
{
	static const struct {
		const char *hex;
		size_t length, wire_length;
		const char *text;
		int want;
	} cases[] = {
		{ long_tcp, 60, 152, "length == 152", 1 },
		{ long_tcp, 60, 152, "tcp.PayloadLength == 100", 1 },
		{ long_tcp, 60, 152, "tcp.Payload[0] == 0x48", 1 },
		{ long_tcp, 60, 152, "tcp.Payload32[0] == 0x48454144", 1 },
		{ long_tcp, 54, 152, "tcp.Payload[1] == 0x45", 1 },
		{ long_tcp, 54, 152, "tcp.Payload[2] == 0x41", 0 },
		{ long_tcp, 54, 152, "tcp.Payload16[0b] == 0x4845", 1 },
		{ long_tcp, 54, 152, "tcp.Payload16[1b] == 0x4541", 0 },
		{ long_tcp, 60, 152, "tcp.Payload[-1] <= 254", 0 },
		{ long_tcp, 60, 152, "packet[-1] <= 254", 0 },
		{ long_tcp, 60, 152, "packet[-152] == 0x45", 1 },
		{ long_tcp, 60, 152, "packet[-153] <= 254", 0 },
		{ long_tcp, 60, 152, "tcp.Payload[-100] == 0x48", 1 },
		{ long_tcp, 60, 152, "packet[60] <= 254", 0 },
		/* In the middle of the TCP header's options, and of the header itself. */
		{ long_tcp, 44, 152, "tcp.PayloadLength == 100 and tcp.HdrLength == 8",
		  1 },
		{ long_tcp, 44, 152, "tcp.Payload[0] <= 254", 0 },
		{ long_tcp, 39, 152, "tcp", 0 },
		{ long_tcp, 39, 152, "length == 152 and ip.Protocol == 6", 1 },
		/* What stands behind the IP packet is none of it, cut or not. */
		{ long_tcp, 60, 160, "length == 160 and tcp.PayloadLength == 100", 1 },
		{ long_tcp, 60, 100, "length == 100 and tcp.PayloadLength == 48", 1 },
		{ long_tcp, 60, 0, "length == 60 and tcp.PayloadLength == 8", 1 },
		{ long_udp6, 58, 1040, "length == 1040 and udp.PayloadLength == 984", 1 },
		{ long_udp6, 58, 1040, "udp.Payload16[0] == 0xaabb", 1 },
		{ long_udp6, 58, 1040, "udp.Payload[2] <= 254", 0 },
		{ long_udp6, 44, 1040, "udp", 0 },
	};
	struct filter_input in = { .address = { .is_outbound = true } };
	uint8_t bytes[256];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t there = hex_bytes(cases[i].hex, bytes, sizeof bytes);
		int got;

		CHECK(there >= cases[i].length);
		filter_input_cut(&in, bytes, cases[i].length, cases[i].wire_length);
		got = verdict(cases[i].text, FILTER_NETWORK, 0, &in);
		if (got != cases[i].want)
			printf("# %zu of %zu: %s\n", cases[i].length,
			       cases[i].wire_length, cases[i].text);
		CHECK_EQ(got, cases[i].want);
	}
}

static enum filter_answer ask_pending(const char *text, unsigned pending)
{
	struct filter_input in = { .has_process_id = true,
				   .process_name = "curl",
				   .address = { .process_id = 7, .is_outbound = true } };
	enum filter_answer answer;
	uint8_t bytes[256];
	struct filter *f;

	filter_input_packet(&in, bytes, hex_bytes(tcp, bytes, sizeof bytes));
	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		return FILTER_NO;
	answer = filter_matches_pending(f, &in, pending);
	filter_free(f);
	return answer;
}

/* Only what is pending is left open, and only where it decides. */
static void test_what_is_pending(void)
{
	static const struct {
		const char *text;
		enum filter_answer facts, name_too;
	} cases[] = {
		{ "tcp", FILTER_YES, FILTER_YES },
		{ "processId == 8", FILTER_NO, FILTER_NO },
		{ "process.name == \"curl\"", FILTER_YES, FILTER_OPEN },
		{ "process.name != \"curl\"", FILTER_NO, FILTER_OPEN },
		{ "process.path == \"/x\"", FILTER_OPEN, FILTER_OPEN },
		{ "not (process.path == \"/x\")", FILTER_OPEN, FILTER_OPEN },
		{ "user in {\"a\", \"b\"} and tcp", FILTER_OPEN, FILTER_OPEN },
		{ "user in {\"a\", \"b\"} and udp", FILTER_NO, FILTER_NO },
		{ "process.container == \"x\" or tcp", FILTER_YES, FILTER_YES },
		{ "process.path == \"/x\" and processId == 7", FILTER_OPEN, FILTER_OPEN },
		{ "process.path == \"/x\" and processId == 8", FILTER_NO, FILTER_NO },
		{ "process.path == \"/x\" and process.name == \"sh\"", FILTER_NO,
		  FILTER_OPEN },
		{ "(process.path == \"/x\"? tcp: udp)", FILTER_OPEN, FILTER_OPEN },
		{ "(process.path == \"/x\"? tcp: tcp)", FILTER_YES, FILTER_YES },
		{ "(tcp? processId == 8: process.path == \"/x\")", FILTER_NO, FILTER_NO },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int facts = (int)ask_pending(cases[i].text, FILTER_ASKS_FACTS);
		int name_too = (int)ask_pending(cases[i].text,
						FILTER_ASKS_FACTS | FILTER_ASKS_NAME);

		if (facts != (int)cases[i].facts || name_too != (int)cases[i].name_too)
			printf("# %s\n", cases[i].text);
		CHECK_EQ(facts, cases[i].facts);
		CHECK_EQ(name_too, cases[i].name_too);
	}
}

static const char *normal_of(const char *text)
{
	static char normal[8000];
	struct filter *f;

	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		return "refused";
	(void)snprintf(normal, sizeof normal, "%s", filter_normal(f));
	filter_free(f);
	return normal;
}

static void test_normal_form(void)
{
	struct dice d = { .state = 20261201 };
	char text[4000], normal[8000];

	CHECK_STR(normal_of("localAddr == ::ffff:10.0.0.0/104"),
		  "localAddr = 10.0.0.0/8");
	CHECK_STR(normal_of("ip.SrcAddr in {::ffff:1.2.3.4/128, ::ffff:0.0.0.0/96}"),
		  "ip.SrcAddr in {1.2.3.4/32, 0.0.0.0/0}");
	CHECK_STR(normal_of("localAddr == ::/0"), "localAddr = ::/0");
	/* It can be read again, and is its own normal form. */
	for (int i = 0; i < 5000; i++) {
		(void)random_extended_filter(&d, text, sizeof text, 1 + roll(&d, 3));
		(void)snprintf(normal, sizeof normal, "%s", normal_of(text));
		if (strcmp(normal_of(normal), normal) != 0 && strcmp(normal, "refused"))
			CHECK_STR(normal_of(normal), normal);
	}
}

static void test_what_is_refused(void)
{
	static const char *const texts[] = {
		"ip.SrcAddr == 10.0.0.5/24",
		"ip.SrcAddr == 10.0.0.0/33",
		"ip.SrcAddr < 10.0.0.0/8",
		"tcp.DstPort == 80/8",
		"tcp.DstPort in {}",
		"tcp.DstPort in {9..1}",
		"tcp.DstPort in {1,}",
		"tcp.DstPort == {1}",
		"iface",
		"iface < \"a\"",
		"iface == 3",
		"tcp.DstPort == \"80\"",
		"time > \"yesterday\"",
		"user == \"root",
		"not (tcp",
		"tcp not udp",
	};
	struct filter_error bad;
	struct filter *f;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		int rc = filter_compile(&f, texts[i], FILTER_NETWORK, 0, &bad);

		if (rc != WEIR_ERR_USAGE || !bad.found[0])
			printf("# %s\n", texts[i]);
		CHECK_EQ(rc, WEIR_ERR_USAGE);
		filter_free(f);
	}
}

static size_t lint(const char *text, enum filter_layer layer, struct filter_note *note)
{
	struct filter_note notes[8];
	struct filter *f;
	size_t n;

	if (filter_compile(&f, text, layer, 0, NULL))
		return 99;
	n = filter_lint(f, notes, 8);
	*note = notes[0];
	filter_free(f);
	return n;
}

static void test_remarks(void)
{
	static const struct {
		const char *text;
		enum filter_layer layer;
		const char *says; /* NULL: nothing to remark */
	} cases[] = {
		{ "tcp.DstPort == 443", FILTER_NETWORK, NULL },
		{ "true", FILTER_NETWORK, NULL },
		{ "not tcp", FILTER_NETWORK, NULL },
		{ "tcp.Syn", FILTER_NETWORK, NULL },
		{ "tcp.DstPort == 70000", FILTER_NETWORK, "it means 'not tcp'" },
		{ "ip.SrcAddr == ::1", FILTER_NETWORK, "it means 'not ip'" },
		{ "ip.SrcAddr", FILTER_NETWORK, "it means 'ip'" },
		{ "length > 0", FILTER_NETWORK, "always true" },
		{ "tcp.DstPort != 80", FILTER_NETWORK, "the complement is 'not (...)'" },
		{ "not tcp.Syn", FILTER_NETWORK, "the complement is 'not (...)'" },
		{ "ipv6.FlowLabel == 1", FILTER_NETWORK, "scrambled" },
		{ "tcp.SeqNum == 4294967301", FILTER_NETWORK, "it means 5" },
		{ "ip.TOS == 300", FILTER_NETWORK, "8 bits" },
		{ "loopback == 2", FILTER_NETWORK, "1 bits" },
		{ "ip", FILTER_FLOW, "always 0 at this layer" },
		{ "not ipv6", FILTER_SOCKET, "always 0 at this layer" },
		{ "event", FILTER_FLOW, "no event of the flow layer" },
		{ "remoteAddr == 0.0.0.0", FILTER_SOCKET, "'::'" },
		{ "impostor > -0", FILTER_NETWORK, "-0 is below 0" },
		{ "tcp.SeqNum > -1", FILTER_NETWORK, "never negative" },
		{ "tcp.DstPort in {70000}", FILTER_NETWORK, "never matches" },
		{ "tcp and udp", FILTER_NETWORK, "matches nothing" },
		{ "tcp or not (tcp)", FILTER_NETWORK, "matches everything" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct filter_note note = { 0 };
		size_t n = lint(cases[i].text, cases[i].layer, &note);
		bool is_right = cases[i].says ? n >= 1 && strstr(note.text, cases[i].says)
					      : n == 0;

		if (!is_right)
			printf("# %s: %zu, '%s'\n", cases[i].text, n, note.text);
		CHECK(is_right);
	}
}

static size_t extensions(const char *text)
{
	struct filter_note notes[4];
	struct filter *f;
	size_t n;

	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		return 99;
	n = filter_extensions(f, notes, 4);
	filter_free(f);
	return n;
}

static void test_strictness(void)
{
	CHECK_EQ(extensions("tcp and not udp.DstPort == 53"), 0);
	CHECK_EQ(extensions("not (tcp) and tcp.DstPort in {1}"), 2);
	CHECK_EQ(extensions("ip.SrcAddr == 10.0.0.0/8"), 1);
	CHECK_EQ(extensions("processId == 1 or iface == \"lo\" or time > 1"), 3);
	/* Too long a word for WinDivert, though nothing else is wrong with it. */
	CHECK_EQ(extensions("tcp.SeqNum == 0x0000000000000000000000000000000000000005"),
		 1);
}

static void test_lowering(void)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		/* Ranges of one field become one test. */
		{ "tcp.DstPort == 80 or tcp.DstPort == 81 or tcp.DstPort == 443",
		  "  1  tcp.DstPort in {80..81, 443}?   [kernel]\n"
		  "       yes: MATCH, no: no match\n" },
		{ "ip.SrcAddr >= 10.0.0.0 and ip.SrcAddr <= 10.255.255.255",
		  "  1  ip.SrcAddr in {10.0.0.0..10.255.255.255}?   [kernel]\n"
		  "       yes: MATCH, no: no match\n" },
		/* A header that the next test needs is not asked for. */
		{ "tcp and ip and ip.TTL == 1 and tcp.DstPort == 80",
		  "  1  ip.TTL in {1}?   [kernel]\n"
		  "       yes: go to 2, no: no match\n"
		  "  2  tcp.DstPort in {80}?   [kernel]\n"
		  "       yes: MATCH, no: no match\n" },
		/* What an outcome decides is not asked again. */
		{ "(outbound? tcp: udp) and (outbound? tcp.Syn: udp.DstPort == 53)",
		  "  1  outbound?   [kernel]\n"
		  "       yes: go to 2, no: go to 3\n"
		  "  2  tcp.Syn?   [kernel]\n"
		  "       yes: MATCH, no: no match\n"
		  "  3  udp.DstPort in {53}?   [kernel]\n"
		  "       yes: MATCH, no: no match\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct filter *f;
		char *words;

		CHECK_EQ(filter_compile(&f, cases[i].text, FILTER_NETWORK, 0, NULL), 0);
		words = filter_explain(f);
		CHECK(words != NULL);
		CHECK_STR(strstr(words, "\n\n") + 2, cases[i].line);
		filter_words_free(words);
		filter_free(f);
	}
}

int main(void)
{
	RUN(test_meaning);
	RUN(test_what_is_beside_the_packet);
	RUN(test_what_was_cut);
	RUN(test_what_is_pending);
	RUN(test_normal_form);
	RUN(test_what_is_refused);
	RUN(test_remarks);
	RUN(test_strictness);
	RUN(test_lowering);
	return tap_done();
}
