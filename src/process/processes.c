#include "process/processes.h"

#include "base/mem.h"

#include <string.h>

#define NOTHING UINT32_MAX
/* Rounds of the hand that a process which was used stays for. */
#define CHANCES 8

struct process_table {
	struct process *slots;
	uint32_t *buckets;
	uint32_t capacity, bucket_count;
	uint32_t hand, added;
	uint64_t evicted;
};

void process_table_free(struct process_table *t)
{
	if (!t)
		return;
	mem_free(t->slots);
	mem_free(t->buckets);
	mem_free(t);
}

size_t process_table_bytes(size_t capacity)
{
	return capacity * (sizeof(struct process) + 2 * sizeof(uint32_t));
}

int process_table_new(struct process_table **out, size_t capacity)
{
	struct process_table *t = mem_new(1, sizeof *t);

	*out = NULL;
	if (!t)
		return WEIR_ERR_NO_MEMORY;
	t->capacity = (uint32_t)capacity;
	t->bucket_count = t->capacity * 2;
	t->slots = mem_new(capacity, sizeof *t->slots);
	t->buckets = mem_new(t->bucket_count, sizeof *t->buckets);
	if (!t->slots || !t->buckets) {
		process_table_free(t);
		return WEIR_ERR_NO_MEMORY;
	}
	memset(t->buckets, 0xff, t->bucket_count * sizeof *t->buckets);
	/* The place of number 1. */
	t->hand = 1 % t->capacity;
	*out = t;
	return 0;
}

static uint32_t *bucket(struct process_table *t, uint32_t pid, uint64_t start_ns)
{
	uint64_t h = (start_ns ^ pid) * UINT64_C(0x9e3779b97f4a7c15);

	return &t->buckets[(uint32_t)(h >> 32) % t->bucket_count];
}

struct process *process_table_find(struct process_table *t, uint32_t pid,
				   uint64_t start_ns)
{
	for (uint32_t i = *bucket(t, pid, start_ns); i != NOTHING; i = t->slots[i].next)
		if (t->slots[i].facts.pid == pid &&
		    t->slots[i].facts.start_ns == start_ns)
			return &t->slots[i];
	return NULL;
}

struct process *process_table_latest(struct process_table *t, uint32_t pid)
{
	struct process *found = NULL;

	/* The later one is the nearer to the last; the count may have begun anew. */
	for (uint32_t i = 0; i < t->capacity; i++) {
		struct process *p = &t->slots[i];

		if (p->number && p->facts.pid == pid &&
		    (!found || t->added - p->added < t->added - found->added))
			found = p;
	}
	return found;
}

struct process *process_table_at(struct process_table *t, uint32_t number)
{
	struct process *p = &t->slots[number % t->capacity];

	if (!number || p->number != number)
		return NULL;
	process_use(p);
	return p;
}

void process_use(struct process *p)
{
	p->chances = CHANCES;
}

static void forget(struct process_table *t, uint32_t index)
{
	struct process *p = &t->slots[index];
	uint32_t *at = bucket(t, p->facts.pid, p->facts.start_ns);

	while (*at != index)
		at = &t->slots[*at].next;
	*at = p->next;
}

static uint32_t find_place(struct process_table *t)
{
	while (t->slots[t->hand].chances) {
		t->slots[t->hand].chances--;
		t->hand = (t->hand + 1) % t->capacity;
	}
	return t->hand;
}

static uint32_t take_place(struct process_table *t)
{
	uint32_t index = find_place(t);

	t->hand = (t->hand + 1) % t->capacity;
	return index;
}

const struct process *process_table_leaving(struct process_table *t)
{
	const struct process *p = &t->slots[find_place(t)];

	return p->number ? p : NULL;
}

/* A place's numbers are those that it is the remainder of, one after the other. */
static uint32_t next_number(const struct process_table *t, uint32_t index)
{
	uint32_t before = t->slots[index].number;

	if (before && before <= UINT32_MAX - t->capacity)
		return before + t->capacity;
	return index ? index : t->capacity;
}

struct process *process_table_add(struct process_table *t, uint32_t pid,
				  uint64_t start_ns)
{
	uint32_t index = take_place(t), number = next_number(t, index), *head;
	struct process *p = &t->slots[index];

	if (p->number) {
		forget(t, index);
		t->evicted++;
	}
	memset(p, 0, sizeof *p);
	head = bucket(t, pid, start_ns);
	p->facts.pid = pid;
	p->facts.start_ns = start_ns;
	p->number = number;
	p->added = ++t->added;
	p->next = *head;
	*head = index;
	return p;
}

struct process *process_table_next(struct process_table *t, const struct process *after)
{
	for (size_t i = after ? (size_t)(after - t->slots) + 1 : 0; i < t->capacity; i++)
		if (t->slots[i].number)
			return &t->slots[i];
	return NULL;
}

uint64_t process_table_evicted(const struct process_table *t)
{
	return t->evicted;
}
