/* A filter's tests in WinDivert's words; for windivert.c.
 *
 * A test asks for a set of values; WinDivert has single relations only, whose constants its driver
 * wants within the field's range.  Where a set cannot be said so, or needs more relations than
 * there is room for, a larger set is said that holds all of it.
 * Facts: what WinDivert folds (fold.c), what its driver refuses. */
#ifndef WEIR_FILTER_WINDIVERT_H
#define WEIR_FILTER_WINDIVERT_H

#include "filter/graph.h"
#include "filter/words.h"

/* What became of a part.  Of TRUE and FALSE nothing has been written; NO_MEMORY ends all. */
enum said {
	SAID_TRUE,
	SAID_FALSE,
	SAID_TEXT,
	SAID_NO_MEMORY,
};

struct saying {
	struct words words;
	struct pool *pool;
	enum filter_layer layer;
	size_t tests, room; /* written so far; how far that may go for the part at hand */
	bool is_wider;      /* something was said that matches more */
};

/* Parentheses are left out where the text stands alone. */
enum said windivert_say_test(struct saying *s, const struct test *t, bool is_alone);

#endif
