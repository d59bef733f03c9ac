/* Which flow the pieces of a packet belong to: only the first one has the ports.
 *
 * Calling sequence: fragments_new(); fragments_packet() for each packet that is a fragment, before
 * its flow is asked for; fragments_drain() at the end; fragments_free().
 * A piece that comes before the first one is held as a number and added to the flow once that is
 * known; where it never comes, the callback gets it as a flow of the form FLOW_FRAGMENTS.
 * Threads: one owner.  Memory: fixed, FRAGMENTS_MAX packets in pieces at a time. */
#ifndef WEIR_ANALYZE_FRAGMENTS_H
#define WEIR_ANALYZE_FRAGMENTS_H

#include "analyze/flow.h"
#include "base/compiler.h"

enum {
	FRAGMENTS_MAX = 4096
};

struct fragments;

/* Pieces whose flow is known, or never will be; `side` is the sender's. */
typedef void fragments_fn(void *arg, const struct flow_key *key, unsigned side,
			  const struct flow_pieces *pieces);

struct fragments *fragments_new(fragments_fn *found, void *arg) MUST_CHECK;
void fragments_free(struct fragments *f);
/* Makes *h that of the whole packet where its first piece was seen.  False where the packet has been taken and is held:
 * it must not be counted now. */
bool fragments_packet(struct fragments *f, const struct packet *p, struct headers *h,
		      size_t source);
/* What is held for the flow that has just been counted: after flow_table_packet() of a first piece,
 * once the flow is there to be added to. */
void fragments_release(struct fragments *f, const struct headers *h, size_t source);
void fragments_drain(struct fragments *f);

#endif
