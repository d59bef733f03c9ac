/* The store being written: a directory (DESIGN: manifest.jsonl, segments or packet files), or a
 * single pcapng stream (`-w`).  The format is in docs/store-format.md; reading it is store/open.h.
 *
 * Calling sequence:
 *	store_create() or store_create_stream()
 *	store_own()                        where the recorder will run as another user
 *	store_begin()                      the manifest's first line, the ledger thread
 *	store_write() ... store_tick()     the write worker
 *	store_event(), store_stats()       any thread
 *	store_close()                      grade, last line; frees
 *
 * Threads: store_write() and store_tick() belong to one thread, the write worker.  The manifest
 * belongs to the ledger thread inside, which also finishes segments (deferred hash, sync, manifest
 * line, retention), so that no fsync ever holds the write worker.  store_event() and store_stats()
 * only queue, bounded; what does not fit is counted in the last line.
 *
 * Errors: a full disk is not an error of store_write(): the store suspends (keeping every whole
 * record), counts the span in LOSS_DISK_FULL, drops the oldest segments where `keep_*` says so,
 * looks for space again each second, and goes on in a new segment.  Other write errors count in
 * LOSS_WRITE and are reported once each in the manifest. */
#ifndef WEIR_STORE_STORE_H
#define WEIR_STORE_STORE_H

#include "port/port.h"
#include "store/iface.h"
#include "store/loss.h"
#include "store/span.h"

#include <jansson.h>

enum store_layout {
	STORE_SEGMENTS,
	STORE_FILES,
	STORE_PAIRS
};

struct store_config {
	const char
		*path; /* the directory to make; or what a stream is called in messages */
	enum store_layout layout;
	uint64_t rotate_bytes; /* 0: never by size */
	int64_t rotate_ns;   /* 0: never by time; boundaries are multiples of it in UTC */
	uint64_t keep_bytes; /* 0: keep all */
	int64_t keep_ns;     /* 0: keep all */
	uint32_t snaplen;    /* 0: whole packets */
	bool has_packet_clock; /* rotate by packet times, not by the clock: import */
	bool is_hash_deferred; /* hash segments only after they are closed */
	/* What the manifest's first line says. */
	const char *mode;  /* "divert", "sniff", "import" */
	const char *clock; /* which clock the packet times are of, in words */
	const char *case_id, *examiner, *command_line;
	const char *filter, *filter_normal, *filter_sha256;
	const char *const *inputs; /* import: the files; NULL-terminated or NULL */
	uint64_t memory_bytes;     /* the fixed memory of the session */
	/* What the source says of itself: the first line's member "source"; lent until
	 * store_begin() has returned; may be NULL. */
	json_t *source;
};

struct store;

/* Makes the directory; WEIR_ERR_EXISTS when anything is there, empty or not. */
int store_create(struct store **s, const struct store_config *config,
		 struct iface_table *ifaces, struct weir_error *err) MUST_CHECK;
/* Records go to an open descriptor as one pcapng section; no manifest. The store owns fd. */
int store_create_stream(struct store **s, const struct store_config *config, int fd,
			struct iface_table *ifaces, struct weir_error *err) MUST_CHECK;
/* Gives directory and files to the user that the recorder becomes. */
int store_own(struct store *s, const struct port_user *user,
	      struct weir_error *err) MUST_CHECK;
int store_begin(struct store *s, struct weir_error *err) MUST_CHECK;

/* Takes the span and releases it, now or later.  Returns 0, or WEIR_ERR_CLOSED once a stream's
 * reader has gone. */
int store_write(struct store *s, struct span *span) MUST_CHECK;
/* At least every 100 ms: time rotation, flush, search for space. */
void store_tick(struct store *s, int64_t now_ns);

/* An event for the manifest: {"type":type,"at":...} + members.  Takes `members` (may be NULL). */
void store_event(struct store *s, const char *type, json_t *members);
/* Cumulative figures, every few seconds: {"type":"stats",...}. */
void store_stats(struct store *s, const struct loss_totals *losses);

/* What the write worker has lost and done so far; any thread. */
struct store_progress {
	struct counter packets, bytes, wire_bytes, written_bytes, segments,
		removed_segments;
	struct counter is_suspended; /* 1 while the disk is full */
};
const struct store_progress *store_progress(const struct store *s);
const struct losses *store_losses(const struct store *s);
/* Bytes free where the store lies, UINT64_MAX where unknown. */
uint64_t store_disk_free(const struct store *s);

enum store_grade {
	GRADE_COMPLETE,
	GRADE_WITH_LOSS,
	GRADE_INCOMPLETE
};

const char *grade_name(
	enum store_grade g); /* "complete", "complete-with-loss", "incomplete" */

struct store_end {
	const char
		*reason; /* "signal", "duration", "count", "end_of_input", "error", ... */
	struct loss_totals losses; /* of the whole session, the store's own included */
	bool is_incomplete; /* the source failed or the end of it was not reached */
	json_t *members;    /* more for the last line, taken; may be NULL */
};

struct store_summary {
	uint64_t packets, bytes, wire_bytes, segments;
	int64_t first_ns, last_ns;
	struct loss_totals losses;
	enum store_grade grade;
};

/* Finishes the open segments, waits for the ledger, writes the last line, frees s (always). */
int store_close(struct store *s, const struct store_end *end,
		struct store_summary *summary, struct weir_error *err) MUST_CHECK;

#endif
