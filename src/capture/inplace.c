#include "capture/inplace.h"

#include "base/compiler.h"

#include <string.h>

enum {
	LEAD_LEAST = 16, /* a block that is skipped, around the word that stays */
	FILL_MOST = 256, /* a larger gap is a block of its own */
	TIGHT = 8 /* frames at a full block's end: enough to move by a record's options */
};

void inplace_begin(struct inplace *b, struct span *span, uint32_t used, uint32_t count,
		   bool is_dense)
{
	*b = (struct inplace){ .span = span,
			       .left = count,
			       .is_dense = is_dense,
			       .is_full =
				       span->capacity - used < 2 * INPLACE_TAIL_OWNED };
	span_clear(span);
	span->lead = span->length = 0;
	span->iface_count = 0;
}

/* Options that find no room: what can be told later first, then what others can tell. */
static uint64_t shrink(struct record_meta *m, size_t room)
{
	uint64_t drops = m->drops;

	if (record_length(m) <= room)
		return 0;
	m->drops = 0;
	if (record_length(m) > room)
		m->has_owner = false;
	if (record_length(m) > room)
		m->id = 0;
	if (record_length(m) > room)
		m->lacks_flags = true;
	return drops;
}

/* Ends the last record before `limit`, which is where the next one begins if it may not move; returns
 * where it can begin. */
static uint8_t *finish(struct inplace *b, uint8_t *limit, bool is_fixed, uint64_t *drops)
{
	size_t room = (size_t)(limit - b->record), exact, gap;

	exact = record_length(&b->meta);
	if (UNLIKELY(exact > room)) {
		*drops = shrink(&b->meta, room);
		exact = record_length(&b->meta);
	}
	gap = is_fixed ? room - exact : 0;
	if (LIKELY(gap < FILL_MOST))
		return b->record + record_finish_filled(b->record, &b->meta, gap);
	pad_put(b->record + record_finish(b->record, &b->meta), gap);
	return limit;
}

/* Where the record of a packet begins that stays where it is, but for the alignment. */
static uint8_t *natural_start(const struct frame_parts *parts)
{
	uintptr_t data = (uintptr_t)parts->body - parts->head_length;

	return (uint8_t *)(data & ~(uintptr_t)3) - RECORD_DATA;
}

static void move(uint8_t *data, const struct frame_parts *parts)
{
	uint32_t head = parts->head_length;

	if (UNLIKELY(head > parts->caplen))
		head = parts->caplen;
	if (data + head != parts->body)
		memmove(data + head, parts->body, parts->caplen - head);
	if (head)
		memcpy(data, parts->head, head);
}

static void count(struct span *span, const struct record_meta *m)
{
	span->packets++;
	span->bytes += m->caplen;
	span->wire_bytes += m->len;
	span->is_sorted &= m->ns >= span->last_ns;
	if (m->ns < span->first_ns)
		span->first_ns = m->ns;
	if (m->ns > span->last_ns)
		span->last_ns = m->ns;
	if (m->iface_id >= span->iface_count)
		span->iface_count = m->iface_id + 1;
}

void inplace_skip(struct inplace *b)
{
	b->left--;
}

uint64_t inplace_put(struct inplace *b, const struct frame_parts *parts,
		     const struct record_meta *meta)
{
	uint8_t *start = natural_start(parts);
	uint64_t drops = 0;

	if (UNLIKELY(b->is_full && b->left <= TIGHT))
		b->is_dense = true;
	b->left--;
	if (b->record)
		start = finish(b, start, !b->is_dense, &drops);
	else if (b->is_dense)
		start = b->span->data + LEAD_LEAST;
	if (!b->record)
		b->span->lead = (uint32_t)(start - b->span->data);
	b->record = start;
	b->meta = *meta;
	b->meta.caplen = parts->caplen;
	b->meta.len = parts->len;
	move(start + RECORD_DATA, parts);
	count(b->span, &b->meta);
	return drops;
}

uint64_t inplace_end(struct inplace *b)
{
	struct span *span = b->span;
	uint8_t *end, *limit = span->data + span->capacity;
	uint64_t drops = 0;

	if (!b->record)
		return 0;
	end = finish(b, limit, false, &drops);
	/* Less than any block has, and not nothing: the record takes it. */
	if (end != limit && limit - end < SPAN_PAD_LEAST)
		end = finish(b, limit, true, &drops);
	span->length = (uint32_t)(end - span->data) - span->lead;
	return drops;
}
