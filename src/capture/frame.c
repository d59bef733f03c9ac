#include "capture/frame.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "store/iface.h"
#include "store/record.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

/* Newer than some kernels' headers. */
#ifndef TP_STATUS_GSO_TCP
# define TP_STATUS_GSO_TCP (1 << 8)
#endif

/* What is not in this list has a link header of a form that we do not know: its frames get a
 * header of ours, which keeps the protocol and the sender's address. */
static const struct {
	uint16_t hatype, linktype;
	enum frame_form form;
} types[] = {
	{ ARPHRD_ETHER, LINKTYPE_ETHERNET, FRAME_ETHERNET },
	{ ARPHRD_LOOPBACK, LINKTYPE_ETHERNET, FRAME_ETHERNET },
	{ ARPHRD_NONE, LINKTYPE_RAW, FRAME_NETWORK }, /* tun, wireguard */
	{ ARPHRD_RAWIP, LINKTYPE_RAW, FRAME_NETWORK },
	{ ARPHRD_PPP, LINKTYPE_RAW, FRAME_NETWORK },
	{ ARPHRD_TUNNEL, LINKTYPE_RAW, FRAME_NETWORK },
	{ ARPHRD_TUNNEL6, LINKTYPE_RAW, FRAME_NETWORK },
	{ ARPHRD_SIT, LINKTYPE_RAW, FRAME_NETWORK },
	{ ARPHRD_IPGRE, LINKTYPE_RAW, FRAME_NETWORK },
	{ 823 /* ARPHRD_IP6GRE */, LINKTYPE_RAW, FRAME_NETWORK },
	{ ARPHRD_IEEE80211, 105, FRAME_LINK },
	{ ARPHRD_IEEE80211_PRISM, 119, FRAME_LINK },
	{ ARPHRD_IEEE80211_RADIOTAP, 127, FRAME_LINK },
};

enum frame_form frame_form(uint16_t hatype, uint16_t *linktype)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].hatype == hatype) {
			*linktype = types[i].linktype;
			return types[i].form;
		}
	}
	*linktype = LINKTYPE_LINUX_SLL2;
	return FRAME_COOKED;
}

uint32_t frame_flags(uint8_t pkttype, uint32_t status)
{
	static const uint32_t kinds[] = {
		[PACKET_HOST] = RECORD_INBOUND | RECORD_UNICAST,
		[PACKET_BROADCAST] = RECORD_INBOUND | RECORD_BROADCAST,
		[PACKET_MULTICAST] = RECORD_INBOUND | RECORD_MULTICAST,
		[PACKET_OTHERHOST] = RECORD_INBOUND | RECORD_PROMISCUOUS,
		[PACKET_OUTGOING] = RECORD_OUTBOUND,
	};
	uint32_t flags = pkttype < ARRAY_LEN(kinds) ? kinds[pkttype] : 0;

	if (status & TP_STATUS_CSUMNOTREADY)
		flags |= RECORD_CSUM_NOT_READY;
	if (status & TP_STATUS_CSUM_VALID)
		flags |= RECORD_CSUM_VALID;
	if (status & TP_STATUS_GSO_TCP)
		flags |= RECORD_SEGMENTATION;
	return flags;
}

/* The driver or the stack has taken the tag out of the bytes; on the wire it stood behind the two
 * addresses. */
static void cut_vlan(struct frame_parts *parts, const struct frame *f)
{
	uint16_t tpid =
		f->status & TP_STATUS_VLAN_TPID_VALID ? f->vlan_tpid : ETH_P_8021Q;

	memcpy(parts->head, f->mac, 2 * ETH_ALEN);
	(void)put_u16be(put_u16be(parts->head + 2 * ETH_ALEN, tpid), f->vlan_tci);
	parts->head_length = 2 * ETH_ALEN + 4;
	parts->body = f->mac + 2 * ETH_ALEN;
	parts->caplen = f->caplen + 4;
	parts->len = f->len + 4;
}

static void cut_network(struct frame_parts *parts, const struct frame *f)
{
	/* A short snap length may end before the network header. */
	uint32_t off = f->net_off < f->caplen ? f->net_off : f->caplen;

	parts->body = f->mac + off;
	parts->caplen = f->caplen - off;
	parts->len = f->len - off;
}

static void cut_cooked(struct frame_parts *parts, const struct frame *f)
{
	uint8_t *p = parts->head;

	cut_network(parts, f);
	p = put_u16be(put_u16be(p, f->protocol), 0);
	p = put_u16be(put_u32be(p, f->ifindex), f->hatype);
	*p++ = f->pkttype;
	*p++ = f->address_length;
	memcpy(p, f->address, sizeof f->address);
	parts->head_length = FRAME_SLL2;
	parts->caplen += FRAME_SLL2;
	parts->len += FRAME_SLL2;
}

void frame_cut(struct frame_parts *parts, const struct frame *f, enum frame_form form,
	       uint32_t limit)
{
	bool has_tag = f->status & TP_STATUS_VLAN_VALID && f->caplen >= 2 * ETH_ALEN;

	parts->head_length = 0;
	if (form == FRAME_COOKED) {
		cut_cooked(parts, f);
	} else if (form == FRAME_NETWORK) {
		cut_network(parts, f);
	} else if (form == FRAME_ETHERNET && has_tag) {
		cut_vlan(parts, f);
	} else {
		parts->body = f->mac;
		parts->caplen = f->caplen;
		parts->len = f->len;
	}
	if (parts->caplen > limit)
		parts->caplen = limit;
}

void frame_put(uint8_t *data, const struct frame_parts *parts)
{
	uint32_t head = parts->head_length;

	if (UNLIKELY(head > parts->caplen))
		head = parts->caplen;
	if (head)
		memcpy(data, parts->head, head);
	memcpy(data + head, parts->body, parts->caplen - head);
}
