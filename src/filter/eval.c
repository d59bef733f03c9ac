/* The evaluator: walks the steps from the entry on.  Every target is a later step, so it ends. */
#include "base/bytes.h"
#include "base/compiler.h"
#include "filter/program.h"

static bool load_item(const struct step *s, const struct view *v, uint64_t *value)
{
	int64_t begin = s->is_payload ? v->payload : 0;
	int64_t length = s->is_payload ? v->payload_length : v->wire_length;
	int64_t at = s->index < 0 ? length + s->index : s->index;
	const uint8_t *from;

	if (at < 0 || at + s->size > length || begin + at + s->size > v->length)
		return false;
	from = v->packet + begin + at;
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

static bool load_text(const struct program *p, const struct step *s, const struct view *v,
		      uint64_t *value)
{
	const char *text = s->field->read_text(v);

	if (text)
		*value = number_of_text(p->strings, text);
	return text != NULL;
}

static bool load_read(const struct step *s, const struct view *v, uint64_t *value)
{
	if (s->field->is_known && !s->field->is_known(v))
		return false;
	*value = s->field->read(v);
	if (s->is_flipped)
		*value ^= UINT64_C(1) << 63;
	return true;
}

static bool in_list(const struct step *s, u128 key)
{
	return set_has(&(struct set){ s->table, s->count }, key);
}

static bool in_bitmap(const struct step *s, uint64_t value)
{
	return ((const uint64_t *)s->table)[value >> 6] >> (value & 63) & 1;
}

static bool matches(const struct step *s, uint64_t value)
{
	switch ((enum step_match)s->match) {
	case MATCH_RANGE:
		return value - s->low <= s->span;
	case MATCH_BITMAP:
		return in_bitmap(s, value);
	case MATCH_LIST:
	default:
		return in_list(s, s->is_flipped ? value : s->field->bias + value);
	}
}

/* What is not worth an operation of its own in the loop. */
/* Where a step looks into the packet.  An address record has none, and no step that looks. */
static inline const uint8_t *place(const struct step *s, const struct view *v)
{
	return v->packet + (s->is_transport ? v->transport : 0) + s->offset;
}

static enum outcome run_other(const struct program *p, const struct step *s,
			      const struct view *v)
{
	uint64_t value = 0;
	bool is_there = true;

	switch ((enum step_op)s->op) {
	case STEP_WIDE:
		return in_list(s, view_wide(place(s, v))) ? OUTCOME_IN : OUTCOME_OUT;
	case STEP_WIDE_READ:
		return in_list(s, s->field->read_wide(v)) ? OUTCOME_IN : OUTCOME_OUT;
	case STEP_ITEM:
		is_there = load_item(s, v, &value);
		break;
	case STEP_TEXT:
		is_there = load_text(p, s, v, &value);
		break;
	case STEP_READ:
		is_there = load_read(s, v, &value);
		break;
	case STEP_16:
		value = (uint64_t)get_u16be(place(s, v)) >> s->shift & s->mask;
		break;
	case STEP_OUTBOUND:
		value = v->in->address.is_outbound;
		break;
	case STEP_8:
	case STEP_32:
	case STEP_HAS:
	case STEP_16_RANGE:
	case STEP_16_BITMAP:
	default:
		return OUTCOME_ABSENT;
	}
	if (!is_there)
		return OUTCOME_ABSENT;
	return matches(s, value) ? OUTCOME_IN : OUTCOME_OUT;
}

static inline enum outcome run_step(const struct program *p, const struct step *s,
				    const struct view *v)
{
	bool is_there = (v->present & s->needs) != 0, is_in;

	if (s->op == STEP_HAS)
		return matches(s, is_there) ? OUTCOME_IN : OUTCOME_OUT;
	if (!is_there)
		return OUTCOME_ABSENT;
	switch ((enum step_op)s->op) {
	case STEP_16_RANGE:
		is_in = get_u16be(place(s, v)) - s->low <= s->span;
		break;
	case STEP_16_BITMAP:
		is_in = in_bitmap(s, get_u16be(place(s, v)));
		break;
	case STEP_8:
		is_in = matches(s, (uint64_t)*place(s, v) >> s->shift & s->mask);
		break;
	case STEP_32:
		is_in = matches(s, get_u32be(place(s, v)));
		break;
	case STEP_OUTBOUND:
		is_in = v->in->address.is_outbound - s->low <= s->span;
		break;
	case STEP_HAS:
	case STEP_16:
	case STEP_READ:
	case STEP_ITEM:
	case STEP_WIDE:
	case STEP_WIDE_READ:
	case STEP_TEXT:
	default:
		return run_other(p, s, v);
	}
	return is_in ? OUTCOME_IN : OUTCOME_OUT;
}

int program_run(const struct program *p, const struct view *v, int32_t at)
{
	while (at >= 0)
		at = p->steps[at].next[run_step(p, &p->steps[at], v)];
	return at == TARGET_ACCEPT ? 1 : at == TARGET_REJECT ? 0 : WEIR_ERR_FORMAT;
}

int32_t program_run_beside(const struct program *p, const struct view *v)
{
	int32_t at = p->entry;

	while (at >= 0 && p->steps[at].is_beside) {
		const struct step *s = &p->steps[at];
		bool is_out = v->in->address.is_outbound;

		if (s->op == STEP_OUTBOUND)
			at = s->next[is_out - s->low <= s->span ? OUTCOME_IN
								: OUTCOME_OUT];
		else
			at = s->next[run_other(p, s, v)];
	}
	return at;
}
