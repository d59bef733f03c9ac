/* Memory that is taken piece by piece and given back whole: a filter's tree, sets and graph live
 * in one pool.
 *
 * Calling sequence: pool_init(), any pool_new(), pool_fini().  Pieces are zeroed, aligned for
 * everything, never moved.  After one pool_new() returned NULL (no memory) the pool is as before.
 * Threads: one at a time. */
#ifndef WEIR_FILTER_POOL_H
#define WEIR_FILTER_POOL_H

#include "base/compiler.h"

#include <stddef.h>

struct pool_block;

struct pool {
	struct pool_block *blocks;
};

void pool_init(struct pool *p);
void pool_fini(struct pool *p);
void *pool_new(struct pool *p, size_t count, size_t size) MUST_CHECK;
/* What the pool has taken from the heap. */
size_t pool_bytes(const struct pool *p);

#endif
