#include "store/pcapng_option.h"

static unsigned long long place(const struct pcapng_block *b, const uint8_t *at)
{
	return b->offset + 8 + (uint64_t)(at - b->body);
}

int pcapng_option(struct cursor *c, const struct pcapng_block *b, struct pcapng_option *o,
		  struct weir_error *err)
{
	const uint8_t *start = c->at;
	size_t left = cur_left(c);

	if (!left)
		return 0;
	o->code = cur_u16(c, b->is_big);
	o->length = cur_u16(c, b->is_big);
	if (!c->is_bad && !o->code)
		return 0;
	o->value = cur_bytes(c, o->length);
	cur_skip(c, (4 - (o->length & 3u)) & 3u);
	if (c->is_bad)
		return err_set(
			err, WEIR_ERR_FORMAT,
			"at offset %llu: option %u of %u bytes does not fit the %zu "
			"bytes that the block has left",
			place(b, start), o->code, o->length, left);
	return 1;
}

int pcapng_option_length(const struct pcapng_block *b, const struct pcapng_option *o,
			 uint16_t want, struct weir_error *err)
{
	if (o->length == want)
		return 0;
	return err_set(err, WEIR_ERR_FORMAT,
		       "at offset %llu: option %u has %u bytes, not %u",
		       place(b, o->value) - 4, o->code, o->length, want);
}
