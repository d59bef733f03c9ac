/* Ticks as UTC: anchors, drift, a clock that is set, and any number a driver might say. */
#include "capture/tick_clock.h"
#include "lib/tap.h"

#define HZ INT64_C(10000000)
#define T0 INT64_C(1763853215123456700)

static struct tick_clock c;

static bool anchor(int64_t ticks, int64_t utc_ns)
{
	const struct tick_reading r = { .before = ticks - 4,
					.after = ticks + 4,
					.utc_ns = utc_ns };

	return tick_clock_anchor(&c, &r);
}

static void test_between(void)
{
	tick_clock_init(&c, HZ);
	CHECK(!anchor(1000 * HZ, T0));
	CHECK_EQ(c.width_ns, 800);
	CHECK_EQ(tick_clock_ns(&c, 1000 * HZ), T0);
	CHECK_EQ(tick_clock_ns(&c, 1000 * HZ + 1), T0 + 100);
	CHECK_EQ(tick_clock_ns(&c, 1000 * HZ - 1), T0 - 100);
	CHECK_EQ(tick_clock_ns(&c, 1001 * HZ), T0 + 1000000000);
	CHECK_EQ(tick_clock_ns(&c, 900 * HZ), T0 - INT64_C(100000000000));
}

/* The counter of some processors: no round number. */
static void test_odd_frequency(void)
{
	tick_clock_init(&c, 3579545);
	CHECK(!anchor(0, T0));
	CHECK_EQ(tick_clock_ns(&c, 3579545), T0 + 1000000000);
	CHECK_EQ(tick_clock_ns(&c, 3579545 / 5), T0 + 200000000);
	CHECK_EQ(tick_clock_ns(&c, INT64_C(3579545) * 86400 * 365),
		 T0 + INT64_C(1000000000) * 86400 * 365);
}

static void test_drift_is_no_step(void)
{
	tick_clock_init(&c, HZ);
	CHECK(!anchor(0, T0));
	for (int64_t s = 1; s < 100; s++)
		CHECK(!anchor(s * HZ, T0 + s * 1000050000));
	CHECK_EQ(c.off_ns, 50000);
	CHECK_EQ(c.anchors, 100);
	CHECK_EQ(c.steps, 0);
	CHECK_EQ(tick_clock_ns(&c, 99 * HZ), T0 + INT64_C(99004950000));
}

static void test_step(void)
{
	tick_clock_init(&c, HZ);
	CHECK(!anchor(0, T0));
	CHECK(anchor(HZ, T0 + 1000000000 + TICK_STEP_NS));
	CHECK_EQ(c.off_ns, TICK_STEP_NS);
	CHECK(anchor(2 * HZ, T0 - INT64_C(3600000000000)));
	CHECK_EQ(c.steps, 2);
	CHECK(c.off_ns < -INT64_C(3600000000000));
}

static void test_any_number(void)
{
	static const int64_t odd[] = { INT64_MIN, INT64_MIN + 1, -1,       0,
				       1,         INT64_MAX - 1, INT64_MAX };
	static const int64_t hz[] = { 0, -5, 1, HZ, INT64_MAX };

	for (size_t f = 0; f < sizeof hz / sizeof hz[0]; f++) {
		tick_clock_init(&c, hz[f]);
		for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
			const struct tick_reading r = { odd[i], odd[6 - i], odd[i] };

			(void)tick_clock_anchor(&c, &r);
			for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++)
				CHECK(tick_clock_ns(&c, odd[k]) >= 0);
		}
	}
}

int main(void)
{
	RUN(test_between);
	RUN(test_odd_frequency);
	RUN(test_drift_is_no_step);
	RUN(test_step);
	RUN(test_any_number);
	return tap_done();
}
