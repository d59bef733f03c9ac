/* Expression to graph. */
#include "filter/graph.h"

static size_t count_tests(const struct expression *e)
{
	size_t n = e->kind == EXPR_TEST;

	for (const struct expression *c = e->first; c; c = c->next)
		n += count_tests(c);
	return n;
}

/* Vertices are made back to front: whoever is made later stands earlier. */
struct builder {
	struct vertex *vertices;
	size_t at;
};

static int32_t generate(struct builder *b, struct expression *e, int32_t success,
			int32_t failure);

static int32_t generate_test(struct builder *b, const struct test *t, int32_t success,
			     int32_t failure)
{
	struct vertex *v;

	if (success == failure)
		return success;
	v = &b->vertices[--b->at];
	v->test = *t;
	v->next[OUTCOME_IN] = success;
	v->next[OUTCOME_OUT] = failure;
	v->next[OUTCOME_ABSENT] = t->has_absent ? success : failure;
	return (int32_t)b->at;
}

/* Last child first, since the one before it leads to it: the list is turned round and back. */
static struct expression *reverse(struct expression *list)
{
	struct expression *reversed = NULL;

	while (list) {
		struct expression *next = list->next;

		list->next = reversed;
		reversed = list;
		list = next;
	}
	return reversed;
}

static int32_t generate_list(struct builder *b, struct expression *list, int32_t success,
			     int32_t failure)
{
	list->first = reverse(list->first);
	for (struct expression *c = list->first; c; c = c->next) {
		if (list->kind == EXPR_AND)
			success = generate(b, c, success, failure);
		else
			failure = generate(b, c, success, failure);
	}
	list->first = reverse(list->first);
	return list->kind == EXPR_AND ? success : failure;
}

static int32_t generate(struct builder *b, struct expression *e, int32_t success,
			int32_t failure)
{
	int32_t second, third;

	switch (e->kind) {
	case EXPR_TRUE:
		return success;
	case EXPR_FALSE:
		return failure;
	case EXPR_TEST:
		return generate_test(b, &e->test, success, failure);
	case EXPR_AND:
	case EXPR_OR:
		return generate_list(b, e, success, failure);
	case EXPR_IF:
	default:
		third = generate(b, e->first->next->next, success, failure);
		second = generate(b, e->first->next, success, failure);
		return generate(b, e->first, second, third);
	}
}

bool graph_of_expression(struct graph *g, struct expression *e, struct pool *pool)
{
	size_t count = count_tests(e);
	struct builder b = { .vertices = pool_new(pool, count, sizeof *b.vertices),
			     .at = count };

	if (!b.vertices)
		return false;
	g->vertices = b.vertices;
	g->count = count;
	g->entry = generate(&b, e, TARGET_ACCEPT, TARGET_REJECT);
	return true;
}
