/* What the initiator of a TCP connection says first: the server name of a TLS hello, the host of an
 * HTTP request, put together from its segments in whatever order they came.
 *
 * Calling sequence: openings_new(); openings_packet() for each packet of a TCP flow, the flow as
 * flow_table_packet() left it; openings_free().
 * Threads: one owner.  Memory: OPENINGS buffers of some 18 KiB, for the connections whose first
 * segment was not enough; where more are needed at a time, the one that waited longest for its next
 * segment is given up and counted. */
#ifndef WEIR_ANALYZE_OPENING_H
#define WEIR_ANALYZE_OPENING_H

#include "analyze/flow.h"
#include "base/compiler.h"
#include "packet/server_name.h"

enum {
	OPENINGS = 256
};

struct openings;

struct openings *openings_new(void) MUST_CHECK;
void openings_free(struct openings *o);
/* True where the packet completes a name: *name and *from (enum flow_name_from). */
bool openings_packet(struct openings *o, struct flow *f, const struct flow_packet *p,
		     struct server_name *name, uint8_t *from);
uint64_t openings_given_up(const struct openings *o);

#endif
