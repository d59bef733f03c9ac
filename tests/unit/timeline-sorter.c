#include "analyze/flow_ends.h"
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
	struct file_time at, last = { INT64_MIN, 0 };
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

		at = (struct file_time){ .s = (int64_t)(r >> 40) - 8000000,
					 .ns = (uint32_t)(r % 3) };
		CHECK(!sorter_add(s, at, text, (size_t)size, &err));
	}
	CHECK(!sorter_finish(s, &err));
	while (sorter_next(s, &at, &bytes, &length, &err) == 1) {
		CHECK(when_compare(last, at) <= 0);
		for (size_t i = 0; i < length; i++)
			sum = sum * 31 + ((const uint8_t *)bytes)[i];
		last = at;
		n++;
	}
	CHECK_EQ(sorter_next(s, &at, &bytes, &length, &err), 0);
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

static void test_long_rows(void)
{
	static char row[200000];
	struct sorter *s = sorter_new(1 << 20);
	struct weir_error err;
	struct file_time at;
	const void *bytes;
	size_t length;

	for (unsigned i = 0; i < 20; i++) {
		memset(row, 'a' + (int)i, sizeof row);
		CHECK(!sorter_add(s, (struct file_time){ 20 - i, 0 }, row, sizeof row - i,
				  &err));
	}
	CHECK(!sorter_finish(s, &err));
	CHECK(sorter_runs(s) > 1);
	for (unsigned i = 20; i > 0; i--) {
		CHECK_EQ(sorter_next(s, &at, &bytes, &length, &err), 1);
		CHECK_EQ(length, sizeof row - (i - 1));
		CHECK_EQ(*(const char *)bytes, 'a' + (int)i - 1);
	}
	CHECK_EQ(sorter_next(s, &at, &bytes, &length, &err), 0);
	CHECK_EQ(sorter_add(s, at, row, (size_t)SORTER_ROW_MAX + 1, &err),
		 WEIR_ERR_LIMIT);
	sorter_free(s);
}

struct seen {
	unsigned count;
	struct flow_end last;
};

static int remember(void *arg, const struct flow_end *e)
{
	struct seen *s = arg;

	s->count++;
	s->last = *e;
	return 0;
}

/* Raw IPv4 and UDP of one byte. */
static void make_packet(uint8_t b[29], uint8_t from, uint8_t to, uint16_t sport,
			uint16_t dport)
{
	memset(b, 0, 29);
	b[0] = 0x45;
	b[3] = 29;
	b[8] = 64;
	b[9] = 17;
	b[12] = 10;
	b[15] = from;
	b[16] = 10;
	b[19] = to;
	b[20] = (uint8_t)(sport >> 8);
	b[21] = (uint8_t)sport;
	b[22] = (uint8_t)(dport >> 8);
	b[23] = (uint8_t)dport;
	b[25] = 9;
}

static void test_flows(void)
{
	struct seen seen = { .count = 0 };
	struct flow_ends *f = flow_ends_new(remember, &seen);
	uint8_t b[29];
	struct packet p = { .data = b, .caplen = 29, .len = 29, .linktype = 101 };

	make_packet(b, 1, 2, 1000, 53);
	p.ns = 100;
	CHECK(!flow_ends_packet(f, &p));
	make_packet(b, 2, 1, 53, 1000);
	p.ns = 300;
	p.has_pid = true;
	p.pid = 77;
	CHECK(!flow_ends_packet(f, &p));
	p.ns = 200;
	CHECK(!flow_ends_packet(f, &p));
	b[0] = 0;
	CHECK(!flow_ends_packet(f, &p));
	CHECK_EQ(flow_ends_others(f), 1);
	CHECK(!flow_ends_finish(f));
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.last.packets, 3);
	CHECK_EQ(seen.last.first_ns, 100);
	CHECK_EQ(seen.last.last_ns, 300);
	CHECK_EQ(seen.last.src_port, 1000);
	CHECK_EQ(seen.last.pid, 77);
	CHECK_EQ(seen.last.bytes, 87);
	flow_ends_free(f);
}

/* More flows than the table holds come in parts; none is lost. */
static void test_many_flows(void)
{
	struct seen seen = { .count = 0 };
	struct flow_ends *f = flow_ends_new(remember, &seen);
	uint8_t b[29];
	struct packet p = { .data = b, .caplen = 29, .len = 29, .linktype = 101 };

	for (unsigned i = 0; i < FLOW_ENDS_MAX + 1000; i++) {
		make_packet(b, (uint8_t)(i >> 16), 200, (uint16_t)i, 9);
		CHECK(!flow_ends_packet(f, &p));
	}
	CHECK(!flow_ends_finish(f));
	CHECK_EQ(seen.count, FLOW_ENDS_MAX + 1000);
	flow_ends_free(f);
}

int main(void)
{
	RUN(test_memory_and_disk);
	RUN(test_long_rows);
	RUN(test_flows);
	RUN(test_many_flows);
	return tap_done();
}
