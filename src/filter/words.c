#include "filter/words.h"

#include "base/mem.h"

#include <stdarg.h>

void words_init(struct words *w)
{
	*w = (struct words){ 0 };
}

void words_fini(struct words *w)
{
	mem_free(w->text);
	words_init(w);
}

static bool make_room(struct words *w, size_t more)
{
	size_t need = w->length + more + 1, size = w->capacity ? w->capacity : 256;
	char *p;

	while (size < need)
		size *= 2;
	if (size == w->capacity)
		return true;
	p = mem_grow(w->text, size, 1);
	if (!p)
		return false;
	w->text = p;
	w->capacity = size;
	return true;
}

void words_add(struct words *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (w->is_bad || n < 0 || !make_room(w, (size_t)n)) {
		w->is_bad = true;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(w->text + w->length, (size_t)n + 1, format, args);
	va_end(args);
	w->length += (size_t)n;
}

void words_cut(struct words *w, size_t length)
{
	if (w->is_bad || length >= w->length)
		return;
	w->length = length;
	w->text[length] = '\0';
}

char *words_take(struct words *w)
{
	char *text = NULL;

	words_add(w, "%s", "");
	if (!w->is_bad) {
		text = w->text;
		w->text = NULL;
	}
	words_fini(w);
	return text;
}
