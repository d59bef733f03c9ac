#include "base/mem.h"

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
