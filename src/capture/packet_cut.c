#include "capture/packet_cut.h"

#include "base/cursor.h"

#define IPV4_LEAST     20
#define IPV6_HEADER    40
#define HOP_BY_HOP     0
#define NO_NEXT        59
#define OPTION_PAD1    0
#define OPTION_JUMBO   0xc2 /* RFC 2675 */
#define JUMBO_LEAST    65536
#define IPV6_NEXT_AT   6
#define IPV6_LENGTH_AT 4

/* The payload's length in the hop-by-hop header of a jumbogram; 0: it is none. */
static uint64_t jumbo_length(const uint8_t *bytes, uint32_t left)
{
	struct cursor c, options;

	cur_init(&c, bytes, left);
	cur_skip(&c, IPV6_HEADER + 1);
	{
		size_t body = (size_t)cur_u8(&c) * 8 + 6;
		const uint8_t *at = cur_bytes(&c, body);

		if (!at)
			return 0;
		cur_init(&options, at, body);
	}
	while (cur_left(&options)) {
		uint8_t type = cur_u8(&options), length;

		if (type == OPTION_PAD1)
			continue;
		length = cur_u8(&options);
		if (type == OPTION_JUMBO && length == 4) {
			uint32_t stated = cur_u32be(&options);

			return !options.is_bad && stated >= JUMBO_LEAST ? stated : 0;
		}
		cur_skip(&options, length);
	}
	return 0;
}

static uint64_t length_of_ipv6(const uint8_t *bytes, uint32_t left)
{
	uint64_t payload;

	if (left < IPV6_HEADER)
		return 0;
	payload = get_u16be(bytes + IPV6_LENGTH_AT);
	if (payload)
		return IPV6_HEADER + payload;
	if (bytes[IPV6_NEXT_AT] == NO_NEXT)
		return IPV6_HEADER;
	if (bytes[IPV6_NEXT_AT] == HOP_BY_HOP)
		payload = jumbo_length(bytes, left);
	return payload ? IPV6_HEADER + payload : 0;
}

uint64_t packet_stated_length(const uint8_t *bytes, uint32_t left)
{
	uint32_t length;

	if (!left)
		return 0;
	if (bytes[0] >> 4 == 6)
		return length_of_ipv6(bytes, left);
	if (bytes[0] >> 4 != 4 || left < IPV4_LEAST)
		return 0;
	length = get_u16be(bytes + 2);
	return length < (bytes[0] & 15U) * 4 || length < IPV4_LEAST ? 0 : length;
}

void packet_cut_init(struct packet_cut *c, const uint8_t *bytes, uint32_t length,
		     unsigned count)
{
	*c = (struct packet_cut){ .bytes = bytes, .left = length, .count = count };
}

bool packet_cut_next(struct packet_cut *c, struct packet_piece *piece)
{
	uint64_t length = c->left;
	unsigned count = c->count - c->index;

	/* Addresses without bytes: nothing is left that could be theirs. */
	if (!c->left) {
		c->uncut += count;
		c->index = c->count;
		return false;
	}
	if (count > 1) {
		length = packet_stated_length(c->bytes, c->left);
		if (length && length <= c->left)
			count = 1;
		else
			length = c->left;
	}
	*piece = (struct packet_piece){ .bytes = c->bytes,
					.length = (uint32_t)length,
					.index = c->index,
					.count = count };
	c->uncut += count > 1 ? count - 1 : 0;
	c->bytes += length;
	c->left -= (uint32_t)length;
	c->index += count;
	return true;
}
