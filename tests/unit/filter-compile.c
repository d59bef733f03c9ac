/* What compiles and what does not: limits, error places, near misses, refused flaws. */
#include "lib/filter.h"
#include "lib/tap.h"

#include "base/mem.h"
#include "filter/filter.h"

/* Compiles and returns the code; *bad is filled. */
static int try_text(const char *text, enum filter_layer layer, unsigned flags,
		    struct filter_error *bad)
{
	struct filter *f;
	int rc = filter_compile(&f, text, layer, flags, bad);

	filter_free(f);
	return rc;
}

static char *repeat(const char *piece, size_t count, const char *between, const char *end)
{
	size_t size = count * (strlen(piece) + strlen(between)) + strlen(end) + 1, at = 0;
	char *text = mem_new(size, 1);

	for (size_t i = 0; text && i < count; i++)
		at += (size_t)snprintf(text + at, size - at, "%s%s", i ? between : "",
				       piece);
	if (text)
		(void)snprintf(text + at, size - at, "%s", end);
	return text;
}

static int try_repeat(const char *piece, size_t count, const char *between,
		      const char *end, unsigned flags, struct filter_error *bad)
{
	char *text = repeat(piece, count, between, end);
	int rc = text ? try_text(text, FILTER_NETWORK, flags, bad) : -1;

	mem_free(text);
	return rc;
}

static void test_windivert_errors(void)
{
	static const struct {
		const char *text, *message;
		uint32_t at;
	} cases[] = {
		{ "", "Filter expression parse error", 0 },
		{ "tcp and ", "Filter expression parse error", 8 },
		{ "tcp & udp", "Filter expression contains a bad token", 5 },
		{ "tcp % udp", "Filter expression contains a bad token", 5 },
		{ "zzz: 1", "Filter expression contains a bad token", UINT32_MAX },
		{ "(tcp? zzz: udp)", "Filter expression contains a bad token", 5 },
		{ "processId = 1", "Filter expression contains a bad token for layer",
		  0 },
		{ "BIND = 1", "Filter expression parse error", 0 },
		{ "tcp.DstPort = 80b", "Filter expression parse error", 0 },
		{ "packet[70000] = 1", "Filter expression array index is out-of-bounds",
		  7 },
		{ "(packet[70000] = 1)", "Filter expression parse error", 8 },
		{ "packet[65535]", "Filter expression array index is out-of-bounds", 12 },
		{ "not (tcp)", "Filter expression parse error", 4 },
		{ "tcp.DstPort in {1}", "Filter expression contains a bad token", 12 },
		{ "time > 1", "Filter expression contains a bad token", 0 },
		{ "@WinDiv_", "Filter object is invalid", 0 },
	};
	struct filter_error bad;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_EQ(try_text(cases[i].text, FILTER_NETWORK, FILTER_WINDIVERT, &bad),
			 WEIR_ERR_USAGE);
		CHECK_STR(bad.windivert_text, cases[i].message);
		CHECK_EQ(bad.windivert_at, cases[i].at);
	}
}

static void test_crash_inputs_are_errors(void)
{
	static const char *const texts[] = { "(? true: false)", "(tcp == ? udp: ip)",
					     "((? tcp: udp)? tcp: udp)" };
	struct filter_error bad;

	for (size_t i = 0; i < 3; i++) {
		CHECK_EQ(try_text(texts[i], FILTER_NETWORK, FILTER_WINDIVERT, &bad),
			 WEIR_ERR_USAGE);
		CHECK_EQ(try_text(texts[i], FILTER_NETWORK, 0, &bad), WEIR_ERR_USAGE);
	}
}

/* What WinDivert reads as something else than it says is refused, but for eval. */
static void test_flaws_are_refused(void)
{
	static const char *const texts[] = {
		"tcp b",
		"packet16[4 b] = 1",
		"ip.Length == 0x",
		"ip.DstAddr == 4294967304.8.8.8",
		"localAddr == 1:2:3:4:5:6:7:8:zz",
		"localAddr == 0:1.2.3.4",
	};
	struct filter_error bad;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CHECK_EQ(try_text(texts[i], FILTER_NETWORK, FILTER_WINDIVERT, &bad), 0);
		CHECK_EQ(try_text(texts[i], FILTER_NETWORK, 0, &bad), WEIR_ERR_USAGE);
		CHECK(bad.found[0] && bad.length);
	}
}

static void test_number_of_words(void)
{
	struct filter_error bad;

	/* 639 tests and 638 "or": 1277; only 256 of them are too many tests. */
	CHECK_EQ(try_repeat("true", 639, " or ", "", FILTER_WINDIVERT, &bad), 0);
	CHECK_EQ(try_repeat("true", 639, " or ", " or", FILTER_WINDIVERT, &bad),
		 WEIR_ERR_USAGE);
	CHECK_STR(bad.windivert_text, "Filter expression too long");
	CHECK_EQ(bad.windivert_at, 639 * 8 - 4 + 3);
	CHECK_EQ(try_repeat("true", 5000, " or ", "", 0, &bad), 0);
}

static void test_number_of_tests(void)
{
	struct filter_error bad;

	CHECK_EQ(try_repeat("tcp", 256, " or ", "", FILTER_WINDIVERT, &bad), 0);
	CHECK_EQ(try_repeat("tcp", 257, " or ", "", FILTER_WINDIVERT, &bad),
		 WEIR_ERR_USAGE);
	CHECK_STR(bad.windivert_text, "Filter expression too long");
	CHECK_EQ(bad.windivert_at, 0);
	CHECK_EQ(try_repeat("tcp.DstPort == 7", 3000, " or ", "", 0, &bad), 0);
}

static int try_nested(size_t depth, unsigned flags, bool has_core,
		      struct filter_error *bad)
{
	char text[2048];
	size_t at = 0;

	for (size_t i = 0; i < depth; i++)
		text[at++] = '(';
	at += (size_t)snprintf(text + at, 8, "%s", has_core ? "tcp" : "");
	for (size_t i = 0; i < depth; i++)
		text[at++] = ')';
	text[at] = '\0';
	return try_text(text, FILTER_NETWORK, flags, bad);
}

static void test_depth(void)
{
	struct filter_error bad;

	CHECK_EQ(try_nested(340, FILTER_WINDIVERT, true, &bad), 0);
	CHECK_EQ(try_nested(340, 0, true, &bad), 0);
	CHECK_EQ(try_nested(341, 0, true, &bad), WEIR_ERR_USAGE);
	CHECK_EQ(try_nested(341, FILTER_WINDIVERT, true, &bad), WEIR_ERR_USAGE);
	CHECK_STR(bad.windivert_text, "Filter expression parse error");
	CHECK_EQ(bad.windivert_at, 341);
	CHECK_EQ(try_nested(341, FILTER_WINDIVERT, false, &bad), WEIR_ERR_USAGE);
	CHECK_STR(bad.windivert_text, "Filter expression too deep");
}

static void test_length_of_words(void)
{
	struct filter_error bad;

	CHECK_EQ(try_text("localAddr == 340282366920938463463374607431768211455",
			  FILTER_NETWORK, FILTER_WINDIVERT, &bad),
		 0);
	CHECK_EQ(try_text("localAddr == 0340282366920938463463374607431768211455",
			  FILTER_NETWORK, FILTER_WINDIVERT, &bad),
		 WEIR_ERR_USAGE);
	CHECK_EQ(try_text("localAddr == 0340282366920938463463374607431768211455",
			  FILTER_NETWORK, 0, &bad),
		 0);
	CHECK_EQ(try_text("localAddr == 340282366920938463463374607431768211456",
			  FILTER_NETWORK, 0, &bad),
		 WEIR_ERR_USAGE);
}

static void test_error_for_a_person(void)
{
	static const char text[] = "tcp and\n  tcp.DestPort == 80";
	struct filter_error bad;
	char out[512];

	CHECK_EQ(try_text(text, FILTER_NETWORK, 0, &bad), WEIR_ERR_USAGE);
	CHECK_EQ(bad.at, 10);
	CHECK_EQ(bad.length, 12);
	filter_error_show(&bad, text, out, sizeof out);
	CHECK_STR(out, "unknown word 'tcp.DestPort' in line 2\n"
		       "    tcp.DestPort == 80\n"
		       "    ^~~~~~~~~~~~\n"
		       "  did you mean 'tcp.DstPort'?\n");
	filter_error_show(&bad, text, out, 20);
	CHECK_EQ(strlen(out), 19);
}

static void test_hints(void)
{
	static const struct {
		const char *text, *hint;
	} cases[] = {
		{ "TCP.dstport = 1", "did you mean 'tcp.DstPort'?" },
		{ "dstport = 1", "did you mean 'tcp.DstPort'?" },
		{ "ip.src = 1.2.3.4", "did you mean ip.SrcAddr?" },
		{ "tcp annd udp", "did you mean 'and'?" },
		{ "tcp & udp", "did you mean '&&'?" },
		{ "processId == 1 and udp.SrcPort", "" },
		{ "packet == 1", "an array field needs an index, as in 'packet[0]'" },
	};
	struct filter_error bad;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)try_text(cases[i].text, FILTER_NETWORK, 0, &bad);
		CHECK_STR(bad.hint, cases[i].hint);
	}
	CHECK_EQ(try_text("tcp.SrcPort = 1", FILTER_FLOW, 0, &bad), WEIR_ERR_USAGE);
	CHECK_STR(bad.found, "'tcp.SrcPort' does not exist at the flow layer");
	CHECK_STR(bad.hint, "it does at: network, forward");
}

/* 0: it does not compile. */
static size_t bytes_of(const char *text)
{
	struct filter *f;
	size_t bytes;

	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		return 0;
	bytes = pool_bytes(&f->pool);
	filter_free(f);
	return bytes;
}

static void test_memory_of_strings(void)
{
	char *text = repeat("iface == \"a\\\"b\"", 10000, " or ", "");
	size_t bytes = text ? bytes_of(text) : 0;

	printf("# %zu bytes for 10,000 strings\n", bytes);
	CHECK(bytes && bytes < 30000000);
	mem_free(text);
	CHECK_EQ(bytes_of("iface == \"a\\"), 0);
	CHECK_EQ(bytes_of("iface == \"a\\\""), 0);
	CHECK(bytes_of("iface == \"a\\b\\\\\"") > 0);
}

static bool is_process(const struct field *f, const void *context)
{
	(void)context;
	return !strcmp(f->name, "processId");
}

/* `count` times `piece` where the innermost of `levels` conditions asks for the process; returns what its
 * lowering took, with *kind what came out. */
static size_t bytes_of_open(unsigned levels, const char *piece, size_t count,
			    enum expression_kind *kind)
{
	struct horizon horizon = { .is_unknown = is_process };
	struct strings strings = { NULL, 0, 0 };
	char *open = repeat("(", levels, "", "processId == 1 and (");
	char *close = repeat("? tcp: udp)", levels, "", "");
	char *inner = repeat(piece, count, " or ", ")");
	char *parts[] = { open, inner, close };
	struct expression *e = NULL;
	size_t bytes = 0, size = 1;
	struct filter *f = NULL;
	struct pool pool;
	char *text;

	for (size_t i = 0; i < 3; i++)
		size += parts[i] ? strlen(parts[i]) : 0;
	text = mem_new(size, 1);
	if (text)
		(void)snprintf(text, size, "%s%s%s", open, inner, close);
	pool_init(&pool);
	if (text && !filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
		e = lower(f->folded, &strings, &pool, &horizon);
	if (e) {
		*kind = e->kind;
		bytes = pool_bytes(&pool);
		CHECK(horizon.dropped > 0);
	}
	pool_fini(&pool);
	filter_free(f);
	mem_free(text);
	for (size_t i = 0; i < 3; i++)
		mem_free(parts[i]);
	return bytes;
}

/* Each level of conditions that are open asks what lies below it twice. */
static void test_memory_of_open_conditions(void)
{
	static const struct {
		unsigned levels;
		const char *piece;
		size_t count;
	} cases[] = {
		{ 13, "ip.SrcAddr == 1.2.3.4 and tcp.DstPort == 5", 400 },
		{ 13, "tcp.DstPort in {1, 3, 5, 7, 9, 11, 13} and ip.TTL == 1", 150 },
		{ 300, "ip.SrcAddr == 1.2.3.4 and tcp.DstPort == 5", 400 },
	};
	enum expression_kind kind = EXPR_TRUE;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t bytes = bytes_of_open(cases[i].levels, cases[i].piece,
					     cases[i].count, &kind);

		printf("# %u levels: %zu bytes\n", cases[i].levels, bytes);
		CHECK(bytes && bytes < 40000000);
	}
	/* Few are asked as far as can be. */
	CHECK(bytes_of_open(3, "ip.SrcAddr == 1.2.3.4", 100, &kind) < 1000000);
	CHECK(kind != EXPR_TRUE);
}

static void test_comments_are_for_files(void)
{
	static const char text[] = "# web\ntcp.DstPort = 80 # plain\n";
	struct filter_error bad;

	CHECK_EQ(try_text(text, FILTER_NETWORK, FILTER_COMMENTS, &bad), 0);
	CHECK_EQ(try_text(text, FILTER_NETWORK, 0, &bad), WEIR_ERR_USAGE);
	CHECK_STR(bad.hint, "comments are for filter files");
}

static void test_constant_filters_are_free(void)
{
	static const char *const always[] = { "true", "length > 0", "tcp or not (tcp)",
					      "ip or ipv6", "not false" };
	static const char *const never[] = { "false", "tcp and udp", "ip and icmpv6",
					     "tcp.DstPort = 1 and tcp.DstPort = 2" };
	struct filter *f;

	for (size_t i = 0; i < 5; i++) {
		CHECK_EQ(filter_compile(&f, always[i], FILTER_NETWORK, 0, NULL), 0);
		CHECK(f && filter_is_true(f) && !filter_is_false(f));
		filter_free(f);
	}
	for (size_t i = 0; i < 4; i++) {
		CHECK_EQ(filter_compile(&f, never[i], FILTER_NETWORK, 0, NULL), 0);
		CHECK(f && filter_is_false(f));
		filter_free(f);
	}
}

int main(void)
{
	RUN(test_windivert_errors);
	RUN(test_crash_inputs_are_errors);
	RUN(test_flaws_are_refused);
	RUN(test_number_of_words);
	RUN(test_number_of_tests);
	RUN(test_depth);
	RUN(test_length_of_words);
	RUN(test_error_for_a_person);
	RUN(test_hints);
	RUN(test_memory_of_strings);
	RUN(test_memory_of_open_conditions);
	RUN(test_comments_are_for_files);
	RUN(test_constant_filters_are_free);
	return tap_done();
}
