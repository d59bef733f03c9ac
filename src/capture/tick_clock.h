/* Ticks of a counter as UTC: WinDivert stamps packets with the performance counter (QPC).
 *
 * An anchor is one instant on both clocks: the counter, the real-time clock, the counter again, the
 * narrowest of some tries.  It is taken anew each second, because the counter drifts and the
 * real-time clock is slewed and set; packets are given the time of the anchor before them.
 *
 *	tick_clock_init(&c, ticks_per_s)
 *	tick_clock_anchor(&c, &reading)		each second or so; what changed is told
 *	ns = tick_clock_ns(&c, ticks)		a packet
 *
 * Pure; one thread. */
#ifndef WEIR_CAPTURE_TICK_CLOCK_H
#define WEIR_CAPTURE_TICK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* What is a step, and no slewing; as in store/clockwatch.h. */
#define TICK_STEP_NS INT64_C(100000000)

struct tick_reading {
	int64_t before, after; /* ticks */
	int64_t utc_ns;        /* between the two */
};

struct tick_clock {
	int64_t ticks_per_s;
	int64_t ticks, utc_ns,
		width_ns; /* the anchor; how far the two readings were apart */
	uint64_t anchors, steps;
	int64_t off_ns; /* what the last anchor was off the one before it */
	bool has_anchor;
};

void tick_clock_init(struct tick_clock *c, int64_t ticks_per_s);
/* Returns true where the clocks went apart by a step since the last one. */
bool tick_clock_anchor(struct tick_clock *c, const struct tick_reading *r);
/* Never negative; what lies outside of 64 bits is put to its end. */
int64_t tick_clock_ns(const struct tick_clock *c, int64_t ticks);
/* A length of time. */
int64_t tick_clock_span_ns(const struct tick_clock *c, int64_t ticks);

#endif
