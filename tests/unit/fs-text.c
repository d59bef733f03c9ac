/* Times, names and numbers as text, and back. */
#include "filesystem/listing.h"
#include "filesystem/mime.h"
#include "filesystem/text.h"
#include "filesystem/when.h"
#include "lib/tap.h"

static void test_when(void)
{
	static const struct {
		struct file_time t;
		const char *iso, *ns;
	} rows[] = {
		{ { 0, 0 }, "1970-01-01T00:00:00.000000000Z", "0" },
		{ { 0, 1 }, "1970-01-01T00:00:00.000000001Z", "1" },
		{ { -1, 999999999 }, "1969-12-31T23:59:59.999999999Z", "-1" },
		{ { -1, 0 }, "1969-12-31T23:59:59.000000000Z", "-1000000000" },
		{ { -157766400, 500000000 },
		  "1965-01-01T00:00:00.500000000Z",
		  "-157766399500000000" },
		{ { 1795389215, 123456789 },
		  "2026-11-22T23:13:35.123456789Z",
		  "1795389215123456789" },
		{ { 951782400, 0 },
		  "2000-02-29T00:00:00.000000000Z",
		  "951782400000000000" },
		{ { 15032385535, 999999999 },
		  "2446-05-10T22:38:55.999999999Z",
		  "15032385535999999999" },
		{ { -2147483648, 0 },
		  "1901-12-13T20:45:52.000000000Z",
		  "-2147483648000000000" },
		{ { 253402300800, 0 },
		  "+10000-01-01T00:00:00.000000000Z",
		  "253402300800000000000" },
		{ { -62167219201, 0 },
		  "-1-12-31T23:59:59.000000000Z",
		  "-62167219201000000000" },
		/* A damaged inode may hold any second. */
		{ { -9000000000000000, 0 },
		  "-285196677-06-10T08:00:00.000000000Z",
		  "-9000000000000000000000000" },
		{ { INT64_MAX, 999999999 },
		  "+292277026596-12-04T15:30:07.999999999Z",
		  "9223372036854775807999999999" },
		{ { INT64_MIN, 0 },
		  "-292277022657-01-27T08:29:52.000000000Z",
		  "-9223372036854775808000000000" },
		{ { INT64_MIN, 1 },
		  "-292277022657-01-27T08:29:52.000000001Z",
		  "-9223372036854775807999999999" },
	};
	struct when_days days;
	char text[WHEN_ISO_MAX + 1], *end;
	struct file_time back;

	memset(&days, 0, sizeof days);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		end = when_iso(&days, text, rows[i].t);
		CHECK(end - text <= 39 && 39 <= WHEN_ISO_MAX);
		*end = '\0';
		CHECK_STR(text, rows[i].iso);
		end = when_ns(text, rows[i].t);
		CHECK(end - text <= WHEN_NS_MAX);
		*end = '\0';
		CHECK_STR(text, rows[i].ns);
		CHECK(when_parse_ns(text, (size_t)(end - text), &back));
		CHECK(!when_compare(back, rows[i].t));
	}
	CHECK(!when_parse_ns("", 0, &back) && !when_parse_ns("-", 1, &back));
	CHECK(!when_parse_ns("1x", 2, &back));
	CHECK(!when_parse_ns("9223372036854775808000000000", 28, &back));
	CHECK(!when_parse_ns("-9223372036854775808000000001", 29, &back));
	CHECK(!when_parse_ns("9999999999999999999999999999", 28, &back));
	CHECK(!when_parse_ns("10000000000000000000000000000", 29, &back));
}

static void test_when_many(void)
{
	struct when_days days;
	uint64_t x = 88172645463325252;
	char text[WHEN_ISO_MAX + 1], *end;
	struct file_time t, back;

	memset(&days, 0, sizeof days);
	for (unsigned i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		t.s = (int64_t)(x % 30000000000) - 10000000000;
		t.ns = (uint32_t)(x >> 32) % 1000000000;
		end = when_ns(text, t);
		CHECK(when_parse_ns(text, (size_t)(end - text), &back) &&
		      !when_compare(t, back));
		CHECK_EQ(when_to_ns(when_of_ns(when_to_ns(t))), when_to_ns(t));
	}
}

static const char *json(const char *s, size_t n)
{
	static char text[256];

	*text_json(text, s, n) = '\0';
	return text;
}

static void test_json(void)
{
	CHECK_STR(json("plain text of more than eight", 29),
		  "plain text of more than eight");
	CHECK_STR(json("\"\\\n\t\x01\x1f\x7f/", 8),
		  "\\\"\\\\\\n\\t\\u0001\\u001f\\u007f/");
	CHECK_STR(json("1234567\"", 8), "1234567\\\"");
	CHECK_STR(json("gr\xc3\xbc\xc3\x9f e", 8), "gr\xc3\xbc\xc3\x9f e");
	CHECK_STR(json("\xff", 1), "\xef\xbf\xbd");
	CHECK_STR(json("\xc3", 1), "\xef\xbf\xbd");
	CHECK_STR(json("\xed\xa0\x80", 3), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	CHECK_STR(json("\xf4\x8f\xbf\xbf", 4), "\xf4\x8f\xbf\xbf");
	CHECK(text_is_clean("abc\xc3\xbc", 5) && !text_is_clean("12345678\xff", 9));
	CHECK(!text_is_clean("\xc0\xaf", 2) && !text_is_clean("\xf4\x90\x80\x80", 4));
}

static void test_numbers(void)
{
	static const uint64_t values[] = { 0, 9, 10, 99, 100, 12345, UINT64_MAX };
	char text[32], want[32];

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		*text_u64(text, values[i]) = '\0';
		(void)snprintf(want, sizeof want, "%" PRIu64, values[i]);
		CHECK_STR(text, want);
	}
	*text_i64(text, INT64_MIN) = '\0';
	CHECK_STR(text, "-9223372036854775808");
	*text_9(text, 1020304) = '\0';
	CHECK_STR(text, "001020304");
	*text_9(text, 999999999) = '\0';
	CHECK_STR(text, "999999999");
	*text_octal(text, 0) = '\0';
	CHECK_STR(text, "0000");
	*text_octal(text, 0104755) = '\0';
	CHECK_STR(text, "104755");
	*text_base64(text, "ab", 2) = '\0';
	CHECK_STR(text, "YWI=");
	*text_base64(text, "abc\xff", 4) = '\0';
	CHECK_STR(text, "YWJj/w==");
}

static void test_mode(void)
{
	static const struct {
		uint32_t mode;
		const char *text;
	} rows[] = {
		{ 0100644, "-rw-r--r--" }, { 0040755, "drwxr-xr-x" },
		{ 0120777, "lrwxrwxrwx" }, { 0104755, "-rwsr-xr-x" },
		{ 0104644, "-rwSr--r--" }, { 0102755, "-rwxr-sr-x" },
		{ 0041777, "drwxrwxrwt" }, { 0041776, "drwxrwxrwT" },
		{ 0010600, "prw-------" }, { 0140755, "srwxr-xr-x" },
		{ 0020666, "crw-rw-rw-" }, { 0060660, "brw-rw----" },
		{ 0, "?---------" },
	};

	char text[11];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		*text_mode(text, rows[i].mode) = '\0';
		CHECK_STR(text, rows[i].text);
	}
}

static void test_terminal(void)
{
	char text[128];

	*text_terminal(text, "a\x1b[31m\n\xff", 8) = '\0';
	CHECK_STR(text, "a\\x1b[31m\\x0a\\xff");
	*text_terminal(text, "\xe2\x80\xaegpj", 6) = '\0';
	CHECK_STR(text, "\\u{202e}gpj");
	*text_terminal(text, "\xc2\x9b", 2) = '\0';
	CHECK_STR(text, "\\u{009b}");
}

static void test_mime(void)
{
	CHECK_STR(mime_of_name("a.JPG", 5), "image/jpeg");
	CHECK_STR(mime_of_name("x.tar.gz", 8), "application/gzip");
	CHECK_STR(mime_of_name("y.7z", 4), "application/x-7z-compressed");
	CHECK_STR(mime_of_name("y.zst", 5), "application/zstd");
	CHECK(!mime_of_name(".sh", 3) && !mime_of_name("Makefile", 8) &&
	      !mime_of_name("a.", 2));
	CHECK(!mime_of_name("a.toolongending", 15) && !mime_of_name("", 0));
}

static void test_listing(void)
{
	static const char line[] =
		"{\"record\":\"file\",\"path\":\"a\\n\\u00fc\\ud83d\\ude00\",\"type\":\"link\",\"x\":[1,{\"y\":"
		"\"}\\\"\"}],\"inode\":12,\"size_bytes\":3,\"modified_ns\":-1,\"target\":\"\xef\xbf\xbd\","
		"\"target_b64\":\"/w==\",\"permissions\":\"lrwxrwxrwx\",\"z\":null}";
	char spare[1024];
	struct listing_row r;
	size_t fault;

	CHECK(listing_parse(line, sizeof line - 1, spare, NULL, &r, &fault));
	CHECK_EQ(r.kind, LISTING_FILE);
	CHECK(r.path.length == 8 &&
	      !memcmp(r.path.bytes, "a\n\xc3\xbc\xf0\x9f\x98\x80", 8));
	CHECK(r.target.length == 1 && *r.target.bytes == '\xff');
	CHECK_EQ(r.inode, 12);
	CHECK_EQ(r.has_time, 1U << LISTING_MODIFIED);
	CHECK_EQ(r.times[LISTING_MODIFIED].s, -1);
	CHECK_EQ(r.times[LISTING_MODIFIED].ns, 999999999);
	for (size_t n = 0; n < sizeof line - 1; n++)
		CHECK(!listing_parse(line, n, spare, NULL, &r, &fault) && fault <= n);
	CHECK(listing_parse("{\"record\":\"summary\",\"a\":{}}\r", 28, spare, NULL, &r,
			    &fault));
	CHECK_EQ(r.kind, LISTING_SUMMARY);
	CHECK(!listing_parse("{\"record\":\"file\",\"inode\":-1}", 28, spare, NULL, &r,
			     &fault));
	CHECK(!listing_parse("{} x", 4, spare, NULL, &r, &fault));
}

static bool parse(const char *line, struct listing_row *r)
{
	static char spare[4096];
	size_t fault;

	return listing_parse(line, strlen(line), spare, NULL, r, &fault);
}

/* Another program may write the members in another order: they mean the same. */
static void test_listing_order(void)
{
	struct listing_row r;

	CHECK(parse("{\"path\": \"a\", \"born_ns\": 5, \"uid\": 7, \"record\": \"file\"}",
		    &r));
	CHECK_EQ(r.kind, LISTING_FILE);
	CHECK(r.path.length == 1 && *r.path.bytes == 'a');
	CHECK_EQ(r.has_time, 1U << LISTING_BORN);
	CHECK_EQ(r.uid, 7);
	CHECK(parse("{\"path_b64\":\"/w==\",\"record\":\"file\",\"path\":\"\\u00fc\"}",
		    &r));
	CHECK(r.path.length == 1 && *r.path.bytes == '\xff');
	CHECK(parse("{\"complete\":true,\"written\":3,\"record\":\"summary\"}", &r));
	CHECK_EQ(r.kind, LISTING_SUMMARY);
	CHECK(r.is_complete);
	CHECK_EQ(r.written, 3);
	/* What stood before it is read by the same rules. */
	CHECK(!parse("{\"inode\":-1,\"record\":\"file\"}", &r));
	CHECK(parse("{\"inode\":-1,\"record\":\"newer\"}", &r));
	CHECK_EQ(r.kind, LISTING_OTHER);
}

/* What is not there is told from a 0, and what cannot be is none. */
static void test_listing_has(void)
{
	static const char *const bad[] = {
		"{\"record\":\"file\",\"uid\":4294967296}",
		"{\"record\":\"file\",\"uid\":0,\"uid\":0}",
		"{\"record\":\"file\",\"record\":\"file\"}",
		"{\"record\":\"file\",\"path_b64\":\"/w=\"}",
		"{\"record\":\"file\",\"path_b64\":\"/w==/w==\"}",
		"{\"record\":\"file\",\"born_ns\":null}",
		"{\"record\":\"summary\",\"complete\":1}",
	};
	struct listing_row r;

	CHECK(parse("{\"record\":\"file\",\"uid\":0,\"size_bytes\":0}", &r));
	CHECK_EQ(r.has, LISTING_HAS_RECORD | LISTING_HAS_UID | LISTING_HAS_SIZE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!parse(bad[i], &r));
}

/* A line is read by what the line before had where: whatever differs is noticed. */
static void test_listing_guesses(void)
{
#define LINE(a, attributes, born, tail)                               \
 "{\"record\":\"file\",\"path\":\"" a "\",\"attributes\":" attributes \
 ",\"born_ns\":" born tail "}"

	static const struct {
		const char *line, *path;
		int64_t born;
		bool is_good;
	} rows[] = {
		{ LINE("a", "[\"x\",\"y\"]", "1000000005", ""), "a", 5, true },
		{ LINE("bb", "[\"x\",\"y\"]", "1000000006", ""), "bb", 6, true },
		{ LINE("c", "[\"x\",\"z\"]", "1000000007", ""), "c", 7, true },
		{ LINE("c", "[\"x\",\"z\"]]", "1000000007", ""), NULL, 0, false },
		{ LINE("d", "[\"x\",\"z\"]", "1000000008", ",\"born_ns\":1000000009"),
		  NULL, 0, false },
		{ LINE("e", "[\"x\",\"z\"]", "10000000x8", ""), NULL, 0, false },
		{ LINE("f", "[\"x\",\"z\"", "1000000008", ""), NULL, 0, false },
		{ "{\"record\":\"file\",\"attributes\":[],\"born_ns\":1000000001,\"path\":\"g\"}",
		  "g", 1, true },
		{ LINE("h", "[]", "1000000002", ""), "h", 2, true },
	};

#undef LINE
	static struct listing_guess guesses[LISTING_GUESSES];
	char spare[1024];
	struct listing_row r;
	size_t fault;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_good = listing_parse(rows[i].line, strlen(rows[i].line), spare,
					     guesses, &r, &fault);

		CHECK_EQ(is_good, rows[i].is_good);
		if (!is_good)
			continue;
		CHECK(r.path.length == strlen(rows[i].path) &&
		      !memcmp(r.path.bytes, rows[i].path, r.path.length));
		CHECK_EQ(r.times[LISTING_BORN].ns, rows[i].born);
	}
}

int main(void)
{
	RUN(test_when);
	RUN(test_when_many);
	RUN(test_json);
	RUN(test_numbers);
	RUN(test_mode);
	RUN(test_terminal);
	RUN(test_mime);
	RUN(test_listing);
	RUN(test_listing_order);
	RUN(test_listing_has);
	RUN(test_listing_guesses);
	return tap_done();
}
