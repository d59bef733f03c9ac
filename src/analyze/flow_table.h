/* The flows that are going on, in fixed memory.
 *
 * Calling sequence: flow_table_new(); flow_table_packet() for each packet; flow_table_finish();
 * flow_table_free().  The callback gets a flow when another one begins with its key, when the
 * table is full and it was silent for longest (its `is_part`: more of it may come later as a part of
 * its own), and at the end.
 * Ownership: a flow is lent until the next call.  Threads: one owner.
 * Memory: what was given to flow_table_new(), at least that of FLOW_TABLE_LEAST flows. */
#ifndef WEIR_ANALYZE_FLOW_TABLE_H
#define WEIR_ANALYZE_FLOW_TABLE_H

#include "analyze/flow.h"
#include "base/compiler.h"

enum {
	FLOW_TABLE_LEAST = 16
};

struct flow_table;

/* 0, or a negative code that ends the work. */
typedef int flow_done_fn(void *arg, const struct flow *flow, bool is_part);

struct flow_table *flow_table_new(size_t memory_bytes, flow_done_fn *done,
				  void *arg) MUST_CHECK;
void flow_table_free(struct flow_table *t);

/* Counts the packet to its flow, which may begin with it.  NULL: the callback has failed, with
 * *rc. */
struct flow *flow_table_packet(struct flow_table *t, const struct flow_key *key,
			       const struct flow_packet *p, bool *is_begun, int *rc);
/* NULL where there is none of that key now. */
struct flow *flow_table_find(struct flow_table *t, const struct flow_key *key);
int flow_table_finish(struct flow_table *t) MUST_CHECK;
/* Flows that had to be handed over as parts. */
uint64_t flow_table_spilled(const struct flow_table *t);

#endif
