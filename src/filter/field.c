#include "filter/field.h"

#include "base/compiler.h"

/* clang-format off */
/* Pieces of rows. */
#define RANGE(b)     .bits = (b), .high = WIDE(0, (UINT64_C(2) << ((b) - 1)) - 1)
#define NEVER_FOLDED .is_never_folded = true
#define USER_ONLY    .is_user_only = true
#define HEX          .format = FORMAT_HEX
#define AT           .layers =
#define BEYOND       .more_layers =

/* `b` bits of the `bytes` bytes at an offset of a header. */
#define BITS_OF(header, at, bytes, right, b)                                      \
	.needs = (header), .source = SOURCE_HEADER, .offset = (at), .size = (bytes), \
	.shift = (right), RANGE(b)
#define READ(function, b) .source = SOURCE_READ, .read = (function), RANGE(b)
#define FLAG(function)    READ(function, 1), .format = FORMAT_FLAG
#define HAS(header, function)                                                   \
	.has = (header), .source = SOURCE_HAS, .read = (function), RANGE(1),       \
	.format = FORMAT_FLAG
#define TCP_FLAG(right) BITS_OF(HEADER_TCP, 13, 1, (right), 1), .format = FORMAT_FLAG

#define MAPPED WIDE(0, UINT64_C(0xffff00000000))
#define IPV4_AT(at)                                                               \
	.needs = HEADER_IP, .source = SOURCE_HEADER, .offset = (at), .size = 4,      \
	.bits = 32, .bias = MAPPED, .low = MAPPED, .high = MAPPED + UINT32_MAX,      \
	.is_full = true, .format = FORMAT_IPV4
#define IPV6_AT(at)                                                               \
	.needs = HEADER_IPV6, .source = SOURCE_HEADER, .offset = (at), .size = 16,   \
	.bits = 128, .high = WIDE_MAX, .is_full = true, .format = FORMAT_IPV6
#define IPV6_READ(function)                                                       \
	.source = SOURCE_READ, .read_wide = (function), .size = 16, .bits = 128,     \
	.high = WIDE_MAX, .is_full = true, .format = FORMAT_IPV6

#define ITEMS(from, header, bytes)                                                \
	.needs = (header), .source = (from), .size = (bytes), RANGE(8 * (bytes)),    \
	.format = FORMAT_HEX

#define SIGN_BIAS  WIDE(0, UINT64_C(1) << 63)
#define ANY_SIGNED .high = WIDE(0, UINT64_MAX)
#define SIGNED(function)                                                          \
	.source = SOURCE_READ, .read = (function), .bits = 64, .is_signed = true,    \
	.bias = SIGN_BIAS
#define TEXT(function)                                                            \
	.source = SOURCE_READ, .read_text = (function), RANGE(32), NEVER_FOLDED,     \
	.format = FORMAT_TEXT

const struct field field_table[] = {
	{ "zero", "always 0",
	  AT LAYER_ALL, .source = SOURCE_READ, .read = view_zero, .bits = 1,
	  .format = FORMAT_FLAG },
	{ "inbound", "comes to this machine",
	  AT LAYER_NFS, FLAG(view_inbound) },
	{ "outbound", "leaves this machine; loopback packets are outbound",
	  AT LAYER_NFS, FLAG(view_outbound) },
	{ "ifIdx", "index of the network interface",
	  AT LAYER_NM, READ(view_if_idx, 32) },
	{ "subIfIdx", "index of the sub-interface",
	  AT LAYER_NM, READ(view_sub_if_idx, 32) },
	{ "ip", "is IPv4 (always 0 at flow and socket)",
	  AT LAYER_NMFS, HAS(HEADER_IP, view_ip) },
	{ "ipv6", "is IPv6 (always 0 at flow and socket)",
	  AT LAYER_NMFS, HAS(HEADER_IPV6, view_ipv6) },
	{ "icmp", "has an ICMP header",
	  AT LAYER_NMFS, HAS(HEADER_ICMP, view_icmp) },
	{ "tcp", "has a TCP header",
	  AT LAYER_NMFS, HAS(HEADER_TCP, view_tcp) },
	{ "udp", "has a UDP header",
	  AT LAYER_NMFS, HAS(HEADER_UDP, view_udp) },
	{ "icmpv6", "has an ICMPv6 header",
	  AT LAYER_NMFS, HAS(HEADER_ICMPV6, view_icmpv6) },
	{ "ip.HdrLength", "header length in 32-bit words",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 0, 1, 0, 4) },
	{ "ip.TOS", "type of service byte (DSCP and ECN)",
	  AT LAYER_NM, .needs = HEADER_IP, .source = SOURCE_HEADER, .offset = 1, .size = 1,
	  .bits = 8, .high = 65535 },
	{ "ip.Length", "total length field",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 2, 2, 0, 16) },
	{ "ip.Id", "identification",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 4, 2, 0, 16), HEX },
	{ "ip.DF", "don't fragment",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 6, 1, 6, 1), .format = FORMAT_FLAG },
	{ "ip.MF", "more fragments",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 6, 1, 5, 1), .format = FORMAT_FLAG },
	{ "ip.FragOff", "fragment offset in units of 8 bytes",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 6, 2, 0, 13) },
	{ "ip.TTL", "time to live",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 8, 1, 0, 8) },
	{ "ip.Protocol", "protocol byte",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 9, 1, 0, 8) },
	{ "ip.Checksum", "header checksum",
	  AT LAYER_NM, BITS_OF(HEADER_IP, 10, 2, 0, 16), HEX },
	{ "ip.SrcAddr", "source address",
	  AT LAYER_NM, IPV4_AT(12) },
	{ "ip.DstAddr", "destination address",
	  AT LAYER_NM, IPV4_AT(16) },
	{ "ipv6.TrafficClass", "traffic class",
	  AT LAYER_NM, BITS_OF(HEADER_IPV6, 0, 2, 4, 8) },
	{ "ipv6.FlowLabel", "flow label, scrambled as WinDivert does: label 1 reads 0x10000",
	  AT LAYER_NM, .needs = HEADER_IPV6, .source = SOURCE_READ, .read =
	  view_flow_label, .bits = 32, .high = 0xfffff },
	{ "ipv6.Length", "payload length field",
	  AT LAYER_NM, BITS_OF(HEADER_IPV6, 4, 2, 0, 16) },
	{ "ipv6.NextHdr", "next header of the fixed header, not the last one",
	  AT LAYER_NM, BITS_OF(HEADER_IPV6, 6, 1, 0, 8) },
	{ "ipv6.HopLimit", "hop limit",
	  AT LAYER_NM, BITS_OF(HEADER_IPV6, 7, 1, 0, 8) },
	{ "ipv6.SrcAddr", "source address",
	  AT LAYER_NM, IPV6_AT(8) },
	{ "ipv6.DstAddr", "destination address",
	  AT LAYER_NM, IPV6_AT(24) },
	{ "icmp.Type", "message type",
	  AT LAYER_NM, BITS_OF(HEADER_ICMP, 0, 1, 0, 8) },
	{ "icmp.Code", "message code",
	  AT LAYER_NM, BITS_OF(HEADER_ICMP, 1, 1, 0, 8) },
	{ "icmp.Checksum", "checksum",
	  AT LAYER_NM, BITS_OF(HEADER_ICMP, 2, 2, 0, 16), HEX },
	{ "icmp.Body", "the 32 bits behind the checksum",
	  AT LAYER_NM, BITS_OF(HEADER_ICMP, 4, 4, 0, 32), NEVER_FOLDED },
	{ "icmpv6.Type", "message type",
	  AT LAYER_NM, BITS_OF(HEADER_ICMPV6, 0, 1, 0, 8) },
	{ "icmpv6.Code", "message code",
	  AT LAYER_NM, BITS_OF(HEADER_ICMPV6, 1, 1, 0, 8) },
	{ "icmpv6.Checksum", "checksum",
	  AT LAYER_NM, BITS_OF(HEADER_ICMPV6, 2, 2, 0, 16), HEX },
	{ "icmpv6.Body", "the 32 bits behind the checksum",
	  AT LAYER_NM, BITS_OF(HEADER_ICMPV6, 4, 4, 0, 32), NEVER_FOLDED },
	{ "tcp.SrcPort", "source port",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 0, 2, 0, 16) },
	{ "tcp.DstPort", "destination port",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 2, 2, 0, 16) },
	{ "tcp.SeqNum", "sequence number",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 4, 4, 0, 32), NEVER_FOLDED },
	{ "tcp.AckNum", "acknowledgement number",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 8, 4, 0, 32), NEVER_FOLDED },
	{ "tcp.HdrLength", "header length in 32-bit words",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 12, 1, 4, 4) },
	{ "tcp.Urg", "URG flag",
	  AT LAYER_NM, TCP_FLAG(5) },
	{ "tcp.Ack", "ACK flag",
	  AT LAYER_NM, TCP_FLAG(4) },
	{ "tcp.Psh", "PSH flag",
	  AT LAYER_NM, TCP_FLAG(3) },
	{ "tcp.Rst", "RST flag",
	  AT LAYER_NM, TCP_FLAG(2) },
	{ "tcp.Syn", "SYN flag",
	  AT LAYER_NM, TCP_FLAG(1) },
	{ "tcp.Fin", "FIN flag",
	  AT LAYER_NM, TCP_FLAG(0) },
	{ "tcp.Window", "window",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 14, 2, 0, 16) },
	{ "tcp.Checksum", "checksum",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 16, 2, 0, 16), HEX },
	{ "tcp.UrgPtr", "urgent pointer",
	  AT LAYER_NM, BITS_OF(HEADER_TCP, 18, 2, 0, 16) },
	{ "tcp.PayloadLength", "bytes behind the TCP header",
	  AT LAYER_NM, READ(view_payload_length, 16), .needs = HEADER_TCP },
	{ "udp.SrcPort", "source port",
	  AT LAYER_NM, BITS_OF(HEADER_UDP, 0, 2, 0, 16) },
	{ "udp.DstPort", "destination port",
	  AT LAYER_NM, BITS_OF(HEADER_UDP, 2, 2, 0, 16) },
	{ "udp.Length", "length field",
	  AT LAYER_NM, BITS_OF(HEADER_UDP, 4, 2, 0, 16) },
	{ "udp.Checksum", "checksum",
	  AT LAYER_NM, BITS_OF(HEADER_UDP, 6, 2, 0, 16), HEX },
	{ "udp.PayloadLength", "bytes behind the UDP header in this packet",
	  AT LAYER_NM, READ(view_payload_length, 16), .needs = HEADER_UDP },
	{ "loopback", "from this machine to itself",
	  AT LAYER_NFS, FLAG(view_loopback), NEVER_FOLDED },
	{ "impostor", "sent by a filtering program, not by the stack",
	  AT LAYER_NM, FLAG(view_impostor), NEVER_FOLDED, USER_ONLY },
	{ "processId", "process",
	  AT LAYER_FSR, BEYOND LAYER_NM, READ(view_process_id, 32), .is_known =
	  view_has_process_id, USER_ONLY },
	{ "localAddr", "address on this side, IPv4 as ::ffff:a.b.c.d",
	  AT LAYER_NFS, IPV6_READ(view_local_address) },
	{ "remoteAddr", "address on the other side, IPv4 as ::ffff:a.b.c.d",
	  AT LAYER_NFS, IPV6_READ(view_remote_address) },
	{ "localPort", "TCP or UDP port on this side; of ICMP the type when outbound",
	  AT LAYER_NFS, READ(view_local_port, 16) },
	{ "remotePort", "TCP or UDP port on the other side; of ICMP the type when inbound",
	  AT LAYER_NFS, READ(view_remote_port, 16) },
	{ "protocol", "last protocol number that was reached",
	  AT LAYER_NFS, READ(view_protocol, 8) },
	{ "endpointId", "endpoint",
	  AT LAYER_FS, .source = SOURCE_READ, .read = view_endpoint_id, .bits = 64, .high =
	  UINT64_MAX, .is_full = true },
	{ "parentEndpointId", "parent endpoint",
	  AT LAYER_FS, .source = SOURCE_READ, .read = view_parent_endpoint_id, .bits = 64,
	  .high = UINT64_MAX, .is_full = true },
	{ "layer", "layer of the handle",
	  AT LAYER_R, .source = SOURCE_READ, .read = view_reflect_layer, .bits = 32, .high
	  = 4, .format = FORMAT_LAYER },
	{ "priority", "priority of the handle",
	  AT LAYER_R, SIGNED(view_priority), .low = SIGN_BIAS - 30000, .high = SIGN_BIAS +
	  30000 },
	{ "event", "what happened",
	  AT LAYER_ALL, .source = SOURCE_READ, .read = view_event, .bits = 8, .high = 9,
	  .format = FORMAT_EVENT },
	{ "packet", "byte of the packet",
	  AT LAYER_NM, ITEMS(SOURCE_PACKET, HEADER_NONE, 1) },
	{ "packet16", "16 bits of the packet",
	  AT LAYER_NM, ITEMS(SOURCE_PACKET, HEADER_NONE, 2) },
	{ "packet32", "32 bits of the packet",
	  AT LAYER_NM, ITEMS(SOURCE_PACKET, HEADER_NONE, 4), NEVER_FOLDED },
	{ "tcp.Payload", "byte behind the TCP header",
	  AT LAYER_NM, ITEMS(SOURCE_PAYLOAD, HEADER_TCP, 1) },
	{ "tcp.Payload16", "16 bits behind the TCP header",
	  AT LAYER_NM, ITEMS(SOURCE_PAYLOAD, HEADER_TCP, 2) },
	{ "tcp.Payload32", "32 bits behind the TCP header",
	  AT LAYER_NM, ITEMS(SOURCE_PAYLOAD, HEADER_TCP, 4) },
	{ "udp.Payload", "byte behind the UDP header",
	  AT LAYER_NM, ITEMS(SOURCE_PAYLOAD, HEADER_UDP, 1) },
	{ "udp.Payload16", "16 bits behind the UDP header",
	  AT LAYER_NM, ITEMS(SOURCE_PAYLOAD, HEADER_UDP, 2) },
	{ "udp.Payload32", "32 bits behind the UDP header",
	  AT LAYER_NM, ITEMS(SOURCE_PAYLOAD, HEADER_UDP, 4) },
	{ "length", "bytes of the packet, from the IP header on",
	  AT LAYER_NM, .source = SOURCE_READ, .read = view_length, .bits = 32, .low = 20,
	  .high = 65575 },
	{ "timestamp", "the source's clock, in its ticks",
	  AT LAYER_ALL, SIGNED(view_timestamp), ANY_SIGNED, .is_full = true,
	  USER_ONLY },
	{ "random8", "8 bits that depend on headers and timestamp",
	  AT LAYER_NM, READ(view_random8, 8), USER_ONLY },
	{ "random16", "16 bits that depend on headers and timestamp",
	  AT LAYER_NM, READ(view_random16, 16), USER_ONLY },
	{ "random32", "32 bits that depend on headers and timestamp",
	  AT LAYER_NM, READ(view_random32, 32), USER_ONLY },
	{ "fragment", "is a fragment",
	  AT LAYER_NM, FLAG(view_fragment) },
	{ "true", "always 1",
	  AT LAYER_ALL, .source = SOURCE_READ, .read = view_one, .bits = 1, .low = 1, .high
	  = 1, .format = FORMAT_FLAG },
	{ "false", "always 0",
	  AT LAYER_ALL, .source = SOURCE_READ, .read = view_zero, .bits = 1,
	  .format = FORMAT_FLAG },
	/* Beyond WinDivert. */
	{ "time", "time of capture: \"2026-11-22T10:00:00Z\", or nanoseconds since 1970",
	  BEYOND LAYER_ALL, SIGNED(view_time), ANY_SIGNED, .is_full = true,
	  .is_known = view_has_time, .format = FORMAT_TIME, USER_ONLY },
	{ "iface", "name of the network interface",
	  BEYOND LAYER_NM, TEXT(view_iface) },
	{ "process.name", "name of the process",
	  BEYOND LAYER_NMFS, TEXT(view_process_name), USER_ONLY },
	{ "process.path", "path of the process's program",
	  BEYOND LAYER_NMFS, TEXT(view_process_path), USER_ONLY },
	{ "user", "name of the process's user",
	  BEYOND LAYER_NMFS, TEXT(view_user), USER_ONLY },
	{ "process.user", "name of the process's user",
	  BEYOND LAYER_NMFS, TEXT(view_user), USER_ONLY },
	{ "process.container", "id of the container that the process is in",
	  BEYOND LAYER_NMFS, TEXT(view_container), USER_ONLY },
};

/* clang-format on */

size_t field_count(void)
{
	return ARRAY_LEN(field_table);
}

const struct field *field_find(const char *name, size_t length)
{
	for (const struct field *f = field_table; f < field_table + field_count(); f++)
		if (strlen(f->name) == length && !memcmp(f->name, name, length))
			return f;
	return NULL;
}

unsigned field_number(const struct field *f)
{
	return (unsigned)(f - field_table);
}

bool field_is_array(const struct field *f)
{
	return f->source == SOURCE_PACKET || f->source == SOURCE_PAYLOAD;
}

bool field_is_text(const struct field *f)
{
	return f->read_text != NULL;
}

bool field_can_be_absent(const struct field *f)
{
	return f->needs != HEADER_NONE || field_is_array(f) || field_is_text(f) ||
	       f->is_known;
}

const struct field *field_of_header(enum header h)
{
	for (const struct field *f = field_table; f < field_table + field_count(); f++)
		if (f->source == SOURCE_HAS && f->has == h)
			return f;
	return NULL;
}

u128 field_first(const struct field *f)
{
	return f->is_signed ? 0 : f->bias;
}

u128 field_last(const struct field *f)
{
	return field_first(f) + wide_of_bits(f->bits);
}

bool field_is_at(const struct field *f, enum filter_layer layer)
{
	return (f->layers | f->more_layers) >> layer & 1;
}
