#include "store/ledger_queue.h"

#include "base/mem.h"
#include "port/port.h"

int ledger_queue_init(struct ledger_queue *q)
{
	*q = (struct ledger_queue){ .lock = port_monitor_new(),
				    .items = mem_new(LEDGER_QUEUE, sizeof *q->items) };
	return q->lock && q->items ? 0 : WEIR_ERR_NO_MEMORY;
}

void ledger_queue_fini(struct ledger_queue *q)
{
	port_monitor_free(q->lock);
	mem_free(q->items);
}

/* Called with the lock held. */
static struct ledger_item *append(struct ledger_queue *q, const struct ledger_item *item)
{
	struct ledger_item *i = &q->items[(q->head + q->count++) % LEDGER_QUEUE];

	*i = *item;
	port_monitor_signal(q->lock);
	return i;
}

bool ledger_queue_push(struct ledger_queue *q, const struct ledger_item *item,
		       size_t limit)
{
	bool has_place;

	port_monitor_lock(q->lock);
	has_place = q->count < limit;
	if (has_place)
		append(q, item)->ns = port_realtime_ns();
	else
		q->dropped++;
	port_monitor_unlock(q->lock);
	return has_place;
}

bool ledger_queue_return(struct ledger_queue *q, const struct ledger_item *item)
{
	bool has_place;

	port_monitor_lock(q->lock);
	has_place = q->count < LEDGER_QUEUE;
	if (has_place)
		(void)append(q, item);
	port_monitor_unlock(q->lock);
	return has_place;
}

bool ledger_queue_is_empty(struct ledger_queue *q)
{
	bool is;

	port_monitor_lock(q->lock);
	is = !q->count;
	port_monitor_unlock(q->lock);
	return is;
}

bool ledger_queue_pop(struct ledger_queue *q, struct ledger_item *item,
		      int64_t timeout_ns)
{
	bool has_item;

	port_monitor_lock(q->lock);
	if (!q->count && !q->is_closing)
		(void)port_monitor_wait(q->lock, timeout_ns);
	has_item = q->count > 0;
	if (has_item) {
		*item = q->items[q->head];
		q->head = (q->head + 1) % LEDGER_QUEUE;
		q->count--;
	}
	port_monitor_unlock(q->lock);
	return has_item;
}

void ledger_queue_wake(struct ledger_queue *q)
{
	port_monitor_lock(q->lock);
	port_monitor_signal(q->lock);
	port_monitor_unlock(q->lock);
}

bool ledger_queue_has_room(struct ledger_queue *q, size_t count)
{
	bool has_room;

	port_monitor_lock(q->lock);
	has_room = q->count + count <= LEDGER_QUEUE;
	port_monitor_unlock(q->lock);
	return has_room;
}

void ledger_queue_close(struct ledger_queue *q)
{
	port_monitor_lock(q->lock);
	q->is_closing = true;
	port_monitor_signal(q->lock);
	port_monitor_unlock(q->lock);
}

bool ledger_queue_is_closing(struct ledger_queue *q)
{
	bool is;

	port_monitor_lock(q->lock);
	is = q->is_closing;
	port_monitor_unlock(q->lock);
	return is;
}

void ledger_queue_drop(struct ledger_queue *q)
{
	port_monitor_lock(q->lock);
	q->dropped++;
	port_monitor_unlock(q->lock);
}

void ledger_queue_pause(struct ledger_queue *q, int64_t ns)
{
	port_monitor_lock(q->lock);
	(void)port_monitor_wait(q->lock, ns);
	port_monitor_unlock(q->lock);
}
