/* Headers as text: addresses, TCP flags, protocol and ICMP names.
 *
 * The functions write into the caller's buffer, end it with NUL, and return the length without it;
 * the sizes below always suffice.  Pure, any thread, no locale.
 * IPv6 is written as RFC 5952 asks for, and as inet_ntop() does. */
#ifndef WEIR_PACKET_TEXT_H
#define WEIR_PACKET_TEXT_H

#include "packet/headers.h"

#define ADDRESS_TEXT  46
#define FLAGS_TEXT    40
#define PROTOCOL_TEXT 16
#define ICMP_TEXT     32

size_t address_text(unsigned ip_version, const uint8_t *address, char text[ADDRESS_TEXT]);

/* "SYN", "SYN,ACK", "PSH,ACK": in the order SYN FIN RST PSH ACK URG ECE CWR AE, "" for none. */
size_t tcp_flags_text(uint16_t flags, char text[FLAGS_TEXT]);

/* "tcp", "udp", "icmp", "icmpv6", "sctp", "arp", ...; "ip-89" for a protocol without a name here,
 * "0x1234" for an ethertype; "" when nothing is known. */
size_t protocol_text(const struct headers *h, char text[PROTOCOL_TEXT]);

/* "echo request", "port unreachable", "type 9 code 0", ... */
size_t icmp_text(const struct headers *h, char text[ICMP_TEXT]);

#endif
