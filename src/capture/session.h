/* A recording session: one source, its capture queue, the write worker and the store, from open to
 * the last line of the manifest.
 *
 * Calling sequence (cli/record.c):
 *	session_open()    with all privileges: the source
 *	                  (divert: now supervisor_fork(); the rest is the worker's)
 *	session_prepare() the queue's memory, the store's directory
 *	port_drop()
 *	session_start()   threads, the manifest's first line; traffic comes
 *	session_poll()    every 250 ms or so, from the main thread
 *	session_stop()    asks the capture thread to end; it drains
 *	session_close()   waits for all, closes the store, frees; always
 *
 * Threads and what each owns:
 *	main     the session, signals, the status; reads counters only
 *	capture  the source and its producer's filling end
 *	write    the producers' taking end, the store's open segments
 *	ledger   (inside the store) the manifest and closed segments */
#ifndef WEIR_CAPTURE_SESSION_H
#define WEIR_CAPTURE_SESSION_H

#include "capture/source.h"

struct session;

struct session_config {
	const struct source_ops *ops;
	struct source_config source;
	struct store_config store;
	const char *stream; /* -w: path or "-"; NULL: a store */
	const struct port_user
		*owner;      /* whom the store is given to; NULL: stays as it is */
	uint64_t count;      /* records to make at most; 0: no limit */
	size_t memory_bytes; /* of the capture queue */
	bool is_blocking, is_untimed; /* see producer.h */
	bool has_attribution;         /* packets are told whose they are */
	/* One thread captures and writes: with one or two processors a second one costs more in
	 * wake-ups than it gains.  Only for a source that can (source_context.write). */
	bool is_one_thread;
	bool is_inline; /* packets are recorded before they leave */
	const char *
		threads_why; /* of that, for the manifest; static; NULL: nothing is said */
};

int session_open(struct session **s, const struct session_config *config,
		 struct weir_error *err) MUST_CHECK;
/* losses: where the source counts them; NULL: in the session. */
int session_prepare(struct session *s, struct losses *losses,
		    struct weir_error *err) MUST_CHECK;
/* Frees a session that was not prepared (the supervisor's copy). */
void session_free(struct session *s);
int session_start(struct session *s, struct weir_error *err) MUST_CHECK;
void session_stop(struct session *s);

/* The fixed memory: the capture queue and the source's; bytes. */
uint64_t session_memory(const struct session *s);

/* Set when the session has come to an end of its own: end of input, count, a failed source, a
 * stream whose reader has gone. */
const struct port_event *session_ended(const struct session *s);
const char *session_end_reason(const struct session *s);

/* For supervisors: the opened source. */
struct source *session_source(const struct session *s);

struct session_status {
	uint64_t packets, bytes, written_bytes, lost, disk_free_bytes, memory_bytes,
		segments;
	unsigned queue_used, queue_most, queue_blocks;
	bool is_suspended;
};

/* Also sends the cumulative figures to the manifest every two seconds. */
void session_poll(struct session *s, struct session_status *status);
void session_losses(const struct session *s, struct loss_totals *totals);

/* A line of the manifest ({"type":type,...}); any thread; takes members. */
void session_event(struct session *s, const char *type, json_t *members);

/* reason: why it ends, for the manifest; NULL takes session_end_reason().  Returns 0, or what went
 * wrong with the source or the store; the summary is filled in as far as possible. */
int session_close(struct session *s, const char *reason, json_t *members,
		  struct store_summary *summary, struct weir_error *err) MUST_CHECK;

#endif
