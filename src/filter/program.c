#include "filter/program.h"

#define BITMAP_WORDS  1024 /* of 64 bits: all 16-bit values */
#define BITMAP_RANGES 3    /* from so many ranges on a bitmap is faster than a search */

static enum step_load load_of(const struct field *f)
{
	switch ((enum field_source)f->source) {
	case SOURCE_HEADER:
		if (f->size == 16)
			return LOAD_WIDE;
		return f->size == 4 ? LOAD_32 : f->size == 2 ? LOAD_16 : LOAD_8;
	case SOURCE_HAS:
		return LOAD_HAS;
	case SOURCE_PACKET:
	case SOURCE_PAYLOAD:
		return LOAD_ITEM;
	case SOURCE_READ:
	default:
		if (f->read_text)
			return LOAD_TEXT;
		return f->read_wide ? LOAD_WIDE_READ : LOAD_READ;
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

	s->count = (uint32_t)t->set.count;
	s->table = r;
	if (s->load == LOAD_WIDE || s->load == LOAD_WIDE_READ) {
		s->match = MATCH_WIDE;
	} else if (s->count == 1) {
		s->match = MATCH_RANGE;
		s->low = wide_low(r->low - (t->field->is_signed ? 0 : t->field->bias));
		s->span = wide_low(r->high - r->low);
	} else if (t->field->bits == 16 && s->count >= BITMAP_RANGES) {
		s->match = MATCH_BITMAP;
		s->table = make_bitmap(&t->set, pool);
	} else {
		s->match = MATCH_LIST;
	}
	return s->table || !s->count;
}

static bool make_step(struct step *s, const struct vertex *v, const struct graph *g,
		      struct pool *pool)
{
	const struct field *f = v->test.field;

	s->load = (uint8_t)load_of(f);
	if (s->load == LOAD_HAS && g->layer > FILTER_FORWARD)
		s->load = LOAD_READ;
	s->header = s->load == LOAD_HAS ? f->has : f->needs;
	s->shift = f->shift;
	s->size = f->size;
	s->is_payload = f->source == SOURCE_PAYLOAD;
	s->is_flipped = f->is_signed;
	s->offset = f->offset;
	s->index = v->test.index;
	s->mask = wide_low(wide_of_bits(f->bits < 64 ? f->bits : 64));
	s->field = f;
	memcpy(s->next, v->next, sizeof s->next);
	return set_match(s, &v->test, pool);
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
