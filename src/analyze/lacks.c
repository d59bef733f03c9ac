#include "analyze/lacks.h"

#include "analyze/line.h"

#include <string.h>

/* The beginning of a part behind others. */
static void part(struct line *l, const char *text)
{
	if (line_length(l))
		line_text(l, "; ");
	line_text(l, text);
}

static void put_number(struct line *l, uint64_t n, const char *behind)
{
	line_unsigned(l, n);
	line_text(l, behind);
}

bool lacks_describe(const struct standing *of, char text[LACKS_TEXT])
{
	struct line l;

	line_init(&l, text, LACKS_TEXT - 1);
	if (of->is_live) {
		part(&l, "it is being recorded, what came since is not in it");
	} else if (of->is_store && !of->grade[0]) {
		part(&l, "its end was not reached");
	} else if (of->is_store && strcmp(of->grade, "complete") != 0) {
		part(&l, "grade ");
		line_printable(&l, of->grade, strlen(of->grade));
	}
	if (of->lost) {
		part(&l, "");
		put_number(&l, of->lost, " packets lost");
	}
	if (of->removed_segments) {
		part(&l, "");
		put_number(&l, of->removed_packets, " packets of ");
		put_number(&l, of->removed_segments, " segments were removed");
	}
	if (of->lacks_processes)
		part(&l, "processes.jsonl is missing");
	*l.at = '\0';
	return l.at != text;
}
