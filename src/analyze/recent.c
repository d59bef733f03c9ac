#include "analyze/recent.h"

#include "analyze/mix.h"
#include "base/mem.h"

/* Places are numbered from 1, so that memory that was never touched says "none". */
enum {
	NONE = 0
};

/* Before each key. */
struct head {
	size_t next;         /* of the same bucket; of the free places */
	size_t older, newer; /* by last use */
};

struct recent {
	uint8_t *places;
	size_t *buckets;
	size_t count, bucket_count, key_bytes, value_off, place_bytes;
	size_t used; /* places that ever were */
	size_t oldest, newest, free;
	uint64_t seed, gone_count;
	recent_gone_fn *gone;
	void *gone_arg;
};

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static struct head *place_at(const struct recent *r, size_t i)
{
	return (struct head *)(void *)(r->places + (i - 1) * r->place_bytes);
}

static void *key_at(const struct recent *r, size_t i)
{
	return place_at(r, i) + 1;
}

static void *value_at(const struct recent *r, size_t i)
{
	return (uint8_t *)place_at(r, i) + r->value_off;
}

struct recent *recent_new(size_t count, size_t key_bytes, size_t value_bytes)
{
	struct recent *r = mem_new(1, sizeof *r);

	if (!r)
		return NULL;
	r->count = count;
	r->bucket_count = 2 * count;
	r->key_bytes = key_bytes;
	r->value_off = sizeof(struct head) + align8(key_bytes);
	r->place_bytes = r->value_off + align8(value_bytes);
	r->seed = mix_seed();
	r->places = mem_new(count, r->place_bytes);
	r->buckets = mem_new(r->bucket_count, sizeof *r->buckets);
	if (!r->places || !r->buckets) {
		recent_free(r);
		return NULL;
	}
	return r;
}

void recent_free(struct recent *r)
{
	if (!r)
		return;
	mem_free(r->places);
	mem_free(r->buckets);
	mem_free(r);
}

void recent_on_gone(struct recent *r, recent_gone_fn *gone, void *arg)
{
	r->gone = gone;
	r->gone_arg = arg;
}

static size_t *bucket_of(const struct recent *r, const void *key)
{
	return &r->buckets[mix_bytes(r->seed, key, r->key_bytes) % r->bucket_count];
}

static size_t find(const struct recent *r, const void *key)
{
	size_t i = *bucket_of(r, key);

	while (i != NONE && memcmp(key_at(r, i), key, r->key_bytes) != 0)
		i = place_at(r, i)->next;
	return i;
}

static void unlink_place(struct recent *r, size_t i)
{
	const struct head *h = place_at(r, i);

	if (h->older == NONE)
		r->oldest = h->newer;
	else
		place_at(r, h->older)->newer = h->newer;
	if (h->newer == NONE)
		r->newest = h->older;
	else
		place_at(r, h->newer)->older = h->older;
}

static void link_newest(struct recent *r, size_t i)
{
	struct head *h = place_at(r, i);

	h->older = r->newest;
	h->newer = NONE;
	if (r->newest == NONE)
		r->oldest = i;
	else
		place_at(r, r->newest)->newer = i;
	r->newest = i;
}

static void use(struct recent *r, size_t i)
{
	if (r->newest == i)
		return;
	unlink_place(r, i);
	link_newest(r, i);
}

static void take_out(struct recent *r, size_t i)
{
	size_t *at = bucket_of(r, key_at(r, i));

	while (*at != i)
		at = &place_at(r, *at)->next;
	*at = place_at(r, i)->next;
	unlink_place(r, i);
	place_at(r, i)->next = r->free;
	r->free = i;
}

void *recent_find(struct recent *r, const void *key)
{
	size_t i = find(r, key);

	if (i == NONE)
		return NULL;
	use(r, i);
	return value_at(r, i);
}

static void hand_over_oldest(struct recent *r)
{
	size_t i = r->oldest;

	if (r->gone)
		r->gone(r->gone_arg, key_at(r, i), value_at(r, i));
	take_out(r, i);
}

static size_t free_place(struct recent *r)
{
	size_t i;

	if (r->free == NONE && r->used < r->count)
		return ++r->used;
	if (r->free == NONE) {
		hand_over_oldest(r);
		r->gone_count++;
	}
	i = r->free;
	r->free = place_at(r, i)->next;
	return i;
}

static size_t add(struct recent *r, const void *key)
{
	size_t i = free_place(r), *bucket = bucket_of(r, key);

	memcpy(key_at(r, i), key, r->key_bytes);
	memset(value_at(r, i), 0, r->place_bytes - r->value_off);
	place_at(r, i)->next = *bucket;
	*bucket = i;
	link_newest(r, i);
	return i;
}

void *recent_add(struct recent *r, const void *key)
{
	size_t i = find(r, key);

	if (i == NONE)
		i = add(r, key);
	else
		use(r, i);
	return value_at(r, i);
}

void recent_drop(struct recent *r, const void *key)
{
	size_t i = find(r, key);

	if (i != NONE)
		take_out(r, i);
}

void recent_drain(struct recent *r)
{
	while (r->oldest != NONE)
		hand_over_oldest(r);
}

uint64_t recent_gone_count(const struct recent *r)
{
	return r->gone_count;
}
