#include "store/text_pool.h"

#include "base/mem.h"
#include "port/port.h"

enum {
	CHUNK = 1 << 18,
	FIRST_SLOTS = 1024
};

struct chunk {
	struct chunk *older;
	char bytes[];
};

struct text_pool {
	size_t bound, taken;
	struct chunk *chunk;
	size_t used, room; /* of the newest chunk */
	/* Open addressing; each text has its length in the 4 bytes before it. */
	const char **slots;
	size_t slot_count, count;
	uint64_t
		seed; /* so that whoever sends names cannot choose which meet in a slot */
};

struct text_pool *text_pool_new(size_t bound_bytes)
{
	struct text_pool *p = mem_new(1, sizeof *p);

	if (!p)
		return NULL;
	p->bound = bound_bytes;
	p->seed = (uint64_t)port_realtime_ns() * 0x9e3779b97f4a7c15;
	p->slot_count = FIRST_SLOTS;
	p->slots = mem_new(FIRST_SLOTS, sizeof *p->slots);
	if (p->slots)
		return p;
	mem_free(p);
	return NULL;
}

void text_pool_free(struct text_pool *p)
{
	if (!p)
		return;
	while (p->chunk) {
		struct chunk *older = p->chunk->older;

		mem_free(p->chunk);
		p->chunk = older;
	}
	mem_free(p->slots);
	mem_free(p);
}

static uint32_t length_of(const char *text)
{
	uint32_t n;

	memcpy(&n, text - sizeof n, sizeof n);
	return n;
}

static size_t hash(uint64_t seed, const char *text, size_t length)
{
	uint64_t h = seed;

	for (size_t i = 0; i < length; i++) {
		h = (h ^ (uint8_t)text[i]) * 0x100000001b3;
		h ^= h >> 29;
	}
	return (size_t)h;
}

/* The text's slot, or the free one that it should have. */
static const char **find(const struct text_pool *p, const char **slots, size_t count,
			 const char *text, size_t length)
{
	size_t i = hash(p->seed, text, length) & (count - 1);

	while (slots[i] &&
	       (length_of(slots[i]) != length || memcmp(slots[i], text, length) != 0))
		i = (i + 1) & (count - 1);
	return &slots[i];
}

static bool grow_slots(struct text_pool *p)
{
	size_t count = 2 * p->slot_count;
	const char **slots = mem_new(count, sizeof *slots);

	if (!slots)
		return false;
	for (size_t i = 0; i < p->slot_count; i++)
		if (p->slots[i])
			*find(p, slots, count, p->slots[i], length_of(p->slots[i])) =
				p->slots[i];
	mem_free(p->slots);
	p->slots = slots;
	p->slot_count = count;
	return true;
}

static bool add_chunk(struct text_pool *p, size_t need)
{
	size_t room = need > CHUNK ? need : CHUNK;
	struct chunk *c;

	if (room > p->bound - p->taken)
		return false;
	c = mem_new(1, sizeof *c + room);
	if (!c)
		return false;
	c->older = p->chunk;
	p->chunk = c;
	p->used = 0;
	p->room = room;
	p->taken += room;
	return true;
}

static char *put(struct text_pool *p, const char *text, size_t length)
{
	uint32_t n = (uint32_t)length;
	size_t need = sizeof n + length + 1;
	char *to;

	if (length > UINT32_MAX - 16)
		return NULL;
	if (need > p->room - p->used && !add_chunk(p, need))
		return NULL;
	to = p->chunk->bytes + p->used;
	p->used += need;
	memcpy(to, &n, sizeof n);
	if (length)
		memcpy(to + sizeof n, text, length);
	to[sizeof n + length] = '\0';
	return to + sizeof n;
}

const char *text_pool_keep(struct text_pool *p, const char *text, size_t length)
{
	const char **slot;

	if (4 * (p->count + 1) > 3 * p->slot_count && !grow_slots(p))
		return NULL;
	slot = find(p, p->slots, p->slot_count, text, length);
	if (*slot)
		return *slot;
	*slot = put(p, text, length);
	p->count += *slot != NULL;
	return *slot;
}
