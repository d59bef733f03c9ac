#include "base/spsc.h"

#include "base/mem.h"
#include "weir/error.h"

int spsc_init(struct spsc *q, size_t capacity)
{
	size_t n = 2;

	while (n < capacity)
		n *= 2;
	q->slots = mem_new(n, sizeof *q->slots);
	q->mask = n - 1;
	atomic_init(&q->head, 0);
	atomic_init(&q->tail, 0);
	return q->slots ? 0 : WEIR_ERR_NO_MEMORY;
}

void spsc_fini(struct spsc *q)
{
	mem_free(q->slots);
	q->slots = NULL;
}

bool spsc_push(struct spsc *q, void *item)
{
	size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&q->tail, memory_order_acquire) > q->mask)
		return false;
	q->slots[head & q->mask] = item;
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

void *spsc_pop(struct spsc *q)
{
	size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	void *item;

	if (tail == atomic_load_explicit(&q->head, memory_order_acquire))
		return NULL;
	item = q->slots[tail & q->mask];
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return item;
}

size_t spsc_count(const struct spsc *q)
{
	return atomic_load_explicit(&q->head, memory_order_acquire) -
	       atomic_load_explicit(&q->tail, memory_order_acquire);
}
