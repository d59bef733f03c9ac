/* Blocks of the kernel's ring made records where they lie: every byte of what comes out is either
 * the packet's or ours, whatever the sizes, tags, cuts and gaps. */
#include "capture/inplace.h"
#include "base/bytes.h"
#include "base/compiler.h"
#include "lib/tap.h"
#include "store/pcapng.h"

#include <linux/if_packet.h>
#include <stdlib.h>

enum {
	BLOCK = 64 * 1024,
	FIRST = 48,    /* the kernel's block header */
	STALE = 0xee,  /* what the memory held before */
	STATUS = 0x21, /* block_status: the reader's, by time-out */
	FRAMES = 1000
};

/* A ring's block as the kernel fills it, and what it was filled with. */
struct lab {
	uint8_t *block;
	uint32_t mac; /* from a frame's header to its link header */
	uint32_t used, count;
	uint32_t at[FRAMES], size[FRAMES];
	bool has_tag[FRAMES], is_rejected[FRAMES];
	struct span span;
	struct inplace in;
	uint32_t limit;
};

static void lab_init(struct lab *l, uint32_t reserve)
{
	memset(l, 0, sizeof *l);
	l->block = aligned_alloc(SPAN_ALIGNMENT, BLOCK);
	memset(l->block, STALE, BLOCK);
	(void)put_u32le(l->block + 8, STATUS);
	l->mac = 82 + reserve;
	l->used = FIRST;
	l->limit = 1 << 20;
}

/* The byte i of packet n. */
static uint8_t byte_of(uint32_t n, uint32_t i)
{
	return (uint8_t)(n * 7 + i);
}

/* As the kernel does it: false where the frame does not fit. */
static bool add(struct lab *l, uint32_t size, bool has_tag)
{
	uint32_t next = l->used + (uint32_t)ALIGN_UP(l->mac + size, 8u);
	uint32_t n = l->count;

	if (n == FRAMES || next > BLOCK)
		return false;
	l->at[n] = l->used;
	l->size[n] = size;
	l->has_tag[n] = has_tag;
	memset(l->block + l->used, 0xdd, l->mac);
	for (uint32_t i = 0; i < size; i++)
		l->block[l->used + l->mac + i] = byte_of(n, i);
	l->used = next;
	l->count++;
	return true;
}

static struct frame frame_at(const struct lab *l, uint32_t n)
{
	return (struct frame){
		.mac = l->block + l->at[n] + l->mac,
		.net_off = 14,
		.caplen = l->size[n],
		.len = l->size[n] + 3,
		.ns = 1000 + n,
		.status = l->has_tag[n] ? TP_STATUS_VLAN_VALID : 0,
		.vlan_tci = (uint16_t)n,
	};
}

static struct record_meta meta_of(uint32_t n, bool has_owner)
{
	return (struct record_meta){ .ns = 1000 + n,
				     .flags = RECORD_INBOUND,
				     .id = n + 1,
				     .has_owner = has_owner,
				     .owner = { .pid = n,
						.tid = n,
						.start_ns = n,
						.method = OWNER_COOKIE,
						.certainty = OWNER_EXACT } };
}

/* The header of a frame is gone when the one before it is put: so it is spoiled here. */
static void spoil(struct lab *l, uint32_t n)
{
	memset(l->block + l->at[n], 0xcc, 48);
}

static uint64_t convert(struct lab *l, bool is_dense, bool has_owner)
{
	uint64_t drops = 0;

	l->span = (struct span){ .data = l->block, .capacity = BLOCK };
	inplace_begin(&l->in, &l->span, l->used, l->count, is_dense);
	for (uint32_t n = 0; n < l->count; n++) {
		struct frame f = frame_at(l, n);
		struct record_meta m = meta_of(n, has_owner);
		struct frame_parts parts;

		spoil(l, n);
		if (l->is_rejected[n]) {
			inplace_skip(&l->in);
			continue;
		}
		frame_cut(&parts, &f, FRAME_ETHERNET, l->limit);
		drops += inplace_put(&l->in, &parts, &m);
	}
	return drops + inplace_end(&l->in);
}

/* Which packet a record is of: their ids were counted. */
static void check_bytes(const struct lab *l, const uint8_t *data, uint32_t caplen,
			uint32_t n)
{
	uint32_t tag = l->has_tag[n] ? 4 : 0, whole = l->size[n] + tag;

	CHECK_EQ(caplen, whole < l->limit ? whole : l->limit);
	for (uint32_t i = 0; i < caplen; i++) {
		if (tag && i >= 12 && i < 16)
			continue;
		CHECK_EQ(data[i], byte_of(n, i < 12 ? i : i - tag));
	}
	if (tag && caplen >= 16) {
		CHECK_EQ(get_u16be(data + 12), 0x8100);
		CHECK_EQ(get_u16be(data + 14), (uint16_t)n);
	}
}

struct options {
	bool has_flags, has_id, has_process, has_owner;
	uint64_t drops;
	uint32_t fill;
};

static void read_options(const uint8_t *p, const uint8_t *end, uint32_t n,
			 struct options *o)
{
	*o = (struct options){ 0 };
	while (p < end) {
		uint16_t code = get_u16le(p), length = get_u16le(p + 2);

		p += 4;
		if (!code)
			break;
		if (code == 2)
			o->has_flags = get_u32le(p) == RECORD_INBOUND;
		else if (code == 5)
			o->has_id = get_u64le(p) == n + 1;
		else if (code == 4)
			o->drops = get_u64le(p);
		else if (code == 8)
			o->has_process = get_u32le(p) == n && get_u32le(p + 4) == n;
		else if (code == RECORD_OPT_OWNER)
			o->has_owner = get_u64le(p + 4) == n;
		else
			CHECK_EQ(code, RECORD_OPT_FILL);
		for (uint32_t i = 0; code == RECORD_OPT_FILL && i < length; i++)
			CHECK_EQ(p[i], 0);
		o->fill += code == RECORD_OPT_FILL ? length + 4u : 0;
		p += ALIGN_UP(length, 4);
	}
	CHECK(p == end);
}

struct found {
	uint32_t records, pads, without_flags, without_id, without_owner, fill;
	uint64_t drops;
};

static uint32_t check_record(const struct lab *l, const uint8_t *b, uint32_t length,
			     struct found *found)
{
	uint32_t caplen = get_u32le(b + 20), n = get_u32le(b + 16) - 1000;
	const uint8_t *data = b + RECORD_DATA, *end = b + length - 4;
	struct options o;

	CHECK(n < l->count && !l->is_rejected[n]);
	check_bytes(l, data, caplen, n);
	for (const uint8_t *p = data + caplen; (p - data) & 3; p++)
		CHECK_EQ(*p, 0);
	CHECK_EQ(get_u32le(b + 24), l->size[n] + 3 + (l->has_tag[n] ? 4 : 0));
	read_options(data + ALIGN_UP(caplen, 4u), end, n, &o);
	found->records++;
	found->without_flags += !o.has_flags;
	found->without_id += !o.has_id;
	found->without_owner += !o.has_owner || !o.has_process;
	found->fill += o.fill;
	found->drops += o.drops;
	return n;
}

/* Walks all that would be written. */
static struct found check_block(struct lab *l)
{
	struct found found = { 0 };
	size_t padded = span_padded(&l->span), at = 0;
	uint32_t length, last = 0;

	CHECK(padded > 0);
	span_pad(&l->span, padded);
	CHECK_EQ(get_u32le(l->block + 8), STATUS);
	while (at + 12 <= padded) {
		const uint8_t *b = l->block + at;

		length = get_u32le(b + 4);
		CHECK(length >= 12 && length % 4 == 0 && length <= padded - at);
		CHECK_EQ(get_u32le(b + length - 4), length);
		if (get_u32le(b) == PCAPNG_EPB) {
			uint32_t n = check_record(l, b, length, &found);

			CHECK(!last || n + 1 > last);
			last = n + 1;
		} else {
			CHECK_EQ(get_u32le(b), SPAN_PAD_TYPE);
			found.pads++;
			for (uint32_t i = 12; i < length - 4; i++)
				CHECK_EQ(b[i], 0);
		}
		if (length < 12 || length > padded - at)
			break;
		at += length;
	}
	CHECK_EQ(at, padded);
	CHECK_EQ(found.records, l->span.packets);
	return found;
}

static void lab_fini(struct lab *l)
{
	free(l->block);
}

/* Sizes that go round, until the block has no room. */
static void fill_up(struct lab *l, uint32_t least, uint32_t most, unsigned tag_each)
{
	uint32_t size = least;

	while (add(l, size, tag_each && l->count % tag_each == 0))
		size = size >= most ? least : size + 1 + size % 3;
}

static void every_block(uint32_t reserve, bool is_dense, bool has_owner)
{
	static const uint32_t sizes[][2] = {
		{ 60, 60 }, { 14, 90 }, { 60, 1514 }, { 1500, 1514 }, { 900, 9000 }
	};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		for (unsigned tag = 0; tag < 4; tag++) {
			struct lab l;
			struct found f;

			lab_init(&l, reserve);
			fill_up(&l, sizes[i][0], sizes[i][1], tag);
			CHECK_EQ(convert(&l, is_dense, has_owner), 0);
			f = check_block(&l);
			CHECK_EQ(f.records, l.count);
			CHECK_EQ(f.without_flags + f.without_id, 0);
			CHECK_EQ(f.without_owner, has_owner ? 0 : l.count);
			CHECK(!is_dense || f.fill < 16);
			lab_fini(&l);
		}
	}
}

static void test_in_place(void)
{
	every_block(2, false, false);
}

static void test_dense(void)
{
	every_block(2, true, false);
}

static void test_with_owner(void)
{
	every_block(18, false, true);
	every_block(18, true, true);
}

/* Any link header's length, aligned or not. */
static void test_any_alignment(void)
{
	for (uint32_t reserve = 0; reserve < 8; reserve++)
		every_block(reserve, false, false);
}

/* The last frame ends at every distance from the block's end. */
static void test_full_to_the_end(void)
{
	for (uint32_t rest = 0; rest < 200; rest++) {
		struct lab l;
		struct found f;

		lab_init(&l, 2);
		while (BLOCK - l.used > 4000 && add(&l, 700, false))
			continue;
		CHECK(add(&l, BLOCK - l.used - l.mac - rest, false));
		CHECK_EQ(convert(&l, false, false), 0);
		f = check_block(&l);
		CHECK_EQ(f.records, l.count);
		CHECK_EQ(f.without_flags + f.without_id, 0);
		lab_fini(&l);
	}
}

/* One packet as large as the block: the kernel cuts it to what fits. */
static void test_one_clamped_packet(void)
{
	struct lab l;
	struct found f;

	lab_init(&l, 2);
	CHECK(add(&l, BLOCK - FIRST - l.mac, false));
	CHECK_EQ(l.used, BLOCK);
	CHECK_EQ(convert(&l, false, false), 0);
	f = check_block(&l);
	CHECK_EQ(f.records, 1);
	CHECK_EQ(f.without_flags + f.without_id, 0);
	lab_fini(&l);
}

/* What is rejected leaves nothing of itself, wherever it stands. */
static void test_rejected(void)
{
	for (unsigned each = 1; each < 6; each++) {
		for (unsigned is_dense = 0; is_dense < 2; is_dense++) {
			struct lab l;
			uint32_t want = 0;

			lab_init(&l, 2);
			fill_up(&l, 60, 1514, 3);
			for (uint32_t n = 0; n < l.count; n++) {
				l.is_rejected[n] = n % each == 0;
				want += !l.is_rejected[n];
			}
			CHECK_EQ(convert(&l, is_dense, false), 0);
			if (want)
				CHECK_EQ(check_block(&l).records, want);
			CHECK_EQ(l.span.packets, want);
			lab_fini(&l);
		}
	}
}

static void test_snap_length(void)
{
	static const uint32_t limits[] = { 1, 3, 13, 14, 15, 16, 17, 64, 100 };

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		for (unsigned is_dense = 0; is_dense < 2; is_dense++) {
			struct lab l;

			lab_init(&l, 2);
			l.limit = limits[i];
			fill_up(&l, 60, 1514, 2);
			CHECK_EQ(convert(&l, is_dense, false), 0);
			CHECK_EQ(check_block(&l).records, l.count);
			lab_fini(&l);
		}
	}
}

/* A drop count finds its place, or is handed back for a later record. */
static void test_drops(void)
{
	for (uint32_t reserve = 2; reserve <= 18; reserve += 4) {
		struct lab l;
		struct frame f[2];
		struct frame_parts parts;
		struct record_meta m = meta_of(0, true);
		uint64_t back;

		lab_init(&l, reserve);
		CHECK(add(&l, 64, false) && add(&l, 64, true));
		f[0] = frame_at(&l, 0);
		f[1] = frame_at(&l, 1);
		l.span = (struct span){ .data = l.block, .capacity = BLOCK };
		inplace_begin(&l.in, &l.span, l.used, 2, false);
		m.drops = 9;
		frame_cut(&parts, &f[0], FRAME_ETHERNET, l.limit);
		CHECK_EQ(inplace_put(&l.in, &parts, &m), 0);
		m = meta_of(1, true);
		frame_cut(&parts, &f[1], FRAME_ETHERNET, l.limit);
		back = inplace_put(&l.in, &parts, &m);
		CHECK_EQ(inplace_end(&l.in), 0);
		CHECK_EQ(check_block(&l).drops + back, 9);
		CHECK_EQ(back == 0, reserve >= 18);
		lab_fini(&l);
	}
}

static void test_facts(void)
{
	struct lab l;

	lab_init(&l, 2);
	CHECK(add(&l, 100, false) && add(&l, 200, true) && add(&l, 300, false));
	CHECK_EQ(convert(&l, false, false), 0);
	CHECK_EQ(l.span.packets, 3);
	CHECK_EQ(l.span.bytes, 604);
	CHECK_EQ(l.span.wire_bytes, 613);
	CHECK_EQ(l.span.first_ns, 1000);
	CHECK_EQ(l.span.last_ns, 1002);
	CHECK(l.span.is_sorted);
	CHECK_EQ(l.span.iface_count, 1);
	/* The bytes did not move. */
	CHECK_EQ(l.span.lead + RECORD_DATA, FIRST + l.mac);
	lab_fini(&l);
}

int main(void)
{
	RUN(test_facts);
	RUN(test_in_place);
	RUN(test_dense);
	RUN(test_with_owner);
	RUN(test_any_alignment);
	RUN(test_full_to_the_end);
	RUN(test_one_clamped_packet);
	RUN(test_rejected);
	RUN(test_snap_length);
	RUN(test_drops);
	return tap_done();
}
