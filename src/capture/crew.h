/* How a recorder divides its work among threads, by the processors that it may use.
 *
 * The thread that captures is always there, and so is one that keeps the manifest and one, of idle
 * priority, that hashes what nobody had the time to hash as it was written.  What is to be chosen is
 * who writes: handing a block over costs a wake-up, which a processor of its own has to be worth.
 *
 *	crew_choose(&c, pace_processors());
 *
 * Pure, but for pace_processors() that its caller asks. */
#ifndef WEIR_CAPTURE_CREW_H
#define WEIR_CAPTURE_CREW_H

#include <stdbool.h>

/* Up to so many, whoever captures writes too. */
#define CREW_SHARED 2

struct crew {
	unsigned processors;
	/* sniff into a store of segments; everything else has a thread that writes. */
	bool is_one_thread;
	/* For doctor, each with its reason; static. */
	const char *sniff, *divert, *waiting, *hashing;
};

void crew_choose(struct crew *c, unsigned processors);

#endif
