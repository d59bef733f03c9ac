#include "store/piece.h"

#include "base/bytes.h"
#include "store/pcapng.h"
#include "store/record.h"

#include <assert.h>

void block_read(struct block *b, const uint8_t *data)
{
	*b = (struct block){ .type = get_u32le(data), .length = get_u32le(data + 4) };
	b->is_record = b->type == PCAPNG_EPB;
	assert(b->length >= 12 && !(b->length & 3));
	if (!b->is_record)
		return;
	b->iface_id = get_u32le(data + 8);
	b->ns = (int64_t)((uint64_t)get_u32le(data + 12) << 32 | get_u32le(data + 16));
	b->caplen = get_u32le(data + 20);
	b->wire_length = get_u32le(data + 24);
}

bool block_is_late(const struct block *b, int64_t until_ns)
{
	return b->is_record && until_ns != INT64_MAX && b->ns >= until_ns;
}

static void add(struct piece *p, const struct block *b)
{
	p->length += b->length;
	if (!b->is_record)
		return;
	if (!p->packets)
		p->first_ns = p->last_ns = b->ns;
	if (b->ns < p->last_ns)
		p->is_sorted = false;
	if (b->ns < p->first_ns)
		p->first_ns = b->ns;
	if (b->ns > p->last_ns)
		p->last_ns = b->ns;
	p->packets++;
	p->bytes += b->caplen;
	p->wire_bytes += b->wire_length;
}

void piece_cut(struct piece *p, const uint8_t *data, size_t length,
	       const struct piece_limits *limits)
{
	uint64_t cost = 0;
	struct block b;

	*p = (struct piece){ .data = data, .is_sorted = true };
	while (length - p->length >= 12) {
		bool is_free = limits->is_one_allowed && !p->packets;

		block_read(&b, data + p->length);
		cost += (uint64_t)b.length + limits->extra;
		if (b.length > length - p->length || (cost > limits->room && !is_free) ||
		    block_is_late(&b, limits->until_ns))
			return;
		add(p, &b);
	}
}

void piece_scan(struct piece *p, const uint8_t *data, size_t length)
{
	static const struct piece_limits none = { .room = UINT64_MAX,
						  .until_ns = INT64_MAX };

	piece_cut(p, data, length, &none);
}

void piece_of_span(struct piece *p, const struct span *span)
{
	*p = (struct piece){
		.data = span_records(span),
		.length = span->length,
		.packets = span->packets,
		.bytes = span->bytes,
		.wire_bytes = span->wire_bytes,
		.first_ns = span->first_ns,
		.last_ns = span->last_ns,
		.is_sorted = span->is_sorted,
	};
}

void piece_count(const struct piece *p, uint64_t *counts, unsigned count)
{
	struct block b;

	for (size_t at = 0; at < p->length; at += b.length) {
		block_read(&b, p->data + at);
		if (b.is_record && b.iface_id < count)
			counts[b.iface_id]++;
	}
}
