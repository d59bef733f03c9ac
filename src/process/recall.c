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
	r->lives[0] = r->lives[1] = (struct recall_life){ 2, 1 };
	return 0;
}

void recall_free(struct recall *r)
{
	mem_free(r->memory);
	r->memory = NULL;
}

static bool is_alive(const struct recall *r, const struct recall_slot *s)
{
	return s->generation >= r->lives[s->key.protocol != 6].oldest;
}

/* Certain or not. */
static struct recall_slot *find(const struct recall *r, const struct recall_key *key)
{
	struct recall_slot *s = recall_set(r, key);

	for (unsigned i = 0; i < RECALL_WAYS; i++, s++)
		if (recall_has_key(s, key) && is_alive(r, s))
			return s;
	return NULL;
}

struct recall_slot *recall_find_doubted(const struct recall *r,
					const struct recall_key *key, int64_t ns)
{
	struct recall_slot *s = r->has_doubted ? find(r, key) : NULL;

	if (!s)
		return NULL;
	s->is_used = true;
	return ns >= s->answer.from_ns && ns <= s->answer.until_ns ? s : NULL;
}

static struct recall_slot *victim(const struct recall *r, const struct recall_key *key)
{
	struct recall_slot *set = recall_set(r, key);

	for (unsigned i = 0; i < RECALL_WAYS; i++)
		if (!is_alive(r, &set[i]))
			return &set[i];
	for (unsigned i = 0; i < RECALL_WAYS; i++)
		if (!set[i].is_used)
			return &set[i];
	for (unsigned i = 0; i < RECALL_WAYS; i++)
		set[i].is_used = false;
	return set;
}

static void put(struct recall *r, const struct recall_key *key,
		const struct recall_answer *answer, uint32_t generation)
{
	struct recall_slot *s = find(r, key);

	if (!s)
		s = victim(r, key);
	*s = (struct recall_slot){ .key = *key,
				   .answer = *answer,
				   .generation = generation };
}

void recall_put(struct recall *r, const struct recall_key *key,
		const struct recall_answer *answer)
{
	put(r, key, answer, recall_generation(r, key->protocol));
}

void recall_put_doubted(struct recall *r, const struct recall_key *key,
			const struct recall_answer *answer)
{
	r->has_doubted = true;
	put(r, key, answer, recall_generation(r, key->protocol) - 1);
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

/* Once in a thousand million times the numbers come to their end: what is of the first round must not come back. */
static void begin_anew(struct recall *r)
{
	memset(r->slots, 0, recall_bytes());
	r->lives[0] = r->lives[1] = (struct recall_life){ 2, 1 };
}

/* The one before the present is never forgotten without it: it is that of what is put in doubted. */
void recall_forget_all(struct recall *r, uint8_t protocol)
{
	struct recall_life *life = &r->lives[protocol != 6];

	if (life->present > UINT32_MAX - 2) {
		begin_anew(r);
		return;
	}
	life->present += 2;
	life->oldest = life->present - 1;
}

void recall_doubt_all(struct recall *r, uint8_t protocol)
{
	struct recall_life *life = &r->lives[protocol != 6];

	r->has_doubted = true;
	if (life->present > UINT32_MAX - 2)
		begin_anew(r);
	else
		life->present++;
}
