/* How often somebody may do something: a rate with a burst, in one number (the generic cell rate
 * algorithm: `full_ns` is the time at which the bucket would be full again).  Pure. */
#ifndef WEIR_AGENT_LIMITS_H
#define WEIR_AGENT_LIMITS_H

#include "base/compiler.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct rate {
	unsigned per_second, burst; /* per_second 0: without limit */
};

struct bucket {
	int64_t full_ns;
};

static inline bool bucket_take(struct bucket *b, struct rate r, int64_t now_ns)
{
	int64_t each, full = b->full_ns > now_ns ? b->full_ns : now_ns;

	if (!r.per_second)
		return true;
	each = NS_PER_S / r.per_second;
	if (full + each - now_ns > each * (int64_t)(r.burst ? r.burst : 1))
		return false;
	b->full_ns = full + each;
	return true;
}

#endif
