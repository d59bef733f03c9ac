#include "agent/lines.h"

#include "base/mem.h"
#include "weir/error.h"

#include <string.h>

static int make_room(struct lines *l, size_t more)
{
	size_t need = l->length + more + 1, room = l->room ? l->room : 4096;
	char *grown;

	if (need <= l->room)
		return 0;
	if (need > LINES_MAX)
		return WEIR_ERR_LIMIT;
	while (room < need)
		room *= 2;
	grown = mem_grow(l->bytes, room, 1);
	if (!grown)
		return WEIR_ERR_NO_MEMORY;
	l->bytes = grown;
	l->room = room;
	return 0;
}

int lines_feed(struct lines *l, const char *bytes, size_t length)
{
	while (length) {
		const char *newline = memchr(bytes, '\n', length);
		size_t n = newline ? (size_t)(newline - bytes) : length;
		int rc = make_room(l, n);

		if (rc)
			return rc;
		memcpy(l->bytes + l->length, bytes, n);
		l->length += n;
		n += newline != NULL;
		bytes += n;
		length -= n;
		if (!newline)
			continue;
		n = l->length;
		l->bytes[n] = '\0';
		l->length = 0;
		rc = l->line(l->data, l->bytes, n);
		if (rc)
			return rc;
	}
	return 0;
}

void lines_fini(struct lines *l)
{
	mem_free(l->bytes);
	l->bytes = NULL;
	l->length = l->room = 0;
}
