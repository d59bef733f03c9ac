/* Why a packet that passed is not in the store.  Every bounded place of the pipeline has a reason
 * of its own here, counted in packets and, where the bytes are known, in bytes.
 *
 * One struct losses belongs to one thread that raises it; anybody may read it. */
#ifndef WEIR_STORE_LOSS_H
#define WEIR_STORE_LOSS_H

#include "base/counter.h"

enum loss {
	LOSS_KERNEL, /* the kernel's capture ring or socket buffer was full (bytes unknown) */
	LOSS_FAIL_OPEN, /* divert: the kernel's queue was full, the packet passed (bytes unknown) */
	LOSS_STALL,      /* divert: the heartbeat was stale, the rule let packets pass */
	LOSS_QUEUE_FULL, /* our capture queue had no free block: the disk was too slow */
	LOSS_DISK_FULL,  /* recording was suspended for want of space */
	LOSS_WRITE,      /* a write to the store failed */
	LOSS_CRASH, /* divert: handed on by the supervisor after the recorder had died */
	LOSS_DAMAGED, /* import: a record of the input could not be read */
	LOSS_UNBOUND, /* sniff: a named interface was made anew, and not listened to yet (estimated) */
	LOSS_REASONS
};

/* The manifest's names: "kernel", "fail_open", "stall", "queue_full", "disk_full", "write",
 * "crash", "damaged". */
const char *loss_name(enum loss reason);
/* What happened, in words, for the summary. */
const char *loss_meaning(enum loss reason);

struct losses {
	struct counter packets[LOSS_REASONS], bytes[LOSS_REASONS];
};

static inline void loss_add(struct losses *l, enum loss reason, uint64_t packets,
			    uint64_t bytes)
{
	counter_add(&l->packets[reason], packets);
	counter_add(&l->bytes[reason], bytes);
}

/* Adds up what several threads counted: into += from. */
struct loss_totals {
	uint64_t packets[LOSS_REASONS], bytes[LOSS_REASONS];
};

void loss_total_add(struct loss_totals *into, const struct losses *from);
uint64_t loss_total_packets(const struct loss_totals *t);

#endif
