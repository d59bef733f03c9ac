#include "store/json_lines.h"

/* Bytes of the line that begins in the window, its newline included where there is one; more than
 * JSON_LINE_MAX means: longer than that.  Negative: reading failed. */
static int measure(struct window *w, size_t *length, bool *is_ended,
		   struct weir_error *err)
{
	size_t seen = 0, want = 4096;

	for (;;) {
		int rc = window_want(w, want, err);
		const uint8_t *newline;

		if (rc < 0)
			return rc;
		newline = memchr(window_bytes(w) + seen, '\n', window_left(w) - seen);
		*is_ended = newline != NULL;
		seen = window_left(w);
		*length = newline ? (size_t)(newline - window_bytes(w)) + 1 : seen;
		if (newline || !rc || *length > JSON_LINE_MAX)
			return 0;
		want = 2 * seen;
	}
}

/* Passes what is left of a line of which `length` bytes are in the window. */
static int pass_long(struct window *w, struct json_line *line, size_t length,
		     struct weir_error *err)
{
	int rc = 0;

	while (!rc && length) {
		window_pass(w, length);
		line->length += length;
		length = 0;
		if (!line->is_ended)
			rc = measure(w, &length, &line->is_ended, err);
	}
	line->length -= line->is_ended;
	return rc ? rc : 1;
}

int json_lines_next(struct window *w, struct json_line *line, struct weir_error *err)
{
	size_t length = 0;
	int rc = measure(w, &length, &line->is_ended, err);

	line->object = NULL;
	line->text = NULL;
	line->length = 0;
	line->offset = w->offset;
	if (rc || !length)
		return rc;
	if (length > JSON_LINE_MAX)
		return pass_long(w, line, length, err);
	line->text = (const char *)window_bytes(w);
	line->length = length - line->is_ended;
	line->object = json_loadb(line->text, (size_t)line->length,
				  JSON_REJECT_DUPLICATES, NULL);
	if (line->object && !json_is_object(line->object)) {
		json_decref(line->object);
		line->object = NULL;
	}
	window_pass(w, length);
	return 1;
}

bool json_get_i64(const json_t *object, const char *name, int64_t *value)
{
	const json_t *v = json_object_get(object, name);

	*value = json_integer_value(v);
	return json_is_integer(v);
}

bool json_get_u64(const json_t *object, const char *name, uint64_t *value)
{
	int64_t v;
	bool is_good = json_get_i64(object, name, &v) && v >= 0;

	*value = is_good ? (uint64_t)v : 0;
	return is_good;
}

const char *json_get_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
