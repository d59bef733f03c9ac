/* The headers of a recorded packet, from the link layer to the transport, as a plain struct.
 *
 * Calling sequence: headers_decode() with the interface's link type, the captured bytes and the
 * length on the wire; then read fields.  What is not there is 0, and the `has_` fields say so.
 * Pure: no state, no allocation, any thread.  Nothing is reassembled: a later fragment has
 * addresses and a protocol, but no ports.
 *
 * Lengths are those that the headers state, not what was captured, so that a packet cut by a snap
 * length tells the truth; `is_cut` says that a header itself is cut off.  Nothing is read from
 * behind the IP packet's own end.
 * Facts: RFC 791, 8200 (extension headers, section 4), 2675 (jumbograms), 9293, 768, 792, 4443,
 * 826; a length of 0 on packets that leave segmentation to the hardware: Linux BIG TCP. */
#ifndef WEIR_PACKET_HEADERS_H
#define WEIR_PACKET_HEADERS_H

#include "packet/link.h"

/* IP protocol numbers that weir names. */
enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
	PROTOCOL_UDPLITE = 136,
};

struct headers {
	struct link link;
	uint8_t ip_version;       /* 4 or 6; 0: no whole IP header */
	uint8_t protocol;         /* of what follows the IP headers */
	uint8_t src[16], dst[16]; /* 4 or 16 bytes in use */
	bool is_fragment;         /* more than one piece */
	uint32_t fragment_off;    /* bytes */
	uint32_t fragment_id;     /* what the pieces of one packet have in common */
	uint32_t transport_off;   /* from the packet's first byte */
	bool has_ports;           /* TCP, UDP, UDP-Lite, SCTP */
	uint16_t src_port, dst_port;
	bool has_tcp;
	uint16_t tcp_flags; /* nine bits, FIN lowest */
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window;
	bool has_icmp; /* ICMP or ICMPv6 */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq; /* of an echo; else what stands there */
	bool has_arp;               /* Ethernet and IPv4; addresses are in src and dst */
	uint16_t arp_op;
	/* Behind the last header that is known: bytes that the packet had on the wire. */
	uint32_t payload_bytes;
	/* Where they begin, from the packet's first byte; caplen or more: they were not captured. */
	uint32_t payload_off;
	bool is_cut;       /* the captured bytes end within a header */
	bool is_malformed; /* a header contradicts itself */
};

void headers_decode(struct headers *h, uint16_t linktype, const uint8_t *data,
		    size_t caplen, uint32_t wire_len);

#endif
