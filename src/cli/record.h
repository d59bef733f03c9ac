/* What divert, sniff and import share: their options, and the run from privileges to summary. */
#ifndef WEIR_CLI_RECORD_H
#define WEIR_CLI_RECORD_H

#include "capture/session.h"
#include "cli/cli.h"

struct control;
struct recorder;

/* How the recording commands differ. */
struct record_kind {
	const char *name;
	const struct source_ops *ops;
	const char *capabilities; /* without which it cannot record: "net_raw" */
	const char *kept;         /* kept, where it has them, after the source is open */
	bool is_inline, is_import;
	int (*run)(
		struct recorder *r); /* once the source is open; returns an exit code */
};

/* What the command line said, checked. */
struct record_options {
	struct option_list interfaces;
	const char *store, *stream, *filter, *filter_file, *layer, *layout, *rotate,
		*keep, *hash, *user;
	const char *case_id, *examiner;
	int64_t for_ns, stall_ns, priority;
	uint64_t count, snaplen, buffer_bytes, queues, queue_length;
	uint64_t control_fd;
	bool is_strict, is_json, is_quiet, is_continued, want_help, has_no_attribution;
};

/* What for_ns is before the options are read. */
#define RECORD_FOR_EVER INT64_MIN

/* --for: 0 where it was not given; nothing shorter than a nanosecond. */
int record_check_for(int64_t *for_ns, struct weir_error *err) MUST_CHECK;
/* Defaults, parsing, and the checks that need no privilege. */
int record_options_parse(const struct record_kind *kind, struct record_options *o,
			 int *argc, char **argv, struct weir_error *err) MUST_CHECK;
int record_options_help(const struct record_kind *kind);
/* Fills the session's configuration; strings stay the options'. */
int record_options_apply(const struct record_kind *kind, const struct record_options *o,
			 struct session_config *c, struct weir_error *err) MUST_CHECK;

/* The live status and the last words (status.c). */
struct status {
	const struct record_options *options;
	FILE *out;    /* JSON objects go here */
	bool is_live; /* a line on the terminal is being rewritten */
	bool is_drawn;
	int64_t started_ns, next_ns; /* monotonic */
	uint64_t last_packets;
	int64_t last_ns;
	double rate;
};

/* confined: a JSON object, or "". */
void status_begin(struct status *s, const struct record_options *o, const char *where,
		  uint64_t memory_bytes, const char *confined);
void status_update(struct status *s, const struct session_status *now);
void status_end(struct status *s, const char *where, const struct store_summary *summary);

/* A recording in the making. */
struct recorder {
	const struct record_kind *kind;
	struct record_options options;
	struct session_config config;
	struct session *session;
	struct port_user user;
	bool has_user; /* the recorder becomes `user` */
	/* Below a supervisor: where its requests come from (else -1), what they mean (NULL: nothing
	 * yet), and where the source counts its losses. */
	int request_fd;
	const char *(*request)(struct recorder *r);
	struct losses *losses;
	void *supervisor;
	struct control *control; /* where --control names a descriptor */
	struct port_stop stop;
	struct status status;
	char confined[2048]; /* what it has given up, as JSON; "": it serves no plugin */
	char where[256];     /* the store's or stream's name */
	char command_line[4096];
	char *filter_text;
	char filter_words[1024]; /* what is wrong with it, for a person */
	struct filter *filter;
	const char *reason;
};

/* What recorders of packets and of events share. */

/* Whom the recorder becomes: the one asked for, else `weir` or `nobody` where it was started as
 * root. */
struct record_user {
	struct port_user user;
	bool has_user;
};

int record_choose_user(struct record_user *u, const char *asked, bool reads_files,
		       struct weir_error *err) MUST_CHECK;
/* Why a stream ("-": standard output) ended, on standard error. */
void record_tell_reader_gone(const char *command, const char *where);
void record_join_words(char *text, size_t size, int argc, char **argv);
/* "weir-20261122T231335Z" */
void record_name_store(char *where, size_t size);

/* Whether the words ask for --layer flow or socket; and the recorder of those events. */
bool events_are_asked(int argc, char **argv);
int events_main(const char *command, int argc, char **argv);

/* Below a plugin (--control): the sandbox of a recorder that runs; after port_drop(). */
int record_confine(struct recorder *r, struct weir_error *err) MUST_CHECK;

/* Options to summary; returns the exit code. */
int record_main(const struct record_kind *kind, int argc, char **argv);
/* record_kind.run of a recorder that is one process; and the worker's part of one that is not. */
int record_run(struct recorder *r);

#endif
