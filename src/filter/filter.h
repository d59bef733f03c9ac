/* What a compiled filter is made of; for the files of this folder. */
#ifndef WEIR_FILTER_FILTER_H
#define WEIR_FILTER_FILTER_H

#include "base/hash.h"
#include "filter/fold.h"
#include "filter/graph.h"
#include "filter/program.h"

struct filter {
	struct pool pool;
	enum filter_layer layer;
	unsigned flags;
	char *text, *normal; /* mem.h */
	char hash[HASH_HEX];
	struct node *tree;   /* as written; NULL: it was an object */
	struct node *folded; /* NULL: it was an object */
	size_t windivert_tests;
	struct strings strings;
	struct graph graph;
	struct program program;
	struct pending *pending; /* NULL: the filter asks for nothing that may be */
};

/* object.c: "@WinDiv_..." to a graph. */
int object_read(struct graph *g, size_t *tests, const char *text, enum filter_layer layer,
		struct pool *pool, struct filter_error *error);

/* The sum of what a test on it asks of a process. */
unsigned field_asks_of_process(const struct field *f);

/* pending.c: what filter_matches_pending() needs.  False: no memory. */
bool pending_make(struct filter *f);

/* A program of the filter's, or of its layer, applied. */
bool filter_run(const struct filter *f, const struct program *p,
		const struct filter_input *in);

#endif
