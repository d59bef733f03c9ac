#include "capture/tick_clock.h"

#include "base/time.h"

void tick_clock_init(struct tick_clock *c, int64_t ticks_per_s)
{
	*c = (struct tick_clock){ .ticks_per_s = ticks_per_s > 0 ? ticks_per_s : 1 };
}

/* Seconds and rest apart, so that nothing overflows that a clock can show; beyond that the end. */
int64_t tick_clock_span_ns(const struct tick_clock *c, int64_t ticks)
{
	int64_t s = ticks / c->ticks_per_s, rest = ticks % c->ticks_per_s;

	if (s > INT64_MAX / NS_PER_S - 1)
		return INT64_MAX;
	if (s < INT64_MIN / NS_PER_S + 1)
		return INT64_MIN;
	/* A frequency of up to 9 GHz fits; a rest is below one second. */
	if (c->ticks_per_s > INT64_MAX / NS_PER_S)
		return s * NS_PER_S + rest / (c->ticks_per_s / NS_PER_S);
	return s * NS_PER_S + rest * NS_PER_S / c->ticks_per_s;
}

/* Both may be anything: the driver's words are not trusted. */
static int64_t add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

static int64_t minus(int64_t a, int64_t b)
{
	int64_t difference;

	if (__builtin_sub_overflow(a, b, &difference))
		return b < 0 ? INT64_MAX : INT64_MIN;
	return difference;
}

int64_t tick_clock_ns(const struct tick_clock *c, int64_t ticks)
{
	int64_t ns = add(c->utc_ns, tick_clock_span_ns(c, minus(ticks, c->ticks)));

	return ns > 0 ? ns : 0;
}

bool tick_clock_anchor(struct tick_clock *c, const struct tick_reading *r)
{
	int64_t width = minus(r->after, r->before);
	int64_t ticks = add(r->before, width / 2);
	bool is_step;

	c->off_ns = c->has_anchor ? minus(r->utc_ns, tick_clock_ns(c, ticks)) : 0;
	is_step = c->off_ns >= TICK_STEP_NS || c->off_ns <= -TICK_STEP_NS;
	c->ticks = ticks;
	c->utc_ns = r->utc_ns;
	c->width_ns = tick_clock_span_ns(c, width);
	c->has_anchor = true;
	c->anchors++;
	c->steps += is_step;
	return is_step;
}
