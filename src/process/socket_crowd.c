/* Who is open on a key and found no room among its owners.  Nobody is named there while one of them is, if they
 * are of several processes; so they are kept by their numbers until their closings are told. */
#include "process/socket_entries.h"

#include "base/mem.h"
#include "packet/headers.h"
#include "weir/error.h"

#include <string.h>

enum {
	CROWDS = 64, /* keys that have one; other keys name nobody any more */
	MEMBERS = 63
};

struct socket_crowd {
	uint32_t entry, count; /* count 0: free */

	struct {
		uint64_t cookie;
		int64_t from_ns; /* a closing before it is not its end */
	} members[MEMBERS];
};

size_t socket_crowds_bytes(void)
{
	return CROWDS * sizeof(struct socket_crowd);
}

int socket_crowds_new(struct socket_table *t)
{
	t->crowds = mem_new(CROWDS, sizeof *t->crowds);
	return t->crowds ? 0 : WEIR_ERR_NO_MEMORY;
}

static struct socket_crowd *crowd_of(const struct socket_table *t,
				     const struct socket_entry *e)
{
	return e->crowd ? &t->crowds[e->crowd - 1] : NULL;
}

void socket_crowd_free(struct socket_table *t, struct socket_entry *e)
{
	struct socket_crowd *c = crowd_of(t, e);

	if (c)
		c->count = 0;
	e->crowd = 0;
}

void socket_crowd_settle(struct socket_table *t, struct socket_entry *e)
{
	struct socket_crowd *c = crowd_of(t, e);

	for (uint32_t i = c ? c->count : 0; i-- > 0;) {
		int64_t closed_ns = socket_closing_ns(t, c->members[i].cookie);

		if (!closed_ns || closed_ns < c->members[i].from_ns)
			continue;
		c->members[i] = c->members[--c->count];
		if (closed_ns > e->crowded_ns)
			e->crowded_ns = closed_ns;
	}
	if (!c || c->count)
		return;
	e->crowd = 0;
	if (!e->is_endless)
		e->has_missing = e->is_crowded = false;
}

void socket_crowds_settle(struct socket_table *t)
{
	for (unsigned i = 0; i < CROWDS; i++)
		if (t->crowds[i].count)
			socket_crowd_settle(t, &t->entries[t->crowds[i].entry]);
}

static struct socket_crowd *find_or_take(struct socket_table *t, struct socket_entry *e)
{
	if (e->crowd)
		return crowd_of(t, e);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < CROWDS; i++)
			if (!t->crowds[i].count) {
				t->crowds[i].entry = (uint32_t)(e - t->entries);
				e->crowd = (uint8_t)(i + 1);
				return &t->crowds[i];
			}
		socket_crowds_settle(t);
	}
	return NULL;
}

void socket_crowd_add(struct socket_table *t, struct socket_entry *e,
		      const struct socket_owner *o)
{
	struct socket_crowd *c;
	uint32_t i = 0;

	/* Of a connection the last one that began is asked of. */
	if (e->key.protocol == PROTOCOL_TCP && !socket_key_is_bound(&e->key))
		return;
	socket_crowd_settle(t, e);
	c = o->cookie ? find_or_take(t, e) : NULL;
	while (c && i < c->count && c->members[i].cookie != o->cookie)
		i++;
	e->has_missing = true;
	if (!c || i == MEMBERS) {
		e->is_endless = true;
		return;
	}
	c->members[i].cookie = o->cookie;
	c->members[i].from_ns = o->from_ns;
	c->count += i == c->count;
}

bool socket_entry_is_crowded(struct socket_table *t, struct socket_entry *e, int64_t ns)
{
	socket_crowd_settle(t, e);
	return e->is_crowded || socket_entry_was_crowded(e, ns);
}
