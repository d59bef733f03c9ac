/* Where segments end: by size, at a record's boundary, by time; and what --keep removes. */
#include "lib/store-driver.h"
#include "store/open.h"

#define RECORD_100 160 /* a record of 100 bytes: 28 + 100 + options 28 + 4 */

static void begin(struct driver *d)
{
	CHECK(driver_iface(d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(d, NULL), 0);
}

static uint64_t file_size(const struct driver *d, unsigned number)
{
	char name[32];
	struct bytes b;

	(void)snprintf(name, sizeof name, "%010u.pcapng", number);
	b = read_whole(d->path, name);
	free(b.at);
	return b.length;
}

/* Spans larger than a segment and smaller ones; every segment is as full as it can be. */
static void test_size(void)
{
	struct driver d;
	unsigned segments;

	driver_init(&d);
	d.config.rotate_bytes = 20000;
	begin(&d);
	CHECK_EQ(driver_write(&d, 1000, T0, 100), 0);
	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ(driver_write(&d, 1, T0 + NS_PER_S + i, 100), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.packets, 1100);
	CHECK_EQ(d.released, 101);
	segments = (unsigned)d.summary.segments;
	CHECK(segments >= 9 && segments <= 10);
	for (unsigned n = 1; n < segments; n++) {
		CHECK(file_size(&d, n) <= 20000);
		CHECK(file_size(&d, n) > 20000 - RECORD_100);
	}
	CHECK_EQ(count_lines(d.path, "segment"), segments);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* Nothing is cut or left out where segments meet: all packet ids, in order. */
static void test_no_record_is_lost_between_segments(void)
{
	struct driver d;
	uint64_t next = 1;

	driver_init(&d);
	d.config.rotate_bytes = 3000;
	begin(&d);
	for (unsigned i = 0; i < 10; i++)
		CHECK_EQ(driver_write(&d, 37, T0 + i * NS_PER_S, 1 + i * 31), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	for (unsigned n = 1; n <= d.summary.segments; n++) {
		char name[32];
		struct bytes b;
		size_t at = 0;

		(void)snprintf(name, sizeof name, "%010u.pcapng", n);
		b = read_whole(d.path, name);
		for (; at + 12 <= b.length; at += get_u32le(b.at + at + 4)) {
			const uint8_t *p = b.at + at;

			if (get_u32le(p) != PCAPNG_EPB)
				continue;
			/* flags are the first option, the id the second */
			p += RECORD_DATA + ALIGN_UP(get_u32le(p + 20), 4U) + 12;
			CHECK_EQ(get_u64le(p), next);
			next++;
		}
		free(b.at);
	}
	CHECK_EQ(next, 371);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_record_larger_than_a_segment(void)
{
	struct driver d;

	driver_init(&d);
	d.config.rotate_bytes = 1000;
	begin(&d);
	CHECK_EQ(driver_write(&d, 3, T0, 5000), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, 3);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* Import: by the packets' times, at multiples of the interval, within a span too. */
static void test_time_of_packets(void)
{
	struct driver d;
	struct span *span;
	int64_t hour = T0 / (60 * NS_PER_S) * (60 * NS_PER_S);

	driver_init(&d);
	d.config.rotate_ns = 60 * NS_PER_S;
	begin(&d);
	span = span_new(&d, 0, 1);
	span_add(span, 0, hour + 59 * NS_PER_S, 60);
	span_add(span, 0, hour + 60 * NS_PER_S - 1, 60);
	span_add(span, 0, hour + 60 * NS_PER_S, 60);
	/* Back over the boundary: no new segment for it. */
	span_add(span, 0, hour + 59 * NS_PER_S, 60);
	span_add(span, 0, hour + 300 * NS_PER_S, 60);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, 3);
	CHECK_EQ(line_member(d.path, "segment", 0, "packets"), 2);
	CHECK_EQ(line_member(d.path, "segment", 1, "packets"), 2);
	CHECK_EQ(line_member(d.path, "segment", 1, "first_ns"), hour + 59 * NS_PER_S);
	CHECK_EQ(line_member(d.path, "segment", 2, "packets"), 1);
	json_t *line = manifest_line(d.path, "segment", 1);
	CHECK(json_is_false(json_object_get(line, "sorted")));
	CHECK_STR(json_string_value(json_object_get(line, "reason")), "time");
	json_decref(line);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* A packet of the last time there is is written, and so is what follows it: with and without limits. */
static void test_the_last_time(void)
{
	static const struct {
		uint64_t bytes;
		int64_t ns;
	} rotate[] = { { 0, 0 }, { 1 << 20, 0 }, { 500, 0 }, { 0, 60 * NS_PER_S } };

	for (size_t i = 0; i < ARRAY_LEN(rotate); i++) {
		struct driver d;
		struct span *span;

		driver_init(&d);
		d.config.rotate_bytes = rotate[i].bytes;
		d.config.rotate_ns = rotate[i].ns;
		begin(&d);
		span = span_new(&d, 0, 1);
		span_add(span, 0, T0, 60);
		span_add(span, 0, INT64_MAX, 60);
		span_add(span, 0, T0 + 1, 60);
		CHECK_EQ(store_write(d.store, span), 0);
		CHECK_EQ(driver_close(&d, NULL), 0);
		CHECK_EQ(d.summary.packets, 3);
		CHECK_EQ(d.summary.last_ns, INT64_MAX);
		CHECK(check_store(d.path));
		driver_fini(&d);
	}
}

/* A span whose first packet is later than others in it must not make empty segments. */
static void test_time_of_an_unsorted_span(void)
{
	struct driver d;
	struct span *span;
	int64_t minute = T0 / (60 * NS_PER_S) * (60 * NS_PER_S);

	driver_init(&d);
	d.config.rotate_ns = 60 * NS_PER_S;
	begin(&d);
	span = span_new(&d, 0, 1);
	span_add(span, 0, minute + 61 * NS_PER_S, 60);
	span_add(span, 0, minute, 60);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, 1);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* Live: by the clock of the ticks. */
static void test_time_of_the_clock(void)
{
	struct driver d;
	int64_t minute = 60 * NS_PER_S, start = T0 / minute * minute + 10 * NS_PER_S;

	driver_init(&d);
	d.config.has_packet_clock = false;
	d.config.rotate_ns = minute;
	begin(&d);
	store_tick(d.store, start);
	CHECK_EQ(driver_write(&d, 1, start, 60), 0);
	store_tick(d.store, start + 49 * NS_PER_S);
	CHECK_EQ(driver_write(&d, 1, start + 49 * NS_PER_S, 60), 0);
	CHECK_EQ(counter_read(&store_progress(d.store)->segments), 0);
	store_tick(d.store, start + 50 * NS_PER_S);
	CHECK_EQ(counter_read(&store_progress(d.store)->segments), 1);
	/* Nothing to record for an hour: no empty segments. */
	for (unsigned i = 0; i < 60; i++)
		store_tick(d.store, start + (int64_t)i * minute);
	CHECK_EQ(driver_write(&d, 1, start + 60 * minute, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, 2);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static unsigned segment_files(const struct driver *d)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= d->summary.segments; i++)
		n += file_size(d, i) > 0;
	return n;
}

static void test_keep_bytes(void)
{
	struct driver d;
	json_t *line;

	driver_init(&d);
	d.config.rotate_bytes = 10000;
	d.config.keep_bytes = 40000;
	begin(&d);
	for (unsigned i = 0; i < 20; i++)
		CHECK_EQ(driver_write(&d, 50, T0 + i * NS_PER_S, 100), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(d.summary.segments >= 16);
	CHECK(segment_files(&d) <= 4);
	CHECK(segment_files(&d) >= 3);
	CHECK_EQ(file_size(&d, 1), 0);
	CHECK(file_size(&d, (unsigned)d.summary.segments) > 0);
	CHECK_EQ(count_lines(d.path, "removed") + segment_files(&d), d.summary.segments);
	line = manifest_line(d.path, "removed", 0);
	CHECK_STR(json_string_value(json_object_get(line, "name")), "0000000001.pcapng");
	CHECK_STR(json_string_value(json_object_get(line, "why")), "keep_bytes");
	json_decref(line);
	CHECK_EQ(d.summary.grade, GRADE_COMPLETE);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_keep_age(void)
{
	struct driver d;

	driver_init(&d);
	d.config.keep_ns = 80 * NS_PER_S; /* segments of 10 s come by themselves */
	begin(&d);
	for (unsigned i = 0; i < 30; i++)
		CHECK_EQ(driver_write(&d, 5, T0 + i * 10 * NS_PER_S, 100), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(d.summary.segments >= 29);
	CHECK(segment_files(&d) <= 10);
	CHECK(segment_files(&d) >= 8);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* Importing the same packets twice, in spans of other sizes, gives the same segments. */
static void test_same_input_same_bytes(void)
{
	struct driver d[2];

	for (unsigned k = 0; k < 2; k++) {
		driver_init(&d[k]);
		d[k].config.rotate_bytes = 5000;
		begin(&d[k]);
		for (unsigned i = 0; i < 120; i += 1 + k * 11)
			CHECK_EQ(driver_write(&d[k], 1 + k * 11,
					      T0 + (int64_t)i * NS_PER_US, 100),
				 0);
		CHECK_EQ(driver_close(&d[k], NULL), 0);
	}
	CHECK_EQ(d[0].summary.segments, d[1].summary.segments);
	for (unsigned n = 1; n <= d[0].summary.segments; n++) {
		char name[32];
		struct bytes a, b;

		(void)snprintf(name, sizeof name, "%010u.pcapng", n);
		a = read_whole(d[0].path, name);
		b = read_whole(d[1].path, name);
		CHECK(a.length && a.length == b.length && !memcmp(a.at, b.at, a.length));
		free(a.at);
		free(b.at);
	}
	driver_fini(&d[0]);
	driver_fini(&d[1]);
}

/* A disk on which the ledger falls behind. */
static int sync_slowly(int fd)
{
	(void)fd;
	(void)usleep(300);
	return 0;
}

static void begin_slowly(struct driver *d, unsigned lanes)
{
	static struct disk slow;

	slow = disk_system;
	slow.sync = slow.sync_dir = slow.sync_all = sync_slowly;
	for (unsigned i = 0; i < lanes; i++)
		CHECK(driver_iface(d, "x", (uint16_t)(LINKTYPE_ETHERNET + i)) != NULL);
	CHECK_EQ(store_create_on(&d->store, &d->config, d->ifaces, &slow, NULL), 0);
	CHECK_EQ(store_begin(d->store, NULL), 0);
}

/* The ledger is so far behind that segments are not finished: a lane that begins now has its line
 * all the same. */
static void test_lanes_begin_while_the_ledger_is_behind(void)
{
	struct store_check check;
	struct weir_error err = { 0 };
	struct driver d;

	driver_init(&d);
	d.config.has_packet_clock = false;
	d.config.rotate_bytes = 500;
	begin_slowly(&d, LANE_MAX);
	for (unsigned i = 0; i < 3000; i++)
		CHECK_EQ(driver_write(&d, 1, T0 + i, 100), 0);
	for (unsigned lane = 1; lane < LANE_MAX; lane++) {
		struct span *span = span_new(&d, lane, 1);

		span_add(span, 0, T0, 60);
		CHECK_EQ(store_write(d.store, span), 0);
	}
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.grade, GRADE_COMPLETE);
	CHECK_EQ(count_lines(d.path, "end"), 1);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	CHECK_STR(check.fault, "");
	CHECK_EQ(check.packets, 3000 + LANE_MAX - 1);
	driver_fini(&d);
}

/* An import waits for a ledger that is behind: each minute is a segment, however slow the disk is. */
static void test_import_waits_for_the_ledger(void)
{
	const unsigned minutes = 2000;
	int64_t minute = 60 * NS_PER_S;
	struct store_check check;
	struct weir_error err = { 0 };
	struct driver d;

	driver_init(&d);
	d.config.rotate_ns = minute;
	begin_slowly(&d, 1);
	for (unsigned i = 0; i < minutes; i++)
		CHECK_EQ(driver_write(&d, 1, T0 + i * minute, 100), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, minutes);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	CHECK_EQ(check.packets, minutes);
	driver_fini(&d);
}

/* An import is always behind its source, which puts hashing off: it does not wait for that, too. */
static void test_import_is_behind(void)
{
	const unsigned minutes = 700;
	int64_t minute = 60 * NS_PER_S, quiet_ns = port_monotonic_ns() + minute;
	struct store_check check;
	struct weir_error err = { 0 };
	struct driver d;

	driver_init(&d);
	d.config.rotate_ns = minute;
	begin_slowly(&d, 1);
	counter_set(&d.store->progress.busy_until_ns, (uint64_t)quiet_ns);
	for (unsigned i = 0; i < minutes; i++)
		CHECK_EQ(driver_write(&d, 1, T0 + i * minute, 100), 0);
	CHECK(port_monotonic_ns() < quiet_ns);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, minutes);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	CHECK_EQ(check.packets, minutes);
	driver_fini(&d);
}

int main(void)
{
	RUN(test_size);
	RUN(test_no_record_is_lost_between_segments);
	RUN(test_record_larger_than_a_segment);
	RUN(test_time_of_packets);
	RUN(test_the_last_time);
	RUN(test_time_of_an_unsorted_span);
	RUN(test_time_of_the_clock);
	RUN(test_keep_bytes);
	RUN(test_keep_age);
	RUN(test_same_input_same_bytes);
	RUN(test_lanes_begin_while_the_ledger_is_behind);
	RUN(test_import_waits_for_the_ledger);
	RUN(test_import_is_behind);
	return tap_done();
}
