/* A power cut at every byte of the last three records: cut, followed by zeros, or changed.  Every
 * record that is whole survives, what is cut off is kept, and the store verifies afterwards. */
#include "lib/broken-store.h"

#define SEGMENT "0000000001.pcapng"

enum {
	PACKETS = 12
};

static char dead[128], broken[160];
static struct bytes good;        /* the segment */
static size_t ends[PACKETS + 1]; /* ends[n]: behind the n-th record */

static void find_records(void)
{
	unsigned n = 0;

	for (size_t at = 0; at < good.length;) {
		uint32_t type = get_u32le(good.at + at);

		if (type == PCAPNG_EPB && !n)
			ends[0] = at;
		at += get_u32le(good.at + at + 4);
		if (type == PCAPNG_EPB)
			ends[++n] = at;
	}
	CHECK_EQ(n, PACKETS);
	CHECK_EQ(ends[PACKETS], good.length);
}

/* Records of `bytes` that are as they were. */
static int count_same(const struct bytes *bytes)
{
	int n = 0;

	while (n < PACKETS && ends[n + 1] <= bytes->length &&
	       !memcmp(bytes->at + ends[n], good.at + ends[n], ends[n + 1] - ends[n]))
		n++;
	return n;
}

static void check_tail(const struct bytes *bytes)
{
	struct bytes kept = read_whole(broken, SEGMENT),
		     tail = read_whole(broken, SEGMENT ".tail");

	CHECK_EQ(kept.length + tail.length, bytes->length);
	CHECK(!memcmp(kept.at, bytes->at, kept.length));
	CHECK(!tail.length || !memcmp(tail.at, bytes->at + kept.length, tail.length));
	free(kept.at);
	free(tail.at);
}

static void try_bytes(const struct bytes *bytes, int least)
{
	int found;

	copy_store(dead, broken);
	write_whole(broken, SEGMENT, bytes->at, bytes->length);
	found = check_repaired(broken, least < 0 ? count_same(bytes) : -1, least < 0);
	CHECK(found >= least);
	check_tail(bytes);
}

static void test_cut(void)
{
	for (size_t n = ends[PACKETS - 3]; n <= ends[PACKETS]; n++) {
		struct bytes cut = { good.at, n };

		try_bytes(&cut, -1);
	}
}

static void test_zeros(void)
{
	struct bytes b = { malloc(good.length + 4096), good.length };

	for (size_t n = ends[PACKETS]; n >= ends[PACKETS - 3]; n--) {
		memcpy(b.at, good.at, n);
		memset(b.at + n, 0, good.length - n);
		try_bytes(&b, -1);
	}
	/* Space that was given to the file and never written. */
	memcpy(b.at, good.at, good.length);
	memset(b.at + good.length, 0, 4096);
	b.length += 4096;
	try_bytes(&b, -1);
	free(b.at);
}

static void test_change(void)
{
	struct bytes b = { malloc(good.length), good.length };

	memcpy(b.at, good.at, good.length);
	for (size_t n = ends[PACKETS - 3]; n < ends[PACKETS]; n++) {
		unsigned record = PACKETS - 3;

		while (n >= ends[record + 1])
			record++;
		/* What is inside a record may be wrong and go unseen: the hash that would tell was never
		 * written.  The records before it are as they were. */
		b.at[n] ^= 0xff;
		try_bytes(&b, (int)record);
		b.at[n] ^= 0xff;
	}
	free(b.at);
}

/* Cut within the header: there is no segment left, and the store is still one. */
static void test_header(void)
{
	for (size_t n = 0; n < 64; n += 3) {
		struct weir_error err;
		struct store_check check;
		struct store_view *v;
		bool is_kept = n >= get_u32le(good.at + 4);

		copy_store(dead, broken);
		write_whole(broken, SEGMENT, good.at, n);
		CHECK_EQ(store_open(&v, broken, &err), 0);
		CHECK(v->was_repaired);
		CHECK_EQ(v->segment_count, is_kept);
		store_view_free(v);
		CHECK_EQ(file_exists(broken, SEGMENT), is_kept);
		CHECK(is_kept || file_exists(broken, SEGMENT ".tail"));
		CHECK_EQ(store_verify(broken, &check, &err), 0);
		CHECK_EQ(read_all(broken, true, &err), 0);
	}
}

int main(void)
{
	struct driver d;

	driver_init(&d);
	make_dead(&d, dead, PACKETS, 9);
	(void)snprintf(broken, sizeof broken, "%s/broken", d.dir);
	good = read_whole(dead, SEGMENT);
	find_records();
	RUN(test_cut);
	RUN(test_zeros);
	RUN(test_change);
	RUN(test_header);
	free(good.at);
	driver_fini(&d);
	return tap_done();
}
