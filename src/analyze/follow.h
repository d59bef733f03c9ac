/* The flows of a recording as it goes by: each packet's flow with what is known of it so far.
 *
 * Calling sequence: follow_new(); in order of time follow_packet() for every packet; follow_finish();
 * follow_free().  The callback gets flows as those of flow_table_new() do; NULL: nobody wants them.
 * A packet that is not wanted is given all the same: it may be the DNS answer that names a flow.
 * Ownership: a flow is lent until the next call; its names live as long as the whole.
 * Threads: one owner.  Memory: table_bytes, and about 20 MB for names, openings and fragments, 64 MiB
 * more at most for texts. */
#ifndef WEIR_ANALYZE_FOLLOW_H
#define WEIR_ANALYZE_FOLLOW_H

#include "analyze/flow_table.h"

struct follow;

struct follow *follow_new(const struct merge *m, size_t table_bytes, flow_done_fn *done,
			  void *arg) MUST_CHECK;
void follow_free(struct follow *f);
/* *flow NULL: the packet is of no flow (it has no IP header), or is not wanted, or is a piece whose flow
 * is not known yet.  Negative: the callback has failed. */
int follow_packet(struct follow *f, const struct packet *p, bool is_wanted,
		  const struct flow **flow) MUST_CHECK;
int follow_finish(struct follow *f) MUST_CHECK;

struct follow_counts {
	uint64_t others;     /* wanted packets without an IP header: of no flow */
	uint64_t parts;      /* flows that left the table while they went on */
	uint64_t given_up;   /* openings for which there was no memory */
	uint64_t names_gone; /* DNS names that went to make room, or found none */
};

void follow_count(const struct follow *f, struct follow_counts *counts);

#endif
