/* The graph made ready to run: one step a vertex, laid out for the evaluator's loop.
 *
 * A step loads a value as an unsigned integer (a key less its field's bias) and looks where it
 * lies: in one range (the usual case), in a bitmap (many 16-bit values, such as ports), or in a
 * sorted list.  Constant after program_of_graph(); lives in the pool. */
#ifndef WEIR_FILTER_PROGRAM_H
#define WEIR_FILTER_PROGRAM_H

#include "filter/graph.h"

enum step_load {
	LOAD_8, /* of a header that must be there */
	LOAD_16,
	LOAD_32,
	LOAD_HAS,
	LOAD_READ,
	LOAD_ITEM, /* of packet or payload, at an index from either end */
	LOAD_WIDE, /* 16 bytes of a header */
	LOAD_WIDE_READ,
	LOAD_TEXT,
};

enum step_match {
	MATCH_RANGE,
	MATCH_BITMAP,
	MATCH_LIST,
	MATCH_WIDE
};

struct step {
	uint8_t load, match, header, shift;
	uint8_t size;                /* of LOAD_ITEM: 1, 2, 4 */
	bool is_payload, is_flipped; /* flip: the sign bit of a signed value */
	uint16_t offset;
	int32_t index;
	int32_t next[OUTCOMES];
	uint32_t count; /* of ranges, for the lists */
	uint64_t mask;
	uint64_t low, span; /* MATCH_RANGE: value - low <= span */
	const void *table;  /* uint64_t words of a bitmap, or struct range of keys */
	const struct field *field;
};

struct program {
	const struct step *steps;
	int32_t entry;
	enum filter_layer layer;
	const struct strings *strings;
};

bool program_of_graph(struct program *p, const struct graph *g,
		      const struct strings *strings, struct pool *pool);
/* 1, 0, or WEIR_ERR_FORMAT (TARGET_ERROR); the view is one of the program's layer. */
int program_run(const struct program *p, const struct view *v);

#endif
