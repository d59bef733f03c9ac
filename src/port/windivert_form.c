#include "port/windivert_form.h"

#include "base/cursor.h"

enum {
	BIT_SNIFFED = 1,
	BIT_OUTBOUND = 2,
	BIT_LOOPBACK = 4,
	BIT_IMPOSTOR = 8,
	BIT_IPV6 = 16,
	BIT_IP_CHECKSUM = 32,
	BIT_TCP_CHECKSUM = 64,
	BIT_UDP_CHECKSUM = 128,
};

#define UNION_AT 16

static bool is_event_of(unsigned layer, unsigned event)
{
	switch (layer) {
	case WINDIVERT_NETWORK:
	case WINDIVERT_FORWARD:
		return event == WINDIVERT_PACKET;
	case WINDIVERT_FLOW:
		return event == WINDIVERT_FLOW_ESTABLISHED ||
		       event == WINDIVERT_FLOW_DELETED;
	case WINDIVERT_SOCKET:
		return event >= WINDIVERT_SOCKET_BIND && event <= WINDIVERT_SOCKET_CLOSE;
	case WINDIVERT_REFLECT:
		return event == WINDIVERT_REFLECT_OPEN ||
		       event == WINDIVERT_REFLECT_CLOSE;
	default:
		return false;
	}
}

static void read_bits(struct windivert_address *a, unsigned bits)
{
	a->is_sniffed = bits & BIT_SNIFFED;
	a->is_outbound = bits & BIT_OUTBOUND;
	a->is_loopback = bits & BIT_LOOPBACK;
	a->is_impostor = bits & BIT_IMPOSTOR;
	a->is_ipv6 = bits & BIT_IPV6;
	a->has_ip_checksum = bits & BIT_IP_CHECKSUM;
	a->has_tcp_checksum = bits & BIT_TCP_CHECKSUM;
	a->has_udp_checksum = bits & BIT_UDP_CHECKSUM;
}

/* Four words, the least significant first. */
static void read_ip(struct cursor *c, uint8_t address[16])
{
	for (unsigned i = 4; i-- > 0;)
		(void)put_u32be(address + 4 * (size_t)i, cur_u32le(c));
}

static void read_flow(struct cursor *c, struct windivert_address *a)
{
	a->endpoint_id = cur_u64le(c);
	a->parent_endpoint = cur_u64le(c);
	a->process_id = cur_u32le(c);
	read_ip(c, a->local_address);
	read_ip(c, a->remote_address);
	a->local_port = cur_u16le(c);
	a->remote_port = cur_u16le(c);
	a->protocol = cur_u8(c);
}

static void read_reflect(struct cursor *c, struct windivert_address *a)
{
	a->opened_ticks = (int64_t)cur_u64le(c);
	a->process_id = cur_u32le(c);
	a->opened_layer = cur_u32le(c);
	a->opened_flags = cur_u64le(c);
	a->priority = (int16_t)cur_u16le(c);
}

int windivert_address_read(struct windivert_address *a, const void *bytes, size_t length)
{
	struct cursor c;

	memset(a, 0, sizeof *a);
	cur_init(&c, bytes, length);
	if (length < WINDIVERT_ADDRESS_BYTES)
		return WEIR_ERR_FORMAT;
	a->ticks = (int64_t)cur_u64le(&c);
	a->layer = cur_u8(&c);
	a->event = cur_u8(&c);
	read_bits(a, cur_u8(&c));
	cur_skip(&c, 5);
	if (!is_event_of(a->layer, a->event))
		return WEIR_ERR_FORMAT;
	if (a->layer == WINDIVERT_REFLECT) {
		read_reflect(&c, a);
	} else if (a->layer >= WINDIVERT_FLOW) {
		read_flow(&c, a);
	} else {
		a->if_idx = cur_u32le(&c);
		a->sub_if_idx = cur_u32le(&c);
	}
	return c.is_bad ? WEIR_ERR_FORMAT : 0;
}

static uint8_t write_bits(const struct windivert_address *a)
{
	unsigned bits = 0;

	bits |= a->is_sniffed ? BIT_SNIFFED : 0;
	bits |= a->is_outbound ? BIT_OUTBOUND : 0;
	bits |= a->is_loopback ? BIT_LOOPBACK : 0;
	bits |= a->is_impostor ? BIT_IMPOSTOR : 0;
	bits |= a->is_ipv6 ? BIT_IPV6 : 0;
	bits |= a->has_ip_checksum ? BIT_IP_CHECKSUM : 0;
	bits |= a->has_tcp_checksum ? BIT_TCP_CHECKSUM : 0;
	bits |= a->has_udp_checksum ? BIT_UDP_CHECKSUM : 0;
	return (uint8_t)bits;
}

static uint8_t *write_ip(uint8_t *p, const uint8_t address[16])
{
	for (unsigned i = 4; i-- > 0;)
		p = put_u32le(p, get_u32be(address + 4 * (size_t)i));
	return p;
}

static void write_flow(uint8_t *p, const struct windivert_address *a)
{
	p = put_u64le(p, a->endpoint_id);
	p = put_u64le(p, a->parent_endpoint);
	p = put_u32le(p, a->process_id);
	p = write_ip(p, a->local_address);
	p = write_ip(p, a->remote_address);
	p = put_u16le(p, a->local_port);
	p = put_u16le(p, a->remote_port);
	*p = a->protocol;
}

static void write_reflect(uint8_t *p, const struct windivert_address *a)
{
	p = put_u64le(p, (uint64_t)a->opened_ticks);
	p = put_u32le(p, a->process_id);
	p = put_u32le(p, a->opened_layer);
	p = put_u64le(p, a->opened_flags);
	(void)put_u16le(p, (uint16_t)a->priority);
}

void windivert_address_write(const struct windivert_address *a,
			     uint8_t bytes[WINDIVERT_ADDRESS_BYTES])
{
	uint8_t *p = bytes + UNION_AT;

	memset(bytes, 0, WINDIVERT_ADDRESS_BYTES);
	(void)put_u64le(bytes, (uint64_t)a->ticks);
	bytes[8] = a->layer;
	bytes[9] = a->event;
	bytes[10] = write_bits(a);
	if (a->layer == WINDIVERT_REFLECT)
		write_reflect(p, a);
	else if (a->layer == WINDIVERT_FLOW || a->layer == WINDIVERT_SOCKET)
		write_flow(p, a);
	else
		(void)put_u32le(put_u32le(p, a->if_idx), a->sub_if_idx);
}

const char *windivert_layer_name(unsigned layer)
{
	static const char *const names[WINDIVERT_LAYERS] = { "network", "forward", "flow",
							     "socket", "reflect" };

	return layer < WINDIVERT_LAYERS ? names[layer] : NULL;
}
