/* The link layer: every type that is known, tags, and what is cut off or not known. */
#include "packet/link.h"

#include "lib/tap.h"

static struct link l;

#define MACS "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc"
#define DECODE(type, bytes) \
 link_decode(&l, type, (const uint8_t *)(bytes), sizeof(bytes) - 1)

static void test_ethernet(void)
{
	CHECK(DECODE(1, MACS "\x08\x00rest"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
	CHECK_EQ(l.network_off, 14);
	CHECK_EQ(l.vlan_count, 0);
	CHECK_EQ(l.direction, LINK_DIRECTION_UNKNOWN);
	CHECK(DECODE(1, MACS "\x88\xcc"));
	CHECK_EQ(l.ethertype, 0x88cc);
}

static void test_tags(void)
{
	CHECK(DECODE(1, MACS "\x81\x00\x20\x05\x86\xdd"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV6);
	CHECK_EQ(l.network_off, 18);
	CHECK_EQ(l.vlan_count, 1);
	CHECK_EQ(l.vlan[0], 5); /* without priority */
	CHECK(DECODE(1, MACS "\x88\xa8\x00\x64\x81\x00\x0f\xff\x08\x00"));
	CHECK_EQ(l.network_off, 22);
	CHECK_EQ(l.vlan[0], 100);
	CHECK_EQ(l.vlan[1], 4095);
	/* More tags than are kept are passed over. */
	CHECK(DECODE(1, MACS "\x91\x00\0\1\x92\x00\0\2\x81\x00\0\3\x08\x06"));
	CHECK_EQ(l.vlan_count, 3);
	CHECK_EQ(l.vlan[1], 2);
	CHECK_EQ(l.ethertype, ETHERTYPE_ARP);
	CHECK(!DECODE(1, MACS "\x81\x00\0\1"));
	CHECK(!DECODE(1, MACS "\x81\x00\0"));
}

static void test_length_field(void)
{
	CHECK(DECODE(1, MACS "\0\x20\xaa\xaa\x03\0\0\0\x08\x00"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
	CHECK_EQ(l.network_off, 22);
	/* Spanning tree: LLC without SNAP. */
	CHECK(!DECODE(1, MACS "\0\x26\x42\x42\x03\0\0\0\0\0"));
	CHECK(!DECODE(1, MACS "\0\x26\x42"));
}

static void test_raw(void)
{
	static const uint16_t types[] = { 12, 14, 101, 228, 229 };

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		CHECK(DECODE(types[i], "\x45"));
		CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
		CHECK_EQ(l.network_off, 0);
		CHECK(DECODE(types[i], "\x60"));
		CHECK_EQ(l.ethertype, ETHERTYPE_IPV6);
		CHECK(!DECODE(types[i], "\x50"));
		CHECK(!link_decode(&l, types[i], (const uint8_t *)"", 0));
	}
}

static void test_loopback_of_the_bsds(void)
{
	CHECK(DECODE(0, "\2\0\0\0E"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
	CHECK_EQ(l.network_off, 4);
	CHECK(DECODE(0, "\0\0\0\2E"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
	CHECK(DECODE(0, "\x1e\0\0\0`"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV6);
	CHECK(DECODE(108, "\0\0\0\x18`"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV6);
	CHECK(!DECODE(0, "\7\0\0\0E"));
	CHECK(!DECODE(0, "\2\0\0"));
}

static void test_cooked(void)
{
	CHECK(DECODE(113, "\0\4\0\1\0\6\1\2\3\4\5\6\0\0\x08\x00"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
	CHECK_EQ(l.network_off, 16);
	CHECK_EQ(l.direction, LINK_DIRECTION_OUT);
	CHECK(DECODE(113, "\0\0\0\1\0\6\1\2\3\4\5\6\0\0\x81\x00\0\7\x08\x00"));
	CHECK_EQ(l.direction, LINK_DIRECTION_IN);
	CHECK_EQ(l.vlan[0], 7);
	CHECK_EQ(l.network_off, 20);
	/* A netlink message: its "protocol" is a family. */
	CHECK(!DECODE(113, "\0\4\x03\x38\0\0\0\0\0\0\0\0\0\0\x08\x00"));
	CHECK(!DECODE(113, "\0\4\0\1\0\6\1\2\3\4\5\6\0\0\x08"));
}

static void test_cooked_2(void)
{
	CHECK(DECODE(276, "\x86\xdd\0\0\0\0\0\3\0\1\4\6\1\2\3\4\5\6\0\0"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV6);
	CHECK_EQ(l.network_off, 20);
	CHECK_EQ(l.direction, LINK_DIRECTION_OUT);
	CHECK(DECODE(276, "\x81\0\0\0\0\0\0\3\0\1\0\6\1\2\3\4\5\6\0\0\0\x2a\x08\x00"));
	CHECK_EQ(l.ethertype, ETHERTYPE_IPV4);
	CHECK_EQ(l.vlan[0], 42);
	CHECK_EQ(l.network_off, 24);
	CHECK_EQ(l.direction, LINK_DIRECTION_IN);
	CHECK(!DECODE(276, "\x86\xdd\0\0\0\0\0\3\0\1\4\6\1\2\3\4\5\6\0"));
	CHECK(!DECODE(276, "\x08\0\0\0\0\0\0\3\x03\x38\4\6\1\2\3\4\5\6\0\0"));
}

static void test_unknown(void)
{
	CHECK(!DECODE(127, "\0\0\x08\0\0\0\0\0\x08\x00"));
	CHECK_EQ(l.ethertype, 0);
	CHECK(!link_name(9999));
	CHECK_STR(link_name(1), "ethernet");
	CHECK_STR(link_name(276), "linux-cooked-2");
}

int main(void)
{
	RUN(test_ethernet);
	RUN(test_tags);
	RUN(test_length_field);
	RUN(test_raw);
	RUN(test_loopback_of_the_bsds);
	RUN(test_cooked);
	RUN(test_cooked_2);
	RUN(test_unknown);
	return tap_done();
}
