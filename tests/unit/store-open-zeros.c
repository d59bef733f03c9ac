/* Space that a recorder had taken ahead, as a power cut leaves it: records, then zeros up to the
 * file's size, with or without writes that landed behind a gap.  Records before the first gap
 * survive; what was written behind it is kept beside; zeros at the end are nobody's loss. */
#include "lib/broken-store.h"

#define SEGMENT "0000000001.pcapng"

enum {
	PACKETS = 6,
	LEAST = 64 * 1024, /* zeros that are taken for space (src/store/repair.c) */
	MOST = 5 * 1024 * 1024
};

static char dead[128], broken[160];
static struct bytes good; /* the segment: a head and PACKETS records */
static uint8_t *file;     /* MOST bytes and the segment's */

static long size_of(const char *name)
{
	char path[1024];
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/%s", broken, name);
	return stat(path, &st) ? -1 : (long)st.st_size;
}

static int64_t recovered(const char *key)
{
	json_t *line = manifest_line(broken, "recovered", 0), *segments;
	int64_t value;

	segments = json_object_get(line, "segments");
	CHECK_EQ(json_array_size(segments), 1);
	value = member(json_array_get(segments, 0), key);
	json_decref(line);
	return value;
}

/* The first `kept` bytes of the segment, zeros, `behind` bytes of something, zeros: `length` bytes in
 * all. */
static void make(size_t kept, size_t behind_at, size_t behind, size_t length)
{
	memset(file, 0, length);
	memcpy(file, good.at, kept);
	memset(file + behind_at, 0x5a, behind);
	copy_store(dead, broken);
	write_whole(broken, SEGMENT, file, length);
}

static void test_space_taken_ahead(void)
{
	/* Around what is read at a time, and around what is too short to be more than a torn record. */
	static const size_t zeros[] = { LEAST,          LEAST + 1,
					128 * 1024 - 1, 128 * 1024,
					128 * 1024 + 1, 300 * 1000,
					1 << 20,        MOST };

	for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
		make(good.length, 0, 0, good.length + zeros[i]);
		/* make() has put nothing behind, and the head stays what it was. */
		CHECK(!memcmp(file, good.at, good.length));
		CHECK_EQ(check_repaired(broken, PACKETS, true), PACKETS);
		CHECK_EQ(size_of(SEGMENT), (long)good.length);
		CHECK_EQ(size_of(SEGMENT ".tail"), -1);
		CHECK_EQ(recovered("cut_bytes"), 0);
		CHECK_EQ(recovered("kept_bytes"), (int64_t)good.length);
	}
}

/* Too few to be sure: they are kept like anything else that is cut off. */
static void test_a_few_zeros_are_kept(void)
{
	static const size_t zeros[] = { 1, 4096, LEAST - 1 };

	for (size_t i = 0; i < ARRAY_LEN(zeros); i++) {
		make(good.length, 0, 0, good.length + zeros[i]);
		CHECK_EQ(check_repaired(broken, PACKETS, true), PACKETS);
		CHECK_EQ(size_of(SEGMENT), (long)good.length);
		CHECK_EQ(size_of(SEGMENT ".tail"), (long)zeros[i]);
	}
}

/* Writes are done in any order: of two in flight the second landed, the first did not. */
static void test_a_write_that_landed_behind_a_gap(void)
{
	const size_t page = SPAN_ALIGNMENT, gap = 1 << 20, landed = 3 * page;
	size_t at = ALIGN_UP(good.length, page) + gap;
	struct bytes tail;

	make(good.length, at, landed, at + landed + (2 << 20));
	CHECK_EQ(check_repaired(broken, PACKETS, true), PACKETS);
	CHECK_EQ(size_of(SEGMENT), (long)good.length);
	tail = read_whole(broken, SEGMENT ".tail");
	CHECK_EQ(tail.length, at + landed - good.length);
	CHECK(tail.at && !memcmp(tail.at, file + good.length, tail.length));
	CHECK_EQ(recovered("cut_bytes"), (int64_t)tail.length);
	free(tail.at);
}

/* Only the first bytes of the last record had landed; its length at the end is a byte, then zeros. */
static void test_a_torn_record_and_space(void)
{
	for (size_t less = 4; less < 40; less += 3) {
		size_t kept = good.length - less;

		make(kept, 0, 0, kept + (1 << 20));
		CHECK_EQ(check_repaired(broken, PACKETS - 1, true), PACKETS - 1);
		CHECK(size_of(SEGMENT) < (long)good.length);
		/* Its bytes are kept, the zeros behind them are not. */
		CHECK(size_of(SEGMENT ".tail") > 0);
		CHECK(size_of(SEGMENT ".tail") < LEAST);
	}
}

/* The head was written, and of the first write nothing. */
static void test_nothing_but_a_head(void)
{
	size_t head = 0;

	while (get_u32le(good.at + head) != PCAPNG_EPB)
		head += get_u32le(good.at + head + 4);
	make(head, 0, 0, head + (1 << 20));
	CHECK_EQ(check_repaired(broken, 0, true), 0);
	CHECK_EQ(size_of(SEGMENT), (long)head);
	CHECK_EQ(size_of(SEGMENT ".tail"), -1);
}

/* Space was taken, and not even the head had landed. */
static void test_nothing_but_space(void)
{
	struct weir_error err;
	struct store_view *v;

	make(0, 0, 0, 1 << 20);
	CHECK_EQ(store_open(&v, broken, &err), 0);
	CHECK(v->was_repaired);
	CHECK_EQ(v->segment_count, 0);
	store_view_free(v);
	CHECK_EQ(size_of(SEGMENT), -1);
	CHECK_EQ(read_all(broken, true, &err), 0);
}

int main(void)
{
	struct driver d;

	driver_init(&d);
	make_dead(&d, dead, PACKETS, 100);
	(void)snprintf(broken, sizeof broken, "%s/broken", d.dir);
	good = read_whole(dead, SEGMENT);
	file = malloc(good.length + MOST);
	RUN(test_space_taken_ahead);
	RUN(test_a_few_zeros_are_kept);
	RUN(test_a_write_that_landed_behind_a_gap);
	RUN(test_a_torn_record_and_space);
	RUN(test_nothing_but_a_head);
	RUN(test_nothing_but_space);
	free(file);
	free(good.at);
	driver_fini(&d);
	return tap_done();
}
