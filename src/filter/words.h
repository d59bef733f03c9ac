/* A text that grows.
 *
 * Calling sequence: words_init(), any words_add(), then words_take() (the caller frees with
 * mem_free(); NULL when memory ran out on the way) or words_fini(). */
#ifndef WEIR_FILTER_WORDS_H
#define WEIR_FILTER_WORDS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
	char *text;
	size_t length, capacity;
	bool is_bad;
};

void words_init(struct words *w);
void words_fini(struct words *w);
void words_add(struct words *w, const char *format, ...) PRINTF_LIKE(2, 3);
/* Back to an earlier length. */
void words_cut(struct words *w, size_t length);
char *words_take(struct words *w) MUST_CHECK;

#endif
