/* Segments that were closed without a hash: a thread that runs when nothing else wants to reads them
 * again, one after the other, and hands each to `done`.
 *
 * It stops while the recorder is behind (store_progress.busy_until_ns): reading back takes the disk's
 * time as well as the processor's.  Once the store is closing, or where an import waits for it, there is
 * nothing to be careful of, and rehash_help() lets the thread that waits do the same work.
 *
 * Threads: rehash_push() by the ledger; rehash_help() by one thread at a time, the write worker or, once the
 * store is closing, the ledger's; `done` is called on whichever thread
 * hashed.  The queue is bounded by what the ledger's holds: rehash_count() is part of it. */
#ifndef WEIR_STORE_REHASH_H
#define WEIR_STORE_REHASH_H

#include "base/counter.h"
#include "store/ledger_queue.h"

struct rehash;

struct rehash_config {
	int dir_fd; /* borrowed */
	const struct counter *busy_until_ns;
	/* The item with facts.sha256; rc != 0: the file could not be read.  Takes it. */
	void (*done)(void *arg, struct ledger_item *item, int rc);
	void *arg;
};

int rehash_new(struct rehash **h, const struct rehash_config *config,
	       struct weir_error *err) MUST_CHECK;
/* Ends the thread; nothing is left. */
void rehash_free(struct rehash *h);
int rehash_start(struct rehash *h, struct weir_error *err) MUST_CHECK;

/* Takes the item, which has the descriptor.  At most LEDGER_QUEUE are there. */
void rehash_push(struct rehash *h, const struct ledger_item *item);
/* Those that wait or are being hashed. */
size_t rehash_count(struct rehash *h);
/* From now on the thread does not wait for a quiet moment. */
void rehash_hurry(struct rehash *h);
/* Hashes one that waits; false: there is none. */
bool rehash_help(struct rehash *h);

#endif
