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
};

/* object.c: "@WinDiv_..." to a graph. */
int object_read(struct graph *g, size_t *tests, const char *text, enum filter_layer layer,
		struct pool *pool, struct filter_error *error);

#endif
