/* A test in its one form: a field and the set of values that pass. */
#include "filter/graph.h"

/* Below, at and above a constant; the constant itself may fall between two keys. */
static bool set_of_op(struct set *s, struct pool *pool, const struct field *f, enum op op,
		      struct place at)
{
	u128 first = field_first(f), last = field_last(f);
	u128 low = first, high = last;

	if (at.is_above || at.key > last) { /* all values are below it */
		if (op == OP_EQ || op == OP_GT || op == OP_GE)
			return set_range(s, pool, 1, 0);
		return set_range(s, pool, first, last);
	}
	if ((op == OP_EQ || op == OP_NE) && !at.is_exact)
		return op == OP_EQ ? set_range(s, pool, 1, 0)
				   : set_range(s, pool, first, last);
	if (op == OP_LT || op == OP_GE || !at.is_exact) {
		/* The border lies right before at.key. */
		bool is_below = op == OP_LT || op == OP_LE;

		if (is_below && at.key <= first)
			return set_range(s, pool, 1, 0);
		if (is_below)
			high = at.key - 1;
		else if (at.key > first)
			low = at.key;
		return set_range(s, pool, low, high);
	}
	if (op == OP_LE || op == OP_GT) { /* ... right behind it */
		if (op == OP_LE && at.key < first)
			return set_range(s, pool, 1, 0);
		if (op == OP_LE)
			high = at.key;
		else if (at.key == last)
			return set_range(s, pool, 1, 0);
		else if (at.key >= first)
			low = at.key + 1;
		return set_range(s, pool, low, high);
	}
	if (at.key < first)
		*s = (struct set){ NULL, 0 };
	else if (!set_range(s, pool, at.key, at.key))
		return false;
	return op == OP_EQ || set_complement(s, pool, first, last);
}

bool test_of_relation(struct test *t, const struct field *f, int32_t index, enum op op,
		      struct literal c, struct pool *pool)
{
	*t = (struct test){ .field = f, .index = index };
	return set_of_op(&t->set, pool, f, op, literal_place(f, c, true));
}

/* The opposite directions are one field. */
static bool unify(struct test *t, struct pool *pool)
{
	if (t->field != &field_table[FIELD_INBOUND])
		return true;
	t->field = &field_table[FIELD_OUTBOUND];
	if (set_has(&t->set, 0) == set_has(&t->set, 1))
		return true;
	return set_complement(&t->set, pool, 0, 1);
}

/* Fields that have one value only. */
static bool is_fixed(const struct field *f, u128 *value)
{
	*value = f->read == view_one;
	return f->read == view_one || f->read == view_zero;
}

bool test_reduce(struct test *t, enum expression_kind *kind, struct pool *pool)
{
	const struct field *f = t->field;
	u128 first = field_first(f), last = field_last(f), value;
	bool is_full = set_is_full(&t->set, first, last), is_empty = !t->set.count;

	*kind = EXPR_TEST;
	if (is_fixed(f, &value)) {
		*kind = set_has(&t->set, value) ? EXPR_TRUE : EXPR_FALSE;
		return true;
	}
	if (!is_full && !is_empty)
		return unify(t, pool);
	if (!field_can_be_absent(f) || is_full == t->has_absent) {
		*kind = is_full ? EXPR_TRUE : EXPR_FALSE;
		return true;
	}
	/* Only presence counts: ask for the header itself. */
	if (f->needs == HEADER_NONE || field_is_array(f))
		return true;
	*t = (struct test){ .field = field_of_header((enum header)f->needs) };
	return set_range(&t->set, pool, is_full, is_full);
}
