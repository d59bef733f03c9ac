/* Which packets are meant: ends of the span, the filter on every link layer, and what it is told of
 * direction, interface, process and time. */
#include "analyze/select.h"

#include "lib/build.h"
#include "lib/folder.h"
#include "lib/tap.h"

static struct build b;

/* IPv4 UDP 10.0.0.1:53 > 10.0.0.2:5000, one byte of payload. */
static const uint8_t dns[] = { 0x45, 0,  0, 29, 0, 0, 0,  0,    64,   17, 0, 0, 10, 0,  0,
			       1,    10, 0, 0,  2, 0, 53, 0x13, 0x88, 0,  9, 0, 0,  'x' };
static const char ether[] = "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\x08";

static void iface(const char *name, uint16_t linktype)
{
	ng_iface_begin(&b, linktype, 0);
	ng_option(&b, 2, name, (uint16_t)strlen(name));
	ng_option_n(&b, 9, 9, 1);
	ng_end(&b);
}

/* A packet of interface 0 raw, 1 Ethernet filled up to 60 bytes, 2 ARP on that. */
static void packet(uint32_t kind, uint64_t ns, uint32_t flags, uint32_t pid)
{
	uint8_t bytes[60] = { 0 };
	uint32_t length = kind ? 60 : sizeof dns;

	memcpy(bytes, ether, kind ? 13 : 0);
	bytes[13] = kind == 2 ? 6 : 0;
	memcpy(bytes + (kind ? 14 : 0), dns, sizeof dns);
	ng_begin(&b, 6);
	put32(&b, kind ? 1 : 0);
	put32(&b, (uint32_t)(ns >> 32));
	put32(&b, (uint32_t)ns);
	put32(&b, length);
	put32(&b, length);
	put_bytes(&b, bytes, length);
	put_pad(&b);
	ng_option_n(&b, 2, flags, 4);
	if (pid)
		ng_option_n(&b, 8, pid, 8);
	ng_end(&b);
}

/* Raw, of which the header and two bytes are there. */
static void cut_packet(uint64_t ns, uint32_t length)
{
	uint8_t bytes[sizeof dns + 1];

	memcpy(bytes, dns, sizeof dns);
	bytes[2] = (uint8_t)(length >> 8);
	bytes[3] = (uint8_t)length;
	bytes[sizeof dns] = 'y';
	ng_begin(&b, 6);
	put32(&b, 0);
	put32(&b, 0);
	put32(&b, (uint32_t)ns);
	put32(&b, sizeof bytes);
	put32(&b, length);
	put_bytes(&b, bytes, sizeof bytes);
	put_pad(&b);
	ng_end(&b);
}

static void write_packets(void)
{
	ng_section(&b);
	iface("lo", 101);
	iface("eth0", 1);
	packet(0, 1, 2, 0);
	packet(0, 2, 2, 42);
	packet(1, 3, 1, 0);
	packet(1, 4, 2, 0);
	packet(2, 5, 1, 0);
	cut_packet(6, 1000);
	folder_write("in", b.bytes, b.length);
}

/* The times of the packets taken, as digits. */
static const char *taken(const char *filter, int64_t from_ns, int64_t to_ns)
{
	static char digits[16];
	const char *path = folder_path("in");
	struct weir_error err = { .code = WEIR_OK };
	struct selection s;
	struct merge *m = NULL;
	struct packet p;
	size_t n = 0;

	if (selection_init(&s, filter, 0, from_ns, to_ns, &err)) {
		printf("# %s\n", err.text);
		return "error";
	}
	CHECK_EQ(merge_open(&m, &path, 1, &err), 0);
	while (merge_next(m, &p, &err) > 0)
		if (selection_takes(&s, m, &p))
			digits[n++] = (char)('0' + p.ns);
	digits[n] = '\0';
	merge_free(m);
	selection_fini(&s);
	return digits;
}

static const char *matching(const char *filter)
{
	return taken(filter, INT64_MIN, INT64_MAX);
}

static void test_span(void)
{
	CHECK_STR(taken(NULL, INT64_MIN, INT64_MAX), "123456");
	CHECK_STR(taken(NULL, 2, 4), "234");
	CHECK_STR(taken(NULL, 3, 3), "3");
	CHECK_STR(taken(NULL, 7, 9), "");
	CHECK_STR(taken(NULL, 4, 3), "error");
}

static void test_filter(void)
{
	CHECK_STR(matching("true"), "123456");
	CHECK_STR(matching("false"), "");
	/* What has no IP header matches no test on it. */
	CHECK_STR(matching("udp"), "12346");
	CHECK_STR(matching("not udp"), "");
	CHECK_STR(matching("udp.SrcPort == 53 and ip.DstAddr == 10.0.0.2"), "12346");
	CHECK_STR(matching("udp.DstPort == 53"), "");
	/* Ethernet's filling is no part of the packet. */
	CHECK_STR(matching("length == 29"), "1234");
	/* What was cut off counts as on the wire. */
	CHECK_STR(matching("length == 1000 and udp.PayloadLength == 972"), "6");
	CHECK_STR(matching("udp.Payload[1] == 0x79"), "6");
	CHECK_STR(matching("udp.Payload[2] <= 254"), "");
	CHECK_STR(matching("no.such.field == 1"), "error");
}

static void test_address(void)
{
	CHECK_STR(matching("outbound"), "124");
	CHECK_STR(matching("inbound"), "36");
	CHECK_STR(matching("loopback"), "126");
	CHECK_STR(matching("not loopback and outbound"), "4");
	CHECK_STR(matching("processId == 42"), "2");
}

int main(void)
{
	folder_make();
	write_packets();
	RUN(test_span);
	RUN(test_filter);
	RUN(test_address);
	folder_remove();
	return tap_done();
}
