#include "filter/pool.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>

#define BLOCK_BYTES ((size_t)16384)

struct pool_block {
	struct pool_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

void pool_init(struct pool *p)
{
	p->blocks = NULL;
}

void pool_fini(struct pool *p)
{
	while (p->blocks) {
		struct pool_block *next = p->blocks->next;

		mem_free(p->blocks);
		p->blocks = next;
	}
}

void *pool_new(struct pool *p, size_t count, size_t size)
{
	struct pool_block *b = p->blocks;
	size_t bytes;
	void *piece;

	if (size && count > (SIZE_MAX / 2) / size)
		return NULL;
	bytes = ALIGN_UP(count * size, alignof(max_align_t));
	if (!b || b->size - b->used < bytes) {
		size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

		b = mem_new(1, sizeof *b + room);
		if (!b)
			return NULL;
		b->size = room;
		b->next = p->blocks;
		p->blocks = b;
	}
	piece = b->bytes + b->used;
	b->used += bytes;
	return piece;
}

size_t pool_bytes(const struct pool *p)
{
	size_t bytes = 0;

	for (const struct pool_block *b = p->blocks; b; b = b->next)
		bytes += sizeof *b + b->size;
	return bytes;
}
