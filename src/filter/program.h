/* The graph made ready to run: one step a vertex, laid out for the evaluator's loop.
 *
 * A step loads a value as an unsigned integer (a key less its field's bias) and looks where it
 * lies: in one range (the usual case), in a bitmap (many 16-bit values, such as ports), or in a
 * sorted list.  Constant after program_of_graph(); lives in the pool. */
#ifndef WEIR_FILTER_PROGRAM_H
#define WEIR_FILTER_PROGRAM_H

#include "filter/graph.h"

enum step_op {
	/* Those that filters are mostly made of: 16 bits of a header in a range or a bitmap,
	 * whether a header is there, the direction. */
	STEP_16_RANGE,
	STEP_16_BITMAP,
	STEP_HAS,
	STEP_OUTBOUND,
	/* Others load a value and then match it. */
	STEP_8,
	STEP_16,
	STEP_32,
	STEP_READ,
	STEP_ITEM, /* of packet or payload, at an index from either end */
	STEP_WIDE, /* 16 bytes of a header */
	STEP_WIDE_READ,
	STEP_TEXT,
};

enum step_match {
	MATCH_RANGE,
	MATCH_BITMAP,
	MATCH_LIST
};

struct step {
	uint8_t op, match, shift, size;
	bool is_payload, is_flipped; /* flip: the sign bit of a signed value */
	bool is_transport;           /* `offset` is counted from the transport header */
	bool is_beside;              /* asks nothing of the packet */
	uint32_t needs; /* HEADER_BIT; of STEP_HAS the one that is asked for */
	uint32_t offset;
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
/* 1, 0, or WEIR_ERR_FORMAT (TARGET_ERROR); the view is one of the program's layer.  Begins at step
 * `at`, which may be a target too. */
int program_run(const struct program *p, const struct view *v, int32_t at);
/* Where the steps at the beginning lead that ask nothing of the packet: of the view only `in` and
 * is_record are read. */
int32_t program_run_beside(const struct program *p, const struct view *v);

#endif
