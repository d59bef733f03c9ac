/* A bounded list of remarks (struct filter_note), as lint and the strict check make it. */
#ifndef WEIR_FILTER_NOTES_H
#define WEIR_FILTER_NOTES_H

#include "base/compiler.h"
#include "filter/tree.h"

struct notes {
	struct filter_note *list;
	size_t max, count; /* count goes on beyond max */
};

void notes_add(struct notes *n, const struct node *at, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
