#include "analyze/radix.h"
#include "analyze/sorter.h"
#include "lib/tap.h"

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* The same rows in two memories come out the same, in order, and all of them. */
static uint64_t sort_all(size_t memory, unsigned count, unsigned *runs)
{
	struct sorter *s = sorter_new(memory);
	struct file_time last = { INT64_MIN, 0 };
	struct sorter_at at;
	uint64_t x = 88172645463325252, sum = 0;
	const void *bytes;
	size_t length;
	struct weir_error err;
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t r = next_random(&x);
		char text[64];
		int size = snprintf(text, sizeof text, "%u-%.*s", i, (int)(r % 40),
				    "0123456789012345678901234567890123456789");

		at = (struct sorter_at){ .time = { .s = (int64_t)(r >> 40) - 8000000,
						   .ns = (uint32_t)(r % 3) } };
		CHECK(!sorter_add_rows(s, &at, 1, text, (size_t)size, &err));
	}
	CHECK(!sorter_finish(s, &err));
	while (sorter_next_row(s, &at, &bytes, &length, &err) == 1) {
		CHECK(when_compare(last, at.time) <= 0);
		for (size_t i = 0; i < length; i++)
			sum = sum * 31 + ((const uint8_t *)bytes)[i];
		last = at.time;
		n++;
	}
	CHECK_EQ(sorter_next_row(s, &at, &bytes, &length, &err), 0);
	CHECK_EQ(n, count);
	*runs = sorter_runs(s);
	sorter_free(s);
	return sum;
}

static void test_memory_and_disk(void)
{
	unsigned runs;
	uint64_t in_memory = sort_all(64 << 20, 60000, &runs);

	CHECK_EQ(runs, 0);
	CHECK_EQ(sort_all(1 << 20, 60000, &runs), in_memory);
	CHECK(runs > 1);
	(void)sort_all(1 << 20, 0, &runs);
}

/* Against comparing: any keys, few keys, keys that differ in one byte; equal ones keep their order. */
static void test_radix(void)
{
	enum {
		COUNT = 5000
	};
	static struct radix_pair pairs[COUNT], spare[COUNT];
	static const uint64_t masks[] = { UINT64_MAX, 7, UINT64_C(0xff) << 40, 0,
					  UINT64_C(0xffff00000000ffff) };
	uint64_t x = 88172645463325252;

	for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
		struct radix_pair *p;

		for (uint32_t i = 0; i < COUNT; i++)
			pairs[i] = (struct radix_pair){ .key = next_random(&x) & masks[m],
							.index = i };
		p = radix_sort(pairs, spare, COUNT);
		for (unsigned i = 1; i < COUNT; i++)
			CHECK(p[i - 1].key < p[i].key ||
			      (p[i - 1].key == p[i].key && p[i - 1].index < p[i].index));
	}
	CHECK(radix_sort(pairs, spare, 0) == pairs);
	CHECK(radix_sort(pairs, spare, 1) == pairs);
}

/* Rows that share their bytes come out by time, and at one time by their tags; times that no 64-bit
 * number of nanoseconds holds are in order, too. */
static void test_shared_rows(void)
{
	static const struct sorter_at times[] = {
		{ { 15032385535, 5 }, 1 },
		{ { 15032385535, 4 }, 2 },
		{ { -15032385535, 0 }, 4 },
		{ { 15032385535, 4 }, 1 },
	};

	static const struct {
		int64_t s;
		uint8_t tag;
		char text;
	} want[] = { { -15032385535, 4, 'a' }, { -15032385535, 4, 'b' },
		     { 15032385535, 1, 'a' },  { 15032385535, 2, 'a' },
		     { 15032385535, 1, 'b' },  { 15032385535, 2, 'b' },
		     { 15032385535, 1, 'a' },  { 15032385535, 1, 'b' } };
	struct sorter *s = sorter_new(1 << 20);
	struct sorter_at at;
	struct weir_error err;
	const void *bytes;
	size_t length;

	CHECK(!sorter_add_rows(s, times, 4, "b", 1, &err));
	CHECK(!sorter_add_rows(s, times, 4, "a", 1, &err));
	CHECK(!sorter_finish(s, &err));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CHECK_EQ(sorter_next_row(s, &at, &bytes, &length, &err), 1);
		CHECK_EQ(at.time.s, want[i].s);
		CHECK_EQ(at.tag, want[i].tag);
		CHECK_EQ(*(const char *)bytes, want[i].text);
	}
	CHECK_EQ(sorter_next_row(s, &at, &bytes, &length, &err), 0);
	sorter_free(s);
}

static void test_long_rows(void)
{
	static char row[200000];
	struct sorter *s = sorter_new(1 << 20);
	struct weir_error err;
	struct sorter_at at;
	const void *bytes;
	size_t length;

	for (unsigned i = 0; i < 20; i++) {
		memset(row, 'a' + (int)i, sizeof row);
		at = (struct sorter_at){ .time = { 20 - i, 0 } };
		CHECK(!sorter_add_rows(s, &at, 1, row, sizeof row - i, &err));
	}
	CHECK(!sorter_finish(s, &err));
	CHECK(sorter_runs(s) > 1);
	for (unsigned i = 20; i > 0; i--) {
		CHECK_EQ(sorter_next_row(s, &at, &bytes, &length, &err), 1);
		CHECK_EQ(length, sizeof row - (i - 1));
		CHECK_EQ(*(const char *)bytes, 'a' + (int)i - 1);
	}
	CHECK_EQ(sorter_next_row(s, &at, &bytes, &length, &err), 0);
	CHECK_EQ(sorter_add(s, at.time, row, (size_t)SORTER_ROW_MAX + 1, &err),
		 WEIR_ERR_LIMIT);
	sorter_free(s);
}

int main(void)
{
	RUN(test_memory_and_disk);
	RUN(test_radix);
	RUN(test_shared_rows);
	RUN(test_long_rows);
	return tap_done();
}
