#include "store/pcapng.h"

#include "base/bytes.h"

enum {
	SHB_HARDWARE = 2,
	SHB_OS = 3,
	SHB_APPLICATION = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_IPV4 = 4,
	IF_IPV6 = 5,
	IF_MAC = 6,
	IF_SPEED = 8,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	IF_OS = 12,
	IF_HARDWARE = 15,
	ISB_START = 2,
	ISB_END = 3,
	ISB_RECEIVED = 4,
	ISB_DROPPED = 5,
	TEXT_MAX = 255 /* of one option: what keeps a block within its stated maximum */
};

static uint8_t *put_option(uint8_t *p, uint16_t code, const void *value, size_t length)
{
	p = put_u16le(put_u16le(p, code), (uint16_t)length);
	memcpy(p, value, length);
	p += length;
	for (; length & 3; length++)
		*p++ = 0;
	return p;
}

static uint8_t *put_text(uint8_t *p, uint16_t code, const char *text)
{
	if (!text || !*text)
		return p;
	return put_option(p, code, text, strnlen(text, TEXT_MAX));
}

/* End of options, total length in front and behind. */
static size_t finish(uint8_t *block, uint8_t *p, uint32_t type)
{
	uint32_t total;

	p = put_u32le(p, 0);
	total = (uint32_t)(p + 4 - block);
	(void)put_u32le(p, total);
	(void)put_u32le(put_u32le(block, type), total);
	return total;
}

size_t pcapng_put_section(uint8_t out[PCAPNG_SECTION_MAX], const struct pcapng_section *s)
{
	uint8_t *p = out + 8;

	p = put_u32le(p, 0x1A2B3C4D);
	p = put_u16le(put_u16le(p, 1), 0);
	p = put_u64le(p, UINT64_MAX); /* the section's length: not known */
	p = put_text(p, SHB_HARDWARE, s->hardware);
	p = put_text(p, SHB_OS, s->os);
	p = put_text(p, SHB_APPLICATION, s->application);
	return finish(out, p, PCAPNG_SHB);
}

static uint8_t *put_address(uint8_t *p, const struct iface_addr *a)
{
	unsigned bits = a->prefix < 32 ? a->prefix : 32;
	uint8_t value[17];

	if (a->family == 4) {
		memcpy(value, a->bytes, 4);
		(void)put_u32be(value + 4, (uint32_t) ~(UINT64_C(0xFFFFFFFF) >> bits));
		return put_option(p, IF_IPV4, value, 8);
	}
	memcpy(value, a->bytes, 16);
	value[16] = a->prefix;
	return put_option(p, IF_IPV6, value, 17);
}

/* The filter option's first byte says what kind of filter: 0 is text. */
static uint8_t *put_filter(uint8_t *p, const char *text)
{
	uint8_t value[1 + TEXT_MAX] = { 0 };
	size_t length = strnlen(text, TEXT_MAX);

	memcpy(value + 1, text, length);
	return length ? put_option(p, IF_FILTER, value, 1 + length) : p;
}

size_t pcapng_put_interface(uint8_t out[PCAPNG_INTERFACE_MAX],
			    const struct iface_info *info)
{
	static const uint8_t nanoseconds = 9;
	uint8_t *p = out + 8, speed[8];

	p = put_u16le(put_u16le(p, info->linktype), 0);
	p = put_u32le(p, info->snaplen);
	p = put_text(p, IF_NAME, info->name);
	p = put_text(p, IF_DESCRIPTION, info->description);
	for (unsigned i = 0; i < info->addr_count; i++)
		p = put_address(p, &info->addrs[i]);
	if (info->has_mac)
		p = put_option(p, IF_MAC, info->mac, sizeof info->mac);
	if (info->speed_bps) {
		(void)put_u64le(speed, info->speed_bps);
		p = put_option(p, IF_SPEED, speed, sizeof speed);
	}
	p = put_option(p, IF_TSRESOL, &nanoseconds, 1);
	p = put_filter(p, info->filter);
	p = put_text(p, IF_OS, info->os);
	p = put_text(p, IF_HARDWARE, info->hardware);
	return finish(out, p, PCAPNG_IDB);
}

static uint8_t *put_words(uint8_t *p, uint64_t v)
{
	return put_u32le(put_u32le(p, (uint32_t)(v >> 32)), (uint32_t)v);
}

static uint8_t *put_stats_option(uint8_t *p, uint16_t code)
{
	return put_u16le(put_u16le(p, code), 8);
}

size_t pcapng_put_stats(uint8_t out[PCAPNG_STATS_MAX], const struct pcapng_stats *stats)
{
	uint8_t *p = put_u32le(out + 8, stats->iface_id);

	p = put_words(p, (uint64_t)stats->ns);
	p = put_words(put_stats_option(p, ISB_START), (uint64_t)stats->start_ns);
	p = put_words(put_stats_option(p, ISB_END), (uint64_t)stats->end_ns);
	p = put_u64le(put_stats_option(p, ISB_RECEIVED), stats->received);
	if (stats->has_dropped)
		p = put_u64le(put_stats_option(p, ISB_DROPPED), stats->dropped);
	return finish(out, p, PCAPNG_ISB);
}
