/* Time stamps of pcapng: every resolution to the ns, offsets, and the ends of the range. */
#include "lib/tap.h"
#include "store/pcapng_clock.h"
#include "weir/error.h"

static int64_t ns_of(uint8_t resolution, int64_t offset_s, uint64_t ticks)
{
	struct pcapng_clock c = { resolution, offset_s };
	int64_t ns = -1;

	CHECK_EQ(pcapng_clock_ns(&c, ticks, &ns), 0);
	return ns;
}

static int code_of(uint8_t resolution, int64_t offset_s, uint64_t ticks)
{
	struct pcapng_clock c = { resolution, offset_s };
	int64_t ns;

	return pcapng_clock_ns(&c, ticks, &ns);
}

static void test_powers_of_ten(void)
{
	int64_t unit = 1000000000;

	for (uint8_t n = 0; n <= 9; n++, unit /= 10)
		CHECK_EQ(ns_of(n, 0, 7), 7 * unit);
	CHECK_EQ(ns_of(6, 0, 1700000000123456), 1700000000123456000);
	CHECK_EQ(ns_of(9, 0, 1700000000123456789), 1700000000123456789);
	CHECK_EQ(ns_of(10, 0, 19), 1);
	CHECK_EQ(ns_of(12, 0, 1999), 1);
	CHECK_EQ(ns_of(12, 0, 18446744073709551615u), 18446744073709551);
	CHECK_EQ(ns_of(19, 0, 18446744073709551615u), 1844674407);
	CHECK_EQ(ns_of(28, 0, 18446744073709551615u), 1);
	CHECK_EQ(ns_of(29, 0, 18446744073709551615u), 0);
	CHECK_EQ(ns_of(127, 0, 18446744073709551615u), 0);
}

static void test_powers_of_two(void)
{
	CHECK_EQ(ns_of(0x80, 0, 5), 5000000000);
	CHECK_EQ(ns_of(0x81, 0, 1), 500000000);
	CHECK_EQ(ns_of(0x80 | 10, 0, 1), 976562); /* 1/1024 s, rounded down */
	CHECK_EQ(ns_of(0x80 | 32, 0, (uint64_t)1700000000 << 32 | 0x80000000),
		 1700000000500000000);
	CHECK_EQ(ns_of(0x80 | 32, 0, 0xffffffffffffffff), 4294967295999999999);
	CHECK_EQ(ns_of(0x80 | 63, 0, (uint64_t)1 << 63), 1000000000);
	CHECK_EQ(ns_of(0xff, 0, 0xffffffffffffffff), 0);
}

static void test_offsets(void)
{
	CHECK_EQ(ns_of(9, 1700000000, 5), 1700000000000000005);
	CHECK_EQ(ns_of(9, -1, 1), -999999999);
	CHECK_EQ(ns_of(0, -1700000000, 1700000001), 1000000000);
	/* ticks and offset each beyond the range, their sum within it */
	CHECK_EQ(ns_of(0, -20000000000, 20000000001), 1000000000);
}

static void test_range(void)
{
	CHECK_EQ(ns_of(9, 0, INT64_MAX), INT64_MAX);
	CHECK_EQ(code_of(9, 0, (uint64_t)INT64_MAX + 1), WEIR_ERR_LIMIT);
	CHECK_EQ(code_of(0, 0, 9223372036), 0);
	CHECK_EQ(code_of(0, 0, 9223372037), WEIR_ERR_LIMIT);
	CHECK_EQ(code_of(6, 0, UINT64_MAX), WEIR_ERR_LIMIT);
	CHECK_EQ(code_of(0, 0, UINT64_MAX), WEIR_ERR_LIMIT);
	CHECK_EQ(code_of(9, INT64_MAX, UINT64_MAX), WEIR_ERR_LIMIT);
	CHECK_EQ(code_of(9, INT64_MIN, 0), WEIR_ERR_LIMIT);
	CHECK_EQ(code_of(9, -9223372036, 0), 0);
	CHECK_EQ(code_of(9, -9223372037, 0), WEIR_ERR_LIMIT);
}

int main(void)
{
	RUN(test_powers_of_ten);
	RUN(test_powers_of_two);
	RUN(test_offsets);
	RUN(test_range);
	return tap_done();
}
