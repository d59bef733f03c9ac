/* A filter on recorded packets: link layers, padding, direction, interface. */
#include "filter/recorded.h"

#include "lib/tap.h"
#include "store/iface.h"
#include "store/record.h"

/* Ethernet, an 802.1Q tag, IPv4, UDP 53 -> 5353 with two bytes, and six bytes of padding. */
static const uint8_t
	tagged[] = {
		2,    0,    0,    0,    0,    1,    2,  0, 0,   0,
		0,    2,    0x81, 0,    0,    7,    8,  0, /* link */
		0x45, 0,    0,    30,   0,    1,    0,  0, 64,  17,
		0,    0,    10,   0,    0,    1,    10, 0, 0,   2,   /* IPv4 */
		0,    53,   0x14, 0xe9, 0,    10,   0,  0, 'h', 'i', /* UDP */
		0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
	};
static const uint8_t arp[] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0,
			       2,   8,   6,   0,   1,   8,   0, 6, 4, 0, 1 };

static bool takes(const char *text, const struct recorded *r)
{
	struct filter *f;
	bool is_taken;

	if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL)) {
		printf("# cannot compile: %s\n", text);
		return false;
	}
	is_taken = filter_takes(f, r);
	filter_free(f);
	return is_taken;
}

static struct recorded packet(void)
{
	return (struct recorded){ .data = tagged,
				  .caplen = sizeof tagged,
				  .linktype = LINKTYPE_ETHERNET,
				  .ns = 1700000000123456789,
				  .flags = RECORD_OUTBOUND | RECORD_CSUM_NOT_READY,
				  .iface = "eth7",
				  .if_idx = 7 };
}

static void test_headers_are_found_behind_a_tag(void)
{
	struct recorded r = packet();

	CHECK(takes("udp.SrcPort == 53 and ip.DstAddr == 10.0.0.2", &r));
	CHECK(!takes("udp.SrcPort == 54", &r));
	CHECK(!takes("tcp", &r));
}

static void test_padding_is_no_payload(void)
{
	struct recorded r = packet();

	CHECK(takes("udp.PayloadLength == 2 and length == 30", &r));
	/* A packet that was cut: what is there counts. */
	r.caplen = 18 + 29;
	CHECK(takes("length == 29", &r));
}

/* The program in the kernel and the view go by the packet's own version; so does its end. */
static void test_a_link_that_says_the_other_version(void)
{
	uint8_t bytes[sizeof tagged];
	struct recorded r = packet();

	memcpy(bytes, tagged, sizeof bytes);
	memcpy(bytes + 16, "\x86\xdd", 2);
	r.data = bytes;
	CHECK(takes("ip and udp.PayloadLength == 2 and length == 30", &r));
	CHECK(takes("packet[-1] == 105", &r));
}

/* As headers_decode() has it: no header is made of padding. */
static void test_padding_is_no_header(void)
{
	uint8_t bytes[sizeof tagged];
	struct recorded r = packet();

	memcpy(bytes, tagged, sizeof bytes);
	bytes[18 + 3] = 20; /* nothing behind the IP header */
	r.data = bytes;
	CHECK(takes("ip and length == 20", &r));
	CHECK(!takes("udp", &r));
}

static void test_raw_and_cooked(void)
{
	struct recorded r = packet();

	r.data += 18;
	r.caplen -= 18;
	r.linktype = LINKTYPE_RAW;
	CHECK(takes("udp.DstPort == 5353", &r));
	r.linktype = 65000;
	CHECK(!takes("true", &r));
}

static void test_direction_and_interface(void)
{
	struct recorded r = packet();

	CHECK(takes("outbound and not loopback and ifIdx == 7", &r));
	CHECK(!takes("inbound", &r));
	CHECK(takes("iface == \"eth7\"", &r));
	CHECK(!takes("iface == \"eth8\"", &r));
	r.flags = RECORD_INBOUND | RECORD_BROADCAST;
	r.is_loopback = true;
	CHECK(takes("inbound and loopback", &r));
	r.iface = "";
	CHECK(!takes("iface == \"eth7\"", &r));
}

static void test_no_ip_no_match(void)
{
	struct recorded r = packet();

	r.data = arp;
	r.caplen = sizeof arp;
	CHECK(!takes("not tcp", &r));
	for (r.data = tagged, r.caplen = 0; r.caplen < 18; r.caplen++)
		CHECK(!takes("ip or not ip", &r));
}

static void test_process(void)
{
	struct recorded r = packet();

	CHECK(!takes("processId == 4", &r));
	r.has_pid = true;
	r.pid = 4;
	CHECK(takes("processId == 4", &r));
}

/* Linux's BIG TCP: from 65,536 (IPv6: 65,576) bytes on the header says 0. */
static void test_longer_than_a_header_can_say(void)
{
	static uint8_t bytes[200000];
	struct recorded r = packet();

	r.data = bytes;
	r.linktype = LINKTYPE_RAW;
	memcpy(bytes, "\x45\0\0\0\0\1\0\0\x40\x06\0\0\x0a\0\0\1\x0a\0\0\2", 20);
	memcpy(bytes + 20, "\0\x35\x14\xe9\0\0\0\1\0\0\0\2\x50\x10", 14);
	r.caplen = sizeof bytes;
	bytes[sizeof bytes - 1] = 7;
	CHECK(takes("tcp.DstPort == 5353 and tcp.Payload[-1] == 7", &r));
	CHECK(takes("length == 65575 and tcp.PayloadLength == 65535", &r));
	CHECK(takes("tcp.PayloadLength in {1, 3, 60000..65535}", &r));
	CHECK(!takes("tcp.PayloadLength in {1, 3, 60000..65534}", &r));
	r.caplen = 65536;
	CHECK(takes("tcp.DstPort == 5353", &r));
	r.caplen = 65535;
	CHECK(!takes("tcp.DstPort == 5353", &r));

	/* With the option that says the length, which not all kernels put in. */
	memset(bytes, 0, 100);
	memcpy(bytes, "\x60\0\0\0\0\0\0\x40", 8);
	memcpy(bytes + 40, "\6\0\xc2\4\0\3\x0d\x18", 8);
	memcpy(bytes + 48, "\0\x35\x14\xe9\0\0\0\1\0\0\0\2\x50\x10", 14);
	r.caplen = sizeof bytes;
	CHECK(takes("ipv6 and tcp.DstPort == 5353 and tcp.Payload[-1] == 7", &r));
	memmove(bytes + 40, bytes + 48, 14);
	bytes[6] = 6;
	CHECK(takes("ipv6 and tcp.DstPort == 5353 and tcp.Payload[-1] == 7", &r));
	r.caplen = 65576;
	CHECK(takes("tcp", &r));
	r.caplen = 65575;
	CHECK(!takes("tcp", &r));
}

int main(void)
{
	RUN(test_headers_are_found_behind_a_tag);
	RUN(test_padding_is_no_payload);
	RUN(test_a_link_that_says_the_other_version);
	RUN(test_padding_is_no_header);
	RUN(test_raw_and_cooked);
	RUN(test_direction_and_interface);
	RUN(test_no_ip_no_match);
	RUN(test_process);
	RUN(test_longer_than_a_header_can_say);
	return tap_done();
}
