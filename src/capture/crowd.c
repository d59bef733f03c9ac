#include "capture/crowd.h"

/* The share moves by an eighth of the way with each look. */
#define FULL 256
#define PART 8

bool crowd_look(struct crowd *c, unsigned runnable, unsigned processors)
{
	c->share -= c->share / PART;
	if (runnable > processors)
		c->share += FULL / PART;
	/* Once crowded, on until half of the share that began it: no flutter at the bound. */
	c->is_crowded = c->share >= (unsigned)(c->is_crowded ? FULL / 4 : FULL / 2);
	return c->is_crowded;
}
