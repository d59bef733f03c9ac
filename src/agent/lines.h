/* Lines out of pieces, bounded: what comes in pieces of any size goes out as whole lines. */
#ifndef WEIR_AGENT_LINES_H
#define WEIR_AGENT_LINES_H

#include "base/compiler.h"

#include <stddef.h>

enum {
	LINES_MAX = 16 * 1024 * 1024,
};

struct lines {
	char *bytes;
	size_t length, room;
	/* One line without its newline, with a NUL behind it; negative ends it. */
	int (*line)(void *data, char *line, size_t length);
	void *data;
};

/* WEIR_ERR_LIMIT, WEIR_ERR_NO_MEMORY, or what line() returned. */
int lines_feed(struct lines *l, const char *bytes, size_t length) MUST_CHECK;
void lines_fini(struct lines *l);

#endif
