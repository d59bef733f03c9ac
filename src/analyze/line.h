/* A line of text under construction, in memory of the caller: for output at a rate where printf()
 * costs too much.
 *
 * Calling sequence: line_init() over a buffer, any line_* calls, line_length().  What does not fit
 * is left out and `is_cut` is set; nothing is ever written behind the end.
 *
 * Bytes from evidence (interface names, comments, paths) go in only through line_printable(),
 * line_json() and line_csv(): none of them lets a control byte out, so that a recorded packet
 * cannot speak to the reader's terminal.  No allocation; one thread. */
#ifndef WEIR_ANALYZE_LINE_H
#define WEIR_ANALYZE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
	char *start, *at, *end;
	bool is_cut;
};

static inline void line_init(struct line *l, void *buffer, size_t size)
{
	l->start = l->at = buffer;
	l->end = l->start + size;
	l->is_cut = false;
}

static inline size_t line_length(const struct line *l)
{
	return (size_t)(l->at - l->start);
}

static inline void line_char(struct line *l, char c)
{
	if (l->at < l->end)
		*l->at++ = c;
	else
		l->is_cut = true;
}

void line_bytes(struct line *l, const char *bytes, size_t length);
void line_text(struct line *l, const char *text);
void line_unsigned(struct line *l, uint64_t v);
void line_signed(struct line *l, int64_t v);

/* UTF-8 as it is, but control characters (C0, DEL, C1), those that turn the direction of writing or
 * that nobody sees, and bytes that are not UTF-8 as \xHH, and a backslash doubled. */
void line_printable(struct line *l, const char *bytes, size_t length);

/* For a JSON library that takes UTF-8 only: bytes that are not become \xHH, all else stays. */
void line_utf8(struct line *l, const char *bytes, size_t length);

/* A JSON string with its quotes (RFC 8259); bytes that are not UTF-8 become \xHH as in the store's
 * manifest, written "\\xHH". */
void line_json(struct line *l, const char *bytes, size_t length);

/* A CSV field (RFC 4180), quoted where it must be; control bytes and bad UTF-8 as \xHH. */
void line_csv(struct line *l, const char *bytes, size_t length);

/* time_format(), but the text of the last second is kept: most packets share theirs. */
struct line_clock {
	int64_t second;
	unsigned length; /* 0: nothing kept yet */
	char text[32];   /* up to the point before the fraction */
};

void line_time(struct line *l, struct line_clock *clock, int64_t ns);

#endif
