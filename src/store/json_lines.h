/* JSON Lines from a byte source: the manifest, the lists of packet files.
 *
 *	while ((rc = json_lines_next(&w, &line, &err)) > 0) {
 *		... line.object is NULL where the line is no JSON object ...
 *		json_decref(line.object);
 *	}
 *
 * The text is lent until the next call; the object is the caller's.  A line is at most
 * JSON_LINE_MAX bytes: a longer one is passed over whole, as one without object and text. */
#ifndef WEIR_STORE_JSON_LINES_H
#define WEIR_STORE_JSON_LINES_H

#include "store/window.h"

#include <jansson.h>

#define JSON_LINE_MAX (1024u * 1024)

struct json_line {
	json_t *object;
	const char *text; /* without the newline; not terminated */
	uint64_t length;
	uint64_t offset; /* in the source */
	bool is_ended;   /* a newline is there */
};

/* 1, 0 at the end, negative where reading failed. */
int json_lines_next(struct window *w, struct json_line *line,
		    struct weir_error *err) MUST_CHECK;

/* Members with a form; false where the member is absent or of another type or range. */
bool json_get_u64(const json_t *object, const char *name, uint64_t *value) MUST_CHECK;
bool json_get_i64(const json_t *object, const char *name, int64_t *value) MUST_CHECK;
/* NULL where absent; lent. */
const char *json_get_text(const json_t *object, const char *name);

#endif
