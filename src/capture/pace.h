/* How long a capture thread that has nothing to do looks for packets before it sleeps.
 *
 * A sleep costs the next packet a wake-up: some 35 microseconds where the processor itself is woken,
 * as on virtual machines, and the one who sent it the signal.  Looking costs a processor.  So the
 * thread looks only
 *	- where there is more than one processor, and not more to run than processors,
 *	- while packets come so close together that looking has paid: at least one of PACE_PAYS of the
 *	  last pauses was shorter than PACE_LOOK_NS,
 *	- for PACE_LOOK_NS after a packet, then it sleeps,
 *	- and not for a while after somebody else needed its processor.
 *
 *	turn() received packets    pace_packets()
 *	turn() received none       pace_looks() says: look again; else sleep
 *	each 50 ms or so           pace_load()
 *
 * Pure: times come from the caller, monotonic.  One thread. */
#ifndef WEIR_CAPTURE_PACE_H
#define WEIR_CAPTURE_PACE_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define PACE_LOOK_NS (100 * NS_PER_US)
#define PACE_PAYS    4
/* What a wake-up adds to a pause as we see it. */
#define PACE_WAKE_NS (40 * NS_PER_US)
/* Between two looks: longer, and somebody else had the processor, who needs more of it than a
 * process that a packet has woken. */
#define PACE_STOLEN_NS (500 * NS_PER_US)
/* How long it does not look after that, and the most after it happens again and again. */
#define PACE_OFF_NS     (20 * NS_PER_MS)
#define PACE_OFF_MAX_NS (1000 * NS_PER_MS)

struct pace {
	unsigned processors;
	unsigned paid;     /* share of pauses that were short, of 256 */
	bool is_paying;    /* looking has paid lately */
	bool is_looking;   /* what the last look in this pause led to */
	int64_t pause_ns;  /* when this pause began; 0: packets came in the last turn */
	int64_t looked_ns; /* the last look in it */
	int64_t off_until_ns; /* because of others */
	int64_t off_ns;       /* the last such time's length */
};

void pace_init(struct pace *p, unsigned processors);
/* Packets came at `now`. */
void pace_packets(struct pace *p, int64_t now);
/* No packet came: whether to look again at once. */
bool pace_looks(struct pace *p, int64_t now);
/* Whether pace_load() matters now. */
bool pace_wants_load(const struct pace *p);
/* How many threads want a processor, ours included; 0: not known. */
void pace_load(struct pace *p, int64_t now, unsigned runnable);
/* For the manifest and the doctor: what is done with so many processors, and why. */
const char *pace_word(unsigned processors);
/* Processors that this process may use. */
unsigned pace_processors(void);

#endif
