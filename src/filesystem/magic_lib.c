#include "filesystem/magic.h"

#include "base/mem.h"

#include <magic.h>

struct magic {
	magic_t cookie;
};

bool magic_is_built_in(void)
{
	return true;
}

struct magic *magic_new(void)
{
	struct magic *m = mem_new(1, sizeof *m);

	if (!m)
		return NULL;
	m->cookie = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
	if (m->cookie && !magic_load(m->cookie, NULL))
		return m;
	magic_free(m);
	return NULL;
}

void magic_free(struct magic *m)
{
	if (!m)
		return;
	if (m->cookie)
		magic_close(m->cookie);
	mem_free(m);
}

const char *magic_type(struct magic *m, const void *bytes, size_t length)
{
	return m ? magic_buffer(m->cookie, bytes, length) : NULL;
}
