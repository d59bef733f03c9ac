#include "filter/fold.h"

/* -1: below the range, 1: above, 0: within; *at_low, *at_high: on its ends. */
static int stands(const struct field *f, struct literal c, bool *at_low, bool *at_high)
{
	u128 zero = f->is_signed ? f->bias : 0, key;

	*at_low = *at_high = false;
	if (c.is_negative) {
		/* Minus zero is below zero. */
		if (!f->is_signed)
			return -1;
		if (!c.value)
			return f->low < zero ? 0 : -1;
		if (c.value > zero || zero - c.value < f->low)
			return -1;
		key = zero - c.value;
	} else {
		if (f->high < zero || c.value > f->high - zero)
			return 1;
		key = zero + c.value;
		if (key < f->low)
			return -1;
	}
	*at_low = key == f->low;
	*at_high = key == f->high;
	return 0;
}

/* 1: always true, -1: always false, 0: depends. */
static int decide(const struct field *f, enum op op, struct literal c)
{
	bool at_low, at_high, is_only;
	int side = stands(f, c, &at_low, &at_high);

	is_only = at_low && at_high;
	switch (op) {
	case OP_EQ:
		return is_only ? 1 : side ? -1 : 0;
	case OP_NE:
		return is_only ? -1 : side ? 1 : 0;
	case OP_LT:
		return side > 0 ? 1 : side < 0 || at_low ? -1 : 0;
	case OP_LE:
		return side > 0 || at_high ? 1 : side < 0 ? -1 : 0;
	case OP_GT:
		return side < 0 ? 1 : side > 0 || at_high ? -1 : 0;
	case OP_GE:
		return side < 0 || at_low ? 1 : side > 0 ? -1 : 0;
	case OP_IN:
	case OP_NOT_IN:
	default:
		return 0;
	}
}

enum fold fold_test(const struct node *n)
{
	const struct field *f = n->field;
	int decided;

	/* Ours mean what they say. */
	if (f->is_never_folded || n->op == OP_IN || n->op == OP_NOT_IN || !f->layers)
		return FOLD_KEEP;
	decided = decide(f, n->op, n->literal);
	if (!decided)
		return FOLD_KEEP;
	if (f->needs == HEADER_NONE)
		return decided > 0 ? FOLD_TRUE : FOLD_FALSE;
	return decided > 0 ? FOLD_PRESENT : FOLD_ABSENT;
}

static struct node *copy(const struct node *n, struct pool *pool)
{
	struct node *c = pool_new(pool, 1, sizeof *c);

	if (c) {
		*c = *n;
		c->next = NULL;
	}
	return c;
}

/* The test `field` (that is, != 0) or `not field`. */
static struct node *flag(const struct node *from, const struct field *f, bool is_true,
			 struct pool *pool)
{
	struct node *n = copy(from, pool);

	if (!n)
		return NULL;
	n->kind = NODE_TEST;
	n->first = NULL;
	n->field = f;
	n->op = is_true ? OP_NE : OP_EQ;
	n->literal = (struct literal){ 0, false };
	n->items = NULL;
	n->index = 0;
	return n;
}

static struct node *constant(const struct node *from, bool value, struct pool *pool)
{
	return flag(from, &field_table[value ? FIELD_TRUE : FIELD_FALSE], true, pool);
}

bool fold_is_constant(const struct node *n, bool value)
{
	return n->kind == NODE_TEST &&
	       n->field == &field_table[value ? FIELD_TRUE : FIELD_FALSE];
}

static struct node *fold_one(const struct node *n, struct pool *pool)
{
	switch (fold_test(n)) {
	case FOLD_TRUE:
		return constant(n, true, pool);
	case FOLD_FALSE:
		return constant(n, false, pool);
	case FOLD_PRESENT:
		return flag(n, field_of_header(n->field->needs), true, pool);
	case FOLD_ABSENT:
		return flag(n, field_of_header(n->field->needs), false, pool);
	case FOLD_KEEP:
	default:
		return copy(n, pool);
	}
}

/* Appends n to a list of children; those of a child of the same kind come up. */
static struct node **append(struct node **last, struct node *n, enum node_kind kind)
{
	if (n->kind == kind)
		*last = n->first;
	else
		*last = n;
	while (*last)
		last = &(*last)->next;
	return last;
}

/* `and`: a false child makes it false, true children go; `or` is the mirror image. */
static struct node *fold_list(const struct node *n, struct pool *pool)
{
	struct node *out = copy(n, pool), **last;
	bool decides = n->kind == NODE_OR;

	if (!out)
		return NULL;
	out->first = NULL;
	last = &out->first;
	for (const struct node *c = n->first; c; c = c->next) {
		struct node *folded = fold_tree(c, pool);

		if (!folded)
			return NULL;
		if (fold_is_constant(folded, decides))
			return constant(n, decides, pool);
		if (!fold_is_constant(folded, !decides))
			last = append(last, folded, n->kind);
	}
	if (!out->first)
		return constant(n, !decides, pool);
	return out->first->next ? out : out->first;
}

static struct node *join(const struct node *from, enum node_kind kind, struct node *a,
			 struct node *b, struct pool *pool)
{
	struct node *out = copy(from, pool), **last;

	if (!out)
		return NULL;
	out->kind = kind;
	out->first = NULL;
	last = append(&out->first, a, kind);
	(void)append(last, b, kind);
	return out;
}

static struct node *fold_if(const struct node *n, struct pool *pool)
{
	struct node *a = fold_tree(n->first, pool), *out;
	struct node *b = fold_tree(n->first->next, pool);
	struct node *c = fold_tree(n->first->next->next, pool);

	if (!a || !b || !c)
		return NULL;
	if (fold_is_constant(a, true) ||
	    (fold_is_constant(b, true) && fold_is_constant(c, true)))
		return b;
	if (fold_is_constant(a, false) ||
	    (fold_is_constant(b, false) && fold_is_constant(c, false)))
		return c;
	if (fold_is_constant(b, true) && fold_is_constant(c, false))
		return a;
	if (fold_is_constant(c, false))
		return join(n, NODE_AND, a, b, pool);
	if (fold_is_constant(b, true))
		return join(n, NODE_OR, a, c, pool);
	out = copy(n, pool);
	if (!out)
		return NULL;
	out->first = a;
	a->next = b;
	b->next = c;
	return out;
}

static struct node *fold_not(const struct node *n, struct pool *pool)
{
	struct node *a = fold_tree(n->first, pool), *out;

	if (!a)
		return NULL;
	if (fold_is_constant(a, true) || fold_is_constant(a, false))
		return constant(n, fold_is_constant(a, false), pool);
	if (a->kind == NODE_NOT)
		return a->first;
	out = copy(n, pool);
	if (out)
		out->first = a;
	return out;
}

struct node *fold_tree(const struct node *n, struct pool *pool)
{
	switch (n->kind) {
	case NODE_TEST:
		return fold_one(n, pool);
	case NODE_AND:
	case NODE_OR:
		return fold_list(n, pool);
	case NODE_IF:
		return fold_if(n, pool);
	case NODE_NOT:
	default:
		return fold_not(n, pool);
	}
}

size_t fold_count_tests(const struct node *n)
{
	size_t count = 0;
	enum fold f;

	if (n->kind == NODE_TEST) {
		f = fold_test(n);
		return f != FOLD_TRUE && f != FOLD_FALSE;
	}
	for (const struct node *c = n->first; c; c = c->next)
		count += fold_count_tests(c);
	return count;
}
