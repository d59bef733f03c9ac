/* Network and transport headers: what is read, what fragments hide, and that a packet that is cut
 * or lies about its lengths says so. */
#include "packet/headers.h"

#include "lib/tap.h"

#define V4_SRC "\x0a\0\0\1"
#define V4_DST "\xc0\xa8\1\2"
#define V6_SRC "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6_DST "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
/* version/length and TOS, total length, id, fragment, TTL, protocol, checksum, addresses */
#define IPV4(total, fragment, protocol) \
 "\x45\0" total "\x12\x34" fragment "\x40" protocol "\0\0" V4_SRC V4_DST
#define IPV6(payload, next) "\x60\0\0\0" payload next "\x40" V6_SRC V6_DST
#define TCP(flags)          "\x9c\x40\0\x50\0\0\0\7\0\0\0\x09\x50" flags "\1\0\0\0\0\0"
#define UDP                 "\0\x35\x30\x39\0\x0c\0\0"

static struct headers h;

/* All bytes captured; the packet came as raw IP. */
#define DECODE(bytes) \
 headers_decode(&h, 101, (const uint8_t *)(bytes), sizeof(bytes) - 1, sizeof(bytes) - 1)
#define DECODE_CUT(bytes, caplen) \
 headers_decode(&h, 101, (const uint8_t *)(bytes), caplen, sizeof(bytes) - 1)

static void test_ipv4_tcp(void)
{
	DECODE(IPV4("\0\x2c", "\x40\0", "\6") TCP("\x12") "data");
	CHECK_EQ(h.ip_version, 4);
	CHECK_EQ(h.protocol, PROTOCOL_TCP);
	CHECK(!memcmp(h.src, V4_SRC, 4));
	CHECK(!memcmp(h.dst, V4_DST, 4));
	CHECK(h.has_ports && h.has_tcp);
	CHECK_EQ(h.src_port, 40000);
	CHECK_EQ(h.dst_port, 80);
	CHECK_EQ(h.tcp_flags, 0x12);
	CHECK_EQ(h.tcp_seq, 7);
	CHECK_EQ(h.tcp_ack, 9);
	CHECK_EQ(h.tcp_window, 256);
	CHECK_EQ(h.transport_off, 20);
	CHECK_EQ(h.payload_bytes, 4);
	CHECK(!h.is_cut && !h.is_malformed && !h.is_fragment);
}

static void test_options_are_passed(void)
{
	DECODE("\x46\0\0\x1d\0\0\0\0\x40\x11\0\0" V4_SRC V4_DST "\1\1\1\0" UDP "x");
	CHECK_EQ(h.transport_off, 24);
	CHECK_EQ(h.src_port, 53);
	/* The total says 29: nothing is left behind 24 + 8. */
	CHECK(h.is_malformed);
	DECODE("\x46\0\0\x21\0\0\0\0\x40\x11\0\0" V4_SRC V4_DST "\1\1\1\0" UDP "x");
	CHECK_EQ(h.payload_bytes, 1);
	CHECK(!h.is_malformed);
	/* Ethernet pads short frames: what stands behind the total is no payload. */
	DECODE(IPV4("\0\x1d", "\0\0", "\x11") UDP "xPADDING");
	CHECK_EQ(h.payload_bytes, 1);
}

static void test_ipv6_extensions(void)
{
	DECODE(IPV6("\0\x20", "\0") "\x3c\0\1\4\0\0\0\0" /* hop-by-hop */
				    "\x11\0\1\4\0\0\0\0" /* destination options */
	       UDP "12345678");
	CHECK_EQ(h.ip_version, 6);
	CHECK_EQ(h.protocol, PROTOCOL_UDP);
	CHECK(!memcmp(h.src, V6_SRC, 16));
	CHECK(!memcmp(h.dst, V6_DST, 16));
	CHECK_EQ(h.transport_off, 56);
	CHECK_EQ(h.dst_port, 12345);
	CHECK_EQ(h.payload_bytes, 8);
	/* An authentication header counts in words of four bytes. */
	DECODE(IPV6("\0\x14", "\x33") "\x11\1\0\0\0\0\0\1\0\0\0\1" UDP);
	CHECK_EQ(h.protocol, PROTOCOL_UDP);
	CHECK_EQ(h.transport_off, 52);
	CHECK_EQ(h.payload_bytes, 0);
	CHECK(!h.is_malformed);
}

static void test_fragments(void)
{
	DECODE(IPV4("\0\x24", "\x20\0", "\x11") UDP "12345678");
	CHECK(h.is_fragment && h.has_ports);
	CHECK_EQ(h.fragment_off, 0);
	DECODE(IPV4("\0\x24", "\0\xb9", "\x11") UDP "12345678");
	CHECK(h.is_fragment && !h.has_ports);
	CHECK_EQ(h.fragment_off, 1480);
	CHECK_EQ(h.payload_bytes, 16);
	CHECK_EQ(h.protocol, PROTOCOL_UDP);
	DECODE(IPV6("\0\x18", "\x2c") "\x11\0\0\1\0\0\0\1" UDP "12345678");
	CHECK(h.is_fragment && h.has_ports);
	DECODE(IPV6("\0\x18", "\x2c") "\x11\0\5\xa8\0\0\0\1" UDP "12345678");
	CHECK(h.is_fragment && !h.has_ports);
	CHECK_EQ(h.fragment_off, 1448);
	CHECK_EQ(h.payload_bytes, 16);
}

static void test_icmp(void)
{
	DECODE(IPV4("\0\x20", "\0\0", "\1") "\x08\0\0\0\0\5\0\6data");
	CHECK(h.has_icmp && !h.has_ports);
	CHECK_EQ(h.icmp_type, 8);
	CHECK_EQ(h.icmp_id, 5);
	CHECK_EQ(h.icmp_seq, 6);
	CHECK_EQ(h.payload_bytes, 4);
	DECODE(IPV6("\0\x08", "\x3a") "\x81\0\0\0\0\5\0\7");
	CHECK_EQ(h.protocol, PROTOCOL_ICMPV6);
	CHECK_EQ(h.icmp_type, 129);
	CHECK_EQ(h.icmp_seq, 7);
}

static void test_arp(void)
{
	static const char arp[] =
		"\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\x08\6"
		"\0\1\x08\0\6\4\0\1\1\2\3\4\5\6" V4_SRC "\0\0\0\0\0\0" V4_DST;

	headers_decode(&h, 1, (const uint8_t *)arp, sizeof arp - 1, 42);
	CHECK(h.has_arp);
	CHECK_EQ(h.arp_op, 1);
	CHECK(!memcmp(h.src, V4_SRC, 4));
	CHECK(!memcmp(h.dst, V4_DST, 4));
	CHECK_EQ(h.ip_version, 0);
}

/* What stands behind the IP packet is Ethernet's padding, or whatever somebody put there. */
static void test_behind_the_packet(void)
{
	DECODE(IPV4("\0\x14", "\0\0", "\x11") UDP "PADDING");
	CHECK(h.is_malformed && !h.is_cut && !h.has_ports);
	CHECK_EQ(h.src_port, 0);
	CHECK_EQ(h.payload_bytes, 0);
	DECODE(IPV4("\0\x18", "\0\0", "\6") TCP("\x12"));
	CHECK(h.is_malformed && h.has_ports && !h.has_tcp);
	CHECK_EQ(h.tcp_flags, 0);
	CHECK_EQ(h.tcp_seq, 0);
	DECODE(IPV4("\0\x16", "\0\0", "\1") "\x08\0\0\0\0\5\0\6");
	CHECK(h.is_malformed && h.has_icmp);
	CHECK_EQ(h.icmp_id, 0);
	DECODE(IPV6("\0\2", "\x11") UDP);
	CHECK(h.is_malformed && !h.has_ports);
	/* An extension header that ends behind the packet. */
	DECODE(IPV6("\0\4", "\0") "\x11\0\1\4\0\0\0\0" UDP);
	CHECK(h.is_malformed && !h.is_cut && !h.has_ports);
	CHECK_EQ(h.protocol, 0);
}

/* Segmentation offload of more than 64 KiB: the length fields hold 0, the wire's length counts. */
static void test_length_zero(void)
{
	static const char v4[] = IPV4("\0\0", "\x40\0", "\6") TCP("\x10");
	static const char v6[] = IPV6("\0\0", "\6") TCP("\x10");

	headers_decode(&h, 101, (const uint8_t *)v4, sizeof v4 - 1, 100040);
	CHECK_EQ(h.payload_bytes, 100000);
	headers_decode(&h, 101, (const uint8_t *)v6, sizeof v6 - 1, 100060);
	CHECK_EQ(h.payload_bytes, 100000);
	CHECK(!h.is_malformed);
}

/* A snap length cuts what is captured, not what the packet was. */
static void test_cut_anywhere(void)
{
	static const char v4[] = IPV4("\0\x2c", "\x40\0", "\6") TCP("\x12") "data";
	static const char v6[] =
		IPV6("\0\x18", "\x2c") "\x11\0\0\1\0\0\0\1" UDP "12345678";

	for (size_t caplen = 0; caplen < sizeof v4; caplen++) {
		DECODE_CUT(v4, caplen);
		CHECK_EQ(h.ip_version, caplen >= 20 ? 4 : 0);
		CHECK_EQ(h.has_ports, caplen >= 24);
		CHECK_EQ(h.has_tcp, caplen >= 36);
		CHECK_EQ(h.is_cut, caplen > 0 && caplen < 36);
		if (caplen >= 36)
			CHECK_EQ(h.payload_bytes, 4);
	}
	for (size_t caplen = 0; caplen < sizeof v6; caplen++) {
		DECODE_CUT(v6, caplen);
		CHECK_EQ(h.ip_version, caplen >= 40 ? 6 : 0);
		CHECK_EQ(h.is_fragment, caplen >= 44);
		CHECK_EQ(h.has_ports, caplen >= 52);
	}
}

static void test_lies(void)
{
	/* Header length below the least, total below the header, TCP offset below the least. */
	DECODE("\x44\0\0\x2c\0\0\0\0\x40\6\0\0" V4_SRC V4_DST);
	CHECK(h.is_malformed && !h.ip_version);
	DECODE(IPV4("\0\x10", "\0\0", "\x11") UDP);
	CHECK(h.is_malformed);
	CHECK_EQ(h.payload_bytes, 0);
	CHECK(!h.has_ports);
	DECODE(IPV4("\0\x28", "\0\0", "\6") "\0\1\0\2\0\0\0\0\0\0\0\0\x40\2\0\0\0\0\0\0");
	CHECK(h.is_malformed && h.has_tcp);
	/* The TCP header claims more than the packet has. */
	DECODE(IPV4("\0\x28", "\0\0", "\6") "\0\1\0\2\0\0\0\0\0\0\0\0\xf0\2\0\0\0\0\0\0");
	CHECK(h.is_malformed);
	/* An extension header longer than the packet. */
	DECODE(IPV6("\0\x08", "\0") "\x11\xff\0\0\0\0\0\0");
	CHECK(h.is_cut && !h.has_ports);
	CHECK_EQ(h.protocol, 0);
	/* Ethernet says IPv4, the packet says 6. */
	headers_decode(
		&h, 1,
		(const uint8_t *)"\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\x08\0" IPV6("\0\0", "\6"),
		54, 54);
	CHECK(h.is_malformed && !h.ip_version);
}

static void test_unknown_link(void)
{
	headers_decode(&h, 195, (const uint8_t *)"abcdef", 6, 60);
	CHECK_EQ(h.link.ethertype, 0);
	CHECK_EQ(h.payload_bytes, 60);
	CHECK(!h.is_cut);
}

int main(void)
{
	RUN(test_ipv4_tcp);
	RUN(test_options_are_passed);
	RUN(test_ipv6_extensions);
	RUN(test_fragments);
	RUN(test_icmp);
	RUN(test_arp);
	RUN(test_behind_the_packet);
	RUN(test_length_zero);
	RUN(test_cut_anywhere);
	RUN(test_lies);
	RUN(test_unknown_link);
	return tap_done();
}
