/* What divert, sniff and import share: their options, and the run from privileges to summary. */
#ifndef WEIR_CLI_RECORD_H
#define WEIR_CLI_RECORD_H

#include "capture/session.h"
#include "cli/cli.h"

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
		*keep, *user;
	const char *case_id, *examiner;
	int64_t for_ns, stall_ns, priority;
	uint64_t count, snaplen, buffer_bytes, queues, queue_length;
	bool is_strict, is_json, is_quiet, want_help;
};

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

void status_begin(struct status *s, const struct record_options *o, const char *where,
		  uint64_t memory_bytes);
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
	struct port_stop stop;
	struct status status;
	char where[256]; /* the store's or stream's name */
	char command_line[4096];
	char *filter_text;
	char filter_words[1024]; /* what is wrong with it, for a person */
	struct filter *filter;
	const char *reason;
};

/* Options to summary; returns the exit code. */
int record_main(const struct record_kind *kind, int argc, char **argv);
/* record_kind.run of a recorder that is one process; and the worker's part of one that is not. */
int record_run(struct recorder *r);

#endif
