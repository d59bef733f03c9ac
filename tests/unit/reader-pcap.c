/* The pcap form: every variant of header and record, and every refusal with its place. */
#include "lib/build.h"
#include "lib/tap.h"
#include "store/form.h"

#include <unistd.h>

static struct build b;
static struct weir_error err;

static struct reader *open_built(void)
{
	struct reader *r;

	memset(&err, 0, sizeof err);
	if (reader_open_source(&r, "x", byte_source_memory(b.bytes, b.length), &err))
		return NULL;
	return r;
}

static void clear(bool is_big)
{
	memset(&b, 0, sizeof b);
	b.is_big = is_big;
}

/* Reads all of it: the number of packets, and the last one's fields; err where it ended badly. */
static int read_all(struct packet *last)
{
	struct reader *r = open_built();
	struct packet p;
	int rc, count = 0;

	if (!r)
		return -1;
	while ((rc = reader_next(r, &p, &err)) > 0) {
		*last = p;
		count++;
	}
	if (!rc)
		err.code = WEIR_OK;
	reader_free(r);
	return count;
}

static void one_variant(uint32_t magic, bool is_big, int64_t ns_per_unit)
{
	struct packet p;

	clear(is_big);
	pcap_header(&b, magic, 65535, 1);
	pcap_record(&b, 1700000000, 999999, 5, 60);
	pcap_record(&b, 0xffffffff, 7, 3, 3);
	CHECK_EQ(read_all(&p), 2);
	CHECK_EQ(err.code, WEIR_OK);
	CHECK_EQ(p.ns, INT64_C(4294967295000000000) + 7 * ns_per_unit);
	CHECK_EQ(p.caplen, 3);
	CHECK_EQ(p.len, 3);
	CHECK_EQ(p.linktype, 1);
	CHECK(!p.has_flags && !p.has_pid && !p.id);
}

static void test_orders_and_units(void)
{
	one_variant(0xa1b2c3d4, false, 1000);
	one_variant(0xa1b2c3d4, true, 1000);
	one_variant(0xa1b23c4d, false, 1);
	one_variant(0xa1b23c4d, true, 1);
}

static void test_first_packet(void)
{
	struct packet p;
	struct reader *r;

	clear(true);
	pcap_header(&b, 0xa1b23c4d, 96, 113);
	pcap_record(&b, 5, 123456789, 4, 60);
	r = open_built();
	CHECK(r != NULL);
	if (!r)
		return;
	CHECK_EQ(reader_iface_count(r), 1);
	CHECK_EQ(reader_iface(r, 0)->snaplen, 96);
	CHECK_EQ(reader_iface(r, 0)->linktype, 113);
	CHECK_EQ(reader_next(r, &p, &err), 1);
	CHECK_EQ(p.ns, INT64_C(5123456789));
	CHECK_EQ(p.caplen, 4);
	CHECK_EQ(p.len, 60);
	CHECK(!memcmp(p.data, "\0\1\2\3", 4));
	CHECK_EQ(reader_next(r, &p, &err), 0);
	CHECK_EQ(reader_next(r, &p, &err), 0);
	reader_free(r);
}

static uint16_t linktype_read(uint32_t network)
{
	struct packet p = { 0 };

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, network);
	pcap_record(&b, 1, 1, 1, 1);
	CHECK_EQ(read_all(&p), 1);
	return p.linktype;
}

static void test_linktypes(void)
{
	CHECK_EQ(linktype_read(1), 1);
	CHECK_EQ(linktype_read(276), 276);
	CHECK_EQ(linktype_read(0x54000001), 1); /* checksum of 4 bytes follows frames */
	CHECK_EQ(linktype_read(12), 101);
	CHECK_EQ(linktype_read(14), 101);
	CHECK_EQ(linktype_read(11), 100);
	CHECK_EQ(linktype_read(101), 101);
}

static void test_modified_records(void)
{
	struct packet p = { 0 };

	clear(false);
	pcap_header(&b, 0xa1b2cd34, 0, 1);
	for (unsigned i = 0; i < 2; i++) {
		put32(&b, 9);
		put32(&b, 8);
		put32(&b, 4);
		put32(&b, 4);
		put64(&b, 0x1122334455667788); /* interface, protocol, kind */
		put32(&b, 0xcafe0000 + i);
	}
	CHECK_EQ(read_all(&p), 2);
	CHECK_EQ(p.ns, INT64_C(9000008000));
	CHECK_EQ(err.code, WEIR_OK);
}

static void test_old_lengths(void)
{
	struct packet p = { 0 };

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	b.bytes[6] = 2; /* version 2.2: original length first */
	put64(&b, 1);
	put32(&b, 60);
	put32(&b, 4);
	put32(&b, 0);
	CHECK_EQ(read_all(&p), 1);
	CHECK_EQ(p.caplen, 4);
	CHECK_EQ(p.len, 60);
	b.bytes[6] = 3; /* 2.3: either; the larger is the original */
	CHECK_EQ(read_all(&p), 1);
	CHECK_EQ(p.caplen, 4);
}

static void test_empty_file_has_no_packet(void)
{
	struct packet p;

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	CHECK_EQ(read_all(&p), 0);
	CHECK_EQ(err.code, WEIR_OK);
}

static void test_refused_files(void)
{
	struct packet p;

	clear(false);
	CHECK_EQ(read_all(&p), -1);
	CHECK_STR(err.text, "cannot read 'x': 0 bytes are neither pcap nor pcapng");
	put32(&b, 0x12345678);
	CHECK_EQ(read_all(&p), -1);
	CHECK_STR(err.text, "cannot read 'x': first bytes 78 56 34 12 are neither pcap's "
			    "nor pcapng's");
	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	b.length = 23;
	CHECK_EQ(read_all(&p), -1);
	CHECK_STR(err.text, "cannot read 'x': at offset 0: a file header of 24 bytes is "
			    "cut after 23");
	b.length = 24;
	b.bytes[4] = 3;
	CHECK_EQ(read_all(&p), -1);
	CHECK_STR(err.text, "cannot read 'x': at offset 4: version 3.4 is not between "
			    "2.0 and 2.4");
	CHECK_EQ(err.code, WEIR_ERR_FORMAT);
}

/* A file cut anywhere gives the packets before the cut, then the place. */
static void test_every_cut(void)
{
	struct packet p;

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	pcap_record(&b, 1, 1, 10, 10);
	pcap_record(&b, 2, 1, 10, 10);
	for (size_t n = 24; n < 24 + 2 * 26; n++) {
		int whole = (int)((n - 24) / 26);

		b.length = n;
		CHECK_EQ(read_all(&p), whole);
		CHECK_EQ(err.code, (n - 24) % 26 ? WEIR_ERR_FORMAT : WEIR_OK);
	}
	b.length = 24 + 26 + 5;
	CHECK_EQ(read_all(&p), 1);
	CHECK_STR(err.text, "cannot read 'x': at offset 50: a record header of 16 bytes "
			    "is cut after 5");
	b.length = 24 + 26 + 20;
	CHECK_EQ(read_all(&p), 1);
	CHECK_STR(err.text,
		  "cannot read 'x': at offset 50: a record of 26 bytes is cut after 20");
}

static void test_captured_length_bound(void)
{
	struct packet p;

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	pcap_record(&b, 1, 1, 4, 4);
	poke32(&b, 24 + 8, 262145);
	CHECK_EQ(read_all(&p), 0);
	CHECK_STR(err.text, "cannot read 'x': at offset 24: captured length 262145 is "
			    "more than 262144");
	poke32(&b, 16,
	       0xffffffff); /* the header's snap length does not lift our own bound */
	poke32(&b, 24 + 8, 0xfffffff0);
	CHECK_EQ(read_all(&p), 0);
	CHECK_STR(err.text, "cannot read 'x': at offset 24: captured length 4294967280 "
			    "is more than 16777192");
}

static void test_failed_stays_failed(void)
{
	struct reader *r;
	struct packet p;

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	pcap_record(&b, 1, 1, 4, 4);
	b.length--;
	r = open_built();
	CHECK(r != NULL);
	CHECK_EQ(reader_next(r, &p, &err), WEIR_ERR_FORMAT);
	CHECK_EQ(reader_next(r, &p, &err), WEIR_ERR_FORMAT);
	CHECK_STR(err.text, "cannot read 'x': it has failed before");
	reader_free(r);
}

/* Through a pipe that gives a few bytes at a time. */
static void test_pipe(void)
{
	struct reader *r = NULL;
	struct packet p;
	int ends[2], count = 0;

	clear(false);
	pcap_header(&b, 0xa1b2c3d4, 0, 1);
	for (uint32_t i = 0; i < 40; i++)
		pcap_record(&b, i, 0, i, i);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(write(ends[1], b.bytes, b.length), (int64_t)b.length);
	(void)close(ends[1]);
	CHECK_EQ(reader_open_source(&r, "p", byte_source_fd(ends[0], UINT64_MAX, true),
				    &err),
		 0);
	while (r && reader_next(r, &p, &err) > 0) {
		CHECK_EQ(p.caplen, count);
		CHECK_EQ(p.ns, count * INT64_C(1000000000));
		count++;
	}
	CHECK_EQ(count, 40);
	reader_free(r);
}

static void test_open_errors(void)
{
	struct reader *r;

	CHECK_EQ(reader_open(&r, "/nonexistent/a.pcap", &err), WEIR_ERR_ABSENT);
	CHECK_STR(err.text,
		  "cannot open '/nonexistent/a.pcap': No such file or directory");
	CHECK(r == NULL);
	reader_free(NULL);
}

int main(void)
{
	RUN(test_orders_and_units);
	RUN(test_first_packet);
	RUN(test_linktypes);
	RUN(test_modified_records);
	RUN(test_old_lengths);
	RUN(test_empty_file_has_no_packet);
	RUN(test_refused_files);
	RUN(test_every_cut);
	RUN(test_captured_length_bound);
	RUN(test_failed_stays_failed);
	RUN(test_pipe);
	RUN(test_open_errors);
	return tap_done();
}
