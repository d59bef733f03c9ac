/* The link layer of a recorded packet: where its network header starts and what it is.
 *
 * Calling sequence: link_decode() with the interface's LINKTYPE_ number and the captured bytes;
 * true when the network layer was found.  Pure: no state, no allocation, any thread.
 *
 * Known: Ethernet (with 802.1Q and 802.1ad tags, LLC/SNAP), raw IP, BSD loopback in both byte
 * orders, Linux cooked capture 1 and 2.  Any other type is "unknown", never an error.
 * Facts: tcpdump.org/linktypes.html; IEEE 802.1Q-2018 clause 9; libpcap's pcap-linktype(7). */
#ifndef WEIR_PACKET_LINK_H
#define WEIR_PACKET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_VLANS 2 /* tags that are kept; more are passed over */

/* Ethertypes that weir names. */
enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IPV6 = 0x86dd,
};

/* The same values as the direction bits of epb_flags. */
enum link_direction {
	LINK_DIRECTION_UNKNOWN = 0,
	LINK_DIRECTION_IN = 1,
	LINK_DIRECTION_OUT = 2
};

struct link {
	uint16_t ethertype;            /* of the network layer; 0 where unknown */
	uint32_t network_off;          /* bytes before the network header */
	uint16_t vlan[LINK_VLANS];     /* tags' identifiers (12 bits), outermost first */
	unsigned vlan_count;           /* tags seen; may exceed LINK_VLANS */
	enum link_direction direction; /* where the link header itself tells it */
};

/* Fills *l whole; false where the network layer is not known or cut off. */
bool link_decode(struct link *l, uint16_t linktype, const uint8_t *data, size_t caplen);

/* "ethernet", "raw", ...; NULL for a type without a name here. */
const char *link_name(uint16_t linktype);

#endif
