/* The process that stands between a recorder and the network: two processes, so that the death or
 * the stall of one never stops traffic (divert only).
 *
 *	supervisor   the process the user started: owns the nf_tables table (it vanishes with this
 *	             process), holds a copy of each NFQUEUE socket, takes the signals, keeps
 *	             SUPERVISOR_CAPS
 *	worker       its child: store, threads, status line; keeps SUPERVISOR_WORKER_CAPS
 *
 * Calling sequence (session or command line):
 *
 *	source_divert.open(&s[i], &context[i], err)    before any thread is started; reads only
 *	                                               context->config; queues are bound, no rules yet
 *	supervisor_fork(&sup, &config, s, n, &role, err)
 *	if (role == SUPERVISOR_PARENT) {
 *		code = supervisor_run(sup);            until the worker has ended and the rules are gone
 *		source_divert.close(s[i]);
 *		supervisor_free(sup);
 *		exit with code
 *	}
 *	worker: make the store, the producers, fill in the rest of each context
 *	        (context->losses = supervisor_losses(sup, i): they survive the worker);
 *	        port_drop(user, SUPERVISOR_WORKER_CAPS)
 *	        source_divert.start() ... run() ... drain() on the capture threads as for any source:
 *	        start() asks the supervisor for the rules and returns once they are in place;
 *	        drain() has the rules taken out first, then records what is queued
 *	        main thread: poll supervisor_fd() for reading; when it is, supervisor_request()
 *	        supervisor_free(sup) after all; the exit code becomes the supervisor's
 *
 * Signals: SIGINT, SIGTERM and SIGHUP are the supervisor's; supervisor_fork() makes the worker
 * ignore them.  The first one takes the rules out and asks the worker to stop; the second kills
 * the worker at once (its store can be repaired, and is); one more does not wait for that.
 *
 * A worker that dies: what was queued is accepted and counted in LOSS_CRASH, the rules go, and
 * config->recover() is called.  A worker that stalls: the rule itself lets packets pass once the
 * heartbeat is stale; the supervisor accepts what was queued before; both are counted and the
 * worker reports them as LOSS_STALL when it goes on.  A supervisor that dies: the table is gone
 * with it, and the worker sees SUPERVISOR_LOST.  With --strict (source_config.is_strict) none of
 * this lets a packet pass: after a crash the table stays until `weir doctor --clean`.
 *
 * Threads: everything here is for the main thread of either process. */
#ifndef WEIR_CAPTURE_SUPERVISOR_H
#define WEIR_CAPTURE_SUPERVISOR_H

#include "capture/source.h"

/* For port_drop(): verdicts and rules need net_admin; the others are for a worker and
 * a recovery under another user. */
#define SUPERVISOR_CAPS        "net_admin,kill,setuid,setgid,dac_read_search"
#define SUPERVISOR_WORKER_CAPS "net_admin"

struct supervisor;

enum supervisor_role {
	SUPERVISOR_PARENT,
	SUPERVISOR_WORKER
};

/* What is known of a worker that died. */
struct supervisor_report {
	int signal;        /* that ended it, or 0 */
	uint64_t queued;   /* packets that the kernel queued for it */
	uint64_t received; /* of these, received by it */
	uint64_t skipped;  /* of these, outside of the filter */
	uint64_t
		recorded; /* of these, put in its memory as records.  What is missing of them in
			    * the repaired store was never written: the caller adds it to crash */
	/* All that was counted, sources and producers; LOSS_CRASH is what the supervisor handed on. */
	struct loss_totals losses;
	int64_t died_ns;    /* when the supervisor noticed; UTC */
	int64_t removed_ns; /* when the rules were out */
	bool is_strict;   /* the rules are still there, and hold all traffic they match */
	char tables[256]; /* names of our tables, separated by blanks */
};

struct supervisor_config {
	/* Who the worker will be (recovery runs as that user); NULL: as we are. */
	const struct port_user *user;
	/* Called in a child of the supervisor, as `user`, when the worker has died: repairs the
	 * store, tells the person; returns the exit code.  NULL: supervisor_run() returns 4. */
	int (*recover)(void *arg, const struct supervisor_report *report);
	void *arg;
};

/* Forks.  In both processes *sup and *role are set when 0 is returned; on an error there was no
 * fork.  The sources must be source_divert's. */
int supervisor_fork(struct supervisor **sup, const struct supervisor_config *config,
		    struct source *const *sources, unsigned count,
		    enum supervisor_role *role, struct weir_error *err) MUST_CHECK;
void supervisor_free(struct supervisor *sup);

/* Supervisor: drops to SUPERVISOR_CAPS, serves the worker until its end.  Returns the exit code. */
int supervisor_run(struct supervisor *sup);

/* Worker. */
struct losses *supervisor_losses(struct supervisor *sup, unsigned source);
int supervisor_fd(const struct supervisor *sup);

enum supervisor_request {
	SUPERVISOR_NOTHING,
	SUPERVISOR_STOP, /* a signal: stop with reason "signal" */
	SUPERVISOR_LOST /* the supervisor is dead, the rules are gone: "supervisor_died" */
};

/* Does not block.  Once STOP or LOST was returned it is returned for ever. */
enum supervisor_request supervisor_request(struct supervisor *sup);

#endif
