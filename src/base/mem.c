#include "base/mem.h"

#include "weir/error.h"

#include <stdint.h>

void *mem_new(size_t count, size_t size)
{
	return calloc(count ? count : 1, size ? size : 1);
}

void *mem_grow(void *p, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return NULL;
	return realloc(p, count && size ? count * size : 1);
}

int mem_room(void **array, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return 0;
	grown = mem_grow(*array, more, size);
	if (!grown)
		return WEIR_ERR_NO_MEMORY;
	*array = grown;
	*room = more;
	return 0;
}

char *mem_strdup(const char *text)
{
	size_t n = strlen(text) + 1;
	char *p = mem_new(n, 1);

	if (p)
		memcpy(p, text, n);
	return p;
}

void mem_free(void *p)
{
	free(p);
}
