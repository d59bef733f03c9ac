/* Messages of rtnetlink as they would come from a kernel gone mad: parsed into the table, in one
 * piece and in two. */
#include "capture/link_watch.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void update(void *arg, const struct net_link *l)
{
	struct link_table *t = arg;
	struct net_link before;

	assert(memchr(l->name, 0, sizeof l->name));
	assert(l->index);
	(void)link_table_update(t, l, &before);
	assert(t->count <= LINK_COUNT);
	assert(!l->is_gone || !link_table_at(t, l->index));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link_table table;
	struct weir_error err;
	bool is_done = false;
	size_t half = size / 2;

	table.count = 0;
	if (link_parse(data, size, update, &table, &is_done, &err) < 0)
		assert(err.code == WEIR_ERR_FORMAT && err.text[0]);
	if (link_parse(data, half, update, &table, &is_done, &err) < 0 &&
	    link_parse(data + half, size - half, update, &table, &is_done, &err) < 0)
		assert(err.code == WEIR_ERR_FORMAT);
	return 0;
}
