/* What becomes of a frame in a record: bytes, lengths, flags, link types. */
#include "capture/frame.h"
#include "base/bytes.h"
#include "lib/tap.h"
#include "store/iface.h"
#include "store/record.h"

#include <linux/if_arp.h>
#include <linux/if_packet.h>

/* Addresses, type, then a payload that counts. */
static const uint8_t ethernet[] = { 0x02, 0,    0, 0, 0, 1, 0x02, 0, 0, 0, 0,
				    2,    0x08, 0, 1, 2, 3, 4,    5, 6, 7, 8 };

static struct frame make(void)
{
	return (struct frame){ .mac = ethernet,
			       .net_off = 14,
			       .caplen = sizeof ethernet,
			       .len = 100,
			       .ifindex = 3,
			       .hatype = ARPHRD_ETHER,
			       .protocol = 0x0800,
			       .pkttype = PACKET_HOST };
}

static void test_ethernet_is_kept_as_it_is(void)
{
	struct frame f = make();
	struct frame_parts p;
	uint8_t out[64] = { 0 };

	frame_cut(&p, &f, FRAME_ETHERNET, 1000);
	CHECK_EQ(p.caplen, sizeof ethernet);
	CHECK_EQ(p.len, 100);
	frame_put(out, &p);
	CHECK(!memcmp(out, ethernet, sizeof ethernet));
	CHECK_EQ(out[sizeof ethernet], 0);
}

static void test_vlan_tag_is_put_back(void)
{
	static const uint8_t want[] = { 0x02, 0, 0, 0,    0,    1,    0x02, 0, 0,
					0,    0, 2, 0x88, 0xa8, 0x20, 0x64, 8, 0,
					1,    2, 3, 4,    5,    6,    7,    8 };
	struct frame f = make();
	struct frame_parts p;
	uint8_t out[64] = { 0 };

	f.status = TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
	f.vlan_tci = 0x2064;
	f.vlan_tpid = 0x88a8;
	frame_cut(&p, &f, FRAME_ETHERNET, 1000);
	CHECK_EQ(p.caplen, sizeof want);
	CHECK_EQ(p.len, 104);
	frame_put(out, &p);
	CHECK(!memcmp(out, want, sizeof want));

	/* Old kernels tell no type. */
	f.status = TP_STATUS_VLAN_VALID;
	frame_cut(&p, &f, FRAME_ETHERNET, 1000);
	frame_put(out, &p);
	CHECK_EQ(get_u16be(out + 12), 0x8100);
	CHECK_EQ(get_u16be(out + 14), 0x2064);

	/* Of what the tag would stand behind, too little is left. */
	f.caplen = 11;
	frame_cut(&p, &f, FRAME_ETHERNET, 1000);
	CHECK_EQ(p.caplen, 11);
	CHECK_EQ(p.len, 100);
}

/* Every limit, every form: never more than the limit is written, and it is a prefix of the whole. */
static void test_limit_cuts_any_form(void)
{
	static const enum frame_form forms[] = { FRAME_ETHERNET, FRAME_LINK,
						 FRAME_NETWORK, FRAME_COOKED };
	struct frame f = make();
	uint8_t whole[64], out[64];

	f.status = TP_STATUS_VLAN_VALID;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct frame_parts p;
		uint32_t all;

		frame_cut(&p, &f, forms[i], 1000);
		frame_put(whole, &p);
		all = p.caplen;
		for (uint32_t limit = 0; limit <= all; limit++) {
			memset(out, 0xee, sizeof out);
			frame_cut(&p, &f, forms[i], limit);
			CHECK_EQ(p.caplen, limit);
			frame_put(out, &p);
			CHECK(!memcmp(out, whole, limit) && out[limit] == 0xee);
		}
	}
}

static void test_network_form_has_no_link_header(void)
{
	struct frame f = make();
	struct frame_parts p;
	uint8_t out[64];

	frame_cut(&p, &f, FRAME_NETWORK, 1000);
	CHECK_EQ(p.caplen, sizeof ethernet - 14);
	CHECK_EQ(p.len, 86);
	frame_put(out, &p);
	CHECK(!memcmp(out, ethernet + 14, p.caplen));
	/* Cut before its network header: nothing is left, and nothing behind it is read. */
	f.caplen = 4;
	frame_cut(&p, &f, FRAME_NETWORK, 1000);
	CHECK_EQ(p.caplen, 0);
}

static void test_cooked_header(void)
{
	static const uint8_t want[] = { 0x08, 0, 0, 0, 0, 0, 0, 3, 0, 1, 4,
					6,    2, 0, 0, 0, 0, 9, 0, 0, 1, 2 };
	struct frame f = make();
	struct frame_parts p;
	uint8_t out[64];

	f.pkttype = PACKET_OUTGOING;
	f.address_length = 6;
	memcpy(f.address, "\2\0\0\0\0\x09\0\0", 8);
	frame_cut(&p, &f, FRAME_COOKED, 1000);
	CHECK_EQ(p.caplen, 20 + sizeof ethernet - 14);
	CHECK_EQ(p.len, 20 + 86);
	frame_put(out, &p);
	CHECK(!memcmp(out, want, sizeof want));
}

static void test_flags(void)
{
	CHECK_EQ(frame_flags(PACKET_HOST, 0), RECORD_INBOUND | RECORD_UNICAST);
	CHECK_EQ(frame_flags(PACKET_BROADCAST, 0), RECORD_INBOUND | RECORD_BROADCAST);
	CHECK_EQ(frame_flags(PACKET_MULTICAST, 0), RECORD_INBOUND | RECORD_MULTICAST);
	CHECK_EQ(frame_flags(PACKET_OTHERHOST, 0), RECORD_INBOUND | RECORD_PROMISCUOUS);
	CHECK_EQ(frame_flags(PACKET_OUTGOING, 0), RECORD_OUTBOUND);
	CHECK_EQ(frame_flags(200, 0), 0);
	CHECK_EQ(frame_flags(PACKET_OUTGOING, TP_STATUS_CSUMNOTREADY | 1 << 8),
		 RECORD_OUTBOUND | RECORD_CSUM_NOT_READY | RECORD_SEGMENTATION);
	CHECK_EQ(frame_flags(PACKET_HOST, TP_STATUS_CSUM_VALID),
		 RECORD_INBOUND | RECORD_UNICAST | RECORD_CSUM_VALID);
}

static void test_link_types(void)
{
	static const struct {
		uint16_t hatype, linktype;
		enum frame_form form;
	} rows[] = {
		{ ARPHRD_ETHER, 1, FRAME_ETHERNET },
		{ ARPHRD_LOOPBACK, 1, FRAME_ETHERNET },
		{ ARPHRD_NONE, 101, FRAME_NETWORK },
		{ ARPHRD_PPP, 101, FRAME_NETWORK },
		{ ARPHRD_SIT, 101, FRAME_NETWORK },
		{ ARPHRD_IEEE80211_RADIOTAP, 127, FRAME_LINK },
		{ ARPHRD_INFINIBAND, 276, FRAME_COOKED },
		{ 0, 276, FRAME_COOKED },
		{ 65535, 276, FRAME_COOKED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint16_t linktype;

		CHECK_EQ(frame_form(rows[i].hatype, &linktype), rows[i].form);
		CHECK_EQ(linktype, rows[i].linktype);
	}
}

int main(void)
{
	RUN(test_ethernet_is_kept_as_it_is);
	RUN(test_vlan_tag_is_put_back);
	RUN(test_limit_cuts_any_form);
	RUN(test_network_form_has_no_link_header);
	RUN(test_cooked_header);
	RUN(test_flags);
	RUN(test_link_types);
	return tap_done();
}
