/* What a pcapng time stamp means: ticks of if_tsresol, moved by if_tsoffset
 * (draft-ietf-opsawg-pcapng-05, section 4.2), as ns since 1970.  Pure. */
#ifndef WEIR_STORE_PCAPNG_CLOCK_H
#define WEIR_STORE_PCAPNG_CLOCK_H

#include "base/compiler.h"

#include <stdint.h>

struct pcapng_clock {
	uint8_t resolution; /* the option's byte: 10^-n s, with the high bit 2^-n s */
	int64_t offset_s;
};

/* Exact, rounded down to the ns.  WEIR_ERR_LIMIT where the time is not between 1677 and 2262. */
int pcapng_clock_ns(const struct pcapng_clock *clock, uint64_t ticks,
		    int64_t *ns) MUST_CHECK;

#endif
