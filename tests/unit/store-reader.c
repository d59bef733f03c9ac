/* A store as a source of packets: in order of time whatever the order of its records, lanes and
 * segments; every field; what is damaged is named. */
#include "lib/broken-store.h"

static struct driver d;
static struct weir_error err;

static void begin(enum store_layout layout)
{
	driver_init(&d);
	d.config.layout = layout;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK(driver_iface(&d, "tun0", LINKTYPE_RAW) != NULL);
	CHECK(driver_iface(&d, "eth1", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
}

/* One span of packets of a lane, at T0 + each of the times. */
static void put(unsigned lane, uint32_t iface, const int64_t *times, unsigned count)
{
	struct span *span = span_new(&d, lane, iface_count_in_lane(d.ifaces, lane));

	for (unsigned i = 0; i < count; i++)
		span_add(span, iface, T0 + times[i], 20 + i);
	CHECK_EQ(store_write(d.store, span), 0);
}

/* The times and ids in the order read. */
static void check_order(const int64_t *times, const uint64_t *ids, unsigned count)
{
	struct reader *r;
	struct packet p;
	unsigned n = 0;

	CHECK_EQ(reader_open(&r, d.path, &err), 0);
	while (reader_next(r, &p, &err) > 0 && n < count) {
		CHECK_EQ(p.ns - T0, times[n]);
		CHECK_EQ(p.id, ids[n]);
		CHECK(p.data[0] == (uint8_t)ids[n]);
		CHECK_EQ(reader_iface(r, p.iface)->linktype, p.linktype);
		n++;
	}
	CHECK_EQ(n, count);
	CHECK_EQ(reader_next(r, &p, &err), 0);
	reader_free(r);
}

static void unsorted(enum store_layout layout)
{
	static const int64_t in[] = { 50, 10, 40, 10, 30 },
			     out[] = { 10, 10, 30, 40, 50 };
	static const uint64_t ids[] = { 2, 4, 5, 3, 1 };

	begin(layout);
	put(0, 0, in, 5);
	CHECK_EQ(driver_close(&d, NULL), 0);
	check_order(out, ids, 5);
	driver_fini(&d);
}

static void test_times_that_go_back(void)
{
	unsorted(STORE_SEGMENTS);
	unsorted(STORE_FILES);
	unsorted(STORE_PAIRS);
}

/* Two lanes whose times interleave: a segment each, merged; equal times by segment. */
static void lanes(enum store_layout layout)
{
	static const int64_t a[] = { 1, 4, 5, 9 }, b[] = { 2, 4, 6 },
			     out[] = { 1, 2, 4, 4, 5, 6, 9 };
	static const uint64_t ids[] = { 1, 5, 2, 6, 3, 7, 4 };

	begin(layout);
	put(0, 1, a, 4);
	put(1, 0, b, 3);
	CHECK_EQ(driver_close(&d, NULL), 0);
	check_order(out, ids, 7);
	driver_fini(&d);
}

static void test_lanes_are_merged(void)
{
	lanes(STORE_SEGMENTS);
	lanes(STORE_FILES);
	lanes(STORE_PAIRS);
}

/* Segments whose order of numbers is not that of their times. */
static void test_segments_out_of_order(void)
{
	static const int64_t late[] = { 100, 101 }, early[] = { 1, 100 },
			     out[] = { 1, 100, 100, 101 };
	static const uint64_t ids[] = { 3, 1, 4, 2 };

	driver_init(&d);
	d.config.rotate_bytes = 4096;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	put(0, 0, late, 2);
	put(0, 0, early, 2);
	CHECK_EQ(driver_close(&d, NULL), 0);
	check_order(out, ids, 4);
	driver_fini(&d);
}

static void fields(enum store_layout layout)
{
	static const int64_t one[] = { 7 };
	struct reader *r;
	struct packet p;

	begin(layout);
	put(0, 1, one, 1);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(reader_open(&r, d.path, &err), 0);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.ns, T0 + 7);
	CHECK_EQ(p.caplen, 20);
	CHECK_EQ(p.len, 24);
	CHECK(p.has_flags);
	CHECK_EQ(p.flags, RECORD_OUTBOUND);
	CHECK_EQ(p.id, 1);
	CHECK_EQ(p.drops, 0);
	CHECK(!p.has_queue && !p.has_pid);
	CHECK_STR(reader_iface(r, p.iface)->name, "eth1");
	reader_free(r);
	driver_fini(&d);
}

static void test_every_field(void)
{
	fields(STORE_SEGMENTS);
	fields(STORE_FILES);
	fields(STORE_PAIRS);
}

static void test_empty_store(void)
{
	begin(STORE_SEGMENTS);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(read_all(d.path, true, &err), 0);
	driver_fini(&d);
}

/* Packets before the damage come, then its place. */
static void damage(enum store_layout layout, const char *name, size_t less,
		   const char *words)
{
	struct reader *r;
	struct packet p;
	struct bytes b;
	int count = 0, rc;

	begin(layout);
	CHECK_EQ(driver_write(&d, 4, T0, 20), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	b = read_whole(d.path, name);
	write_whole(d.path, name, b.at, b.length - less);
	free(b.at);
	CHECK_EQ(reader_open(&r, d.path, &err), 0);
	while ((rc = reader_next(r, &p, &err)) > 0)
		count++;
	CHECK(rc < 0);
	CHECK(count > 0 && count < 4);
	if (!strstr(err.text, words))
		CHECK_STR(err.text, words);
	CHECK(strstr(err.text, "cannot read '/tmp/") != NULL);
	reader_free(r);
	driver_fini(&d);
}

static void test_damage_is_named(void)
{
	char name[64];

	damage(STORE_SEGMENTS, "0000000001.pcapng", 150,
	       "segment '0000000001.pcapng': at offset ");
	damage(STORE_FILES, "0000000001.list.jsonl", 10,
	       "segment '0000000001.list.jsonl': at offset ");
	(void)snprintf(name, sizeof name, "%lld.pkt", (long long)T0 + 2000);
	damage(STORE_FILES, name, 10, "has 10 bytes, its line says 20");
}

static void remove_file(const char *name)
{
	char path[200];

	(void)snprintf(path, sizeof path, "%s/%s", d.path, name);
	CHECK_EQ(unlink(path), 0);
}

/* The ids that come, in order, behind which `unread` packets are told as missing, with these words. */
static void check_rest(const uint64_t *ids, unsigned count, uint64_t unread,
		       const char *words)
{
	struct reader *r;
	struct packet p;
	unsigned n = 0;
	int rc;

	CHECK_EQ(reader_open(&r, d.path, &err), 0);
	while ((rc = reader_next(r, &p, &err)) > 0) {
		CHECK(n < count && p.id == ids[n]);
		n++;
	}
	CHECK_EQ(n, count);
	CHECK(rc < 0);
	CHECK_EQ(reader_unread(r), unread);
	if (!strstr(err.text, words))
		CHECK_STR(err.text, words);
	reader_free(r);
	driver_fini(&d);
}

/* One packet file that is gone, and one that was changed, hide nothing behind them. */
static void one_of(enum store_layout layout, const char *suffix, bool is_sorted)
{
	static const int64_t up[] = { 1, 2, 3, 4, 5 }, down[] = { 5, 4, 3, 2, 1 };
	static const uint64_t rest_up[] = { 1, 3, 5 }, rest_down[] = { 5, 3, 1 };
	char name[64];

	begin(layout);
	put(0, 0, is_sorted ? up : down, 5);
	CHECK_EQ(driver_close(&d, NULL), 0);
	(void)snprintf(name, sizeof name, "%lld.%s", (long long)T0 + 2, suffix);
	remove_file(name);
	(void)snprintf(name, sizeof name, "%lld.%s", (long long)T0 + 4, suffix);
	write_whole(d.path, name, "changed", 7);
	check_rest(is_sorted ? rest_up : rest_down, 3, 2,
		   ": 2 packets could not be read, first: segment "
		   "'0000000001.list.jsonl': cannot open packet file");
}

static void test_one_packet_hides_no_other(void)
{
	one_of(STORE_FILES, "pkt", true);
	one_of(STORE_FILES, "pkt", false);
	one_of(STORE_PAIRS, "bin", true);
}

/* Nor does a segment. */
static void test_one_segment_hides_no_other(void)
{
	static const int64_t times[] = { 1, 2, 3, 4, 5 };
	static const uint64_t rest[] = { 1, 3, 4, 5 };

	driver_init(&d);
	d.config.rotate_ns = 1; /* a segment a packet */
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	put(0, 0, times, 5);
	CHECK_EQ(driver_close(&d, NULL), 0);
	remove_file("0000000002.pcapng");
	check_rest(rest, 4, 1,
		   ": 1 packets could not be read, first: segment '0000000002.pcapng': "
		   "cannot open file");
}

/* Cut exactly behind a record, a file reads well: the manifest knows that it is short. */
static void test_cut_between_records(void)
{
	struct reader *r;
	struct packet p;
	struct bytes b;
	size_t at = 0;
	int rc, count = 0;

	begin(STORE_SEGMENTS);
	CHECK_EQ(driver_write(&d, 4, T0, 20), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	b = read_whole(d.path, "0000000001.pcapng");
	for (int records = 0; records < 3; at += get_u32le(b.at + at + 4))
		records += get_u32le(b.at + at) == PCAPNG_EPB;
	write_whole(d.path, "0000000001.pcapng", b.at, at);
	free(b.at);
	CHECK_EQ(reader_open(&r, d.path, &err), 0);
	while ((rc = reader_next(r, &p, &err)) > 0)
		count++;
	CHECK_EQ(count, 3);
	CHECK_EQ(rc, WEIR_ERR_MISMATCH);
	CHECK(strstr(err.text, "it has 3 packets, the manifest says 4") != NULL);
	reader_free(r);
	driver_fini(&d);
}

static void test_missing_segment(void)
{
	static const int64_t one[] = { 1 };
	struct reader *r;
	struct packet p;
	char path[200];

	begin(STORE_SEGMENTS);
	put(0, 0, one, 1);
	CHECK_EQ(driver_close(&d, NULL), 0);
	(void)snprintf(path, sizeof path, "%s/0000000001.pcapng", d.path);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(reader_open(&r, d.path, &err), 0);
	CHECK_EQ(reader_next(r, &p, &err), WEIR_ERR_ABSENT);
	CHECK(strstr(err.text, "segment '0000000001.pcapng': cannot open file") != NULL);
	reader_free(r);
	driver_fini(&d);
}

/* A segment too large for one block of the index, and blocks longer than the first read. */
static void test_long_unsorted_segment(void)
{
	struct span *span;

	begin(STORE_SEGMENTS);
	span = span_new(&d, 0, 2);
	for (unsigned i = 0; i < 9000; i++)
		span_add(span, 0, T0 + (int64_t)(i * 7919u % 9001), i % 500 ? 8 : 9000);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(read_all(d.path, false, &err), 9000);
	driver_fini(&d);
}

int main(void)
{
	RUN(test_times_that_go_back);
	RUN(test_lanes_are_merged);
	RUN(test_segments_out_of_order);
	RUN(test_every_field);
	RUN(test_empty_store);
	RUN(test_damage_is_named);
	RUN(test_one_packet_hides_no_other);
	RUN(test_one_segment_hides_no_other);
	RUN(test_cut_between_records);
	RUN(test_missing_segment);
	RUN(test_long_unsorted_segment);
	return tap_done();
}
