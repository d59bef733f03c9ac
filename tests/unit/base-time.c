#include "base/time.h"
#include "lib/tap.h"

static void test_format(void)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ -1, "1969-12-31T23:59:59.999999999Z" },
		{ 1795389215123456789, "2026-11-22T23:13:35.123456789Z" },
		{ 951782400 * NS_PER_S, "2000-02-29T00:00:00.000000000Z" },
		{ 4107542399 * NS_PER_S, "2100-02-28T23:59:59.000000000Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854775807Z" },
		{ INT64_MIN, "1677-09-21T00:12:43.145224192Z" },
	};

	char text[TIME_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		time_format(rows[i].ns, text);
		CHECK_STR(text, rows[i].text);
	}
}

static void test_round_trip(void)
{
	uint64_t x = 88172645463325252;
	char text[TIME_TEXT];

	for (unsigned i = 0; i < 20000; i++) {
		int64_t ns, back = 0;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* Years 1700 to 2240: inside what four digits and the type can say. */
		ns = (int64_t)(x % 17040000000000000000u - 8520000000000000000u);
		time_format(ns, text);
		CHECK(!time_parse(text, &back, NULL) && back == ns);
	}
}

static void test_parse(void)
{
	static const struct {
		const char *text;
		int64_t ns;
	} rows[] = {
		{ "2026-11-22", 1795305600 * NS_PER_S },
		{ "2026-11-22T23:13", 1795389180 * NS_PER_S },
		{ "2026-11-22 23:13:35Z", 1795389215 * NS_PER_S },
		{ "2026-11-22T23:13:35.5", 1795389215 * NS_PER_S + NS_PER_S / 2 },
		{ "2026-11-23T00:13:35+01:00", 1795389215 * NS_PER_S },
		{ "2026-11-22T18:43:35-0430", 1795389215 * NS_PER_S },
		{ "@1795389215.25", 1795389215 * NS_PER_S + NS_PER_S / 4 },
		{ "@-1.5", -NS_PER_S - NS_PER_S / 2 },
		{ "1795389215123456789", 1795389215123456789 },
	};

	static const char *const bad[] = { "",
					   "yesterday",
					   "2026-13-01",
					   "2026-02-29",
					   "2026-11-22T",
					   "2026-11-22T24:00:00",
					   "2026-11-22T23:13:35x",
					   "@",
					   "12",
					   "2026-1-2",
					   "2026-11-22T23:13:35.",
					   "9999-01-01" };
	struct weir_error err;
	int64_t ns = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK_EQ(time_parse(rows[i].text, &ns, NULL), 0);
		CHECK_EQ(ns, rows[i].ns);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK_EQ(time_parse(bad[i], &ns, &err), WEIR_ERR_USAGE);
	CHECK(strstr(err.text, "9999-01-01") != NULL);
}

static void test_durations_and_sizes(void)
{
	int64_t ns = 0;
	uint64_t n = 0;
	char text[SIZE_TEXT];

	CHECK(!duration_parse("30s", &ns, NULL) && ns == 30 * NS_PER_S);
	CHECK(!duration_parse("1.5h", &ns, NULL) && ns == 5400 * NS_PER_S);
	CHECK(!duration_parse("250ms", &ns, NULL) && ns == 250 * NS_PER_MS);
	CHECK(!duration_parse("7", &ns, NULL) && ns == 7 * NS_PER_S);
	CHECK(duration_parse("-1s", &ns, NULL) == WEIR_ERR_USAGE);
	CHECK(duration_parse("1y", &ns, NULL) == WEIR_ERR_USAGE);
	CHECK(duration_parse("99999999999d", &ns, NULL) == WEIR_ERR_USAGE);
	CHECK(!size_parse("256KiB", &n, NULL) && n == 262144);
	CHECK(!size_parse("1MB", &n, NULL) && n == 1000000);
	CHECK(!size_parse("10GiB", &n, NULL) && n == UINT64_C(10) << 30);
	CHECK(!size_parse("64k", &n, NULL) && n == 65536);
	CHECK(!size_parse("1.5MiB", &n, NULL) && n == 1572864);
	CHECK(size_parse("1QiB", &n, NULL) == WEIR_ERR_USAGE);
	CHECK(size_parse("99999999999999999999", &n, NULL) == WEIR_ERR_USAGE);
	size_format(873, text);
	CHECK_STR(text, "873 B");
	size_format(1258291, text);
	CHECK_STR(text, "1.2 MiB");
}

int main(void)
{
	RUN(test_format);
	RUN(test_round_trip);
	RUN(test_parse);
	RUN(test_durations_and_sizes);
	return tap_done();
}
