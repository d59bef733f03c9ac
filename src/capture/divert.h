/* What the inline source and its supervisor share: the source itself, the memory that both
 * processes see, and the rules' life.
 *
 * The worker asks, the supervisor does (struct divert_shared: wish and state):
 *
 *	state          wish that leads on         what is true
 *	NONE           RULES                      queues are bound, nothing is diverted
 *	IN_PLACE       WITHDRAW                   packets come
 *	WITHDRAWN      REMOVE                     nothing new is queued; what is queued can be drained
 *	REMOVED        -                          the table is gone
 *	FAILED         -                          `error` says why
 *
 * Without a supervisor (tests) the source does the same for itself.
 * Each member has one writing process; both read. */
#ifndef WEIR_CAPTURE_DIVERT_H
#define WEIR_CAPTURE_DIVERT_H

#include "capture/heartbeat.h"
#include "capture/link_watch.h"
#include "capture/nfqueue.h"
#include "capture/nftables.h"
#include "capture/pace.h"
#include "capture/source.h"

enum divert_wish {
	DIVERT_WISH_NOTHING,
	DIVERT_WISH_RULES,
	DIVERT_WISH_WITHDRAW,
	DIVERT_WISH_REMOVE
};

enum divert_state {
	DIVERT_NONE,
	DIVERT_IN_PLACE,
	DIVERT_WITHDRAWN,
	DIVERT_REMOVED,
	DIVERT_FAILED
};

struct divert_shared {
	/* The worker's. */
	_Atomic uint32_t wish;
	_Atomic int64_t beat_ns; /* where there is no heartbeat in the kernel */
	struct counter received, received_bytes;
	/* Ids that never came: the socket's buffer was full, or the supervisor received them.  Seen
	 * by a later one that came, or by the kernel's count once nothing comes any more. */
	struct counter missed;
	/* Ids that each queue has given so far, of which the kernel tells 32 bits: kept at each look, so
	 * that a process that looks rarely knows how often these have wrapped. */
	struct counter given[NFQ_QUEUES];
	/* Ids beyond what the rules matched: one packet of SCTP may be queued as many segments. */
	struct counter surplus;
	struct counter skipped, recorded;
	/* For nft_rules.indexes, and how often they have changed. */
	_Atomic uint32_t indexes[NFT_INTERFACES], index_changes;
	struct losses losses;          /* of the source */
	struct losses producer_losses; /* a copy, made each turn */
	/* The supervisor's. */
	_Atomic uint32_t state;
	/* Accepted while the worker was stalled.  `draining` is odd while the supervisor has received
	 * packets that it has not yet added; until then their ids look missed. */
	struct counter drained, drained_bytes;
	_Atomic uint32_t draining;
	_Atomic int64_t alive_ns;      /* UTC: its last sign of life */
	_Atomic uint32_t changes_done; /* the rules have the indexes of this change */
	/* Another program took the rules out: how often that was seen, and the last time, UTC: when they
	 * were still there, when they were back (0: they are not). */
	_Atomic uint32_t holes;
	_Atomic int64_t hole_from_ns, hole_to_ns;
	struct counter matched; /* where no map counts: by the rules' own counters */
	struct counter passed,
		passed_bytes;    /* by the rule that stands in for a heartbeat */
	struct weir_error error; /* before state FAILED */
};

struct divert_cached {
	uint32_t index;
	bool is_loopback;
	struct iface *iface;
};

#define DIVERT_CACHE (2 * IFACE_MAX)

struct source {
	struct source_context *context;
	struct nft_abilities abilities;
	struct nft_rules rules;
	struct nfq nfq;
	uint32_t queue_length;
	int64_t stall_ns;
	const struct filter *filter; /* NULL: every packet */
	struct heartbeat heartbeat;
	bool has_heartbeat; /* in the rule; else the supervisor looks at the time alone */
	char why_not[160];  /* there is none */
	struct divert_shared *shared;
	int wake_fd;     /* to the supervisor; -1: there is none */
	struct nft *nft; /* in the process that owns the table */
	bool is_leaving; /* what comes now is not waited for any more: it passes, and is counted */
	struct nft_look look;
	int64_t whole_ns; /* UTC: there, when all rules were last seen */
	bool is_counting; /* there: rules that only count stand in for the real ones */
	uint64_t counted_before, counted_bytes_before;
	uint32_t last_id[NFQ_QUEUES];
	/* The rest is the capture thread's (divert.c). */
	struct nfq_batch batch;
	struct link_watch *links;
	struct pace pace;
	unsigned processors; /* of the machine */
	int load_fd; /* how many threads want to run; -1: the kernel does not tell */
	uint32_t received_id[NFQ_QUEUES], answered_id[NFQ_QUEUES];
	bool is_unanswered; /* the last turn could not let go what it had received */
	uint32_t seen_id[NFQ_QUEUES];       /* the kernel's newest at the last look */
	uint64_t seen_matched, seen_queued; /* and the sums */
	size_t header_bytes;  /* in front of the last large packet's bytes */
	uint32_t usual_bytes; /* a packet's, lately */
	struct divert_cached *last_place;
	struct divert_cached cache[DIVERT_CACHE];
	unsigned cached;
	struct weir_error iface_error; /* the last interface that found no room */
	int64_t checked_ns;            /* monotonic: the last look at the counts */
	int64_t told_ns,
		told_at_ns;      /* monotonic and UTC: the last word to the manifest */
	struct loss_totals told; /* in the manifest so far */
	uint64_t told_dropped;
	uint32_t told_holes;
	int64_t looked_ns; /* UTC: when they were last asked for */
	struct counter
		dropped; /* strict: refused by the full queue, so they did not pass */
};

/* The rules' life, in the process that owns the table; each fills shared->state. */
int divert_rules_install(struct source *s, struct weir_error *err) MUST_CHECK;
void divert_rules_withdraw(struct source *s);
/* Where no heartbeat is in the kernel: reads the rules' counters, and while the worker is stale
 * puts rules that only count in the place of those that queue. */
void divert_rules_count(struct source *s, bool is_stale);
/* Has the rules take what has shared->indexes now, once these have changed. */
void divert_rules_follow(struct source *s);
/* Where the kernel lets other programs change our table (it has no owner): puts back what is not there any
 * more, and tells the worker of the hole. */
void divert_rules_keep(struct source *s);
/* Waits, shortly, for a moment in which no queue of the namespace holds a packet: the kernel drops
 * what they hold when a chain goes. */
void divert_rules_remove(struct source *s);

/* Age of the worker's last sign of life. */
int64_t divert_age(const struct source *s, int64_t now_monotonic_ns);

/* Supervisor: receives what the kernel holds and lets it go on.  Returns how many packets. */
struct divert_drained {
	uint64_t packets, bytes;
};
struct divert_drained divert_accept_all(struct source *s);

/* The truth so far, from the kernel's counts and ours; any process of the instance, where the worker has
 * looked (divert_report()) within the last 4 billion packets of each queue. */
struct divert_account {
	uint64_t given[NFQ_QUEUES];
	uint64_t queued;    /* given an id by the kernel: the sum */
	uint64_t held;      /* of these, now without verdict */
	uint64_t matched;   /* by the rules */
	uint64_t fail_open; /* passed because queue or socket buffer was full */
	uint64_t stall, stall_bytes;
	uint64_t dropped; /* --strict: refused by the full queue */
	bool is_settled;  /* the supervisor was not in the middle of receiving */
};

void divert_account(struct source *s, struct divert_account *a);

#endif
