#include "store/pcapng_clock.h"

#include "base/time.h"
#include "weir/error.h"

/* 10^n, or 0 where it is more than any tick count. */
static uint64_t power_of_ten(unsigned n)
{
	uint64_t v = 1;

	if (n > 19)
		return 0;
	while (n--)
		v *= 10;
	return v;
}

/* At most 2^64 * 10^9: far from the end of 128 bits. */
static wide_int ns_of_ticks(uint8_t resolution, uint64_t ticks)
{
	unsigned n = resolution & 0x7f;
	uint64_t divisor;

	if (resolution & 0x80)
		return (wide_int)ticks * NS_PER_S >> n;
	if (n <= 9)
		return (wide_int)ticks * (wide_int)power_of_ten(9 - n);
	divisor = power_of_ten(n - 9);
	return divisor ? (wide_int)(ticks / divisor) : 0;
}

int pcapng_clock_ns(const struct pcapng_clock *clock, uint64_t ticks, int64_t *ns)
{
	wide_int t = ns_of_ticks(clock->resolution, ticks) +
		     (wide_int)clock->offset_s * NS_PER_S;

	if (t > INT64_MAX || t < INT64_MIN)
		return WEIR_ERR_LIMIT;
	*ns = (int64_t)t;
	return 0;
}
