/* WinDivert's address record as bytes: what its driver says beside each packet and event.  Pure
 * functions, built, tested and fuzzed on every system.
 *
 * Calling sequence: windivert_address_read() of what was received; windivert_address_write() for
 * what is made here.  Sending what was received needs neither: its bytes go back as they came.
 * Ownership: nothing is kept.  Threads: no state.
 * Units: ticks are of the performance counter (QPC) of the machine that received.
 * Facts: WinDivert 2.2's documentation of WINDIVERT_ADDRESS, 80 bytes, little endian:
 *
 *	0  ticks, 64 bits          8  layer, 8 bits          9  event, 8 bits
 *	10 flags: sniffed 1, outbound 2, loopback 4, impostor 8, ipv6 16, checksum: IP 32,
 *	   TCP 64, UDP 128         11 .. 15 reserved         16 .. 79 by layer:
 *	network, forward: interface 32, sub-interface 32
 *	flow, socket: endpoint 64, parent endpoint 64, process 32, local address 4 x 32, remote
 *	   address 4 x 32 (the least significant word first; IPv4 as ::ffff:a.b.c.d), local port
 *	   16, remote port 16, protocol 8
 *	reflect: ticks of the opening 64, process 32, layer 32, flags 64, priority 16 */
#ifndef WEIR_PORT_WINDIVERT_FORM_H
#define WEIR_PORT_WINDIVERT_FORM_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDIVERT_ADDRESS_BYTES 80

enum windivert_layer {
	WINDIVERT_NETWORK,
	WINDIVERT_FORWARD,
	WINDIVERT_FLOW,
	WINDIVERT_SOCKET,
	WINDIVERT_REFLECT,
	WINDIVERT_LAYERS,
};

enum windivert_event {
	WINDIVERT_PACKET,
	WINDIVERT_FLOW_ESTABLISHED,
	WINDIVERT_FLOW_DELETED,
	WINDIVERT_SOCKET_BIND,
	WINDIVERT_SOCKET_CONNECT,
	WINDIVERT_SOCKET_LISTEN,
	WINDIVERT_SOCKET_ACCEPT,
	WINDIVERT_SOCKET_CLOSE,
	WINDIVERT_REFLECT_OPEN,
	WINDIVERT_REFLECT_CLOSE,
	WINDIVERT_EVENTS,
};

/* What the record says; of the members behind `has_udp_checksum` those of its layer. */
struct windivert_address {
	int64_t ticks;
	uint8_t layer, event;
	bool is_sniffed, is_outbound, is_loopback, is_impostor, is_ipv6;
	/* Outbound, clear: left to the card, not computed yet.  Inbound, clear: the card has checked
	 * it.  Set: none of these, and nobody says that it is right. */
	bool has_ip_checksum, has_tcp_checksum, has_udp_checksum;
	uint32_t if_idx, sub_if_idx;                   /* network, forward */
	uint64_t endpoint_id, parent_endpoint;         /* flow, socket */
	uint32_t process_id;                           /* flow, socket, reflect */
	uint8_t local_address[16], remote_address[16]; /* network order; IPv4 mapped */
	uint16_t local_port, remote_port;              /* host order */
	uint8_t protocol;
	int64_t opened_ticks; /* reflect */
	uint32_t opened_layer;
	uint64_t opened_flags;
	int16_t priority;
};

/* WEIR_ERR_FORMAT: fewer than 80 bytes, no layer or event of 2.2, or an event of another layer. */
int windivert_address_read(struct windivert_address *a, const void *bytes,
			   size_t length) MUST_CHECK;
/* All 80 bytes; what the layer does not have becomes zero. */
void windivert_address_write(const struct windivert_address *a,
			     uint8_t bytes[WINDIVERT_ADDRESS_BYTES]);

/* What an error of Windows that WinDivertOpen() ended with means, and what to do about it.  Returns
 * the code that it sets. */
int windivert_open_error(uint32_t error, struct weir_error *err);

/* "network", "forward", ...; NULL: none. */
const char *windivert_layer_name(unsigned layer);

#endif
