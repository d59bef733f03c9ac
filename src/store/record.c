#include "store/record.h"

#include "base/bytes.h"
#include "base/compiler.h"

enum {
	EPB = 6,
	OPT_END = 0,
	OPT_FLAGS = 2,
	OPT_DROPS = 4,
	OPT_ID = 5,
	OPT_QUEUE = 6
};

static uint8_t *put_option(uint8_t *p, uint16_t code, uint16_t length)
{
	return put_u16le(put_u16le(p, code), length);
}

size_t record_finish(uint8_t *record, const struct record_meta *meta)
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
	p = put_option(p, OPT_END, 0);
	total = (uint32_t)(p + 4 - record);
	(void)put_u32le(p, total);
	p = put_u32le(put_u32le(record, EPB), total);
	p = put_u32le(p, meta->iface_id);
	p = put_u32le(put_u32le(p, (uint32_t)(ns >> 32)), (uint32_t)ns);
	(void)put_u32le(put_u32le(p, meta->caplen), meta->len);
	return total;
}
