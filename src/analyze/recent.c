#include "analyze/recent.h"

#include "analyze/mix.h"
#include "base/mem.h"

enum {
	WAYS = 8
};

/* Before each key. */
struct head {
	uint64_t used; /* 0: the place is free */
};

struct recent {
	uint8_t *places;
	size_t sets, key_bytes, value_off, place_bytes;
	uint64_t seed, tick, gone_count;
	recent_gone_fn *gone;
	void *gone_arg;
};

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

struct recent *recent_new(size_t count, size_t key_bytes, size_t value_bytes)
{
	struct recent *r = mem_new(1, sizeof *r);

	if (!r)
		return NULL;
	r->sets = (count + WAYS - 1) / WAYS;
	r->key_bytes = key_bytes;
	r->value_off = sizeof(struct head) + align8(key_bytes);
	r->place_bytes = r->value_off + align8(value_bytes);
	r->seed = mix_seed();
	r->places = mem_new(r->sets * WAYS, r->place_bytes);
	if (r->places)
		return r;
	mem_free(r);
	return NULL;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	mem_free(r->places);
	mem_free(r);
}

void recent_on_gone(struct recent *r, recent_gone_fn *gone, void *arg)
{
	r->gone = gone;
	r->gone_arg = arg;
}

static struct head *place_at(const struct recent *r, size_t i)
{
	return (struct head *)(void *)(r->places + i * r->place_bytes);
}

static void *key_of(struct head *h)
{
	return h + 1;
}

static void *value_of(const struct recent *r, struct head *h)
{
	return (uint8_t *)h + r->value_off;
}

static size_t first_way(const struct recent *r, const void *key)
{
	return (size_t)(mix_bytes(r->seed, key, r->key_bytes) % r->sets) * WAYS;
}

static struct head *find(const struct recent *r, const void *key)
{
	size_t first = first_way(r, key);

	for (size_t i = first; i < first + WAYS; i++) {
		struct head *h = place_at(r, i);

		if (h->used && !memcmp(key_of(h), key, r->key_bytes))
			return h;
	}
	return NULL;
}

void *recent_find(struct recent *r, const void *key)
{
	struct head *h = find(r, key);

	if (!h)
		return NULL;
	h->used = ++r->tick;
	return value_of(r, h);
}

static void hand_over(struct recent *r, struct head *h)
{
	if (r->gone)
		r->gone(r->gone_arg, key_of(h), value_of(r, h));
	h->used = 0;
}

void *recent_add(struct recent *r, const void *key)
{
	size_t first = first_way(r, key);
	struct head *h = find(r, key);

	if (!h) {
		h = place_at(r, first);
		for (size_t i = first + 1; i < first + WAYS; i++)
			if (place_at(r, i)->used < h->used)
				h = place_at(r, i);
		if (h->used) {
			hand_over(r, h);
			r->gone_count++;
		}
		memcpy(key_of(h), key, r->key_bytes);
		memset(value_of(r, h), 0, r->place_bytes - r->value_off);
	}
	h->used = ++r->tick;
	return value_of(r, h);
}

void recent_drop(struct recent *r, const void *key)
{
	struct head *h = find(r, key);

	if (h)
		h->used = 0;
}

void recent_drain(struct recent *r)
{
	for (size_t i = 0; i < r->sets * WAYS; i++)
		if (place_at(r, i)->used)
			hand_over(r, place_at(r, i));
}

uint64_t recent_gone_count(const struct recent *r)
{
	return r->gone_count;
}
