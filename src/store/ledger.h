/* The ledger: one thread that owns the manifest.  It finishes segments that the write worker has
 * closed (deferred hash, sync, line, retention), writes events, and watches the clocks.
 *
 * Calling sequence: ledger_new(), ledger_start(), the others, ledger_stop(), ledger_free().
 * Threads: ledger_opened(), ledger_segment(), ledger_make_room(), ledger_tick() belong to the write worker,
 * ledger_event() and ledger_stats() to anyone.  None of them waits for the disk.  The queue is
 * bounded: events fill half of it at most and are then dropped and counted; the write worker looks
 * at ledger_has_room() before it closes a segment, and leaves a place for each lane's next one. */
#ifndef WEIR_STORE_LEDGER_H
#define WEIR_STORE_LEDGER_H

#include "store/again.h"
#include "store/manifest.h"
#include "store/segment.h"
#include "store/store.h"

struct ledger;

struct ledger_config {
	const struct disk *disk;
	int dir_fd; /* borrowed */
	const struct store_config *store;
	struct iface_table *ifaces;
	struct store_progress *progress; /* removed_segments is the ledger's to raise */
	const struct losses *losses;     /* the store's own */
	struct again
		*again; /* the store is gone on with; its manifest is taken; else NULL */
};

int ledger_new(struct ledger **l, const struct ledger_config *config,
	       struct weir_error *err) MUST_CHECK;
void ledger_free(struct ledger *l);
/* Writes the first line (borrows it) and starts the thread. */
int ledger_start(struct ledger *l, json_t *start, struct weir_error *err) MUST_CHECK;
/* The manifest, while no thread runs. */
struct manifest *ledger_manifest(struct ledger *l);

/* For so many items. */
bool ledger_has_room(struct ledger *l, size_t count);
/* Its lines find no place on the disk: room may not come by waiting. */
bool ledger_is_stuck(const struct ledger *l);
/* A moment, for the queue to become shorter: only in an import, or while closing.  Segments without a hash
 * are hashed meanwhile, however busy the source is. */
void ledger_wait(struct ledger *l);
/* A segment file was made; fd is borrowed (and duplicated, to be synced while it grows). */
void ledger_opened(struct ledger *l, const struct segment_facts *f, int fd);
/* Takes fd. */
void ledger_segment(struct ledger *l, const struct segment_facts *f, int fd);
/* The disk is full: remove what --keep allows. */
void ledger_make_room(struct ledger *l);
/* At least every 100 ms: has the ledger look at once whether so much was written that it should be
 * made durable. */
void ledger_tick(struct ledger *l);
/* Takes members.  `is_needed`: may use the part of the queue that is kept free of events. */
void ledger_event(struct ledger *l, const char *type, json_t *members, bool is_needed);
void ledger_stats(struct ledger *l, const struct loss_totals *losses);

/* Works off the queue and ends the thread.  Then these are true: */
void ledger_stop(struct ledger *l);
uint64_t ledger_dropped(const struct ledger *l);
/* A needed line could not be written or found no place, or a segment was not made durable. */
bool ledger_has_failed(const struct ledger *l);

#endif
