/* Tells steps of the real-time clock and sleeps of the machine from two readings of the clocks.
 * Pure. */
#ifndef WEIR_STORE_CLOCKWATCH_H
#define WEIR_STORE_CLOCKWATCH_H

#include "port/port.h"

struct clockwatch {
	struct port_clocks last;
	bool has_last;
};

/* Steps and sleeps since the reading before, 0 where none of 100 ms or more. */
void clockwatch_look(struct clockwatch *w, const struct port_clocks *now,
		     int64_t *step_ns, int64_t *slept_ns);

#endif
