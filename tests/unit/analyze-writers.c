/* The formats: what goes in comes out again through the readers, and the text formats say what the
 * manual page promises, to the byte. */
#include "analyze/copy.h"

#include "lib/build.h"
#include "lib/folder.h"
#include "lib/tap.h"
#include "store/iface.h"

#define SECOND UINT64_C(1000000000)

/* IPv4, 10.0.0.1:40000 > 10.0.0.2:80, SYN. */
static const uint8_t syn[] = { 0x45, 0, 0,  40, 0,    0, 0x40, 0,    64, 6,  0, 0, 10, 0,
			       0,    1, 10, 0,  0,    2, 0x9c, 0x40, 0,  80, 0, 0, 0,  1,
			       0,    0, 0,  0,  0x50, 2, 1,    0,    0,  0,  0, 0 };

static struct build b;

/* As ng_packet_begin(), with these bytes. */
static void begin_packet(uint32_t iface, uint64_t ns, const void *bytes, uint32_t caplen,
			 uint32_t len)
{
	ng_begin(&b, 6);
	put32(&b, iface);
	put32(&b, (uint32_t)(ns >> 32));
	put32(&b, (uint32_t)ns);
	put32(&b, caplen);
	put32(&b, len);
	put_bytes(&b, bytes, caplen);
	put_pad(&b);
}

static void begin_iface(const char *name, uint16_t linktype, uint32_t snaplen)
{
	ng_iface_begin(&b, linktype, snaplen);
	ng_option(&b, 2, name, (uint16_t)strlen(name));
	ng_option_n(&b, 9, 9, 1);
	ng_end(&b);
}

/* Two raw interfaces; packets with everything a source can know, and with nothing. */
static void write_source(const char *name, uint32_t second_snaplen)
{
	b = (struct build){ .is_big = false };
	ng_section(&b);
	begin_iface("tun\"0\x1b", 101, 96);
	begin_packet(0, 1763853215 * SECOND + 123456789, syn, sizeof syn, 1500);
	ng_option_n(&b, 2, 0x206, 4);
	ng_option_n(&b, 5, 7, 8);
	ng_option_n(&b, 4, 3, 8);
	ng_option_n(&b, 6, 2, 4);
	ng_option_n(&b, 8, UINT64_C(99) << 32 | 42, 8);
	ng_option(&b, 1,
		  "a\x1b"
		  "b",
		  3);
	ng_end(&b);
	begin_iface("tun1", 101, second_snaplen);
	begin_packet(1, 1763853216 * SECOND, syn, 13, 40);
	ng_end(&b);
	folder_write(name, b.bytes, b.length);
}

/* Runs one source through a format into "out"; returns copy_run()'s code. */
static int convert(const struct writer_ops *ops, const char *name, int64_t from_ns,
		   struct copy *result, struct weir_error *err)
{
	static const char *paths[1];
	static const char *const parents[] = { "made from 'x'" };
	struct selection selection;
	struct writer w = { .ops = ops, .name = "out", .parents = parents };
	struct copy c = { .writer = &w, .selection = &selection };
	int rc;

	paths[0] = folder_path(name);
	CHECK_EQ(selection_init(&selection, "true", 0, from_ns, INT64_MAX, NULL), 0);
	CHECK_EQ(merge_open(&c.merge, paths, 1, err), 0);
	CHECK_EQ(sink_open(&w.out, folder_path("out"), err), 0);
	w.merge = c.merge;
	rc = copy_run(&c, err);
	if (rc)
		sink_discard(w.out);
	else
		CHECK_EQ(sink_close(w.out, err), 0);
	merge_free(c.merge);
	selection_fini(&selection);
	if (result)
		*result = c;
	return rc;
}

static char *converted(const struct writer_ops *ops)
{
	char *text;

	write_source("in", 96);
	CHECK_EQ(convert(ops, "in", 0, NULL, NULL), 0);
	text = folder_read("out", NULL);
	(void)unlink(folder_path("out"));
	return text;
}

static void check_first(const struct packet *p)
{
	CHECK_EQ(p->ns, (int64_t)(1763853215 * SECOND + 123456789));
	CHECK_EQ(p->caplen, sizeof syn);
	CHECK_EQ(p->len, 1500);
	CHECK(!memcmp(p->data, syn, sizeof syn));
	CHECK(p->has_flags && p->has_queue && p->has_pid);
	CHECK_EQ(p->flags, 0x206);
	CHECK_EQ(p->id, 7);
	CHECK_EQ(p->drops, 3);
	CHECK_EQ(p->queue, 2);
	CHECK_EQ(p->pid, 42);
	CHECK_EQ(p->tid, 99);
	CHECK_EQ(p->comment_length, 3);
	CHECK(p->comment && !memcmp(p->comment,
				    "a\x1b"
				    "b",
				    3));
}

/* All that a source knows is handed on, and nothing is claimed that it did not. */
static void test_pcapng_round_trip(void)
{
	struct reader *r = NULL;
	struct packet p;

	write_source("in", 96);
	CHECK_EQ(convert(&writer_pcapng, "in", 0, NULL, NULL), 0);
	CHECK_EQ(reader_open(&r, folder_path("out"), NULL), 0);
	CHECK_EQ(reader_next(r, &p, NULL), 1);
	check_first(&p);
	CHECK_STR(reader_iface(r, p.iface)->name, "tun\"0\x1b");
	CHECK_EQ(reader_iface(r, p.iface)->snaplen, 0);
	CHECK_EQ(reader_next(r, &p, NULL), 1);
	CHECK_EQ(p.caplen, 13);
	CHECK_EQ(p.len, 40);
	CHECK(!p.has_flags && !p.has_queue && !p.has_pid && !p.comment);
	CHECK_EQ(p.id, 0);
	CHECK_STR(reader_iface(r, p.iface)->name, "tun1");
	CHECK_EQ(reader_next(r, &p, NULL), 0);
	reader_free(r);
	(void)unlink(folder_path("out"));
}

static bool holds(const char *bytes, size_t length, const char *text)
{
	return memmem(bytes, length, text, strlen(text)) != NULL;
}

/* libpcap wants one snap length; the interface that has another one keeps it in words. */
static void test_pcapng_snap_lengths(void)
{
	struct reader *r = NULL;
	struct packet p;
	size_t length;
	char *bytes;

	write_source("in", 128);
	CHECK_EQ(convert(&writer_pcapng, "in", 0, NULL, NULL), 0);
	bytes = folder_read("out", &length);
	CHECK(holds(bytes, length, "snap length when recorded: 128"));
	CHECK(holds(bytes, length, "made from 'x'"));
	free(bytes);
	CHECK_EQ(reader_open(&r, folder_path("out"), NULL), 0);
	while (reader_next(r, &p, NULL) > 0)
		CHECK_EQ(reader_iface(r, p.iface)->snaplen, reader_iface(r, 0)->snaplen);
	reader_free(r);
	(void)unlink(folder_path("out"));
}

static void test_pcap(void)
{
	struct reader *r = NULL;
	struct packet p;

	write_source("in", 96);
	CHECK_EQ(convert(&writer_pcap, "in", 0, NULL, NULL), 0);
	CHECK_EQ(reader_open(&r, folder_path("out"), NULL), 0);
	CHECK_EQ(reader_next(r, &p, NULL), 1);
	CHECK_EQ(p.ns, (int64_t)(1763853215 * SECOND + 123456789));
	CHECK_EQ(p.len, 1500);
	CHECK(!memcmp(p.data, syn, sizeof syn));
	CHECK_EQ(reader_iface(r, 0)->linktype, 101);
	CHECK_EQ(reader_next(r, &p, NULL), 1);
	CHECK_EQ(reader_next(r, &p, NULL), 0);
	reader_free(r);
	(void)unlink(folder_path("out"));
}

/* Two link types are refused by name, unless only one is asked for; 64-bit times too. */
static void test_pcap_refuses(void)
{
	struct weir_error err = { .code = WEIR_OK };

	b = (struct build){ .is_big = false };
	ng_section(&b);
	begin_iface("eth0", 1, 0);
	begin_iface("tun0", 101, 0);
	begin_packet(0, 1 * SECOND, syn, 14, 14);
	ng_end(&b);
	begin_packet(1, 2 * SECOND, syn, 14, 14);
	ng_end(&b);
	folder_write("in", b.bytes, b.length);
	CHECK_EQ(convert(&writer_pcap, "in", 0, NULL, &err), WEIR_ERR_FORMAT);
	CHECK(strstr(err.text, "'eth0' has 1,") != NULL);
	CHECK(strstr(err.text, "'tun0' has 101") != NULL);
	CHECK_EQ(convert(&writer_pcap, "in", 2 * SECOND, NULL, &err), 0);
	(void)unlink(folder_path("out"));
	begin_packet(1, 5000000000 * SECOND, syn, 14, 14);
	ng_end(&b);
	folder_write("in", b.bytes, b.length);
	CHECK_EQ(convert(&writer_pcap, "in", 2 * SECOND, NULL, &err), WEIR_ERR_FORMAT);
	CHECK(strstr(err.text, "2128-06-11T08:53:20") != NULL);
	CHECK_EQ(folder_count(), 1);
}

static void test_pcap_empty(void)
{
	size_t length;
	char *bytes;

	b = (struct build){ .is_big = false };
	ng_section(&b);
	begin_iface("tun0", 101, 0);
	folder_write("in", b.bytes, b.length);
	CHECK_EQ(convert(&writer_pcap, "in", 0, NULL, NULL), 0);
	bytes = folder_read("out", &length);
	CHECK_EQ(length, 24);
	CHECK_EQ(bytes[20], 101);
	free(bytes);
	(void)unlink(folder_path("out"));
}

static void test_jsonl(void)
{
	char *text = converted(&writer_jsonl);

	CHECK_STR(
		text,
		"{\"ns\":1763853215123456789,\"time\":\"2025-11-22T23:13:35.123456789Z\","
		"\"source\":\"in\",\"iface\":\"tun\\\"0\\u001b\",\"direction\":\"out\","
		"\"linktype\":101,\"packet_id\":7,\"captured_bytes\":40,\"wire_bytes\":1500,"
		"\"protocol\":\"tcp\",\"src\":\"10.0.0.1\",\"src_port\":40000,"
		"\"dst\":\"10.0.0.2\",\"dst_port\":80,\"tcp_flags\":\"SYN\",\"pid\":42,"
		"\"process\":null,\"process_certainty\":\"stated\"}\n"
		"{\"ns\":1763853216000000000,\"time\":\"2025-11-22T23:13:36.000000000Z\","
		"\"source\":\"in\",\"iface\":\"tun1\",\"direction\":null,"
		"\"linktype\":101,\"packet_id\":null,\"captured_bytes\":13,\"wire_bytes\":40,"
		"\"protocol\":\"ipv4\",\"src\":null,\"src_port\":null,"
		"\"dst\":null,\"dst_port\":null,\"tcp_flags\":null,\"pid\":null,"
		"\"process\":null,\"process_certainty\":null}\n");
	free(text);
}

static void test_csv(void)
{
	char *text = converted(&writer_csv);

	CHECK_STR(
		text,
		"ns,time,source,iface,direction,linktype,packet_id,captured_bytes,wire_bytes,"
		"protocol,src,src_port,dst,dst_port,tcp_flags,pid,process,process_certainty\n"
		"1763853215123456789,2025-11-22T23:13:35.123456789Z,in,\"tun\"\"0\\x1b\",out,"
		"101,7,40,1500,tcp,10.0.0.1,40000,10.0.0.2,80,SYN,42,,stated\n"
		"1763853216000000000,2025-11-22T23:13:36.000000000Z,in,tun1,,"
		"101,,13,40,ipv4,,,,,,,,\n");
	free(text);
}

static void test_text(void)
{
	char *text = converted(&writer_text);

	CHECK_STR(
		text,
		"2025-11-22T23:13:35.123456789Z tun\"0\\x1b out IP 10.0.0.1:40000 > "
		"10.0.0.2:80 TCP [SYN] seq 1 len 0 (captured 40 of 1500) (3 lost before) "
		"?[42] # a\\x1bb\n"
		"2025-11-22T23:13:36.000000000Z tun1 - IPV4 len 40 (header cut off) "
		"(captured 13 of 40)\n");
	free(text);
}

static void test_counts_and_limits(void)
{
	struct copy result;

	write_source("in", 96);
	CHECK_EQ(convert(&writer_jsonl, "in", 1763853216 * SECOND, &result, NULL), 0);
	CHECK_EQ(result.count, 1);
	CHECK_EQ(result.read_count, 2);
	CHECK(!result.is_damaged);
	(void)unlink(folder_path("out"));
	/* A damaged source: what could be read is written, and it is said. */
	folder_write("in", b.bytes, b.length - 3);
	CHECK_EQ(convert(&writer_jsonl, "in", 0, &result, NULL), 0);
	CHECK_EQ(result.count, 1);
	CHECK(result.is_damaged);
	CHECK_EQ(result.damage.code, WEIR_ERR_FORMAT);
	(void)unlink(folder_path("out"));
}

static void test_formats_by_name(void)
{
	CHECK(writer_by_name("pcap") == &writer_pcap);
	CHECK(!writer_by_name("text"));
	CHECK(writer_by_path("a.b/c.pcapng") == &writer_pcapng);
	CHECK(writer_by_path("x.csv") == &writer_csv);
	CHECK(!writer_by_path("x.txt"));
	CHECK(!writer_by_path(".pcap"));
}

int main(void)
{
	folder_make();
	RUN(test_pcapng_round_trip);
	RUN(test_pcapng_snap_lengths);
	RUN(test_pcap);
	RUN(test_pcap_refuses);
	RUN(test_pcap_empty);
	RUN(test_jsonl);
	RUN(test_csv);
	RUN(test_text);
	RUN(test_counts_and_limits);
	RUN(test_formats_by_name);
	folder_remove();
	return tap_done();
}
