/* A frame as the kernel's packet socket hands it over, and how it becomes the bytes and flags of a
 * record.  Pure: nothing here asks the system anything.
 *
 * Calling sequence: a ring fills a struct frame; frame_form() says once an interface how its
 * frames are recorded; then for each frame
 *
 *	frame_cut(&parts, &frame, form, limit);
 *	data = producer_reserve(p, iface, parts.caplen, parts.len);
 *	frame_put(data, &parts);
 *
 * Ownership: a frame and its parts point into the ring and end with the frame.
 * Facts: packet(7), linux/if_packet.h, linux/if_arp.h; the registry of link types at tcpdump.org
 * (101 RAW, 276 LINUX_SLL2); epb_flags in draft-ietf-opsawg-pcapng-05, section 4.3.1. */
#ifndef WEIR_CAPTURE_FRAME_H
#define WEIR_CAPTURE_FRAME_H

#include <stdint.h>

struct frame {
	const uint8_t *mac; /* caplen bytes from the link header on */
	uint32_t net_off;   /* where in them the network header begins */
	uint32_t caplen, len;
	int64_t ns;      /* realtime clock */
	uint32_t status; /* TP_STATUS_ bits */
	uint16_t vlan_tci, vlan_tpid;
	/* Of sockaddr_ll; the protocol in the host's byte order. */
	uint32_t ifindex;
	uint16_t hatype, protocol;
	uint8_t pkttype, address_length, address[8];
};

/* Which bytes of a frame are recorded. */
enum frame_form {
	FRAME_ETHERNET, /* from the link header on, a stripped VLAN tag put back */
	FRAME_LINK,     /* from the link header on */
	FRAME_NETWORK, /* from the network header on: tunnels have no link header of their own */
	FRAME_COOKED, /* a LINUX_SLL2 header, then the network header on */
};

#define FRAME_SLL2 20 /* bytes of a LINUX_SLL2 header */

/* By hardware type (ARPHRD_): the form, and the LINKTYPE_ value that goes with it. */
enum frame_form frame_form(uint16_t hatype, uint16_t *linktype);

/* epb_flags: direction and kind from the packet's type, offload bits from the status. */
uint32_t frame_flags(uint8_t pkttype, uint32_t status);

struct frame_parts {
	uint8_t head[FRAME_SLL2]; /* bytes that do not lie together in the ring */
	uint32_t head_length;
	const uint8_t *body;
	uint32_t caplen, len; /* of the record: head and body, at most `limit` */
};

void frame_cut(struct frame_parts *parts, const struct frame *f, enum frame_form form,
	       uint32_t limit);
/* Writes parts->caplen bytes. */
void frame_put(uint8_t *data, const struct frame_parts *parts);

#endif
