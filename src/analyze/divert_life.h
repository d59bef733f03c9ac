/* An event of WinDivert's FLOW or SOCKET layer as an event of that layer: the same, with its process.
 * Pure, built and tested on every system. */
#ifndef WEIR_ANALYZE_DIVERT_LIFE_H
#define WEIR_ANALYZE_DIVERT_LIFE_H

#include "analyze/socket_life.h"
#include "process/divert_feed.h"

/* Texts are lent from `t`. */
void divert_life_take(struct life_event *out, const struct divert_told *t,
		      int64_t ticks_per_s);

#endif
