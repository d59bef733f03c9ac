/* Takes away what need not be asked.
 *
 * Forward over the graph, each vertex knows what every way to it has in common: a short list of
 * facts (this test came out so).  An edge whose target is decided by the facts of its way is moved
 * to where that leads.  What no edge reaches is dropped, and what is there twice becomes one. */
#include "filter/graph.h"

#define FACTS_MAX 12
#define TWINS_MAX 4000 /* beyond so many vertices twins stay: the search is quadratic */

struct fact {
	int32_t vertex;
	enum outcome outcome;
};

struct facts {
	struct fact list[FACTS_MAX];
	unsigned count;
	bool is_reached;
};

/* What the facts say of the headers, a bit for each enum header. */
struct headers {
	unsigned present, absent;
};

#define BIT(h) (1U << (h))
#define TRANSPORT \
 (BIT(HEADER_ICMP) | BIT(HEADER_ICMPV6) | BIT(HEADER_TCP) | BIT(HEADER_UDP))

static void learn(struct headers *h, const struct test *t, enum outcome o)
{
	unsigned needs = BIT(t->field->needs), has = BIT(t->field->has);

	if (t->field->needs != HEADER_NONE) {
		if (o != OUTCOME_ABSENT)
			h->present |= needs;
		else if (!field_is_array(t->field))
			h->absent |= needs;
	}
	if (t->field->source == SOURCE_HAS && o != OUTCOME_ABSENT) {
		if (set_has(&t->set, 1) == (o == OUTCOME_IN))
			h->present |= has;
		else
			h->absent |= has;
	}
}

/* A packet is IPv4 or IPv6, and has one transport header at most. */
static void conclude(struct headers *h)
{
	unsigned transport = h->present & TRANSPORT;

	if (transport & BIT(HEADER_ICMP) || h->absent & BIT(HEADER_IPV6))
		h->present |= BIT(HEADER_IP);
	if (transport & BIT(HEADER_ICMPV6) || h->absent & BIT(HEADER_IP))
		h->present |= BIT(HEADER_IPV6);
	if (h->present & BIT(HEADER_IP))
		h->absent |= BIT(HEADER_IPV6) | BIT(HEADER_ICMPV6);
	if (h->present & BIT(HEADER_IPV6))
		h->absent |= BIT(HEADER_IP) | BIT(HEADER_ICMP);
	if (transport)
		h->absent |= TRANSPORT & ~transport;
}

static bool same_variable(const struct test *a, const struct test *b)
{
	return a->field == b->field && a->index == b->index;
}

/* What the outcome of one test says about another on the same field; OUTCOMES: nothing. */
static enum outcome implied(const struct test *known, enum outcome o,
			    const struct test *t)
{
	if (o == OUTCOME_ABSENT)
		return OUTCOME_ABSENT;
	if (o == OUTCOME_IN) {
		if (set_is_within(&known->set, &t->set))
			return OUTCOME_IN;
		return set_meets(&known->set, &t->set) ? OUTCOMES : OUTCOME_OUT;
	}
	return set_is_within(&t->set, &known->set) ? OUTCOME_OUT : OUTCOMES;
}

static enum outcome decide(const struct graph *g, const struct facts *facts,
			   const struct test *t)
{
	struct headers h = { BIT(HEADER_NONE), 0 };

	for (unsigned i = 0; i < facts->count; i++) {
		const struct test *known = &g->vertices[facts->list[i].vertex].test;
		enum outcome o = OUTCOMES;

		if (same_variable(known, t))
			o = implied(known, facts->list[i].outcome, t);
		if (o != OUTCOMES)
			return o;
		learn(&h, known, facts->list[i].outcome);
	}
	if (g->layer > FILTER_FORWARD) /* records have no headers */
		return OUTCOMES;
	conclude(&h);
	if (h.absent & BIT(t->field->needs))
		return OUTCOME_ABSENT;
	if (t->field->source == SOURCE_HAS && (h.present | h.absent) & BIT(t->field->has))
		return set_has(&t->set, (h.present & BIT(t->field->has)) != 0)
			       ? OUTCOME_IN
			       : OUTCOME_OUT;
	return OUTCOMES;
}

/* All ways out of the vertex that can be taken lead to one place. */
static bool is_idle(const struct vertex *v)
{
	return v->next[OUTCOME_IN] == v->next[OUTCOME_OUT] &&
	       (v->next[OUTCOME_IN] == v->next[OUTCOME_ABSENT] ||
		!field_can_be_absent(v->test.field));
}

static int32_t thread(const struct graph *g, const struct facts *facts, int32_t target)
{
	while (target >= 0) {
		const struct vertex *v = &g->vertices[target];
		enum outcome o = is_idle(v) ? OUTCOME_IN : decide(g, facts, &v->test);

		if (o == OUTCOMES)
			break;
		target = v->next[o];
	}
	return target;
}

/* The newest fact is worth the most; the oldest goes when there is no room. */
static void add_fact(struct facts *f, int32_t vertex, enum outcome o)
{
	if (f->count == FACTS_MAX) {
		memmove(f->list, f->list + 1, (FACTS_MAX - 1) * sizeof *f->list);
		f->count--;
	}
	f->list[f->count++] = (struct fact){ vertex, o };
}

static bool has_fact(const struct facts *f, struct fact what)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->list[i].vertex == what.vertex &&
		    f->list[i].outcome == what.outcome)
			return true;
	return false;
}

/* Another way to a vertex: only what it shares with the others stays. */
static void meet(struct facts *at, const struct facts *way)
{
	unsigned n = 0;

	if (!at->is_reached) {
		*at = *way;
		at->is_reached = true;
		return;
	}
	for (unsigned i = 0; i < at->count; i++)
		if (has_fact(way, at->list[i]))
			at->list[n++] = at->list[i];
	at->count = n;
}

static void thread_edges(struct graph *g, struct facts *facts)
{
	struct facts none = { .count = 0 };

	g->entry = thread(g, &none, g->entry);
	if (g->entry >= 0)
		meet(&facts[g->entry], &none);
	for (size_t i = 0; i < g->count; i++) {
		struct vertex *v = &g->vertices[i];

		for (int o = 0; o < OUTCOMES && facts[i].is_reached; o++) {
			struct facts way = facts[i];

			if (o == OUTCOME_ABSENT && !field_can_be_absent(v->test.field)) {
				v->next[o] = v->next[OUTCOME_OUT];
				continue;
			}
			add_fact(&way, (int32_t)i, (enum outcome)o);
			v->next[o] = thread(g, &way, v->next[o]);
			if (v->next[o] >= 0)
				meet(&facts[v->next[o]], &way);
		}
	}
}

static bool is_twin(const struct vertex *a, const struct vertex *b)
{
	return same_variable(&a->test, &b->test) &&
	       !memcmp(a->next, b->next, sizeof a->next) &&
	       set_equal(&a->test.set, &b->test.set);
}

/* "Has it the header?" in front of a test that finds that out too, and then goes the same way. */
static bool is_asked_again(const struct graph *g, const struct vertex *v)
{
	const struct vertex *next;

	if (g->layer > FILTER_FORWARD || v->test.field->source != SOURCE_HAS ||
	    !set_has(&v->test.set, 1) || v->next[OUTCOME_IN] < 0)
		return false;
	next = &g->vertices[v->next[OUTCOME_IN]];
	return next->test.field->needs == v->test.field->has &&
	       next->next[OUTCOME_ABSENT] == v->next[OUTCOME_OUT];
}

/* Back to front, so that the targets are final: twins and idle vertices give their place up. */
static void merge(struct graph *g, int32_t *place)
{
	for (size_t i = g->count; i-- > 0;) {
		struct vertex *v = &g->vertices[i];

		place[i] = (int32_t)i;
		for (int o = 0; o < OUTCOMES; o++)
			if (v->next[o] >= 0)
				v->next[o] = place[v->next[o]];
		if (is_idle(v) || is_asked_again(g, v))
			place[i] = v->next[OUTCOME_IN];
		for (size_t k = i + 1; k < g->count && g->count <= TWINS_MAX; k++)
			if (place[k] == (int32_t)k && is_twin(v, &g->vertices[k])) {
				place[i] = (int32_t)k;
				break;
			}
	}
	if (g->entry >= 0)
		g->entry = place[g->entry];
}

static void mark(bool *is_reached, int32_t target)
{
	if (target >= 0)
		is_reached[target] = true;
}

/* Closes the gaps; place[] becomes the new numbers. */
static void compact(struct graph *g, bool *is_reached, int32_t *place)
{
	size_t n = 0;

	mark(is_reached, g->entry);
	for (size_t i = 0; i < g->count; i++)
		for (int o = 0; o < OUTCOMES && is_reached[i]; o++)
			mark(is_reached, g->vertices[i].next[o]);
	for (size_t i = 0; i < g->count; i++) {
		place[i] = (int32_t)n;
		if (is_reached[i])
			g->vertices[n++] = g->vertices[i];
	}
	g->count = n;
	for (size_t i = 0; i < n; i++)
		for (int o = 0; o < OUTCOMES; o++)
			if (g->vertices[i].next[o] >= 0)
				g->vertices[i].next[o] = place[g->vertices[i].next[o]];
	if (g->entry >= 0)
		g->entry = place[g->entry];
}

bool graph_simplify(struct graph *g, struct pool *pool)
{
	struct facts *facts = pool_new(pool, g->count, sizeof *facts);
	int32_t *place = pool_new(pool, g->count, sizeof *place);
	bool *is_reached = pool_new(pool, g->count, sizeof *is_reached);

	if (!facts || !place || !is_reached)
		return false;
	thread_edges(g, facts);
	merge(g, place);
	compact(g, is_reached, place);
	return true;
}
