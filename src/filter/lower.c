/* Tree to boolean expression: complements pushed down, tests of one field joined. */
#include "filter/graph.h"

#define DROPPED_MAX 4096
#define COPIED_MAX  30000

struct lowering {
	struct strings *strings;
	struct pool *pool;
	struct horizon *horizon;
	unsigned open; /* conditions around this node that may be either way */
	size_t copied; /* nodes and items made below them */
};

static bool is_unknown(const struct lowering *l, const struct field *f)
{
	return l->horizon && l->horizon->is_unknown(f, l->horizon->context);
}

static struct expression *new_expression(struct lowering *l, enum expression_kind kind)
{
	struct expression *e = pool_new(l->pool, 1, sizeof *e);

	if (e)
		e->kind = kind;
	l->copied += l->open != 0;
	return e;
}

/* The string's number; equal strings have one number. */
static bool number_of_string(struct lowering *l, const char *text, u128 *number)
{
	struct strings *s = l->strings;

	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->items[i], text)) {
			*number = i;
			return true;
		}
	if (s->count == s->capacity) {
		size_t more = s->capacity ? s->capacity * 2 : 8;
		const char **items = pool_new(l->pool, more, sizeof *items);

		if (!items)
			return false;
		for (size_t i = 0; i < s->count; i++)
			items[i] = s->items[i];
		s->items = items;
		s->capacity = more;
	}
	*number = s->count;
	s->items[s->count++] = text;
	return true;
}

/* The keys of one item that the field can have at all; none: low > high. */
static bool range_of_item(struct lowering *l, const struct field *f, const struct item *i,
			  struct range *r)
{
	struct place low, high;
	u128 last = field_last(f);

	if (i->form == ITEM_TEXT) {
		if (!number_of_string(l, i->text, &r->low))
			return false;
		r->high = r->low;
		return true;
	}
	low = literal_place(f, i->low, false);
	high = literal_place(f, i->high, false);
	*r = (struct range){ .low = low.key, .high = high.key };
	if (high.is_above || r->high > last)
		r->high = last;
	else if (!high.is_exact && r->high)
		r->high--;
	else if (!high.is_exact)
		low.is_above = true;
	if (r->low < field_first(f))
		r->low = field_first(f);
	if (low.is_above || r->low > r->high)
		*r = (struct range){ .low = 1, .high = 0 };
	return true;
}

static bool test_of_items(struct lowering *l, const struct node *n, struct test *t)
{
	size_t count = 0, used = 0;
	struct range *r;

	for (const struct item *i = n->items; i; i = i->next)
		count++;
	l->copied += l->open ? count : 0;
	r = pool_new(l->pool, count, sizeof *r);
	if (!r)
		return false;
	for (const struct item *i = n->items; i; i = i->next) {
		if (!range_of_item(l, n->field, i, &r[used]))
			return false;
		used += r[used].low <= r[used].high;
	}
	*t = (struct test){ .field = n->field, .index = n->index };
	t->set = set_of(r, used);
	return n->op == OP_IN || set_complement(&t->set, l->pool, field_first(n->field),
						field_last(n->field));
}

static bool negate(struct lowering *l, struct test *t)
{
	t->has_absent = !t->has_absent;
	return set_complement(&t->set, l->pool, field_first(t->field),
			      field_last(t->field));
}

static struct expression *reduced(struct lowering *l, struct expression *e)
{
	return test_reduce(&e->test, &e->kind, l->pool) ? e : NULL;
}

static struct expression *lower_test(struct lowering *l, const struct node *n,
				     bool is_negated)
{
	struct expression *e = new_expression(l, EXPR_TEST);
	bool is_done;

	if (!e)
		return NULL;
	if (is_unknown(l, n->field)) {
		l->horizon->dropped++;
		e->kind = EXPR_TRUE;
		return e;
	}
	is_done = n->items ? test_of_items(l, n, &e->test)
			   : test_of_relation(&e->test, n->field, n->index, n->op,
					      n->literal, l->pool);
	if (!is_done || (is_negated && !negate(l, &e->test)))
		return NULL;
	return reduced(l, e);
}

/* Tests of one field side by side; the order of the others is kept. */
static int compare_tests(const void *a, const void *b)
{
	const struct expression *x = *(struct expression *const *)a;
	const struct expression *y = *(struct expression *const *)b;

	if (x->test.field != y->test.field)
		return x->test.field < y->test.field ? -1 : 1;
	return (x->test.index > y->test.index) - (x->test.index < y->test.index);
}

/* Joins `count` tests of one field into the first of them. */
static bool join(struct lowering *l, struct expression **tests, size_t count,
		 enum expression_kind kind)
{
	struct test *t = &tests[0]->test;
	struct set *sets = pool_new(l->pool, count, sizeof *sets);

	if (!sets)
		return false;
	for (size_t i = 0; i < count; i++) {
		sets[i] = tests[i]->test.set;
		if (kind == EXPR_OR)
			t->has_absent |= tests[i]->test.has_absent;
		else
			t->has_absent &= tests[i]->test.has_absent;
		if (i)
			tests[i]->kind = kind == EXPR_OR ? EXPR_FALSE : EXPR_TRUE;
	}
	if (kind == EXPR_OR
		    ? !set_union(&t->set, l->pool, sets, count)
		    : !set_intersection(&t->set, l->pool, sets, count,
					field_first(t->field), field_last(t->field)))
		return false;
	return reduced(l, tests[0]) != NULL;
}

/* `tcp` beside a test that cannot hold without TCP says nothing (in an `and`). */
static void drop_presence(struct expression **tests, size_t count)
{
	unsigned needed = 0;

	for (size_t i = 0; i < count; i++)
		if (tests[i]->kind == EXPR_TEST && !tests[i]->test.has_absent)
			needed |= 1U << tests[i]->test.field->needs;
	for (size_t i = 0; i < count; i++) {
		const struct test *t = &tests[i]->test;

		if (tests[i]->kind == EXPR_TEST && t->field->source == SOURCE_HAS &&
		    needed >> t->field->has & 1 && set_has(&t->set, 1))
			tests[i]->kind = EXPR_TRUE;
	}
}

static bool join_tests(struct lowering *l, struct expression *list)
{
	struct expression **tests;
	size_t count = 0, n = 0;

	for (struct expression *e = list->first; e; e = e->next)
		count += e->kind == EXPR_TEST;
	/* An array of pointers is meant. NOLINTNEXTLINE(bugprone-sizeof-expression) */
	tests = pool_new(l->pool, count, sizeof *tests);
	if (!tests)
		return false;
	for (struct expression *e = list->first; e; e = e->next)
		if (e->kind == EXPR_TEST)
			tests[n++] = e;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression) */
	qsort(tests, count, sizeof *tests, compare_tests);
	for (size_t i = 0; i < count; i += n) {
		for (n = 1; i + n < count; n++)
			if (compare_tests(&tests[i], &tests[i + n]))
				break;
		if (n > 1 && !join(l, tests + i, n, list->kind))
			return false;
	}
	if (list->kind == EXPR_AND)
		drop_presence(tests, count);
	return true;
}

/* Takes constants and empty lists away. */
static struct expression *tidy(struct expression *list)
{
	enum expression_kind neutral = list->kind == EXPR_AND ? EXPR_TRUE : EXPR_FALSE;
	enum expression_kind decides = list->kind == EXPR_AND ? EXPR_FALSE : EXPR_TRUE;
	struct expression **link = &list->first;

	while (*link) {
		if ((*link)->kind == decides) {
			list->kind = decides;
			return list;
		}
		if ((*link)->kind == neutral)
			*link = (*link)->next;
		else
			link = &(*link)->next;
	}
	if (!list->first)
		list->kind = neutral;
	else if (!list->first->next)
		return list->first;
	return list;
}

static struct expression *lower_node(struct lowering *l, const struct node *n,
				     bool is_negated);

static struct expression *lower_list(struct lowering *l, const struct node *n,
				     bool is_negated)
{
	bool is_and = (n->kind == NODE_AND) != is_negated;
	struct expression *list = new_expression(l, is_and ? EXPR_AND : EXPR_OR);
	struct expression **last;

	if (!list)
		return NULL;
	last = &list->first;
	for (const struct node *c = n->first; c; c = c->next) {
		struct expression *e = lower_node(l, c, is_negated);

		if (!e)
			return NULL;
		*last = e->kind == list->kind ? e->first : e;
		while (*last)
			last = &(*last)->next;
	}
	return join_tests(l, list) ? tidy(list) : NULL;
}

static bool has_unknown(const struct lowering *l, const struct node *n)
{
	if (n->kind == NODE_TEST)
		return is_unknown(l, n->field);
	for (const struct node *c = n->first; c; c = c->next)
		if (has_unknown(l, c))
			return true;
	return false;
}

static struct expression *pair(struct lowering *l, enum expression_kind kind,
			       struct expression *a, struct expression *b)
{
	struct expression *list = new_expression(l, kind);

	if (!list || !a || !b)
		return NULL;
	list->first = a;
	a->next = b;
	return join_tests(l, list) ? tidy(list) : NULL;
}

/* A condition that may be either way: the second part where it may hold, or the third where it
 * may not. */
static struct expression *lower_open_if(struct lowering *l, const struct node *n,
					bool is_negated)
{
	const struct node *second = n->first->next, *third = second->next;
	struct expression *a, *b;

	l->open++;
	a = pair(l, EXPR_AND, lower_node(l, n->first, false),
		 lower_node(l, second, is_negated));
	b = pair(l, EXPR_AND, lower_node(l, n->first, true),
		 lower_node(l, third, is_negated));
	a = pair(l, EXPR_OR, a, b);
	l->open--;
	return a;
}

static struct expression *lower_if(struct lowering *l, const struct node *n,
				   bool is_negated)
{
	struct expression *e, *a, *b, *c;

	if (has_unknown(l, n->first)) {
		if (l->horizon->dropped >= DROPPED_MAX)
			return new_expression(l, EXPR_TRUE);
		return lower_open_if(l, n, is_negated);
	}
	e = new_expression(l, EXPR_IF);
	a = lower_node(l, n->first, false);
	b = lower_node(l, n->first->next, is_negated);
	c = lower_node(l, n->first->next->next, is_negated);
	if (!e || !a || !b || !c)
		return NULL;
	if (a->kind == EXPR_TRUE)
		return b;
	if (a->kind == EXPR_FALSE)
		return c;
	e->first = a;
	a->next = b;
	b->next = c;
	return e;
}

static struct expression *lower_node(struct lowering *l, const struct node *n,
				     bool is_negated)
{
	/* Each open condition doubles what lies below it, known or not: where it gets too much, all may
	 * be so.  What follows is cut too: a known condition that was, chooses between equals. */
	if (l->open && l->copied >= COPIED_MAX) {
		l->horizon->dropped++;
		return new_expression(l, EXPR_TRUE);
	}
	switch (n->kind) {
	case NODE_TEST:
		return lower_test(l, n, is_negated);
	case NODE_AND:
	case NODE_OR:
		return lower_list(l, n, is_negated);
	case NODE_IF:
		return lower_if(l, n, is_negated);
	case NODE_NOT:
	default:
		return lower_node(l, n->first, !is_negated);
	}
}

struct expression *lower(const struct node *folded, struct strings *strings,
			 struct pool *pool, struct horizon *horizon)
{
	struct lowering l = { .strings = strings, .pool = pool, .horizon = horizon };

	return lower_node(&l, folded, false);
}
