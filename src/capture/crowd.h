/* Whether the machine is crowded: more threads want to run than there are processors, for half a
 * second rather than for a moment.
 *
 *	crowd_look()      each 50 ms or so, with what load_runnable() says
 *
 * Pure; one thread. */
#ifndef WEIR_CAPTURE_CROWD_H
#define WEIR_CAPTURE_CROWD_H

#include <stdbool.h>

struct crowd {
	unsigned share; /* of looks that saw too many, of 256 */
	bool is_crowded;
};

bool crowd_look(struct crowd *c, unsigned runnable, unsigned processors);

#endif
