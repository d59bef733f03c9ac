#include "filter/notes.h"

#include <stdarg.h>

void notes_add(struct notes *n, const struct node *at, const char *format, ...)
{
	struct filter_note *note = &n->list[n->count];
	va_list args;

	if (n->count++ >= n->max)
		return;
	note->at = at ? at->at : 0;
	note->length = at ? at->length : 0;
	va_start(args, format);
	(void)vsnprintf(note->text, sizeof note->text, format, args);
	va_end(args);
}
