/* One test of the decision graph as WinDivert's relations. */
#include "filter/windivert.h"

#include "filter/format.h"

/* A set, or its complement in terms of what is left out. */
struct plan {
	struct set set;
	bool is_holes; /* the values of `set` are those that do not pass */
};

static u128 first_of(const struct test *t)
{
	return field_first(t->field);
}

static u128 last_of(const struct test *t)
{
	return field_last(t->field);
}

static void say_relation(struct saying *s, const struct test *t, enum op op, u128 key)
{
	format_field(&s->words, t->field, t->index);
	words_add(&s->words, " %s ", op_text(op));
	format_value(&s->words, t->field, literal_of_key(t->field, key), s->layer);
	s->tests++;
}

/* At an end of the range that WinDivert folds against, `f <= end` would become `true` whatever the
 * value; it is said in two relations. */
static void say_bound(struct saying *s, const struct test *t, enum op op, u128 key)
{
	bool is_wide = op == OP_GE || op == OP_LE;
	bool is_below = op == OP_LT || op == OP_LE;
	u128 end = op == OP_GE || op == OP_LT ? t->field->low : t->field->high;

	if (t->field->is_never_folded || key != end) {
		say_relation(s, t, op, key);
		return;
	}
	words_add(&s->words, "(");
	if (is_wide)
		say_relation(s, t, is_below ? OP_LT : OP_GT, key);
	else
		say_relation(s, t, is_below ? OP_LE : OP_GE, key);
	words_add(&s->words, is_wide ? " or " : " and ");
	say_relation(s, t, is_wide ? OP_EQ : OP_NE, key);
	words_add(&s->words, ")");
}

static void say_range(struct saying *s, const struct test *t, const struct range *r,
		      bool is_hole, bool is_alone)
{
	bool has_low = r->low > first_of(t), has_high = r->high < last_of(t);
	bool is_pair = has_low && has_high && !is_alone;

	if (t->field->format == FORMAT_FLAG) {
		words_add(&s->words, "%s%s", (r->low == 1) != is_hole ? "" : "not ",
			  t->field->name);
		s->tests++;
		return;
	}
	if (r->low == r->high) {
		say_relation(s, t, is_hole ? OP_NE : OP_EQ, r->low);
		return;
	}
	words_add(&s->words, is_pair ? "(" : "");
	if (has_low)
		say_bound(s, t, is_hole ? OP_LT : OP_GE, r->low);
	if (has_low && has_high)
		words_add(&s->words, is_hole ? " or " : " and ");
	if (has_high)
		say_bound(s, t, is_hole ? OP_GT : OP_LE, r->high);
	words_add(&s->words, is_pair ? ")" : "");
}

static void say_set(struct saying *s, const struct test *t, const struct set *set,
		    bool is_holes, bool is_alone)
{
	bool is_list = set->count > 1 && !is_alone;

	words_add(&s->words, is_list ? "(" : "");
	for (size_t i = 0; i < set->count; i++) {
		words_add(&s->words, !i ? "" : is_holes ? " and " : " or ");
		say_range(s, t, &set->ranges[i], is_holes, is_alone && set->count == 1);
	}
	words_add(&s->words, is_list ? ")" : "");
}

static size_t cost_of(const struct test *t, const struct set *set)
{
	size_t cost = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct range *r = &set->ranges[i];

		cost += r->low == r->high
				? 1
				: (size_t)(r->low > first_of(t)) + (r->high < last_of(t));
	}
	return cost;
}

/* The driver takes this constant with this field. */
static bool is_sayable(const struct saying *s, const struct field *f, u128 key)
{
	if (f->format == FORMAT_EVENT)
		return key <= UINT8_MAX && macro_of_event((unsigned)key, s->layer);
	return f->is_never_folded || (key >= f->low && key <= f->high);
}

static bool is_set_sayable(const struct saying *s, const struct test *t,
			   const struct set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct range *r = &set->ranges[i];
		bool is_one = r->low == r->high;

		if ((is_one || r->low > first_of(t)) && !is_sayable(s, t->field, r->low))
			return false;
		if ((is_one || r->high < last_of(t)) && !is_sayable(s, t->field, r->high))
			return false;
	}
	return true;
}

/* The cheaper way of saying the test's set; false: there is none in `room` relations. */
static bool choose(const struct saying *s, const struct test *t,
		   const struct set *complement, size_t room, struct plan *plan)
{
	size_t in = cost_of(t, &t->set), out = cost_of(t, complement);
	bool can_in = in <= room && is_set_sayable(s, t, &t->set);
	bool can_out = out <= room && is_set_sayable(s, t, complement);

	*plan = (struct plan){ t->set, false };
	/* All of it: nothing is left out. */
	if (!complement->count || (can_out && (!can_in || out < in)))
		*plan = (struct plan){ *complement, true };
	return can_in || can_out;
}

static int compare_gaps(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	u128 m = x->high - x->low, n = y->high - y->low;

	return m < n ? 1 : m > n ? -1 : 0;
}

/* At most `count` ranges: the smallest gaps between them are filled. */
static bool fill_gaps(struct set *set, struct pool *pool, size_t count, u128 first,
		      u128 last)
{
	struct range *gaps;
	size_t n = 0;

	if (set->count <= count)
		return true;
	gaps = pool_new(pool, set->count + 2, sizeof *gaps);
	if (!gaps)
		return false;
	for (size_t i = 1; i < set->count; i++)
		gaps[n++] = (struct range){ set->ranges[i - 1].high + 1,
					    set->ranges[i].low - 1 };
	qsort(gaps, n, sizeof *gaps, compare_gaps);
	n = count - 1;
	if (set->ranges[0].low > first)
		gaps[n++] = (struct range){ first, set->ranges[0].low - 1 };
	if (set->ranges[set->count - 1].high < last)
		gaps[n++] = (struct range){ set->ranges[set->count - 1].high + 1, last };
	*set = set_of(gaps, n);
	return set_complement(set, pool, first, last);
}

static u128 clamp(u128 key, u128 low, u128 high)
{
	return key < low ? low : key > high ? high : key;
}

/* A larger set whose ends are constants that the driver takes, in `room` (at least 2) relations. */
static bool widen(struct test *t, struct pool *pool, size_t room)
{
	const struct field *f = t->field;
	struct range *r = pool_new(pool, t->set.count, sizeof *r);

	if (!r)
		return false;
	for (size_t i = 0; i < t->set.count; i++) {
		r[i] = t->set.ranges[i];
		if (f->is_never_folded)
			continue;
		r[i].low = r[i].low < f->low ? first_of(t)
					     : clamp(r[i].low, f->low, f->high);
		r[i].high = r[i].high > f->high ? last_of(t)
						: clamp(r[i].high, f->low, f->high);
	}
	t->set = set_of(r, t->set.count);
	return fill_gaps(&t->set, pool, room / 2, first_of(t), last_of(t));
}

/* Is the value there at all?  An array has no flag for that. */
static enum said say_presence(struct saying *s, const struct test *t, bool is_there,
			      bool is_alone)
{
	const struct field *f = t->field;

	if (f->needs != HEADER_NONE && !field_is_array(f)) {
		words_add(&s->words, "%s%s", is_there ? "" : "not ",
			  field_of_header((enum header)f->needs)->name);
		s->tests++;
		return SAID_TEXT;
	}
	words_add(&s->words, is_alone && is_there ? "" : "(");
	say_relation(s, t, OP_EQ, f->low);
	words_add(&s->words, " or ");
	say_relation(s, t, OP_NE, f->low);
	words_add(&s->words, is_there ? "" : "? false : true");
	words_add(&s->words, is_alone && is_there ? "" : ")");
	return SAID_TEXT;
}

static enum said say_plan(struct saying *s, const struct test *t, const struct plan *p,
			  bool is_alone)
{
	bool has_absent = t->has_absent && field_can_be_absent(t->field);

	if (!p->set.count) {
		if (!field_can_be_absent(t->field) || p->is_holes == has_absent)
			return p->is_holes ? SAID_TRUE : SAID_FALSE;
		return say_presence(s, t, p->is_holes, is_alone);
	}
	/* What is absent passes where the rest of the values does not. */
	words_add(&s->words, has_absent ? "(" : "");
	say_set(s, t, &p->set, p->is_holes != has_absent, is_alone || has_absent);
	words_add(&s->words, has_absent ? "? false : true)" : "");
	return SAID_TEXT;
}

enum said windivert_say_test(struct saying *s, const struct test *test, bool is_alone)
{
	size_t room = s->room > s->tests ? s->room - s->tests : 0;
	struct test t = *test;
	struct set complement = t.set;
	struct plan plan;

	for (int try = 0; try < 2; try++) {
		complement = t.set;
		if (!set_complement(&complement, s->pool, first_of(&t), last_of(&t)))
			return SAID_NO_MEMORY;
		if (room && choose(s, &t, &complement, room, &plan))
			return say_plan(s, &t, &plan, is_alone);
		s->is_wider = true;
		if (room < 2 || try)
			break;
		if (!widen(&t, s->pool, room))
			return SAID_NO_MEMORY;
	}
	return SAID_TRUE;
}
