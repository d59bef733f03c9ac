#include "store/time_index.h"

#include "base/mem.h"

int time_index_add(struct time_index *x, int64_t ns, uint64_t offset,
		   struct weir_error *err)
{
	if (x->count == x->room) {
		size_t room = x->room ? 2 * x->room : 4096;
		struct time_entry *grown = mem_grow(x->entries, room, sizeof *grown);

		if (!grown)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for an index of %zu packets", room);
		x->entries = grown;
		x->room = room;
	}
	x->entries[x->count++] = (struct time_entry){ ns, offset };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct time_entry *s = a, *t = b;

	if (s->ns != t->ns)
		return s->ns < t->ns ? -1 : 1;
	return (s->offset > t->offset) - (s->offset < t->offset);
}

void time_index_sort(struct time_index *x)
{
	if (x->count)
		qsort(x->entries, x->count, sizeof *x->entries, compare);
}

void time_index_fini(struct time_index *x)
{
	mem_free(x->entries);
	*x = (struct time_index){ 0 };
}
