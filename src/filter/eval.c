/* The evaluator: walks the steps from the entry on.  Every target is a later step, so it ends. */
#include "base/bytes.h"
#include "base/compiler.h"
#include "filter/program.h"

static bool load_item(const struct step *s, const struct view *v, uint64_t *value)
{
	const uint8_t *from = s->is_payload ? v->payload : v->packet;
	int64_t length = s->is_payload ? v->payload_length : v->length;
	int64_t at = s->index < 0 ? length + s->index : s->index;

	if (at < 0 || at + s->size > length)
		return false;
	from += at;
	*value = s->size == 1 ? *from : s->size == 2 ? get_u16be(from) : get_u32be(from);
	return true;
}

static uint64_t number_of_text(const struct strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++)
		if (!strcmp(strings->items[i], text))
			return i;
	return UINT32_MAX;
}

/* The loads that are no plain read of a header; false: absent. */
static bool load_other(const struct program *p, const struct step *s,
		       const struct view *v, uint64_t *value)
{
	const char *text;

	switch ((enum step_load)s->load) {
	case LOAD_ITEM:
		return load_item(s, v, value);
	case LOAD_TEXT:
		text = s->field->read_text(v);
		if (!text)
			return false;
		*value = number_of_text(p->strings, text);
		return true;
	case LOAD_READ:
		if (s->field->is_known && !s->field->is_known(v))
			return false;
		*value = s->field->read(v);
		if (s->is_flipped)
			*value ^= UINT64_C(1) << 63;
		return true;
	case LOAD_HAS:
	case LOAD_8:
	case LOAD_16:
	case LOAD_32:
	case LOAD_WIDE:
	case LOAD_WIDE_READ:
	default:
		return false;
	}
}

static bool in_list(const struct step *s, u128 key)
{
	return set_has(&(struct set){ s->table, s->count }, key);
}

static enum outcome match_wide(const struct step *s, const struct view *v,
			       const uint8_t *header)
{
	u128 key = s->load == LOAD_WIDE ? view_wide(header + s->offset)
					: s->field->read_wide(v);

	return in_list(s, key) ? OUTCOME_IN : OUTCOME_OUT;
}

static enum outcome match(const struct step *s, uint64_t value)
{
	bool is_in;

	switch ((enum step_match)s->match) {
	case MATCH_RANGE:
		is_in = value - s->low <= s->span;
		break;
	case MATCH_BITMAP:
		is_in = ((const uint64_t *)s->table)[value >> 6] >> (value & 63) & 1;
		break;
	case MATCH_LIST:
	case MATCH_WIDE:
	default:
		is_in = in_list(s, s->is_flipped ? value : s->field->bias + value);
		break;
	}
	return is_in ? OUTCOME_IN : OUTCOME_OUT;
}

static enum outcome run_step(const struct program *p, const struct step *s,
			     const struct view *v)
{
	const uint8_t *header = v->header[s->header];
	uint64_t value;

	if (s->load == LOAD_HAS)
		return match(s, header != NULL);
	if (s->header && !header)
		return OUTCOME_ABSENT;
	switch ((enum step_load)s->load) {
	case LOAD_8:
		value = header[s->offset];
		break;
	case LOAD_16:
		value = get_u16be(header + s->offset);
		break;
	case LOAD_32:
		value = get_u32be(header + s->offset);
		break;
	case LOAD_WIDE:
	case LOAD_WIDE_READ:
		return match_wide(s, v, header);
	case LOAD_HAS:
	case LOAD_READ:
	case LOAD_ITEM:
	case LOAD_TEXT:
	default:
		if (!load_other(p, s, v, &value))
			return OUTCOME_ABSENT;
		return match(s, value);
	}
	return match(s, value >> s->shift & s->mask);
}

int program_run(const struct program *p, const struct view *v)
{
	int32_t at = p->entry;

	while (at >= 0)
		at = p->steps[at].next[run_step(p, &p->steps[at], v)];
	return at == TARGET_ACCEPT ? 1 : at == TARGET_REJECT ? 0 : WEIR_ERR_FORMAT;
}
