/* Spans written past the page cache, several at a time: in order, padded to pages, and nothing lost
 * that can be kept when any of the writes fails, is short, or is refused. */
#include "lib/store-driver.h"

#include <errno.h>
#include <stdatomic.h>

enum {
	SPANS = 12,
	PACKETS = 150, /* a span */
	SIZE = 1400,
	SMALL = 5 /* packets of a span that is not worth a page */
};

/* What the disk does: results come back in reverse, some as failures. */
static struct {
	atomic_uint submitted, taken;
	unsigned refuse_at; /* the n-th write is not taken; 0: none */
	unsigned fail_at; /* the n-th result is a failure, and all after it if is_dead */
	bool is_dead, is_short, has_no_direct;
	int error;
	unsigned max_waiting;
	struct written waiting[WRITES_MAX];
	unsigned waiting_count;
} plan;

static int p_open_direct(int dir_fd, const char *name)
{
	if (!plan.has_no_direct)
		return disk_system.open_direct(dir_fd, name);
	errno = EOPNOTSUPP;
	return -1;
}

/* The bytes are there when it says so, as far as it says so. */
static int p_submit(struct writes *w, int fd, const void *bytes, size_t length, off_t at,
		    uint32_t tag)
{
	unsigned n = ++plan.submitted;
	bool fails =
		plan.fail_at && (plan.is_dead ? n >= plan.fail_at : n == plan.fail_at);

	(void)w;
	if (n == plan.refuse_at) {
		errno = EAGAIN;
		return -1;
	}
	/* What O_DIRECT asks for. */
	CHECK_EQ((uintptr_t)bytes % SPAN_ALIGNMENT, 0);
	CHECK_EQ(length % SPAN_ALIGNMENT, 0);
	CHECK_EQ(at % SPAN_ALIGNMENT, 0);
	if (fails && plan.is_short)
		length = 8192;
	if (!fails || plan.is_short)
		CHECK_EQ(pwrite(fd, bytes, length, at), (ssize_t)length);
	plan.waiting[plan.waiting_count++] =
		(struct written){ .tag = tag,
				  .result = fails && !plan.is_short ? -plan.error
								    : (int32_t)length };
	if (plan.waiting_count > plan.max_waiting)
		plan.max_waiting = plan.waiting_count;
	return 0;
}

/* The last one first, one at a time, and only every third look. */
static unsigned p_take(struct writes *w, struct written *done, unsigned max)
{
	(void)w;
	if (!max || !plan.waiting_count || ++plan.taken % 3)
		return 0;
	*done = plan.waiting[--plan.waiting_count];
	return 1;
}

static ssize_t p_write(int fd, const void *bytes, size_t length, off_t at)
{
	/* Records: what the manifest says of them can still be written. */
	if (plan.is_dead && plan.submitted >= plan.fail_at &&
	    get_u32le(bytes) == PCAPNG_EPB) {
		errno = plan.error;
		return -1;
	}
	return disk_system.write(fd, bytes, length, at);
}

static struct disk disk;

static void begin(struct driver *d)
{
	disk = disk_system;
	disk.open_direct = p_open_direct;
	disk.submit = p_submit;
	disk.take = p_take;
	disk.write = p_write;
	driver_init(d);
	d->config.has_packet_clock = false;
	d->config.mode = "sniff";
	d->config.rotate_bytes = 1200 * 1000;
	CHECK(driver_iface(d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(store_create_on(&d->store, &d->config, d->ifaces, &disk, NULL), 0);
	CHECK_EQ(store_begin(d->store, NULL), 0);
}

/* Pages, and a lead that the last user of the memory left full of something. */
static void put_span(struct driver *d, unsigned packets, uint32_t lead)
{
	struct span *span = span_new(d, 0, iface_count_in_lane(d->ifaces, 0));

	free(span->data);
	span->data = aligned_alloc(SPAN_ALIGNMENT, span->capacity);
	memset(span->data, 0xee, span->capacity);
	span->data += lead;
	for (unsigned i = 0; i < packets; i++)
		span_add(span, 0, T0 + (int64_t)d->next_id * NS_PER_US, SIZE);
	span->data -= lead;
	span->lead = lead;
	CHECK_EQ(store_write(d->store, span), 0);
}

/* Every packet that is there, over all segments: ids go up, bytes are the id's. */
static unsigned check_file(const char *dir, const char *name, uint64_t *last_id)
{
	struct bytes b = read_whole(dir, name);
	unsigned packets = 0;
	uint32_t n;

	for (size_t at = 0; b.at && at + 12 <= b.length; at += n) {
		n = get_u32le(b.at + at + 4);
		CHECK(n >= 12 && n % 4 == 0 && n <= b.length - at);
		CHECK_EQ(get_u32le(b.at + at + n - 4), n);
		if (n < 12 || n > b.length - at)
			break;
		if (get_u32le(b.at + at) == SPAN_PAD_TYPE)
			for (size_t i = 12; i < n - 4; i++)
				CHECK(!b.at[at + i]);
		if (get_u32le(b.at + at) != PCAPNG_EPB)
			continue;
		uint64_t id = get_u64le(b.at + at + RECORD_DATA + SIZE + 12);

		CHECK(id > *last_id);
		*last_id = id;
		CHECK_EQ(b.at[at + RECORD_DATA], (uint8_t)id);
		CHECK_EQ(b.at[at + RECORD_DATA + SIZE - 1], (uint8_t)id);
		packets++;
	}
	free(b.at);
	return packets;
}

static void check_segment(const struct driver *d, json_t *line, uint64_t *packets,
			  uint64_t *last_id)
{
	const char *name = json_string_value(json_object_get(line, "name"));
	struct bytes b = read_whole(d->path, name);
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];

	CHECK_EQ(b.length, member(line, "file_bytes"));
	CHECK(b.length <= d->config.rotate_bytes);
	CHECK_EQ(hash_once(b.at, b.length, digest), 0);
	hash_hex(digest, hex);
	CHECK_STR(json_string_value(json_object_get(line, "sha256")), hex);
	CHECK_EQ(check_file(d->path, name, last_id), member(line, "packets"));
	*packets += (uint64_t)member(line, "packets");
	free(b.at);
}

/* They are stated as their hashes are done. */
static json_t *segment_line(const char *path, unsigned number)
{
	json_t *line;

	for (unsigned n = 0; (line = manifest_line(path, "segment", n)); n++) {
		if (member(line, "number") == number)
			return line;
		json_decref(line);
	}
	return NULL;
}

/* Ends the session and compares all there is; returns the packets that were kept. */
static uint64_t end(struct driver *d, uint64_t given, unsigned spans)
{
	uint64_t packets = 0, last_id = 0;
	json_t *line;

	store_writes_end(d->store);
	CHECK_EQ(d->released, spans);
	CHECK_EQ(driver_close(d, NULL), 0);
	for (unsigned n = 1; (line = segment_line(d->path, n)); n++) {
		check_segment(d, line, &packets, &last_id);
		json_decref(line);
	}
	CHECK_EQ(packets, d->summary.packets);
	CHECK_EQ(packets + loss_total_packets(&d->summary.losses), given);
	driver_fini(d);
	return packets;
}

static uint64_t session(void)
{
	struct driver d;

	plan.submitted = plan.taken = plan.waiting_count = 0;
	begin(&d);
	put_span(&d, SMALL, 0);
	for (unsigned i = 0; i < SPANS; i++)
		put_span(&d, PACKETS, i & 1 ? 104 : 0);
	put_span(&d, SMALL, 104);
	return end(&d, SPANS * PACKETS + 2 * SMALL, SPANS + 2);
}

static void test_in_flight(void)
{
	memset(&plan, 0, sizeof plan);
	CHECK_EQ(session(), SPANS * PACKETS + 2 * SMALL);
	CHECK(plan.max_waiting > 3);
	/* The last, small one comes while others are in flight: it goes with them. */
	CHECK(plan.submitted >= SPANS);
}

static void each_fails(void)
{
	for (plan.fail_at = 1; plan.fail_at <= SPANS; plan.fail_at++)
		CHECK_EQ(session(), SPANS * PACKETS + 2 * SMALL);
}

static void test_a_result_is_an_error(void)
{
	memset(&plan, 0, sizeof plan);
	plan.error = EIO;
	each_fails();
	plan.error = ENOSPC;
	each_fails();
}

static void test_a_result_is_short(void)
{
	memset(&plan, 0, sizeof plan);
	plan.is_short = true;
	each_fails();
}

static void test_a_write_is_refused(void)
{
	memset(&plan, 0, sizeof plan);
	for (plan.refuse_at = 1; plan.refuse_at <= SPANS; plan.refuse_at++)
		CHECK_EQ(session(), SPANS * PACKETS + 2 * SMALL);
}

/* Writes fail from one on, in flight and appended: what had landed stays, all else is counted. */
static void test_the_disk_dies(void)
{
	uint64_t before = 0;

	memset(&plan, 0, sizeof plan);
	plan.is_dead = true;
	plan.error = EIO;
	for (plan.fail_at = 1; plan.fail_at <= SPANS; plan.fail_at++) {
		uint64_t kept = session();

		CHECK(kept >= before && kept < SPANS * PACKETS + 2 * SMALL);
		before = kept;
	}
	CHECK(before > 0);
}

static void test_the_disk_is_full(void)
{
	memset(&plan, 0, sizeof plan);
	plan.is_dead = true;
	plan.error = ENOSPC;
	for (plan.fail_at = 1; plan.fail_at <= SPANS; plan.fail_at += 3)
		CHECK(session() < SPANS * PACKETS + 2 * SMALL);
}

static void check_start(bool is_direct, bool has_why)
{
	struct driver d;
	json_t *line, *writes;

	begin(&d);
	put_span(&d, PACKETS, 0);
	CHECK_EQ(end(&d, PACKETS, 1), PACKETS);
	begin(&d);
	store_writes_end(d.store);
	CHECK_EQ(driver_close(&d, NULL), 0);
	line = manifest_line(d.path, "start", 0);
	writes = json_object_get(line, "writes");
	CHECK_EQ(json_is_true(json_object_get(writes, "is_direct")), is_direct);
	CHECK_EQ(json_object_get(writes, "why") != NULL, has_why);
	json_decref(line);
	driver_fini(&d);
}

/* The manifest says how it is written, and why not otherwise. */
static void test_no_direct_writes(void)
{
	memset(&plan, 0, sizeof plan);
	check_start(true, false);
	CHECK_EQ(plan.submitted, 1);
	memset(&plan, 0, sizeof plan);
	plan.has_no_direct = true;
	check_start(false, true);
	CHECK_EQ(plan.submitted, 0);
}

/* The real thing, with and without io_uring. */
static void test_system(void)
{
	struct driver d;

	memset(&plan, 0, sizeof plan);
	begin(&d);
	disk = disk_system;
	store_writes_begin(d.store, -1);
	for (unsigned i = 0; i < 3 * SPANS; i++)
		put_span(&d, PACKETS, 0);
	CHECK_EQ(end(&d, 3 * SPANS * PACKETS, 3 * SPANS), 3 * SPANS * PACKETS);
}

/* Space that was taken ahead and never used is no tail. */
static void test_segment_is_cut(void)
{
	struct driver d;
	struct stat st;
	char path[256];

	memset(&plan, 0, sizeof plan);
	begin(&d);
	(void)snprintf(path, sizeof path, "%s/0000000001.pcapng", d.path);
	put_span(&d, PACKETS, 0);
	CHECK_EQ(stat(path, &st), 0);
	CHECK(st.st_size > PACKETS * (SIZE + 64) * 3);
	CHECK_EQ(end(&d, PACKETS, 1), PACKETS);
}

/* What was written is what the segments' lines say, the pad at their end too: --keep reckons with both. */
static void test_written_is_what_is_stated(void)
{
	struct driver d;
	uint64_t written, stated = 0;
	json_t *line;

	memset(&plan, 0, sizeof plan);
	begin(&d);
	for (unsigned i = 0; i < 7; i++)
		put_span(&d, PACKETS, 0);
	store_writes_end(d.store);
	writer_finish(d.store);
	written = counter_read(&store_progress(d.store)->written_bytes);
	CHECK_EQ(driver_close(&d, NULL), 0);
	for (unsigned n = 1; (line = segment_line(d.path, n)); n++) {
		stated += (uint64_t)member(line, "file_bytes");
		json_decref(line);
	}
	CHECK_EQ(written, stated);
	driver_fini(&d);
}

/* Under pressure, or where processors are short, the hash is put off, and the manifest says so for that
 * segment. */
static void put_hash_off(void (*how)(struct store *s, bool is_so))
{
	struct driver d;
	json_t *line;

	memset(&plan, 0, sizeof plan);
	begin(&d);
	put_span(&d, PACKETS, 0);
	how(d.store, true);
	put_span(&d, PACKETS, 0);
	store_writes_end(d.store);
	CHECK_EQ(driver_close(&d, NULL), 0);
	line = manifest_line(d.path, "segment", 0);
	CHECK_STR(json_string_value(json_object_get(line, "hash")), "deferred");
	json_decref(line);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_hash_is_put_off(void)
{
	put_hash_off(store_press);
	put_hash_off(store_spare);
}

static void test_pad(void)
{
	uint8_t page[3 * SPAN_ALIGNMENT];
	struct span span = { .data = page, .capacity = sizeof page, .lead = 104 };

	memset(page, 0xee, sizeof page);
	span.length = SPAN_ALIGNMENT - 104 - 8; /* no block has eight bytes */
	CHECK_EQ(span_padded(&span), 2 * SPAN_ALIGNMENT);
	span_pad(&span, 2 * SPAN_ALIGNMENT);
	CHECK_EQ(get_u32le(page), SPAN_PAD_TYPE);
	CHECK_EQ(get_u32le(page + 4), 104);
	CHECK_EQ(get_u32le(page + 8), 0xeeeeeeee); /* whose block it is */
	for (unsigned i = 12; i < 100; i++)
		CHECK_EQ(page[i], 0);
	CHECK_EQ(get_u32le(page + 100), 104);
	CHECK_EQ(page[104], 0xee);
	CHECK_EQ(get_u32le(page + SPAN_ALIGNMENT - 8), SPAN_PAD_TYPE);
	CHECK_EQ(get_u32le(page + SPAN_ALIGNMENT - 4), SPAN_ALIGNMENT + 8);
	CHECK_EQ(get_u32le(page + 2 * SPAN_ALIGNMENT - 4), SPAN_ALIGNMENT + 8);
	span.length = SPAN_ALIGNMENT - 104;
	CHECK_EQ(span_padded(&span), SPAN_ALIGNMENT);
	span.length = sizeof page - 104 - 8;
	CHECK_EQ(span_padded(&span), 0);
}

int main(void)
{
	RUN(test_pad);
	RUN(test_in_flight);
	RUN(test_a_result_is_an_error);
	RUN(test_a_result_is_short);
	RUN(test_a_write_is_refused);
	RUN(test_the_disk_dies);
	RUN(test_the_disk_is_full);
	RUN(test_no_direct_writes);
	RUN(test_system);
	RUN(test_segment_is_cut);
	RUN(test_written_is_what_is_stated);
	RUN(test_hash_is_put_off);
	return tap_done();
}
