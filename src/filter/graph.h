/* The decision graph: what evaluator, BPF emitter and `explain` read.
 *
 * A test asks whether a field's value lies in a set.  It has three outcomes: in, out, and absent
 * (no such header, index out of bounds, not known), each of which leads to a later test, to ACCEPT
 * or to REJECT.  All six operators, their inversions, sets and prefixes are such tests; so
 * `!=` on a missing header, which is false like `=`, needs no rule of its own.
 *
 * Steps: lower() makes a boolean expression of the folded tree, with complements pushed down to the
 * tests and tests of one field in one `and` or `or` joined; graph_of_expression() makes the graph;
 * graph_simplify() takes away what is decided already on the way to it, what is unreachable,
 * and what is there twice.
 * All of it lives in the filter's pool and is constant afterwards. */
#ifndef WEIR_FILTER_GRAPH_H
#define WEIR_FILTER_GRAPH_H

#include "filter/set.h"
#include "filter/tree.h"

/* Strings of a filter; their number is their key. */
struct strings {
	const char **items;
	size_t count, capacity;
};

struct test {
	const struct field *field;
	int32_t index;
	bool has_absent; /* "absent" belongs to the set too */
	struct set set;
};

enum outcome {
	OUTCOME_IN,
	OUTCOME_OUT,
	OUTCOME_ABSENT,
	OUTCOMES
};

enum {
	TARGET_ACCEPT = -1,
	TARGET_REJECT = -2,
	TARGET_ERROR =
		-3, /* a WinDivert object asks for a field that its layer has not */
};

struct vertex {
	struct test test;
	int32_t next[OUTCOMES];
};

/* Vertices stand in an order in which every target comes later. */
struct graph {
	struct vertex *vertices;
	size_t count;
	int32_t entry;
	enum filter_layer layer;
};

enum expression_kind {
	EXPR_FALSE,
	EXPR_TRUE,
	EXPR_TEST,
	EXPR_AND,
	EXPR_OR,
	EXPR_IF
};

struct expression {
	struct expression *first, *next;
	enum expression_kind kind;
	struct test test;
};

/* Who cannot know every field, such as a program in the kernel, gets an expression that is true
 * wherever the filter is, and may be true elsewhere: tests on what is unknown count as true. */
struct horizon {
	bool (*is_unknown)(const struct field *f, const void *context);
	const void *context;
	size_t dropped; /* tests that were not asked; 0: the expression is exact */
};

/* NULL or false: no memory.  A horizon of NULL: everything is known. */
struct expression *lower(const struct node *folded, struct strings *strings,
			 struct pool *pool, struct horizon *horizon);
bool graph_of_expression(struct graph *g, struct expression *e, struct pool *pool);
bool graph_simplify(struct graph *g, struct pool *pool);

/* The values for which `field op constant` holds. */
bool test_of_relation(struct test *t, const struct field *f, int32_t index, enum op op,
		      struct literal c, struct pool *pool);
/* EXPR_TEST with *t in its simplest form, or EXPR_TRUE, EXPR_FALSE. */
bool test_reduce(struct test *t, enum expression_kind *kind, struct pool *pool);

#endif
