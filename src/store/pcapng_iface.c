#include "store/pcapng_iface.h"

enum {
	OPT_NAME = 2,
	OPT_DESCRIPTION = 3,
	OPT_IPV4 = 4,
	OPT_IPV6 = 5,
	OPT_MAC = 6,
	OPT_SPEED = 8,
	OPT_TSRESOL = 9,
	OPT_FILTER = 11,
	OPT_OS = 12,
	OPT_TSOFFSET = 14,
	OPT_HARDWARE = 15,
};

/* Bytes each option must have; 0: any number. */
static uint16_t length_of(uint16_t code)
{
	switch (code) {
	case OPT_IPV4:
	case OPT_SPEED:
	case OPT_TSOFFSET:
		return 8;
	case OPT_IPV6:
		return 17;
	case OPT_MAC:
		return 6;
	case OPT_TSRESOL:
		return 1;
	default:
		return 0;
	}
}

/* Up to the first NUL, and zero behind it: entries are compared byte by byte. */
static void take_text(char *to, size_t room, const uint8_t *from, size_t length)
{
	size_t n = length < room - 1 ? length : room - 1;

	memset(to, 0, room);
	for (size_t i = 0; i < n && from[i]; i++)
		to[i] = (char)from[i];
}

static void take_address(struct iface_info *info, const struct pcapng_option *o)
{
	bool is_v4 = o->code == OPT_IPV4;
	struct iface_addr *a;

	if (info->addr_count == IFACE_ADDRS)
		return;
	a = &info->addrs[info->addr_count++];
	a->family = is_v4 ? 4 : 6;
	memcpy(a->bytes, o->value, is_v4 ? 4 : 16);
	if (!is_v4)
		a->prefix = o->value[16];
	for (unsigned bit = 0; is_v4 && bit < 32; bit++)
		a->prefix = (uint8_t)(a->prefix + (get_u32be(o->value + 4) >> bit & 1));
}

static void take_option(const struct pcapng_block *b, const struct pcapng_option *o,
			struct iface_info *info, struct pcapng_clock *clock)
{
	struct cursor c;

	cur_init(&c, o->value, o->length);
	if (o->code == OPT_NAME) {
		take_text(info->name, sizeof info->name, o->value, o->length);
	} else if (o->code == OPT_DESCRIPTION) {
		take_text(info->description, sizeof info->description, o->value,
			  o->length);
	} else if (o->code == OPT_OS) {
		take_text(info->os, sizeof info->os, o->value, o->length);
	} else if (o->code == OPT_HARDWARE) {
		take_text(info->hardware, sizeof info->hardware, o->value, o->length);
	} else if (o->code == OPT_FILTER && o->length && !o->value[0]) {
		take_text(info->filter, sizeof info->filter, o->value + 1,
			  o->length - 1u);
	} else if (o->code == OPT_IPV4 || o->code == OPT_IPV6) {
		take_address(info, o);
	} else if (o->code == OPT_MAC) {
		memcpy(info->mac, o->value, sizeof info->mac);
		info->has_mac = true;
	} else if (o->code == OPT_SPEED) {
		info->speed_bps = cur_u64(&c, b->is_big);
	} else if (o->code == OPT_TSRESOL) {
		clock->resolution = cur_u8(&c);
	} else if (o->code == OPT_TSOFFSET) {
		clock->offset_s = (int64_t)cur_u64(&c, b->is_big);
	}
}

int pcapng_iface_read(const struct pcapng_block *b, struct iface_info *info,
		      struct pcapng_clock *clock, struct weir_error *err)
{
	struct pcapng_option o;
	struct cursor c;
	int rc;

	memset(info, 0, sizeof *info);
	*clock = (struct pcapng_clock){ .resolution = 6 };
	pcapng_body(b, &c);
	info->linktype = cur_u16(&c, b->is_big);
	if (info->linktype == LINKTYPE_RAW_LIBPCAP)
		info->linktype = LINKTYPE_RAW;
	cur_skip(&c, 2);
	info->snaplen = cur_u32(&c, b->is_big);
	if (c.is_bad)
		return err_set(
			err, WEIR_ERR_FORMAT,
			"at offset %llu: interface block of %u bytes has less than 20",
			(unsigned long long)b->offset, b->length);
	while ((rc = pcapng_option(&c, b, &o, err)) > 0) {
		uint16_t want = length_of(o.code);

		rc = want ? pcapng_option_length(b, &o, want, err) : 0;
		if (rc)
			return rc;
		take_option(b, &o, info, clock);
	}
	return rc;
}
