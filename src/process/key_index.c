#include "process/key_index.h"

#include "base/mem.h"
#include "weir/error.h"

#include <string.h>

static size_t slot_count(size_t entries)
{
	size_t n = 64;

	while (n < 2 * entries)
		n *= 2;
	return n;
}

size_t key_index_bytes(size_t entries)
{
	return slot_count(entries) * sizeof(struct key_index_slot);
}

int key_index_new(struct key_index *x, size_t entries)
{
	size_t slots = slot_count(entries);

	x->mask = (uint32_t)slots - 1;
	x->slots = mem_new(slots, sizeof *x->slots);
	if (!x->slots)
		return WEIR_ERR_NO_MEMORY;
	memset(x->slots, 0xff, slots * sizeof *x->slots);
	return 0;
}

void key_index_free(struct key_index *x)
{
	mem_free(x->slots);
	x->slots = NULL;
}

void key_index_put(struct key_index *x, uint32_t hash, uint32_t number)
{
	uint32_t at = hash & x->mask;

	while (x->slots[at].number != KEY_INDEX_NONE)
		at = (at + 1) & x->mask;
	x->slots[at] = (struct key_index_slot){ .hash = hash, .number = number };
}

/* What stands behind the gap moves into it, where its own look would pass by the gap: so no look ends early.
 *
 *	home --- gap ------- at        moves: the gap is between where it belongs and where it is
 *	         gap -- home -- at     stays */
void key_index_remove(struct key_index *x, uint32_t hash, uint32_t number)
{
	uint32_t gap = hash & x->mask, at;

	while (x->slots[gap].number != number)
		gap = (gap + 1) & x->mask;
	for (at = (gap + 1) & x->mask; x->slots[at].number != KEY_INDEX_NONE;
	     at = (at + 1) & x->mask) {
		uint32_t from_home = (at - x->slots[at].hash) & x->mask;

		if (from_home < ((at - gap) & x->mask))
			continue;
		x->slots[gap] = x->slots[at];
		gap = at;
	}
	x->slots[gap].number = KEY_INDEX_NONE;
}
