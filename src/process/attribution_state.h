/* What attribution.c, the capture thread's side, and attribution_thread.c share; nobody else may include it. */
#ifndef WEIR_PROCESS_ATTRIBUTION_STATE_H
#define WEIR_PROCESS_ATTRIBUTION_STATE_H

#include "process/addresses.h"
#include "process/attribution.h"
#include "process/events.h"
#include "process/kept.h"
#include "process/mechanisms.h"
#include "process/processes.h"
#include "process/sockets.h"
#include "process/written.h"
#include "store/line_file.h"

#define PROCESSES 2048
#define SEEDS     8192
#define WANTED    256
#define BATCH \
 16 /* events, of which one is at work while what the others need is fetched */
#define RECENT 16 /* a power of two */

enum mark {
	MARK_ASKED = 1,  /* the namer was */
	MARK_KNOWN = 2,  /* and has answered, or told unasked */
	MARK_WANTED = 4, /* it could not be asked yet: too many are waiting */
};

struct wanted {
	uint32_t pid;
	uint64_t start_ns;
};

/* Who was told of lately, so that the lock is not taken for each event.  What was looked up so many
 * processes ago that another may have its place is looked up again. */
struct recent {
	uint64_t start_ns;
	uint32_t pid, number;
	uint32_t at; /* attribution.added then */
};

struct attribution {
	struct mechanisms *mechanisms;
	/* The capture thread's. */
	struct socket_table *sockets;
	struct recall *recall;
	const uint8_t *ports; /* both the table's */
	struct recent recent[RECENT];
	struct socket_event batch[BATCH];
	unsigned batched;
	struct addresses ours;
	uint64_t ours_seen, seeds_seen, lost_seen;
	bool is_inline, can_name;
	int64_t boot_ns, clock_ns; /* UTC minus the events' clock; when that was asked */
	int64_t scan_ns, jitter_ns, trust_ns;
	struct counter events, unknown, exact, pending, scans_wanted;
	/* Under the lock: between the capture thread, ours, and the write worker. */
	struct port_monitor *lock;
	struct process_table *processes;
	struct kept *kept;    /* NULL: no filter asks for more than an id */
	uint32_t capacity;    /* of the table */
	struct counter added; /* of the last process; read without the lock */
	struct wanted wanted[WANTED];
	unsigned wanted_count;
	struct socket_seed *seeds;
	size_t seed_count;
	uint64_t dropped_seeds;
	int64_t scanned_ns, scanned_before_ns;
	struct addresses next_ours;
	struct counter ours_count, seeds_done; /* raised with each new list */
	/* Our thread's. */
	struct port_thread *thread;
	struct port_event wake;
	struct counter is_ending;
	struct line_file *file;
	struct written *written;
	const struct counter *busy_until_ns;
	struct namer_answer answer;
	struct addresses read_ours;
	int64_t synced_ns, addresses_ns, this_scan_ns, last_scan_ns;
	uint64_t scans_done;
	int outstanding; /* asked for and not yet answered; under the lock */
	bool is_scanning, is_tallied;
};

/* Called with the lock. */
struct process *attribution_add(struct attribution *a, uint32_t pid, uint64_t start_ns);
/* The same; e: what is told with it, or NULL. */
struct process *attribution_find_or_add(struct attribution *a, uint32_t pid,
					uint64_t start_ns, const struct socket_event *e);

#endif
