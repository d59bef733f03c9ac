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
#include "store/process_set.h"
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
	/* The store is there and is gone on with, in its next segment: the manifest says what is missing
	 * between.  Its interfaces must be in the table (store_inherit()). */
	bool is_continued;
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
	/* Of whose packets they are: its member "attribution"; lent as `source` is. */
	json_t *attribution;
	/* Blocks of the processes that spans name; asked by the write worker. */
	struct process_source processes;
};

struct store;

/* Makes the directory; WEIR_ERR_EXISTS when anything is there, empty or not. */
int store_create(struct store **s, const struct store_config *config,
		 struct iface_table *ifaces, struct weir_error *err) MUST_CHECK;
/* Before store_create() of one that is continued, and before the source is opened: repairs the store
 * where its recorder died, and puts its interfaces first into the table, so that ids stay. */
int store_inherit(const char *path, struct iface_table *ifaces,
		  struct weir_error *err) MUST_CHECK;
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
/* Writes are in flight between store_write() and the span's release.  The two frame the write
 * worker's thread: before its first span, and after its last, to wait for what is in flight.
 * wake_fd: an event descriptor to be raised by each write that is done, -1: none. */
void store_writes_begin(struct store *s, int wake_fd);
void store_writes_end(struct store *s);
/* Finishes what is done and returns how many writes are in flight; waits for nothing. */
unsigned store_collect(struct store *s);
unsigned store_in_flight(const struct store *s);
/* Whether a span would be taken without waiting for one that is in flight. */
bool store_has_room(const struct store *s);
/* Waits until a write is done, not longer than timeout_ns.  A descriptor to be polled would not do: a
 * result is made only when its thread asks the kernel for it (port/writes.h). */
void store_wait(struct store *s, int64_t timeout_ns);
/* The source has fallen behind (or not any more): work that can be put off is, until the segment is
 * closed: its hash. */
void store_press(struct store *s, bool is_pressed);
/* Processors are short (or not any more): segments that are written past the page cache are hashed once
 * they are closed; nothing else is put off. */
void store_spare(struct store *s, bool is_sparing);
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
	/* The source was behind not long ago: until then (monotonic) nothing that can be put off. */
	struct counter busy_until_ns;
};
const struct store_progress *store_progress(const struct store *s);
/* The store's directory, for members that others write; -1: a stream. */
int store_dir_fd(const struct store *s);
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
/* The last of them for any other name, also an empty one: its end was not reached. */
enum store_grade grade_of(const char *name);

struct store_end {
	const char
		*reason; /* "signal", "duration", "count", "end_of_input", "error", ... */
	struct loss_totals losses; /* of the whole session, the store's own included */
	/* The source failed, the end of it was not reached, or packets passed that nobody counted. */
	bool is_incomplete;
	/* The session could not begin: a store that was to be gone on with is left as it was, where
	 * nothing was recorded and nothing lost. */
	bool has_not_begun;
	enum store_grade at_best; /* of what the packets were read from */
	json_t *members;          /* more for the last line, taken; may be NULL */
};

struct store_summary {
	uint64_t packets, bytes, wire_bytes, segments;
	int64_t first_ns, last_ns;
	struct loss_totals losses;
	enum store_grade grade;
	/* The worst of the store's sessions, the gaps between them left aside: `grade`, but where it is
	 * continued. */
	enum store_grade sessions;
	bool is_inherited; /* the grade: nothing of this session was worse than `at_best` */
	bool is_reader_gone; /* of a stream */
	bool is_continued;   /* the store was gone on with */
	bool is_as_it_was;   /* and nothing of this session is in it */
};

/* Finishes the open segments, waits for the ledger, writes the last line, frees s (always). */
int store_close(struct store *s, const struct store_end *end,
		struct store_summary *summary, struct weir_error *err) MUST_CHECK;

#endif
