#include "analyze/flow_table.h"

#include "analyze/mix.h"
#include "base/mem.h"

enum {
	NONE = -1
};

struct place {
	struct flow flow;
	int32_t next;         /* of the same bucket */
	int32_t older, newer; /* by the last packet */
};

struct flow_table {
	struct place *places;
	int32_t *buckets;
	size_t room, count, bucket_count;
	int32_t oldest, newest;
	uint64_t seed, spilled;
	flow_done_fn *done;
	void *arg;
};

struct flow_table *flow_table_new(size_t memory_bytes, flow_done_fn *done, void *arg)
{
	struct flow_table *t = mem_new(1, sizeof *t);
	size_t each = sizeof(struct place) + 2 * sizeof(int32_t);

	if (!t)
		return NULL;
	t->room = memory_bytes / each;
	if (t->room < FLOW_TABLE_LEAST)
		t->room = FLOW_TABLE_LEAST;
	if (t->room > INT32_MAX)
		t->room = INT32_MAX;
	t->bucket_count = 2 * t->room;
	t->places = mem_new(t->room, sizeof *t->places);
	t->buckets = mem_new(t->bucket_count, sizeof *t->buckets);
	if (!t->places || !t->buckets) {
		flow_table_free(t);
		return NULL;
	}
	for (size_t i = 0; i < t->bucket_count; i++)
		t->buckets[i] = NONE;
	t->oldest = t->newest = NONE;
	t->seed = mix_seed();
	t->done = done;
	t->arg = arg;
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	mem_free(t->places);
	mem_free(t->buckets);
	mem_free(t);
}

uint64_t flow_table_spilled(const struct flow_table *t)
{
	return t->spilled;
}

static int32_t *bucket_of(struct flow_table *t, const struct flow_key *key)
{
	return &t->buckets[mix_bytes(t->seed, key, sizeof *key) % t->bucket_count];
}

static int32_t find(struct flow_table *t, const struct flow_key *key)
{
	int32_t i = *bucket_of(t, key);

	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): keys are zeroed first */
	while (i != NONE && memcmp(&t->places[i].flow.key, key, sizeof *key) != 0)
		i = t->places[i].next;
	return i;
}

struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key)
{
	int32_t i = find(t, key);

	return i == NONE ? NULL : &t->places[i].flow;
}

/* Takes a place out of the order of last packets. */
static void unlink_place(struct flow_table *t, int32_t i)
{
	struct place *p = &t->places[i];

	if (p->older == NONE)
		t->oldest = p->newer;
	else
		t->places[p->older].newer = p->newer;
	if (p->newer == NONE)
		t->newest = p->older;
	else
		t->places[p->newer].older = p->older;
}

static void link_newest(struct flow_table *t, int32_t i)
{
	struct place *p = &t->places[i];

	p->older = t->newest;
	p->newer = NONE;
	if (t->newest == NONE)
		t->oldest = i;
	else
		t->places[t->newest].newer = i;
	t->newest = i;
}

static void take_out_of_bucket(struct flow_table *t, int32_t i)
{
	int32_t *at = bucket_of(t, &t->places[i].flow.key);

	while (*at != i)
		at = &t->places[*at].next;
	*at = t->places[i].next;
}

/* A free place, the one of the flow that was silent for longest where there is no other. */
static int32_t make_room(struct flow_table *t, int *rc)
{
	int32_t i;

	if (t->count < t->room)
		return (int32_t)t->count++;
	i = t->oldest;
	*rc = t->done(t->arg, &t->places[i].flow, true);
	if (*rc)
		return NONE;
	t->spilled++;
	unlink_place(t, i);
	take_out_of_bucket(t, i);
	return i;
}

static int32_t add(struct flow_table *t, const struct flow_key *key,
		   const struct flow_packet *p, int *rc)
{
	int32_t i = make_room(t, rc), *bucket;

	if (i == NONE)
		return NONE;
	flow_begin(&t->places[i].flow, key, p);
	bucket = bucket_of(t, key);
	t->places[i].next = *bucket;
	*bucket = i;
	link_newest(t, i);
	return i;
}

/* Hands the flow over where the packet begins another one in its place.  Once parts of flows are
 * gone, what is here does not tell whether a SYN begins one: it begins a part, and who puts the parts
 * together sees all of them. */
static int replace(struct flow_table *t, struct flow *f, const struct flow_packet *p,
		   bool *is_begun)
{
	const struct flow_key key = f->key;
	bool is_part = t->spilled && flow_is_opening(p);
	int rc;

	if (!is_part && !flow_is_over(f, p))
		return 0;
	rc = t->done(t->arg, f, is_part);
	if (rc)
		return rc;
	flow_begin(f, &key, p);
	*is_begun = true;
	return 0;
}

struct flow *flow_table_packet(struct flow_table *t, const struct flow_key *key,
			       const struct flow_packet *p, bool *is_begun, int *rc)
{
	int32_t i = find(t, key);
	struct flow *f;

	*rc = 0;
	*is_begun = i == NONE;
	if (i == NONE) {
		i = add(t, key, p, rc);
		if (i == NONE)
			return NULL;
	}
	f = &t->places[i].flow;
	if (!*is_begun) {
		*rc = replace(t, f, p, is_begun);
		if (*rc)
			return NULL;
	}
	flow_add(f, p);
	if (t->newest != i) {
		unlink_place(t, i);
		link_newest(t, i);
	}
	return f;
}

int flow_table_finish(struct flow_table *t)
{
	int rc = 0;

	for (int32_t i = t->oldest; i != NONE && !rc; i = t->places[i].newer)
		rc = t->done(t->arg, &t->places[i].flow, false);
	for (size_t i = 0; i < t->bucket_count; i++)
		t->buckets[i] = NONE;
	t->oldest = t->newest = NONE;
	t->count = 0;
	return rc;
}
