#include "store/record.h"

#include "base/bytes.h"
#include "base/compiler.h"

enum {
	EPB = 6,
	OPT_END = 0,
	OPT_FLAGS = 2,
	OPT_DROPS = 4,
	OPT_ID = 5,
	OPT_QUEUE = 6,
	OPT_PROCESS = 8,
	OWNER_BYTES = 12 + 16 /* of the two options that tell an owner */
};

static uint8_t *put_option(uint8_t *p, uint16_t code, uint16_t length)
{
	return put_u16le(put_u16le(p, code), length);
}

static uint8_t *put_owner(uint8_t *p, const struct record_owner *o)
{
	if (o->certainty != OWNER_UNKNOWN)
		p = put_u32le(put_u32le(put_option(p, OPT_PROCESS, 8), o->pid), o->tid);
	p = put_option(p, RECORD_OPT_OWNER, 12);
	*p++ = o->method;
	*p++ = o->certainty;
	*p++ = 0;
	*p++ = 0;
	return put_u64le(p, o->start_ns);
}

size_t record_length(const struct record_meta *meta)
{
	size_t n = RECORD_DATA + ALIGN_UP((size_t)meta->caplen, (size_t)4) + 8;

	if (!meta->lacks_flags)
		n += 8;
	if (meta->id)
		n += 12;
	if (meta->drops)
		n += 12;
	if (meta->has_queue)
		n += 8;
	if (meta->has_owner)
		n += meta->owner.certainty != OWNER_UNKNOWN ? 12 + 16 : 16;
	return n;
}

static uint8_t *put_fill(uint8_t *p, size_t fill)
{
	if (!fill)
		return p;
	p = put_option(p, RECORD_OPT_FILL, (uint16_t)(fill - 4));
	memset(p, 0, fill - 4);
	return p + fill - 4;
}

size_t record_finish(uint8_t *record, const struct record_meta *meta)
{
	return record_finish_filled(record, meta, 0);
}

size_t record_finish_filled(uint8_t *record, const struct record_meta *meta, size_t fill)
{
	uint8_t *data = record + RECORD_DATA, *p = data + meta->caplen;
	uint64_t ns = (uint64_t)meta->ns;
	uint32_t total;

	while ((p - data) & 3)
		*p++ = 0;
	if (!meta->lacks_flags)
		p = put_u32le(put_option(p, OPT_FLAGS, 4), meta->flags);
	if (meta->id)
		p = put_u64le(put_option(p, OPT_ID, 8), meta->id);
	if (meta->drops)
		p = put_u64le(put_option(p, OPT_DROPS, 8), meta->drops);
	if (meta->has_queue)
		p = put_u32le(put_option(p, OPT_QUEUE, 4), meta->queue);
	if (meta->has_owner)
		p = put_owner(p, &meta->owner);
	p = put_option(put_fill(p, fill), OPT_END, 0);
	total = (uint32_t)(p + 4 - record);
	(void)put_u32le(p, total);
	p = put_u32le(put_u32le(record, EPB), total);
	p = put_u32le(p, meta->iface_id);
	p = put_u32le(put_u32le(p, (uint32_t)(ns >> 32)), (uint32_t)ns);
	(void)put_u32le(put_u32le(p, meta->caplen), meta->len);
	return total;
}

size_t record_cut(uint8_t *record, uint32_t caplen)
{
	uint32_t total = get_u32le(record + 4), before = get_u32le(record + 20);
	uint8_t *data = record + RECORD_DATA, *to = data + caplen;
	const uint8_t *options = data + ALIGN_UP(before, 4U), *end = record + total;

	if (caplen >= before)
		return total;
	while ((to - data) & 3)
		*to++ = 0;
	memmove(to, options, (size_t)(end - options));
	total -= (uint32_t)(options - to);
	(void)put_u32le(record + 4, total);
	(void)put_u32le(record + 20, caplen);
	(void)put_u32le(record + total - 4, total);
	return total;
}

size_t record_set_owner(uint8_t *record, const struct record_owner *owner)
{
	/* At its end: both options, the end of options, the length again. */
	uint8_t *p = record + get_u32le(record + 4) - OWNER_BYTES - 8;
	uint32_t total;

	p = put_option(put_owner(p, owner), OPT_END, 0);
	total = (uint32_t)(p + 4 - record);
	(void)put_u32le(p, total);
	(void)put_u32le(record + 4, total);
	return total;
}
