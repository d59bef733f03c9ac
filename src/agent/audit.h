/* The agent's audit log: who asked what, when, and what came of it, in lines chained as those of a
 * manifest are (docs/audit-format.md).
 *
 * Calling sequence: audit_open() makes DIR/audit.jsonl or goes on behind its last line;
 * audit_write() for each event; audit_sync() once a second; audit_close().  A line is with the kernel
 * before what it tells of begins, so it survives a kill; it is on the disk within a second.
 * A log that grew to AUDIT_FILE_MAX is set aside as audit-NNNNNNNNNNNN.jsonl (the seq of its first
 * line), and the chain goes on in a new one.
 *
 * What cannot be written down must not happen: where audit_write() fails, the caller refuses.
 * Threads: one.  The log holds an exclusive flock(2) while it is open. */
#ifndef WEIR_AGENT_AUDIT_H
#define WEIR_AGENT_AUDIT_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define AUDIT_NAME     "audit.jsonl"
#define AUDIT_LINE_MAX (64 * 1024)
#define AUDIT_FILE_MAX (64 * 1024 * 1024)

struct audit;

/* `start` are members of the line that tells of the start (borrowed): `agent` at least, by which a log
 * is known. */
int audit_open(struct audit **a, int dir_fd, json_t *start,
	       struct weir_error *err) MUST_CHECK;
/* Writes the line that tells of the end. */
void audit_close(struct audit *a);
/* Takes members, also where it fails.  *seq (may be NULL) is the line's number. */
int audit_write(struct audit *a, const char *type, json_t *members, uint64_t *seq,
		struct weir_error *err) MUST_CHECK;
/* Makes durable what was written since the last time. */
void audit_sync(struct audit *a);

struct audit_check {
	uint64_t files, lines, requests, refused;
	int64_t first_ns, last_ns;
	bool is_live;   /* an agent is writing it */
	bool is_closed; /* the last line is `stop` */
	bool is_whole; /* from the chain's first line: nothing was taken from the front */
	char fault[300];
};

/* PATH is a log, or a directory that holds one with those that were set aside, which must follow
 * one another.  WEIR_ERR_MISMATCH with check->fault where something does not agree. */
int audit_verify(const char *path, struct audit_check *check,
		 struct weir_error *err) MUST_CHECK;

/* The same of a log in memory. */
int audit_verify_bytes(const void *bytes, size_t length, struct audit_check *check,
		       struct weir_error *err) MUST_CHECK;

#endif
