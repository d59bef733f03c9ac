/* Which packets of the evidence are meant: a filter and a span of time, for every command that
 * reads packets.
 *
 * Calling sequence: selection_init(), selection_takes() for each packet, selection_fini().
 * What the filter sees of a packet: filter/recorded.h.  One thread; nothing is allocated per packet. */
#ifndef WEIR_ANALYZE_SELECT_H
#define WEIR_ANALYZE_SELECT_H

#include "base/compiler.h"
#include "weir/reader.h"

struct filter;

struct selection {
	struct filter *filter;  /* NULL: every packet */
	bool asks_process;      /* the filter does */
	int64_t from_ns, to_ns; /* both included */
};

/* text NULL: no filter; flags are filter_compile()'s. */
int selection_init(struct selection *s, const char *text, unsigned flags, int64_t from_ns,
		   int64_t to_ns, struct weir_error *err) MUST_CHECK;
void selection_fini(struct selection *s);
bool selection_takes(const struct selection *s, const struct merge *m,
		     const struct packet *p);

#endif
