#include "filter/field.h"

#include "base/compiler.h"

/* clang-format off: the table is read by columns. */
#define RANGE(b)     .bits = (b), .high = WIDE(0, (UINT64_C(2) << ((b)-1)) - 1)
#define NEVER_FOLDED .is_never_folded = true
#define BITS_OF(header, at, bytes, right, b)                                  \
 .needs = (header), .source = SOURCE_HEADER, .offset = (at), .size = (bytes), \
 .shift = (right), RANGE(b)
#define READ(function, b) .source = SOURCE_READ, .read = (function), RANGE(b)
#define FLAG(function)    READ(function, 1), .format = FORMAT_FLAG
#define HAS(header, function)                                         \
 .has = (header), .source = SOURCE_HAS, .read = (function), RANGE(1), \
 .format = FORMAT_FLAG
#define TCP_FLAG(right) BITS_OF(HEADER_TCP, 13, 1, (right), 1), .format = FORMAT_FLAG
#define MAPPED          WIDE(0, UINT64_C(0xffff00000000))
#define IPV4_AT(at)                                                                  \
 .needs = HEADER_IP, .source = SOURCE_HEADER, .offset = (at), .size = 4, .bits = 32, \
 .bias = MAPPED, .low = MAPPED, .high = MAPPED + UINT32_MAX, .is_full = true,        \
 .format = FORMAT_IPV4
#define IPV6_AT(at)                                                                      \
 .needs = HEADER_IPV6, .source = SOURCE_HEADER, .offset = (at), .size = 16, .bits = 128, \
 .high = WIDE_MAX, .is_full = true, .format = FORMAT_IPV6
#define IPV6_READ(function)                                               \
 .source = SOURCE_READ, .read_wide = (function), .size = 16, .bits = 128, \
 .high = WIDE_MAX, .is_full = true, .format = FORMAT_IPV6
#define ITEMS(from, header, bytes)                                         \
 .needs = (header), .source = (from), .size = (bytes), RANGE(8 * (bytes)), \
 .format = FORMAT_HEX
#define SIGN_BIAS WIDE(0, UINT64_C(1) << 63)
#define SIGNED(function)                                                   \
 .source = SOURCE_READ, .read = (function), .bits = 64, .is_signed = true, \
 .bias = SIGN_BIAS
#define ANY_SIGNED .high = WIDE(0, UINT64_MAX)
#define TEXT(function)                                                    \
 .source = SOURCE_READ, .read_text = (function), RANGE(32), NEVER_FOLDED, \
 .format = FORMAT_TEXT
#define HEX .format = FORMAT_HEX
#define N   .layers =

const struct field field_table[] = {
	{ "zero", "always 0", N LAYER_ALL, .source = SOURCE_READ, .read = view_zero,
	  .bits = 1, .format = FORMAT_FLAG },
	{ "inbound", "comes to this machine", N LAYER_NFS, FLAG(view_inbound) },
	{ "outbound", "leaves this machine; loopback packets are outbound", N LAYER_NFS,
	  FLAG(view_outbound) },
	{ "ifIdx", "index of the network interface", N LAYER_NM, READ(view_if_idx, 32) },
	{ "subIfIdx", "index of the sub-interface", N LAYER_NM,
	  READ(view_sub_if_idx, 32) },
	{ "ip", "is IPv4 (always 0 at flow and socket)", N LAYER_NMFS,
	  HAS(HEADER_IP, view_ip) },
	{ "ipv6", "is IPv6 (always 0 at flow and socket)", N LAYER_NMFS,
	  HAS(HEADER_IPV6, view_ipv6) },
	{ "icmp", "has an ICMP header", N LAYER_NMFS, HAS(HEADER_ICMP, view_icmp) },
	{ "tcp", "has a TCP header", N LAYER_NMFS, HAS(HEADER_TCP, view_tcp) },
	{ "udp", "has a UDP header", N LAYER_NMFS, HAS(HEADER_UDP, view_udp) },
	{ "icmpv6", "has an ICMPv6 header", N LAYER_NMFS,
	  HAS(HEADER_ICMPV6, view_icmpv6) },
	{ "ip.HdrLength", "header length in 32-bit words", N LAYER_NM,
	  BITS_OF(HEADER_IP, 0, 1, 0, 4) },
	{ "ip.TOS", "type of service byte (DSCP and ECN)", N LAYER_NM, .needs = HEADER_IP,
	  .source = SOURCE_HEADER, .offset = 1, .size = 1, .bits = 8, .high = 65535 },
	{ "ip.Length", "total length field", N LAYER_NM,
	  BITS_OF(HEADER_IP, 2, 2, 0, 16) },
	{ "ip.Id", "identification", N LAYER_NM, BITS_OF(HEADER_IP, 4, 2, 0, 16), HEX },
	{ "ip.DF", "don't fragment", N LAYER_NM, BITS_OF(HEADER_IP, 6, 1, 6, 1),
	  .format = FORMAT_FLAG },
	{ "ip.MF", "more fragments", N LAYER_NM, BITS_OF(HEADER_IP, 6, 1, 5, 1),
	  .format = FORMAT_FLAG },
	{ "ip.FragOff", "fragment offset in units of 8 bytes", N LAYER_NM,
	  BITS_OF(HEADER_IP, 6, 2, 0, 13) },
	{ "ip.TTL", "time to live", N LAYER_NM, BITS_OF(HEADER_IP, 8, 1, 0, 8) },
	{ "ip.Protocol", "protocol byte", N LAYER_NM, BITS_OF(HEADER_IP, 9, 1, 0, 8) },
	{ "ip.Checksum", "header checksum", N LAYER_NM, BITS_OF(HEADER_IP, 10, 2, 0, 16),
	  HEX },
	{ "ip.SrcAddr", "source address", N LAYER_NM, IPV4_AT(12) },
	{ "ip.DstAddr", "destination address", N LAYER_NM, IPV4_AT(16) },
	{ "ipv6.TrafficClass", "traffic class", N LAYER_NM,
	  BITS_OF(HEADER_IPV6, 0, 2, 4, 8) },
	{ "ipv6.FlowLabel",
	  "flow label, scrambled as WinDivert does: label 1 reads 0x10000", N LAYER_NM,
	  .needs = HEADER_IPV6, .source = SOURCE_READ, .read = view_flow_label,
	  .bits = 32, .high = 0xfffff },
	{ "ipv6.Length", "payload length field", N LAYER_NM,
	  BITS_OF(HEADER_IPV6, 4, 2, 0, 16) },
	{ "ipv6.NextHdr", "next header of the fixed header, not the last one", N LAYER_NM,
	  BITS_OF(HEADER_IPV6, 6, 1, 0, 8) },
	{ "ipv6.HopLimit", "hop limit", N LAYER_NM, BITS_OF(HEADER_IPV6, 7, 1, 0, 8) },
	{ "ipv6.SrcAddr", "source address", N LAYER_NM, IPV6_AT(8) },
	{ "ipv6.DstAddr", "destination address", N LAYER_NM, IPV6_AT(24) },
	{ "icmp.Type", "message type", N LAYER_NM, BITS_OF(HEADER_ICMP, 0, 1, 0, 8) },
	{ "icmp.Code", "message code", N LAYER_NM, BITS_OF(HEADER_ICMP, 1, 1, 0, 8) },
	{ "icmp.Checksum", "checksum", N LAYER_NM, BITS_OF(HEADER_ICMP, 2, 2, 0, 16),
	  HEX },
	{ "icmp.Body", "the 32 bits behind the checksum", N LAYER_NM,
	  BITS_OF(HEADER_ICMP, 4, 4, 0, 32), NEVER_FOLDED },
	{ "icmpv6.Type", "message type", N LAYER_NM, BITS_OF(HEADER_ICMPV6, 0, 1, 0, 8) },
	{ "icmpv6.Code", "message code", N LAYER_NM, BITS_OF(HEADER_ICMPV6, 1, 1, 0, 8) },
	{ "icmpv6.Checksum", "checksum", N LAYER_NM, BITS_OF(HEADER_ICMPV6, 2, 2, 0, 16),
	  HEX },
	{ "icmpv6.Body", "the 32 bits behind the checksum", N LAYER_NM,
	  BITS_OF(HEADER_ICMPV6, 4, 4, 0, 32), NEVER_FOLDED },
	{ "tcp.SrcPort", "source port", N LAYER_NM, BITS_OF(HEADER_TCP, 0, 2, 0, 16) },
	{ "tcp.DstPort", "destination port", N LAYER_NM,
	  BITS_OF(HEADER_TCP, 2, 2, 0, 16) },
	{ "tcp.SeqNum", "sequence number", N LAYER_NM, BITS_OF(HEADER_TCP, 4, 4, 0, 32),
	  NEVER_FOLDED },
	{ "tcp.AckNum", "acknowledgement number", N LAYER_NM,
	  BITS_OF(HEADER_TCP, 8, 4, 0, 32), NEVER_FOLDED },
	{ "tcp.HdrLength", "header length in 32-bit words", N LAYER_NM,
	  BITS_OF(HEADER_TCP, 12, 1, 4, 4) },
	{ "tcp.Urg", "URG flag", N LAYER_NM, TCP_FLAG(5) },
	{ "tcp.Ack", "ACK flag", N LAYER_NM, TCP_FLAG(4) },
	{ "tcp.Psh", "PSH flag", N LAYER_NM, TCP_FLAG(3) },
	{ "tcp.Rst", "RST flag", N LAYER_NM, TCP_FLAG(2) },
	{ "tcp.Syn", "SYN flag", N LAYER_NM, TCP_FLAG(1) },
	{ "tcp.Fin", "FIN flag", N LAYER_NM, TCP_FLAG(0) },
	{ "tcp.Window", "window", N LAYER_NM, BITS_OF(HEADER_TCP, 14, 2, 0, 16) },
	{ "tcp.Checksum", "checksum", N LAYER_NM, BITS_OF(HEADER_TCP, 16, 2, 0, 16),
	  HEX },
	{ "tcp.UrgPtr", "urgent pointer", N LAYER_NM, BITS_OF(HEADER_TCP, 18, 2, 0, 16) },
	{ "tcp.PayloadLength", "bytes behind the TCP header", N LAYER_NM,
	  READ(view_payload_length, 16), .needs = HEADER_TCP },
	{ "udp.SrcPort", "source port", N LAYER_NM, BITS_OF(HEADER_UDP, 0, 2, 0, 16) },
	{ "udp.DstPort", "destination port", N LAYER_NM,
	  BITS_OF(HEADER_UDP, 2, 2, 0, 16) },
	{ "udp.Length", "length field", N LAYER_NM, BITS_OF(HEADER_UDP, 4, 2, 0, 16) },
	{ "udp.Checksum", "checksum", N LAYER_NM, BITS_OF(HEADER_UDP, 6, 2, 0, 16), HEX },
	{ "udp.PayloadLength", "bytes behind the UDP header in this packet", N LAYER_NM,
	  READ(view_payload_length, 16), .needs = HEADER_UDP },
	{ "loopback", "from this machine to itself", N LAYER_NFS, FLAG(view_loopback),
	  NEVER_FOLDED },
	{ "impostor", "sent by a filtering program, not by the stack", N LAYER_NM,
	  FLAG(view_impostor), NEVER_FOLDED },
	{ "processId", "process", N LAYER_FSR, .more_layers = LAYER_NM,
	  READ(view_process_id, 32), .is_known = view_has_process_id },
	{ "localAddr", "address on this side, IPv4 as ::ffff:a.b.c.d", N LAYER_NFS,
	  IPV6_READ(view_local_address) },
	{ "remoteAddr", "address on the other side, IPv4 as ::ffff:a.b.c.d", N LAYER_NFS,
	  IPV6_READ(view_remote_address) },
	{ "localPort", "TCP or UDP port on this side; of ICMP the type when outbound",
	  N LAYER_NFS, READ(view_local_port, 16) },
	{ "remotePort",
	  "TCP or UDP port on the other side; of ICMP the type when inbound", N LAYER_NFS,
	  READ(view_remote_port, 16) },
	{ "protocol", "last protocol number that was reached", N LAYER_NFS,
	  READ(view_protocol, 8) },
	{ "endpointId", "endpoint", N LAYER_FS, .source = SOURCE_READ,
	  .read = view_endpoint_id, .bits = 64, .high = UINT64_MAX, .is_full = true },
	{ "parentEndpointId", "parent endpoint", N LAYER_FS, .source = SOURCE_READ,
	  .read = view_parent_endpoint_id, .bits = 64, .high = UINT64_MAX,
	  .is_full = true },
	{ "layer", "layer of the handle", N LAYER_R, .source = SOURCE_READ,
	  .read = view_reflect_layer, .bits = 32, .high = 4, .format = FORMAT_LAYER },
	{ "priority", "priority of the handle", N LAYER_R, SIGNED(view_priority),
	  .low = SIGN_BIAS - 30000, .high = SIGN_BIAS + 30000 },
	{ "event", "what happened", N LAYER_ALL, .source = SOURCE_READ,
	  .read = view_event, .bits = 8, .high = 9, .format = FORMAT_EVENT },
	{ "packet", "byte of the packet", N LAYER_NM,
	  ITEMS(SOURCE_PACKET, HEADER_NONE, 1) },
	{ "packet16", "16 bits of the packet", N LAYER_NM,
	  ITEMS(SOURCE_PACKET, HEADER_NONE, 2) },
	{ "packet32", "32 bits of the packet", N LAYER_NM,
	  ITEMS(SOURCE_PACKET, HEADER_NONE, 4), NEVER_FOLDED },
	{ "tcp.Payload", "byte behind the TCP header", N LAYER_NM,
	  ITEMS(SOURCE_PAYLOAD, HEADER_TCP, 1) },
	{ "tcp.Payload16", "16 bits behind the TCP header", N LAYER_NM,
	  ITEMS(SOURCE_PAYLOAD, HEADER_TCP, 2) },
	{ "tcp.Payload32", "32 bits behind the TCP header", N LAYER_NM,
	  ITEMS(SOURCE_PAYLOAD, HEADER_TCP, 4) },
	{ "udp.Payload", "byte behind the UDP header", N LAYER_NM,
	  ITEMS(SOURCE_PAYLOAD, HEADER_UDP, 1) },
	{ "udp.Payload16", "16 bits behind the UDP header", N LAYER_NM,
	  ITEMS(SOURCE_PAYLOAD, HEADER_UDP, 2) },
	{ "udp.Payload32", "32 bits behind the UDP header", N LAYER_NM,
	  ITEMS(SOURCE_PAYLOAD, HEADER_UDP, 4) },
	{ "length", "bytes of the packet, from the IP header on", N LAYER_NM,
	  .source = SOURCE_READ, .read = view_length, .bits = 32, .low = 20,
	  .high = 65575 },
	{ "timestamp", "the source's clock, in its ticks", N LAYER_ALL,
	  SIGNED(view_timestamp), ANY_SIGNED, .is_full = true },
	{ "random8", "8 bits that depend on headers and timestamp", N LAYER_NM,
	  READ(view_random8, 8) },
	{ "random16", "16 bits that depend on headers and timestamp", N LAYER_NM,
	  READ(view_random16, 16) },
	{ "random32", "32 bits that depend on headers and timestamp", N LAYER_NM,
	  READ(view_random32, 32) },
	{ "fragment", "is a fragment", N LAYER_NM, FLAG(view_fragment) },
	{ "true", "always 1", N LAYER_ALL, .source = SOURCE_READ, .read = view_one,
	  .bits = 1, .low = 1, .high = 1, .format = FORMAT_FLAG },
	{ "false", "always 0", N LAYER_ALL, .source = SOURCE_READ, .read = view_zero,
	  .bits = 1, .format = FORMAT_FLAG },
	/* Beyond WinDivert. */
	{ "time", "time of capture: \"2026-11-22T10:00:00Z\", or nanoseconds since 1970",
	  .more_layers = LAYER_ALL, SIGNED(view_time), ANY_SIGNED, .is_full = true,
	  .is_known = view_has_time, .format = FORMAT_TIME },
	{ "iface", "name of the network interface", .more_layers = LAYER_NM,
	  TEXT(view_iface) },
	{ "process.name", "name of the process", .more_layers = LAYER_NMFS,
	  TEXT(view_process_name) },
	{ "process.path", "path of the process's program", .more_layers = LAYER_NMFS,
	  TEXT(view_process_path) },
	{ "user", "name of the process's user", .more_layers = LAYER_NMFS,
	  TEXT(view_user) },
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
