#include "store/clockwatch.h"

#include "base/time.h"

static int64_t if_large(int64_t ns)
{
	return ns >= 100 * NS_PER_MS || ns <= -100 * NS_PER_MS ? ns : 0;
}

/* The monotonic clock stands still in suspend, the boot-time clock and the real-time clock go on:
 * what real time gained on boot time is a step. */
void clockwatch_look(struct clockwatch *w, const struct port_clocks *now,
		     int64_t *step_ns, int64_t *slept_ns)
{
	int64_t real = now->realtime_ns - w->last.realtime_ns;
	int64_t boot = now->boottime_ns - w->last.boottime_ns;
	int64_t mono = now->monotonic_ns - w->last.monotonic_ns;

	*step_ns = w->has_last ? if_large(real - boot) : 0;
	*slept_ns = w->has_last ? if_large(boot - mono) : 0;
	w->last = *now;
	w->has_last = true;
}
