#include "process/recall.h"

#include "base/mem.h"
#include "weir/error.h"

#define LINE sizeof(struct recall_slot)
_Static_assert(LINE == 64, "a slot is a line of the cache");

size_t recall_bytes(void)
{
	return (size_t)RECALL_SETS * RECALL_WAYS * sizeof(struct recall_slot);
}

int recall_new(struct recall *r)
{
	/* One more, for the alignment. */
	r->memory = mem_new(recall_bytes() / LINE + 1, LINE);
	if (!r->memory)
		return WEIR_ERR_NO_MEMORY;
	r->slots = (void *)((uint8_t *)r->memory +
			    (LINE - (uintptr_t)r->memory % LINE) % LINE);
	r->generations[0] = r->generations[1] = 1;
	return 0;
}

void recall_free(struct recall *r)
{
	mem_free(r->memory);
	r->memory = NULL;
}

static struct recall_slot *find(const struct recall *r, const struct recall_key *key)
{
	struct recall_slot *s = recall_set(r, key);

	for (unsigned i = 0; i < RECALL_WAYS; i++, s++)
		if (recall_is(r, s, key))
			return s;
	return NULL;
}

static struct recall_slot *victim(const struct recall *r, const struct recall_key *key)
{
	struct recall_slot *set = recall_set(r, key);

	for (unsigned i = 0; i < RECALL_WAYS; i++)
		if (set[i].generation != recall_generation(r, set[i].key.protocol))
			return &set[i];
	for (unsigned i = 0; i < RECALL_WAYS; i++)
		if (!set[i].is_used)
			return &set[i];
	for (unsigned i = 0; i < RECALL_WAYS; i++)
		set[i].is_used = false;
	return set;
}

void recall_put(struct recall *r, const struct recall_key *key,
		const struct recall_answer *answer)
{
	struct recall_slot *s = find(r, key);

	if (!s)
		s = victim(r, key);
	*s = (struct recall_slot){ .key = *key,
				   .answer = *answer,
				   .generation = recall_generation(r, key->protocol) };
}

bool recall_was_used(struct recall *r, const struct recall_key *key)
{
	struct recall_slot *s = find(r, key);
	bool was = s && s->is_used;

	if (s)
		s->is_used = false;
	return was;
}

void recall_forget(struct recall *r, const struct recall_key *key)
{
	struct recall_slot *s = find(r, key);

	if (s)
		s->generation = 0;
}

void recall_forget_all(struct recall *r, uint8_t protocol)
{
	if (++r->generations[protocol != 6])
		return;
	/* Once in four thousand million times: what is of the first round must not come back. */
	memset(r->slots, 0, recall_bytes());
	r->generations[protocol != 6] = 1;
}
