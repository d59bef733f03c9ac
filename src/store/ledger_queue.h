/* What waits for the ledger's thread: a bounded queue from several threads to one.
 *
 * Threads: push, drop and close by anyone; pop by the ledger's thread.  A lock guards it, held for
 * the copying of one item.  Memory is fixed; an item that finds no place is counted as dropped and
 * stays with its caller. */
#ifndef WEIR_STORE_LEDGER_QUEUE_H
#define WEIR_STORE_LEDGER_QUEUE_H

#include "store/loss.h"
#include "store/segment.h"

#include <jansson.h>

enum {
	LEDGER_QUEUE = 512,
	LEDGER_EVENTS = LEDGER_QUEUE / 2,  /* events and stats: this many at most */
	LEDGER_NEEDED = LEDGER_QUEUE - 16, /* and those that must not be lost */
	LEDGER_TYPE = 40
};

enum ledger_kind {
	LEDGER_EVENT,
	LEDGER_STATS,
	LEDGER_OPENED,
	LEDGER_SEGMENT,
	LEDGER_HASHED, /* a segment that comes back from the hasher */
	LEDGER_ROOM
};

struct ledger_item {
	enum ledger_kind kind;
	int64_t ns; /* when it was pushed */
	char type[LEDGER_TYPE];
	json_t *members;
	struct loss_totals losses;
	struct segment_facts facts;
	int fd;
	bool has_failed; /* LEDGER_HASHED */
};

struct ledger_queue {
	struct port_monitor *lock;
	struct ledger_item *items;
	size_t head, count;
	uint64_t dropped;
	bool is_closing;
};

int ledger_queue_init(struct ledger_queue *q) MUST_CHECK;
void ledger_queue_fini(struct ledger_queue *q);
/* False where `limit` items or more are there: what the item holds stays the caller's. */
bool ledger_queue_push(struct ledger_queue *q, const struct ledger_item *item,
		       size_t limit);
/* As push, but without the limit, and keeping the item's time. */
bool ledger_queue_return(struct ledger_queue *q, const struct ledger_item *item);
bool ledger_queue_is_empty(struct ledger_queue *q);
/* Waits for an item, not longer than timeout_ns, and not once it is closing. */
bool ledger_queue_pop(struct ledger_queue *q, struct ledger_item *item,
		      int64_t timeout_ns) MUST_CHECK;
/* Ends a wait for an item. */
void ledger_queue_wake(struct ledger_queue *q);
bool ledger_queue_has_room(struct ledger_queue *q, size_t count);
void ledger_queue_close(struct ledger_queue *q);
bool ledger_queue_is_closing(struct ledger_queue *q);
/* Counts a line that was dropped elsewhere. */
void ledger_queue_drop(struct ledger_queue *q);
/* Waits until something happens to the queue, or the time has passed. */
void ledger_queue_pause(struct ledger_queue *q, int64_t ns);

#endif
