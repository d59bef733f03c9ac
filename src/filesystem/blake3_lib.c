#include "filesystem/blake3_sum.h"

#include "base/mem.h"

#include <blake3.h>

struct blake3_sum {
	blake3_hasher hasher;
};

bool blake3_is_built_in(void)
{
	return true;
}

struct blake3_sum *blake3_sum_new(void)
{
	return mem_new(1, sizeof(struct blake3_sum));
}

void blake3_sum_free(struct blake3_sum *b)
{
	mem_free(b);
}

void blake3_sum_start(struct blake3_sum *b)
{
	blake3_hasher_init(&b->hasher);
}

void blake3_sum_update(struct blake3_sum *b, const void *bytes, size_t length)
{
	blake3_hasher_update(&b->hasher, bytes, length);
}

void blake3_sum_finish(const struct blake3_sum *b, uint8_t value[BLAKE3_SUM_BYTES])
{
	blake3_hasher_finalize(&b->hasher, value, BLAKE3_SUM_BYTES);
}
