/* Flows as lines: a table for people, JSON Lines for programs.
 *
 * Calling sequence: flow_form_find(); begin once, put for each flow.  The sink keeps failures.
 * Nothing of the evidence gets out as a control byte.  One thread. */
#ifndef WEIR_ANALYZE_FLOW_FORM_H
#define WEIR_ANALYZE_FLOW_FORM_H

#include "analyze/flow.h"
#include "analyze/line.h"
#include "analyze/sink.h"

struct flow_writer {
	struct sink *out;
	const struct merge *merge; /* whose packets they were: interfaces, processes */
	struct line_clock clock;
};

void flow_table_head(struct flow_writer *w);
void flow_table_line(struct flow_writer *w, const struct flow *f);
void flow_json_line(struct flow_writer *w, const struct flow *f);

#endif
