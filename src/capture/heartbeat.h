/* The heartbeat: the kernel alone lets traffic go when all of our processes have stopped.
 *
 * A socket-filter program stands in the rule as its bpf match.  It matches (so that the packet is
 * queued) while the time that the capture worker writes into a BPF map is young; once it is older
 * than stall_ns the program matches nothing, and the packet goes its way.  Both kinds are counted in
 * the map, in packets and bytes, so that the counts outlive the rule.
 *
 * The filter comes first: what it does not want is neither queued nor counted.  What the kernel
 * cannot know (a process, the output's interface) it lets through, so a packet that came must still
 * be judged.  Input and output have a program each, because each knows its direction.
 *
 *	heartbeat_open()      map, program; before privileges are dropped
 *	heartbeat_beat()      the capture worker, much more often than stall_ns: a plain store, the
 *	                      map's memory is mapped
 *	heartbeat_counts()    anybody, in any process made by fork() after open
 *	heartbeat_close()     harmless twice; a rule that is in place keeps its program
 *
 * Ages are compared as signed numbers: a time from the future is young.  The clock is
 * CLOCK_MONOTONIC, as bpf_ktime_get_ns() has it.  Needs CAP_BPF or CAP_SYS_ADMIN, kernel 5.5
 * (BPF_F_MMAPABLE). */
#ifndef WEIR_CAPTURE_HEARTBEAT_H
#define WEIR_CAPTURE_HEARTBEAT_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct filter;

/* Processors share a slot where there are more: the additions are atomic. */
#define HEARTBEAT_SLOTS 64

struct heartbeat_slot {
	_Atomic uint64_t matched_packets, matched_bytes, passed_packets, passed_bytes;
	uint64_t unused[4]; /* to a cache line */
};

/* The map's only value. */
struct heartbeat_page {
	_Atomic int64_t beat_ns;
	uint64_t unused[7];
	struct heartbeat_slot slots[HEARTBEAT_SLOTS];
};

enum heartbeat_side {
	HEARTBEAT_INPUT,
	HEARTBEAT_OUTPUT,
	HEARTBEAT_FORWARD, /* any other place */
	HEARTBEAT_SIDES
};

struct heartbeat {
	int map_fd, program_fd[HEARTBEAT_SIDES];
	bool has_filter; /* in the programs */
	struct heartbeat_page *page;
};

/* As after close: so that a close without an open is harmless. */
void heartbeat_init(struct heartbeat *h);
/* stall_ns 0: never stale (--strict), only filter and counts.
 * filter NULL: every packet.  A filter that this kernel's verifier does not take is left out. */
int heartbeat_open(struct heartbeat *h, int64_t stall_ns, const struct filter *filter,
		   struct weir_error *err) MUST_CHECK;
void heartbeat_close(struct heartbeat *h);

static inline void heartbeat_beat(struct heartbeat *h, int64_t now_monotonic_ns)
{
	atomic_store_explicit(&h->page->beat_ns, now_monotonic_ns, memory_order_relaxed);
}

/* Sums since open: packets that were sent to the queue, and that passed for want of a beat. */
struct heartbeat_counts {
	uint64_t matched_packets, matched_bytes, passed_packets, passed_bytes;
};

void heartbeat_counts(const struct heartbeat *h, struct heartbeat_counts *counts);

#endif
