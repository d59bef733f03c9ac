/* The process that may look at other users' processes, so that the recorder need not: a child of
 * the recorder, with cap_sys_ptrace and cap_dac_read_search and nothing else, that reads /proc and
 * the feed's process events (without a feed the connector's) and tells what it finds over a socket.
 *
 * It parses nothing that comes from the network, opens nothing for writing, and ends when the other
 * end of the socket is gone.
 *
 * Calling sequence:
 *	namer_start(&n, &config, err)	with privileges, before any thread
 *	namer_ask(), namer_scan(), namer_tally()	from one thread
 *	poll(namer_fd()); namer_read()	the same one
 *	namer_stop(&n)			closes, and waits for the child, two seconds at most
 *
 * A process that starts a program is told of at once, unasked; others when they are asked for. */
#ifndef WEIR_PROCESS_NAMER_H
#define WEIR_PROCESS_NAMER_H

#include "port/port.h"
#include "process/feed.h"
#include "process/processes.h"
#include "process/sockets.h"

#define NAMER_CAPS "sys_ptrace,dac_read_search"

struct namer {
	int fd; /* -1: none */
	int pid;
};

struct namer_config {
	struct feed *feed; /* of which it reads process events; NULL: there are none */
	int connector; /* connector.h, where there is no feed; -1: that neither.  Stays the caller's */
	const struct port_user *user; /* whom it becomes; NULL: stays as it is */
};

int namer_start(struct namer *n, const struct namer_config *config,
		struct weir_error *err) MUST_CHECK;
void namer_stop(struct namer *n);

/* False: it cannot be asked now. */
bool namer_ask(const struct namer *n, uint32_t pid, uint64_t start_ns);
bool namer_scan(const struct namer *n);
/* For the counts of namer_answer as they are now. */
bool namer_tally(const struct namer *n);

#define NAMER_SEEDS 16

enum namer_kind {
	NAMER_FACTS = 1, /* of a process; again when they change */
	NAMER_ABSENT, /* asked for, and gone without a trace; facts: pid and key only */
	NAMER_SEEDS_OF_SCAN,
	NAMER_SCANNED, /* all seeds of a scan have been sent */
	NAMER_TALLY,
};

struct namer_answer {
	/* Up to now, of the connector: times that it had no room, processes that were gone before
	 * /proc could be read. */
	uint64_t lost_events, missed_processes;
	uint32_t kind;
	/* Of seeds.  ABSENT: not 0: the key is no start.  SCANNED: not 0: some are missing. */
	uint32_t count;
	int64_t ns; /* SCANNED: CLOCK_BOOTTIME when it began */

	union {
		struct process_facts facts;
		struct socket_seed seeds[NAMER_SEEDS];
	};
};

static inline int namer_fd(const struct namer *n)
{
	return n->fd;
}

/* 1: an answer; 0: none now; negative: the child is gone. */
int namer_read(const struct namer *n, struct namer_answer *a) MUST_CHECK;

#endif
