/* The conversations of a recording, with their names, in order of their beginning.
 *
 * Calling sequence: flows_new(); in order of time flows_packet() for every packet; flows_finish();
 * flows_next() until it returns 0; flows_counts(); flows_free().
 * A packet that is not wanted is given all the same: it may be the DNS answer that names a flow.
 * Ownership: a flow is lent until the next call; its names live as long as the flows.
 * Threads: one owner.  Memory: the bound given: half of it holds the flows that go on, the rest
 * sorts those that are over, on disk where it is not enough (analyze/sorter.h); and what
 * analyze/follow.h says.  A flow that had to leave the table while it went on is put
 * together again from its parts at the end, so that any number of flows is right; how many parts
 * there were is counted. */
#ifndef WEIR_ANALYZE_FLOWS_H
#define WEIR_ANALYZE_FLOWS_H

#include "analyze/follow.h"

struct flows;

struct flows *flows_new(const struct merge *m, size_t memory_bytes) MUST_CHECK;
void flows_free(struct flows *f);
int flows_packet(struct flows *f, const struct packet *p, bool is_wanted,
		 struct weir_error *err) MUST_CHECK;
int flows_finish(struct flows *f, struct weir_error *err) MUST_CHECK;
/* 1: a flow; 0: the end; negative: an error. */
int flows_next(struct flows *f, struct flow *flow, struct weir_error *err) MUST_CHECK;

struct flows_counts {
	uint64_t packets; /* wanted */
	uint64_t flows;   /* handed over so far */
	struct follow_counts follow;
};

void flows_count(const struct flows *f, struct flows_counts *counts);

#endif
