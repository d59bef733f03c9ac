/* The pcapng form: both byte orders, every packet block, options, sections, and every refusal. */
#include "lib/build.h"
#include "lib/tap.h"
#include "store/pcapng_reader.h"

static struct build b;
static struct weir_error err;

static void clear(bool is_big)
{
	memset(&b, 0, sizeof b);
	b.is_big = is_big;
}

static struct reader *open_built(void)
{
	struct reader *r;

	memset(&err, 0, sizeof err);
	if (reader_open_source(&r, "x", byte_source_memory(b.bytes, b.length), &err))
		return NULL;
	return r;
}

/* The number of packets; err where it ended badly. */
static int count_all(void)
{
	struct reader *r = open_built();
	struct packet p;
	int rc, count = 0;

	if (!r)
		return -1;
	while ((rc = reader_next(r, &p, &err)) > 0)
		count++;
	if (!rc)
		err.code = WEIR_OK;
	reader_free(r);
	return count;
}

static void check_text(int count, const char *text)
{
	CHECK_EQ(count_all(), count);
	CHECK_EQ(err.code, WEIR_ERR_FORMAT);
	CHECK_STR(err.text, text);
}

static void every_field(bool is_big)
{
	struct reader *r;
	struct packet p;

	clear(is_big);
	ng_section(&b);
	ng_iface(&b, 1, 0, 9);
	ng_packet_begin(&b, 0, 1700000000123456789, 5, 60);
	ng_option(&b, 1, "hello", 5);
	ng_option(&b, 1, "second", 6);
	ng_option_n(&b, 2, 0x202, 4);
	ng_option_n(&b, 4, 77, 8);
	ng_option_n(&b, 5, 0x1122334455667788, 8);
	ng_option_n(&b, 6, 3, 4);
	put16(&b, 8);
	put16(&b, 8);
	put32(&b, 4242);
	put32(&b, 4243);
	ng_option(&b, 2988, "custom", 6);
	ng_option(&b, 0, NULL, 0);
	ng_end(&b);
	r = open_built();
	CHECK(r != NULL);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.ns, 1700000000123456789);
	CHECK_EQ(p.caplen, 5);
	CHECK_EQ(p.len, 60);
	CHECK(!memcmp(p.data, "\0\1\2\3\4", 5));
	CHECK_EQ(p.linktype, 1);
	CHECK(p.has_flags && p.has_queue && p.has_pid);
	CHECK_EQ(p.flags, 0x202);
	CHECK_EQ(p.drops, 77);
	CHECK_EQ(p.id, 0x1122334455667788);
	CHECK_EQ(p.queue, 3);
	CHECK_EQ(p.pid, 4242);
	CHECK_EQ(p.tid, 4243);
	CHECK_EQ(p.comment_length, 5);
	CHECK(!memcmp(p.comment, "hello", 5));
	CHECK_EQ(reader_next(r, &p, &err), 0);
	CHECK_EQ(pcapng_reader_whole(r), b.length);
	reader_free(r);
}

static void test_every_field(void)
{
	every_field(false);
	every_field(true);
}

static void interface_options(bool is_big)
{
	uint8_t v4[8] = { 10, 1, 2, 3, 255, 255, 240, 0 }, v6[17] = { 0xfe, 0x80 };
	const struct iface_info *i;
	struct reader *r;
	struct packet p;

	clear(is_big);
	v6[16] = 64;
	ng_section(&b);
	ng_iface_begin(&b, 113, 96);
	ng_option(&b, 2, "eth7", 4);
	ng_option(&b, 3, "the seventh", 11);
	ng_option(&b, 4, v4, 8);
	ng_option(&b, 5, v6, 17);
	ng_option(&b, 6, "\2\0\0\0\0\7", 6);
	ng_option_n(&b, 8, 10000000000, 8);
	ng_option(&b, 9, "\3", 1);
	ng_option(&b, 11, "\0tcp port 80", 12);
	ng_option(&b, 12, "Linux", 5);
	ng_option_n(&b, 14, (uint64_t)-100, 8);
	ng_option(&b, 15, "virtio", 6);
	ng_end(&b); /* no end of options: allowed at the block's end */
	ng_packet(&b, 0, 100001, 4);
	r = open_built();
	CHECK(r != NULL);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.ns, 1000000);
	CHECK_EQ(p.linktype, 113);
	CHECK_EQ(reader_iface_count(r), 1);
	i = reader_iface(r, p.iface);
	CHECK_STR(i->name, "eth7");
	CHECK_STR(i->description, "the seventh");
	CHECK_STR(i->filter, "tcp port 80");
	CHECK_STR(i->os, "Linux");
	CHECK_STR(i->hardware, "virtio");
	CHECK_EQ(i->snaplen, 96);
	CHECK_EQ(i->speed_bps, 10000000000);
	CHECK(i->has_mac && i->mac[0] == 2 && i->mac[5] == 7);
	CHECK_EQ(i->addr_count, 2);
	CHECK(i->addrs[0].family == 4 && i->addrs[0].prefix == 20);
	CHECK(i->addrs[1].family == 6 && i->addrs[1].prefix == 64);
	CHECK(i->addrs[0].bytes[0] == 10 && i->addrs[1].bytes[0] == 0xfe);
	reader_free(r);
}

static void test_interface_options(void)
{
	interface_options(false);
	interface_options(true);
}

static void test_long_text_is_cut(void)
{
	char text[300];
	struct reader *r;
	struct packet p;

	memset(text, 'a', sizeof text);
	clear(false);
	ng_section(&b);
	ng_iface_begin(&b, 1, 0);
	ng_option(&b, 2, text, sizeof text);
	ng_option(&b, 3, "a\0b", 3);
	ng_end(&b);
	r = open_built();
	CHECK_EQ(reader_next(r, &p, &err), 0);
	CHECK_EQ(strlen(reader_iface(r, 0)->name), 63);
	CHECK_STR(reader_iface(r, 0)->description, "a");
	reader_free(r);
}

static void test_old_and_simple_packets(void)
{
	struct reader *r;
	struct packet p;

	clear(true);
	ng_section(&b);
	ng_iface(&b, 1, 6, 6);
	ng_iface(&b, 101, 0, 9);
	ng_begin(&b, 2); /* the old packet block: drops stand beside the interface */
	put16(&b, 1);
	put16(&b, 9);
	put64(&b, 12345);
	put32(&b, 3);
	put32(&b, 30);
	put32(&b, 0xaabbcc00);
	ng_option_n(&b, 2, 1, 4);
	ng_end(&b);
	ng_begin(&b, 2);
	put16(&b, 0);
	put16(&b, 0xffff);
	put64(&b, 7);
	put64(&b, 0);
	ng_end(&b);
	ng_begin(&b, 3); /* the simple one: cut to the snap length of interface 0 */
	put32(&b, 100);
	put64(&b, 0x0001020304050000);
	ng_end(&b);
	r = open_built();
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.ns, 12345);
	CHECK_EQ(p.drops, 9);
	CHECK_EQ(p.linktype, 101);
	CHECK_EQ(p.caplen, 3);
	CHECK_EQ(p.len, 30);
	CHECK(p.has_flags && p.flags == 1);
	CHECK(p.data[0] == 0xaa);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.ns, 7000);
	CHECK_EQ(p.drops, 0);
	CHECK_EQ(p.caplen, 0);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.caplen, 6);
	CHECK_EQ(p.len, 100);
	CHECK_EQ(p.ns, 0);
	CHECK_EQ(p.data[5], 5);
	CHECK_EQ(reader_next(r, &p, &err), 0);
	reader_free(r);
}

/* Two sections of different byte order: interfaces are counted anew, equal ones are one entry. */
static void test_sections(void)
{
	struct reader *r;
	struct packet p;

	clear(false);
	ng_section(&b);
	ng_iface(&b, 1, 0, 6);
	ng_iface(&b, 113, 0, 9);
	ng_packet(&b, 1, 10, 4);
	b.is_big = true;
	ng_section(&b);
	ng_iface(&b, 113, 0, 6);
	ng_packet(&b, 0, 10, 4);
	ng_iface(&b, 276, 0, 6);
	ng_packet(&b, 1, 11, 4);
	r = open_built();
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.iface, 1);
	CHECK_EQ(p.ns, 10);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.iface, 1); /* the same description; its own resolution */
	CHECK_EQ(p.ns, 10000);
	CHECK_EQ(p.linktype, 113);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.iface, 2);
	CHECK_EQ(p.linktype, 276);
	CHECK_EQ(reader_next(r, &p, &err), 0);
	CHECK_EQ(reader_iface_count(r), 3);
	CHECK_EQ(pcapng_reader_sections(r), 2);
	reader_free(r);
}

static void test_other_blocks_are_passed(void)
{
	static const uint32_t types[] = {
		4, 5, 9, 10, 0xbad, 0x40000bad, 0x80000001, 77
	};

	clear(false);
	ng_section(&b);
	ng_iface(&b, 1, 0, 9);
	for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
		ng_begin(&b, types[i]);
		for (unsigned n = 0; n < i; n++)
			put32(&b, 0xffffffff);
		ng_end(&b);
		ng_packet(&b, 0, i, i);
	}
	CHECK_EQ(count_all(), 8);
	CHECK_EQ(err.code, WEIR_OK);
}

static void test_parse_again(void)
{
	struct reader *r;
	struct packet p, q;

	clear(true);
	ng_section(&b);
	ng_iface(&b, 1, 0, 6);
	ng_packet(&b, 0, 1, 9);
	ng_packet(&b, 0, 2, 5);
	r = open_built();
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(pcapng_reader_parse(r, b.bytes + pcapng_reader_offset(r),
				     pcapng_reader_length(r), pcapng_reader_offset(r), &q,
				     &err),
		 1);
	CHECK_EQ(q.ns, 1000);
	CHECK_EQ(q.caplen, 9);
	CHECK(q.data == b.bytes + pcapng_reader_offset(r) + 28);
	CHECK_EQ(pcapng_reader_parse(r, b.bytes + pcapng_reader_offset(r), 12, 5, &q,
				     &err),
		 WEIR_ERR_FORMAT);
	CHECK_STR(err.text, "at offset 5: a block of 12 bytes has 44 now");
	CHECK_EQ(pcapng_reader_parse(r, b.bytes, 28, 0, &q, &err), WEIR_ERR_FORMAT);
	CHECK_STR(err.text, "at offset 0: a packet's block has type 168627466 now");
	reader_free(r);
}

static void test_every_cut(void)
{
	size_t ends[4];
	int whole = 0;

	clear(false);
	ng_section(&b);
	ng_iface(&b, 1, 0, 9);
	for (unsigned i = 0; i < 3; i++) {
		ends[i] = b.length;
		ng_packet(&b, 0, i, 5);
	}
	ends[3] = b.length;
	for (size_t n = ends[0]; n <= ends[3]; n++) {
		whole += whole < 3 && n == ends[whole + 1];
		b.length = n;
		CHECK_EQ(count_all(), whole);
		CHECK_EQ(err.code, n == ends[whole] ? WEIR_OK : WEIR_ERR_FORMAT);
	}
	b.length = ends[1] + 3;
	check_text(
		1,
		"cannot read 'x': at offset 100: a block's first 8 bytes are cut after 3");
	b.length = ends[1] + 30;
	check_text(1,
		   "cannot read 'x': at offset 100: a block of 40 bytes is cut after 30");
}

/* A good section, interface and packet; then one change. */
static size_t good(void)
{
	clear(false);
	ng_section(&b);
	ng_iface(&b, 1, 0, 9);
	ng_packet(&b, 0, 1, 4);
	return b.length;
}

static void test_refused_blocks(void)
{
	size_t at = good();

	ng_packet(&b, 0, 2, 4);
	poke32(&b, at + 4, 7);
	check_text(1,
		   "cannot read 'x': at offset 96: block length 7 is not between 12 and "
		   "16777216");
	poke32(&b, at + 4, 34);
	check_text(
		1,
		"cannot read 'x': at offset 96: block length 34 is not a multiple of 4");
	poke32(&b, at + 4, 0x7fffffff);
	check_text(
		1,
		"cannot read 'x': at offset 96: block length 2147483647 is not between "
		"12 and 16777216");
	poke32(&b, at + 4, 36);
	poke32(&b, at + 32, 40);
	check_text(1,
		   "cannot read 'x': at offset 128: length 40 behind a block is not the "
		   "36 before it");
	at = good();
	ng_packet(&b, 1, 2, 4);
	check_text(1,
		   "cannot read 'x': at offset 96: a packet of interface 1, the section "
		   "has 1 so far");
	at = good();
	ng_packet(&b, 0, 2, 4);
	poke32(&b, at + 20, 5);
	check_text(1,
		   "cannot read 'x': at offset 96: captured length 5 does not fit the 4 "
		   "bytes of the block");
	at = good();
	ng_begin(&b, 6);
	put64(&b, 0);
	ng_end(&b);
	check_text(1, "cannot read 'x': at offset 96: packet block of 20 bytes has less "
		      "than 32");
	at = good();
	ng_begin(&b, 3);
	ng_end(&b);
	check_text(1,
		   "cannot read 'x': at offset 96: simple packet block of 12 bytes has "
		   "less than 16");
	at = good();
	for (unsigned i = 0; i < 8; i++)
		put32(&b, 0);
	check_text(1,
		   "cannot read 'x': at offset 96: block length 0 is not between 12 and "
		   "16777216");
}

static void test_refused_sections(void)
{
	clear(false);
	ng_section(&b);
	poke32(&b, 8, 0x11223344);
	check_text(0, "cannot read 'x': at offset 8: byte-order magic 44332211 is not "
		      "1a2b3c4d");
	clear(false);
	ng_section(&b);
	b.bytes[12] = 2;
	check_text(0,
		   "cannot read 'x': at offset 12: version 2.0 of a section is not 1.0");
	clear(false);
	ng_section(&b);
	poke32(&b, 4, 24);
	check_text(0,
		   "cannot read 'x': at offset 0: block length 24 is not between 28 and "
		   "16777216");
	b.length = 10;
	check_text(0,
		   "cannot read 'x': at offset 0: a block's first 12 bytes are cut after "
		   "10");
}

static void test_refused_options(void)
{
	static const struct {
		uint16_t code, length;
		const char *text;
	} bad[] = {
		{ 2, 2, "cannot read 'x': at offset 128: option 2 has 2 bytes, not 4" },
		{ 4, 4, "cannot read 'x': at offset 128: option 4 has 4 bytes, not 8" },
		{ 5, 4, "cannot read 'x': at offset 128: option 5 has 4 bytes, not 8" },
		{ 6, 8, "cannot read 'x': at offset 128: option 6 has 8 bytes, not 4" },
		{ 8, 4, "cannot read 'x': at offset 128: option 8 has 4 bytes, not 8" },
	};

	size_t at;

	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)good();
		ng_packet_begin(&b, 0, 2, 4, 4);
		ng_option(&b, bad[i].code, "abcdefgh", bad[i].length);
		ng_end(&b);
		check_text(1, bad[i].text);
	}
	at = good();
	ng_packet_begin(&b, 0, 2, 4, 4);
	ng_option(&b, 1, "abcd", 4);
	ng_end(&b);
	b.bytes[at + 34] = 5;
	check_text(1,
		   "cannot read 'x': at offset 128: option 1 of 5 bytes does not fit the "
		   "8 bytes that the block has left");
}

static void test_refused_interfaces(void)
{
	size_t at = good();

	ng_begin(&b, 1);
	put32(&b, 1);
	ng_end(&b);
	check_text(1,
		   "cannot read 'x': at offset 96: interface block of 16 bytes has less "
		   "than 20");
	at = good();
	ng_iface_begin(&b, 1, 0);
	ng_option(&b, 9, "\6\0", 2);
	ng_end(&b);
	check_text(1, "cannot read 'x': at offset 112: option 9 has 2 bytes, not 1");
	(void)at;
}

static void test_refused_time(void)
{
	(void)good();
	ng_packet(&b, 0, (uint64_t)1 << 63, 4);
	check_text(1,
		   "cannot read 'x': at offset 108: time 9223372036854775808 (resolution "
		   "9, offset 0 s) is not between 1677 and 2262");
}

static void test_too_many_interfaces(void)
{
	clear(false);
	ng_section(&b);
	for (unsigned i = 0; i < READER_IFACE_MAX; i++) {
		ng_iface_begin(&b, (uint16_t)(1000 + i), 0);
		ng_end(&b);
	}
	ng_packet(&b, READER_IFACE_MAX - 1, 1, 1);
	CHECK_EQ(count_all(), 1);
	CHECK_EQ(err.code, WEIR_OK);
	ng_iface_begin(&b, 1, 0);
	ng_end(&b);
	check_text(1, "cannot read 'x': at offset 81984: more than 4096 interfaces in a "
		      "section");
	b.length = 81984;
	ng_section(&b);
	ng_iface_begin(&b, 1000 + 4096, 0);
	ng_end(&b);
	CHECK_EQ(count_all(), 1);
	CHECK_EQ(err.code, WEIR_ERR_LIMIT);
	CHECK_STR(err.text, "cannot read 'x': more than 4096 different interfaces");
}

static void put_statistics(uint32_t iface, uint16_t code, uint64_t drops)
{
	ng_begin(&b, 5);
	put32(&b, iface);
	put32(&b, 0);
	put32(&b, 0);
	ng_option_n(&b, code, drops, 8);
	ng_end(&b);
}

/* Statistics are counted where they make sense, and never a reason to refuse a file. */
static void statistics(bool is_big)
{
	struct reader *r;
	struct packet p;

	clear(is_big);
	ng_section(&b);
	ng_iface(&b, 1, 0, 9);
	put_statistics(0, 5, 7);
	put_statistics(0, 7, 3); /* went back: the greatest was once true */
	put_statistics(0, 4, 100);
	put_statistics(1, 5, 50); /* there is no such interface */
	ng_begin(&b, 5);
	put32(&b, 0);
	ng_end(&b);
	ng_packet(&b, 0, 1, 4);
	r = open_built();
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(reader_stated_drops(r), 7);
	reader_free(r);
	ng_iface(&b, 1, 0, 9);
	put_statistics(0, 5, UINT64_MAX);
	put_statistics(1, 5, UINT64_MAX);
	r = open_built();
	while (reader_next(r, &p, &err) > 0)
		;
	CHECK_EQ(reader_stated_drops(r), INT64_MAX);
	reader_free(r);
}

static void put_drops(uint32_t iface, uint64_t drops)
{
	ng_packet_begin(&b, iface, 1, 4, 4);
	ng_option_n(&b, 4, drops, 8);
	ng_end(&b);
}

/* Drop counts of a packet end where JSON's integers do. */
static void test_drops_beyond_json(void)
{
	struct reader *r;
	struct packet p;

	clear(false);
	ng_section(&b);
	ng_iface(&b, 1, 0, 9);
	put_drops(0, UINT64_MAX);
	r = open_built();
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.drops, INT64_MAX);
	reader_free(r);
}

static uint64_t lost_of_built(void)
{
	struct reader *r = open_built();
	struct packet p;
	uint64_t lost;

	while (reader_next(r, &p, &err) > 0)
		;
	lost = reader_lost(r);
	reader_free(r);
	return lost;
}

/* Of one interface a file tells by its packets, of another by its statistics, of a third by both. */
static void lost_packets(bool is_big)
{
	clear(is_big);
	ng_section(&b);
	for (unsigned i = 0; i < 3; i++)
		ng_iface(&b, 1, 0, 9);
	put_drops(0, 10);
	put_statistics(1, 5, 7);
	put_drops(2, 2);
	put_statistics(2, 5, 3);
	put_drops(2, 4);
	CHECK_EQ(lost_of_built(), 10 + 7 + 6);
	ng_section(&b); /* the old packet block, of another section's interface */
	ng_iface(&b, 1, 0, 9);
	ng_begin(&b, 2);
	put16(&b, 0);
	put16(&b, 5);
	put64(&b, 1);
	put64(&b, 0);
	ng_end(&b);
	put_statistics(0, 5, 1);
	CHECK_EQ(lost_of_built(), 10 + 7 + 6 + 5);
	put_drops(0, UINT64_MAX);
	CHECK_EQ(lost_of_built(), INT64_MAX);
}

static void test_lost_packets(void)
{
	lost_packets(false);
	lost_packets(true);
}

static void test_statistics(void)
{
	statistics(false);
	statistics(true);
}

int main(void)
{
	RUN(test_every_field);
	RUN(test_interface_options);
	RUN(test_long_text_is_cut);
	RUN(test_old_and_simple_packets);
	RUN(test_sections);
	RUN(test_other_blocks_are_passed);
	RUN(test_parse_again);
	RUN(test_every_cut);
	RUN(test_refused_blocks);
	RUN(test_refused_sections);
	RUN(test_refused_options);
	RUN(test_refused_interfaces);
	RUN(test_refused_time);
	RUN(test_too_many_interfaces);
	RUN(test_drops_beyond_json);
	RUN(test_statistics);
	RUN(test_lost_packets);
	return tap_done();
}
