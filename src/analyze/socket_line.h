/* An event of the FLOW or SOCKET layer as one JSON object (weir-sniff(1) has its members). */
#ifndef WEIR_ANALYZE_SOCKET_LINE_H
#define WEIR_ANALYZE_SOCKET_LINE_H

#include "analyze/line.h"
#include "analyze/socket_life.h"

#define SOCKET_LINE_MAX 2048

/* ns: when it was, UTC.  Ends with a newline. */
void socket_line_put(struct line *l, struct line_clock *clock, const struct life_event *e,
		     int64_t ns);

#endif
