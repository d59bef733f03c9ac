/* The parts of the store's writing side, one by one: pieces, manifest, retention, clock watch, text. */
#include "lib/store-driver.h"

#include "store/clockwatch.h"
#include "store/facts.h"
#include "store/piece.h"
#include "store/retention.h"

#include <errno.h>
#include <sys/file.h>

/* Three records of 4, 8 and 12 bytes with times 30, 10, 20. */
static struct span *three(struct driver *d)
{
	struct span *span = span_new(d, 0, 1);

	span_add(span, 0, 30, 4);
	span_add(span, 1, 10, 8);
	span_add(span, 1, 20, 12);
	return span;
}

static void test_piece_scan_is_what_the_span_says(void)
{
	struct driver d;
	struct span *span;
	struct piece a, b;
	uint64_t counts[2] = { 0 };

	driver_init(&d);
	span = three(&d);
	piece_scan(&a, span->data, span->length);
	piece_of_span(&b, span);
	CHECK_EQ(a.length, b.length);
	CHECK_EQ(a.packets, 3);
	CHECK_EQ(a.packets, b.packets);
	CHECK_EQ(a.bytes, b.bytes);
	CHECK_EQ(a.wire_bytes, b.wire_bytes);
	CHECK_EQ(a.first_ns, 10);
	CHECK_EQ(a.last_ns, 30);
	CHECK(!a.is_sorted && !b.is_sorted);
	piece_count(&a, counts, 2);
	CHECK_EQ(counts[0], 1);
	CHECK_EQ(counts[1], 2);
	/* Half a block at the end is not part of it. */
	piece_scan(&a, span->data, span->length - 1);
	CHECK_EQ(a.packets, 2);
	piece_scan(&a, span->data, 11);
	CHECK_EQ(a.length, 0);
	driver_release(span);
	driver_fini(&d);
}

static void test_piece_cut_limits(void)
{
	struct driver d;
	struct span *span;
	struct piece p;
	uint32_t first;
	struct piece_limits limits = { .until_ns = INT64_MAX };

	driver_init(&d);
	span = three(&d);
	first = get_u32le(span->data + 4);
	limits.room = first - 1;
	piece_cut(&p, span->data, span->length, &limits);
	CHECK_EQ(p.length, 0);
	limits.is_one_allowed = true;
	piece_cut(&p, span->data, span->length, &limits);
	CHECK_EQ(p.length, first);
	limits.room = first + 10;
	limits.extra = 11;
	limits.is_one_allowed = false;
	piece_cut(&p, span->data, span->length, &limits);
	CHECK_EQ(p.length, 0);
	limits = (struct piece_limits){ .room = UINT64_MAX, .until_ns = 20 };
	piece_cut(&p, span->data, span->length, &limits);
	CHECK_EQ(p.length, 0);
	limits.until_ns = 31;
	piece_cut(&p, span->data, span->length, &limits);
	CHECK_EQ(p.packets, 3);
	driver_release(span);
	driver_fini(&d);
}

/* The last instant there is is a time like any other: no limit stops before it. */
static void test_piece_of_the_last_time(void)
{
	struct driver d;
	struct span *span;
	struct piece p;

	driver_init(&d);
	span = span_new(&d, 0, 1);
	span_add(span, 0, 10, 4);
	span_add(span, 0, INT64_MAX, 4);
	span_add(span, 0, 20, 4);
	piece_scan(&p, span->data, span->length);
	CHECK_EQ(p.packets, 3);
	CHECK_EQ(p.length, span->length);
	CHECK_EQ(p.last_ns, INT64_MAX);
	driver_release(span);
	driver_fini(&d);
}

/* Blocks that fill gaps are carried along, and are no packets. */
static void test_piece_passes_fillers(void)
{
	uint8_t blocks[12 + 200] = { 0 };
	struct record_meta m = { .ns = 5, .caplen = 4, .len = 4, .id = 1 };
	struct piece p;
	size_t length;

	(void)put_u32le(put_u32le(blocks, 0x80000001), 12);
	(void)put_u32le(blocks + 8, 12);
	length = 12 + record_finish(blocks + 12, &m);
	piece_scan(&p, blocks, length);
	CHECK_EQ(p.length, length);
	CHECK_EQ(p.packets, 1);
	CHECK_EQ(p.first_ns, 5);
}

static int open_dir(const struct driver *d)
{
	return open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void test_manifest_is_locked_and_reserved(void)
{
	struct driver d;
	struct manifest m;
	struct stat st;
	char path[128];
	int dir_fd, other;

	driver_init(&d);
	dir_fd = open_dir(&d);
	CHECK_EQ(manifest_make(&m, &disk_system, dir_fd, NULL), 0);
	(void)snprintf(path, sizeof path, "%s/manifest.jsonl", d.dir);
	other = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(flock(other, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	CHECK(manifest_has_reserve(&m));
	/* wine does not reserve. */
	CHECK(fstat(m.fd, &st) == 0 && st.st_size == 0 &&
	      (getenv("WINEPREFIX") || st.st_blocks * 512 >= 65536));
	CHECK_EQ(manifest_append(&m, "x", T0, NULL, NULL), 0);
	manifest_trim(&m);
	CHECK(fstat(m.fd, &st) == 0 && (uint64_t)st.st_size == m.size &&
	      st.st_blocks * 512 <= 8192);
	manifest_fini(&m);
	CHECK(flock(other, LOCK_SH | LOCK_NB) == 0);
	(void)close(other);
	(void)close(dir_fd);
	driver_fini(&d);
}

static void test_manifest_lines(void)
{
	struct driver d;
	struct manifest m;
	struct weir_error err;
	struct bytes b;
	char want[512], hex[HASH_HEX];
	uint8_t digest[HASH_BYTES];
	json_t *members = json_pack("{s:i,s:i}", "seq", 77, "n", 5);
	json_t *huge = json_object();
	int dir_fd, n;

	driver_init(&d);
	dir_fd = open_dir(&d);
	CHECK_EQ(manifest_make(&m, &disk_system, dir_fd, NULL), 0);
	CHECK_EQ(manifest_append(&m, "a", T0, members, NULL), 0);
	/* Members cannot replace what every line has. */
	n = snprintf(
		want, sizeof want,
		"{\"seq\":1,\"type\":\"a\",\"at\":\"2025-11-22T23:13:35.123456789Z\","
		"\"at_ns\":1763853215123456789,\"n\":5,\"prev\":\"%064d\"}",
		0);
	CHECK(hash_once(want, (size_t)n, digest) == 0);
	hash_hex(digest, hex);
	CHECK_STR(m.chain.prev, hex);
	/* A line that cannot be written leaves no trace, the chain goes on. */
	json_object_set_new(huge, "x", json_sprintf("%*s", MANIFEST_LINE_MAX, "much"));
	CHECK_EQ(manifest_append(&m, "huge", T0, huge, &err), WEIR_ERR_LIMIT);
	CHECK_STR(m.chain.prev, hex);
	b = read_whole(d.dir, "manifest.jsonl");
	CHECK(b.length == (size_t)n + 1 && !memcmp(b.at, want, (size_t)n));
	free(b.at);
	json_decref(members);
	json_decref(huge);
	manifest_fini(&m);
	(void)close(dir_fd);
	driver_fini(&d);
}

static const char no_hash[HASH_HEX] = "";

static void test_retention_order(void)
{
	struct store_config config = { .keep_bytes = 250, .rotate_bytes = 100 };
	struct retention r;
	struct segment_facts f = { .file_bytes = 100 };

	retention_init(&r, &config);
	CHECK(retention_reason(&r, 1000, 0, 0) == NULL); /* nothing to remove */
	for (f.number = 1; f.number <= 300; f.number++) {
		f.last_ns = f.number;
		retention_add(&r, &f, no_hash);
		while (retention_reason(&r, 0, UINT64_MAX, 0)) {
			CHECK_EQ(retention_oldest(&r)->number, f.number - 2);
			retention_pop(&r);
		}
	}
	CHECK_EQ(r.count, 2);
	CHECK(r.capacity < 200); /* grows with what is kept only */
	CHECK_STR(retention_reason(&r, 51, UINT64_MAX, 0), "keep_bytes");
	CHECK_STR(retention_reason(&r, 50, 99, 0), "disk_full");
	CHECK(retention_reason(&r, 50, 100, 0) == NULL);
	retention_fini(&r);
	config = (struct store_config){ .keep_ns = 10 };
	retention_init(&r, &config);
	f.last_ns = 300;
	retention_add(&r, &f, no_hash);
	CHECK(retention_reason(&r, 0, UINT64_MAX, 310) == NULL);
	CHECK_STR(retention_reason(&r, 0, UINT64_MAX, 311), "keep_age");
	retention_fini(&r);
}

/* A list names files; names that weir does not make are left alone. */
static void test_retention_removes_only_packets(void)
{
	struct driver d;
	struct retained e = { .name = "0000000001.list.jsonl" };
	int dir_fd, fd;
	static const char list[] = "{\"file\":\"123.pkt\"}\n"
				   "{\"file\":\"../victim\"}\n"
				   "{\"file\":\"victim.pkt\"}\n"
				   "{\"file\":7}\n"
				   "no json\n";

	driver_init(&d);
	dir_fd = open_dir(&d);
	fd = disk_system.make(dir_fd, e.name);
	CHECK(write(fd, list, sizeof list - 1) == sizeof list - 1);
	(void)close(fd);
	(void)close(disk_system.make(dir_fd, "123.pkt"));
	(void)close(disk_system.make(dir_fd, "victim.pkt"));
	CHECK_EQ(retention_remove(&disk_system, dir_fd, &e, STORE_FILES), 0);
	CHECK(!file_exists(d.dir, "123.pkt"));
	CHECK(!file_exists(d.dir, e.name));
	CHECK(file_exists(d.dir, "victim.pkt"));
	(void)close(dir_fd);
	driver_fini(&d);
}

static void test_clockwatch(void)
{
	struct clockwatch w = { 0 };
	struct port_clocks c = { .realtime_ns = T0,
				 .monotonic_ns = 50,
				 .boottime_ns = 90 };
	int64_t step, slept;

	clockwatch_look(&w, &c, &step, &slept);
	CHECK_EQ(step, 0);
	CHECK_EQ(slept, 0);
	/* A second passes; slewing is no step. */
	c.realtime_ns += NS_PER_S + NS_PER_MS;
	c.monotonic_ns += NS_PER_S;
	c.boottime_ns += NS_PER_S;
	clockwatch_look(&w, &c, &step, &slept);
	CHECK_EQ(step, 0);
	/* Set back by an hour. */
	c.realtime_ns -= 3600 * NS_PER_S;
	clockwatch_look(&w, &c, &step, &slept);
	CHECK_EQ(step, -3600 * NS_PER_S);
	CHECK_EQ(slept, 0);
	/* Asleep for a minute: real time went on with it. */
	c.realtime_ns += 60 * NS_PER_S;
	c.boottime_ns += 60 * NS_PER_S;
	clockwatch_look(&w, &c, &step, &slept);
	CHECK_EQ(step, 0);
	CHECK_EQ(slept, 60 * NS_PER_S);
}

static void test_text(void)
{
	static const struct {
		const char *bytes, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "bad \xff\xfe end", "bad \\xff\\xfe end" },
		{ "\xc3", "\\xc3" },
		{ "\xf0\x9f\x8c\x8a\x80", "\xf0\x9f\x8c\x8a\\x80" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *text = facts_text(cases[i].bytes);

		CHECK_STR(json_string_value(text), cases[i].want);
		json_decref(text);
	}
	CHECK(json_is_null(facts_text(NULL)));
}

static void test_losses_since(void)
{
	struct loss_totals before = { 0 }, now = { 0 };
	json_t *losses;

	before.packets[LOSS_KERNEL] = now.packets[LOSS_KERNEL] = 5;
	now.packets[LOSS_DISK_FULL] = 2;
	now.bytes[LOSS_DISK_FULL] = 99;
	losses = facts_losses(&now, &before);
	CHECK_EQ(json_object_size(losses), 1);
	CHECK_EQ(member(json_object_get(losses, "disk_full"), "packets"), 2);
	CHECK_EQ(member(json_object_get(losses, "disk_full"), "bytes"), 99);
	json_decref(losses);
}

/* A segment whose writing and hashing leave no time gives hashing up; the ledger does it later. */
static void test_hashing_is_given_up_when_slow(void)
{
	struct driver d;
	json_t *line;

	driver_init(&d);
	d.config.has_packet_clock = false;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 10, T0, 100), 0);
	CHECK(d.store->lanes[0]->facts.is_hashed);
	d.store->lanes[0]->opened_ns -= 10 * NS_PER_S;
	d.store->lanes[0]->busy_ns = 9500 * NS_PER_MS;
	CHECK_EQ(driver_write(&d, 10, T0, 100), 0);
	CHECK(!d.store->lanes[0]->facts.is_hashed);
	CHECK_EQ(driver_close(&d, NULL), 0);
	line = manifest_line(d.path, "segment", 0);
	CHECK_STR(json_string_value(json_object_get(line, "hash")), "deferred");
	json_decref(line);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* More events than the queue takes: they are dropped and counted, the segments' lines are not. */
static void test_flood_of_events(void)
{
	struct driver d;

	driver_init(&d);
	d.config.rotate_bytes = 2000;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (unsigned i = 0; i < 5000; i++)
		store_event(d.store, "flood", NULL);
	for (unsigned i = 0; i < 20; i++)
		CHECK_EQ(driver_write(&d, 10, T0 + i, 100), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(count_lines(d.path, "flood") +
			 line_member(d.path, "end", 0, "dropped_lines"),
		 5000);
	CHECK_EQ(d.summary.packets, 200);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

int main(void)
{
	RUN(test_piece_scan_is_what_the_span_says);
	RUN(test_piece_cut_limits);
	RUN(test_piece_of_the_last_time);
	RUN(test_piece_passes_fillers);
	RUN(test_manifest_is_locked_and_reserved);
	RUN(test_manifest_lines);
	RUN(test_retention_order);
	RUN(test_retention_removes_only_packets);
	RUN(test_clockwatch);
	RUN(test_text);
	RUN(test_losses_since);
	RUN(test_hashing_is_given_up_when_slow);
	RUN(test_flood_of_events);
	return tap_done();
}
