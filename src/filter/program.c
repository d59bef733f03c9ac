#include "filter/program.h"

#include "base/compiler.h"

#define BITMAP_WORDS  1024 /* of 64 bits: all 16-bit values */
#define BITMAP_RANGES 2    /* from so many ranges on a bitmap is faster than a search */

static enum step_op op_of(const struct field *f, bool is_record)
{
	switch ((enum field_source)f->source) {
	case SOURCE_HEADER:
		if (f->size == 16)
			return STEP_WIDE;
		return f->size == 4 ? STEP_32 : f->size == 2 ? STEP_16 : STEP_8;
	case SOURCE_HAS:
		return is_record ? STEP_READ : STEP_HAS;
	case SOURCE_PACKET:
	case SOURCE_PAYLOAD:
		return STEP_ITEM;
	case SOURCE_READ:
	default:
		if (f->read_text)
			return STEP_TEXT;
		return f->read_wide ? STEP_WIDE_READ : STEP_READ;
	}
}

static const uint64_t *make_bitmap(const struct set *s, struct pool *pool)
{
	uint64_t *bits = pool_new(pool, BITMAP_WORDS, sizeof *bits);

	for (size_t i = 0; bits && i < s->count; i++)
		for (uint64_t k = wide_low(s->ranges[i].low);
		     k <= wide_low(s->ranges[i].high); k++)
			bits[k >> 6] |= UINT64_C(1) << (k & 63);
	return bits;
}

static bool set_match(struct step *s, const struct test *t, struct pool *pool)
{
	const struct range *r = t->set.ranges;

	s->match = MATCH_LIST;
	s->count = (uint32_t)t->set.count;
	s->table = r;
	if (s->op == STEP_WIDE || s->op == STEP_WIDE_READ)
		return true;
	if (s->count == 1) {
		s->match = MATCH_RANGE;
		s->low = wide_low(r->low - (t->field->is_signed ? 0 : t->field->bias));
		s->span = wide_low(r->high - r->low);
	} else if (t->field->bits == 16 && s->count >= BITMAP_RANGES) {
		s->match = MATCH_BITMAP;
		s->table = make_bitmap(&t->set, pool);
	}
	return s->table || !s->count;
}

/* The usual kinds have an operation of their own. */
static void specialise(struct step *s)
{
	if (s->field->read == view_outbound && s->match == MATCH_RANGE)
		s->op = STEP_OUTBOUND;
	if (s->op != STEP_16 || s->shift || s->mask != UINT16_MAX)
		return;
	if (s->match == MATCH_RANGE)
		s->op = STEP_16_RANGE;
	else if (s->match == MATCH_BITMAP)
		s->op = STEP_16_BITMAP;
}

/* Known without a look at the packet. */
static bool is_beside(const struct field *f)
{
	static uint64_t (*const readers[])(const struct view *v) = {
		view_outbound,  view_loopback,   view_impostor,   view_if_idx, view_event,
		view_timestamp, view_process_id, view_sub_if_idx, view_time,
	};

	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (f->read == readers[i])
			return true;
	return f->read_text != NULL;
}

static bool make_step(struct step *s, const struct vertex *v, const struct graph *g,
		      struct pool *pool)
{
	const struct field *f = v->test.field;

	s->op = (uint8_t)op_of(f, g->layer > FILTER_FORWARD);
	s->needs = HEADER_BIT(s->op == STEP_HAS ? f->has : f->needs);
	s->is_transport = f->needs > HEADER_IPV6;
	s->is_beside = is_beside(f);
	s->shift = f->shift;
	s->size = f->size;
	s->is_payload = f->source == SOURCE_PAYLOAD;
	s->is_flipped = f->is_signed;
	s->offset = f->offset;
	s->index = v->test.index;
	s->mask = wide_low(wide_of_bits(f->bits < 64 ? f->bits : 64));
	s->field = f;
	memcpy(s->next, v->next, sizeof s->next);
	if (!set_match(s, &v->test, pool))
		return false;
	specialise(s);
	return true;
}

bool program_of_graph(struct program *p, const struct graph *g,
		      const struct strings *strings, struct pool *pool)
{
	struct step *steps = pool_new(pool, g->count, sizeof *steps);

	if (!steps)
		return false;
	for (size_t i = 0; i < g->count; i++)
		if (!make_step(&steps[i], &g->vertices[i], g, pool))
			return false;
	p->steps = steps;
	p->entry = g->entry;
	p->layer = g->layer;
	p->strings = strings;
	return true;
}
