/* The filter for packets of whose process something is still to be found out: one program that accepts wherever
 * the filter may match, another wherever it may not. */
#include "filter/filter.h"

enum {
	WITH_NAME =
		1 /* of the index: the name is pending too, else path, user, container alone */
};

struct pending {
	struct program may[2], may_not[2];
};

static bool is_open(const struct field *f, const void *open)
{
	return field_asks_of_process(f) & *(const unsigned *)open;
}

static bool make(struct filter *f, struct program *p, const struct node *n, unsigned open)
{
	struct horizon horizon = { .is_unknown = is_open, .context = &open };
	struct expression *e = lower(n, &f->strings, &f->pool, &horizon);
	struct graph g;

	if (!e || !graph_of_expression(&g, e, &f->pool))
		return false;
	g.layer = f->layer;
	return graph_simplify(&g, &f->pool) &&
	       program_of_graph(p, &g, &f->strings, &f->pool);
}

bool pending_make(struct filter *f)
{
	const struct node complement = { .kind = NODE_NOT, .first = f->folded };
	const unsigned open[2] = { FILTER_ASKS_FACTS,
				   FILTER_ASKS_FACTS | FILTER_ASKS_NAME };

	/* An object asks for nothing that WinDivert does not know. */
	if (!f->folded || !(filter_asks_of_process(f) & open[WITH_NAME]))
		return true;
	f->pending = pool_new(&f->pool, 1, sizeof *f->pending);
	for (unsigned i = 0; f->pending && i < 2; i++)
		if (!make(f, &f->pending->may[i], f->folded, open[i]) ||
		    !make(f, &f->pending->may_not[i], &complement, open[i]))
			return false;
	return f->pending != NULL;
}

enum filter_answer filter_matches_pending(const struct filter *f,
					  const struct filter_input *in, unsigned pending)
{
	unsigned i = pending & FILTER_ASKS_NAME ? WITH_NAME : 0;

	if (!f->pending)
		return filter_matches(f, in) ? FILTER_YES : FILTER_NO;
	if (!filter_run(f, &f->pending->may[i], in))
		return FILTER_NO;
	return filter_run(f, &f->pending->may_not[i], in) ? FILTER_OPEN : FILTER_YES;
}
