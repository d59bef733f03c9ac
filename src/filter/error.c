/* Compile errors for people. */
#include "weir/filter.h"

int filter_error_line(const struct filter_error *e, struct weir_error *err)
{
	return err_set(err, e->code, "filter: %s at byte %zu%s%s%s%s%s", e->found, e->at,
		       e->expected[0] ? ", expected " : "", e->expected,
		       e->hint[0] ? " (" : "", e->hint, e->hint[0] ? ")" : "");
}

/* The line that holds byte `at`, without its line feed. */
static const char *line_of(const char *text, size_t at, size_t *length, unsigned *number)
{
	const char *line = text;

	*number = 1;
	for (size_t i = 0; i < at && text[i]; i++)
		if (text[i] == '\n') {
			line = text + i + 1;
			++*number;
		}
	*length = strcspn(line, "\n");
	return line;
}

#define SHOWN 76 /* bytes of the line, around the place */

struct sheet {
	char *out;
	size_t at, size;
};

static void put(struct sheet *s, const char *text, size_t length)
{
	for (size_t i = 0; i < length && s->at + 1 < s->size; i++)
		s->out[s->at++] = text[i];
	s->out[s->at] = '\0';
}

static void put_text(struct sheet *s, const char *text)
{
	put(s, text, strlen(text));
}

/* Control bytes would move the caret, or the terminal. */
static void put_plain(struct sheet *s, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool is_plain = (unsigned char)text[i] >= ' ' && text[i] != 127;

		put(s, is_plain ? text + i : " ", 1);
	}
}

static void put_place(struct sheet *s, const struct filter_error *e, const char *text)
{
	size_t length, column, from, marks;
	unsigned number;
	const char *line = line_of(text, e->at, &length, &number);

	column = e->at - (size_t)(line - text);
	if (column > length)
		column = length;
	from = column > SHOWN / 2 && length > SHOWN ? column - SHOWN / 2 : 0;
	put_text(s, from ? "  ..." : "  ");
	put_plain(s, line + from, length - from < SHOWN ? length - from : SHOWN);
	put_text(s, "\n  ");
	put_text(s, from ? "   " : "");
	for (size_t i = from; i < column; i++)
		put_text(s, " ");
	put_text(s, "^");
	marks = e->length < length - column ? e->length : length - column;
	for (size_t i = 1; i < marks && column - from + i < SHOWN; i++)
		put_text(s, "~");
	put_text(s, "\n");
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the sheet writes to it */
void filter_error_show(const struct filter_error *e, const char *text, char *out,
		       size_t size)
{
	struct sheet s = { .out = out, .size = size };
	size_t length;
	unsigned line;
	char where[64];

	if (!size)
		return;
	(void)line_of(text, e->at, &length, &line);
	if (line > 1)
		(void)snprintf(where, sizeof where, " in line %u", line);
	else
		(void)snprintf(where, sizeof where, " at byte %zu", e->at);
	put_text(&s, e->found);
	put_text(&s, where);
	put_text(&s, "\n");
	put_place(&s, e, text);
	if (e->expected[0]) {
		put_text(&s, "  expected ");
		put_text(&s, e->expected);
	}
	if (e->hint[0]) {
		put_text(&s, e->expected[0] ? "; " : "  ");
		put_text(&s, e->hint);
	}
	if (e->expected[0] || e->hint[0])
		put_text(&s, "\n");
}
