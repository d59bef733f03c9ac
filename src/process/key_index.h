/* Where in an array the entry with a key is, by the key's hash: a fixed table of open addressing, in which each
 * slot has the hash beside the number, so that looking for what is not there, and past what is another's,
 * touches none of the entries.
 *
 * Calling sequence: key_index_new(); key_index_first() and key_index_next() give the numbers put in
 * with a hash, until KEY_INDEX_NONE: whose key it is the caller compares.  Pure; no allocation after _new(); one
 * thread.  At most half of the slots are used, so a look takes a line of the cache, seldom two. */
#ifndef WEIR_PROCESS_KEY_INDEX_H
#define WEIR_PROCESS_KEY_INDEX_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#define KEY_INDEX_NONE UINT32_MAX

struct key_index_slot {
	uint32_t hash, number; /* KEY_INDEX_NONE: free */
};

struct key_index {
	struct key_index_slot *slots;
	uint32_t mask;
};

/* For up to so many entries. */
int key_index_new(struct key_index *x, size_t entries) MUST_CHECK;
void key_index_free(struct key_index *x);
size_t key_index_bytes(size_t entries);

/* There has to be room: no more entries than _new() was told. */
void key_index_put(struct key_index *x, uint32_t hash, uint32_t number);
/* Has to be there. */
void key_index_remove(struct key_index *x, uint32_t hash, uint32_t number);

/* at: where the look goes on. */
static inline uint32_t key_index_next(const struct key_index *x, uint32_t hash,
				      uint32_t *at)
{
	for (;; ++*at) {
		const struct key_index_slot *s = &x->slots[*at & x->mask];

		if (s->number == KEY_INDEX_NONE)
			return KEY_INDEX_NONE;
		if (s->hash == hash) {
			++*at;
			return s->number;
		}
	}
}

static inline uint32_t key_index_first(const struct key_index *x, uint32_t hash,
				       uint32_t *at)
{
	*at = hash;
	return key_index_next(x, hash, at);
}

/* That hash will be looked for soon. */
static inline void key_index_expect(const struct key_index *x, uint32_t hash)
{
	__builtin_prefetch(&x->slots[hash & x->mask]);
}

#endif
