/* The syntax tree: what the text says, before anything is made of it.
 *
 * Nodes live in the filter's pool.  `and` and `or` have any number of children, so that the tree is
 * only as deep as the text has parentheses (TREE_DEPTH); recursion over it is bounded by that. */
#ifndef WEIR_FILTER_TREE_H
#define WEIR_FILTER_TREE_H

#include "filter/lex.h"

/* WinDivert's bound: three for each parenthesis, one for each `or` passed on the way. */
#define TREE_DEPTH 1022

enum op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_IN,     /* ours: one of the items; so are == on CIDR and on strings */
	OP_NOT_IN, /* there, and none of the items */
};

enum node_kind {
	NODE_TEST,
	NODE_AND,
	NODE_OR,
	NODE_IF,  /* (first? second: third) */
	NODE_NOT, /* ours: the complement of a parenthesis */
};

enum item_form {
	ITEM_ONE,
	ITEM_RANGE,
	ITEM_PREFIX,
	ITEM_TEXT,
};

/* One element of a set. */
struct item {
	struct item *next;
	enum item_form form;
	struct literal low, high; /* of ITEM_PREFIX: first and last address */
	uint8_t prefix;           /* as written: 0..32 for IPv4, else 0..128 */
	bool is_ipv4;
	const char *text;
};

struct node {
	struct node *first, *next; /* children, and the next child of the same parent */
	enum node_kind kind;
	uint32_t at, length; /* in the text */
	/* Of a test. */
	const struct field *field;
	enum op op;
	struct literal literal;
	enum literal_form form;
	int32_t index; /* bytes; negative: from the end */
	struct item *items;
	bool is_implied;   /* no operator was written */
	bool is_inverted;  /* an odd number of `not` was written; op has it already */
	bool has_braces;   /* `in { }`, else one item that was written with == or != */
	bool is_text_time; /* the constant was a time in quotes */
	uint32_t literal_at, literal_length;
};

/* Parses the tokens.  0 and *root, or a negative code and *error. */
int parse(struct node **root, struct pool *pool, const struct lexed *lexed,
	  const char *text, unsigned flags, struct filter_error *error);

enum op op_inverse(enum op op);
/* "=", "!=", ... as the normal form has them. */
const char *op_text(enum op op);

#endif
