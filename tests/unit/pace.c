/* When the capture thread looks for packets and when it sleeps: by a clock of our own. */
#include "capture/pace.h"
#include "lib/tap.h"

#define US NS_PER_US

/* A pause that ends with packets after `ns`, as the capture thread goes through it: it looks as long
 * as it is told to, a look a microsecond, then it sleeps.  Returns whether it slept. */
static bool pause_of(struct pace *p, int64_t *now, int64_t ns)
{
	int64_t end = *now + ns;
	bool has_slept = false;

	for (; *now < end; *now += US)
		if (!pace_looks(p, *now)) {
			has_slept = true;
			break;
		}
	*now = has_slept ? end + 30 * US : end;
	pace_packets(p, *now);
	return has_slept;
}

/* How many of n pauses it slept in. */
static unsigned sleeps_of(struct pace *p, int64_t *now, int64_t ns, unsigned n)
{
	unsigned slept = 0;

	for (unsigned i = 0; i < n; i++)
		slept += pause_of(p, now, ns);
	return slept;
}

static void test_close_packets_are_looked_for(void)
{
	int64_t now = NS_PER_S;
	struct pace p;

	pace_init(&p, 2);
	CHECK(pause_of(&p, &now, 10 * US));
	CHECK(sleeps_of(&p, &now, 10 * US, 20) < 4);
	CHECK_EQ(sleeps_of(&p, &now, 10 * US, 20), 0);
}

static void test_every_other_one_is_enough(void)
{
	int64_t now = NS_PER_S;
	unsigned slept = 0;
	struct pace p;

	pace_init(&p, 2);
	for (unsigned i = 0; i < 50; i++) {
		(void)pause_of(&p, &now, 300 * US);
		slept += pause_of(&p, &now, 20 * US);
	}
	CHECK(slept < 5);
}

static void test_rare_packets_end_it(void)
{
	int64_t now = NS_PER_S, begin;
	struct pace p;

	pace_init(&p, 2);
	(void)sleeps_of(&p, &now, 10 * US, 50);
	CHECK(sleeps_of(&p, &now, NS_PER_MS, 30) == 30);
	/* Then it does not look at all. */
	begin = now;
	CHECK(!pace_looks(&p, begin));
	CHECK(!pace_wants_load(&p));
}

static void test_looking_is_bounded(void)
{
	int64_t now = NS_PER_S, begin;
	struct pace p;

	pace_init(&p, 2);
	(void)sleeps_of(&p, &now, 10 * US, 50);
	for (begin = now; pace_looks(&p, now); now += US)
		CHECK(now - begin < PACE_LOOK_NS);
	CHECK(now - begin >= PACE_LOOK_NS);
	/* And stays off while nothing comes. */
	for (unsigned i = 0; i < 100; i++)
		CHECK(!pace_looks(&p, now += 20 * NS_PER_MS));
}

static void test_one_processor_never_looks(void)
{
	int64_t now = NS_PER_S;
	struct pace p;

	pace_init(&p, 1);
	CHECK_EQ(sleeps_of(&p, &now, US, 100), 100);
	CHECK(!pace_wants_load(&p));
}

/* Somebody else ran between two looks. */
static bool steal(struct pace *p, int64_t *now)
{
	if (!pace_looks(p, *now))
		return false;
	*now += PACE_STOLEN_NS + US;
	return !pace_looks(p, *now);
}

/* The time off is over, and packets come close together again. */
static void go_on(struct pace *p, int64_t *now)
{
	*now = p->off_until_ns;
	pace_packets(p, *now);
	(void)sleeps_of(p, now, 10 * US, 20);
}

static void test_it_gives_way(void)
{
	int64_t now = NS_PER_S, first, second;
	struct pace p;

	pace_init(&p, 2);
	(void)sleeps_of(&p, &now, 10 * US, 50);
	CHECK(steal(&p, &now));
	first = p.off_until_ns - now;
	CHECK_EQ(first, PACE_OFF_NS);
	CHECK(sleeps_of(&p, &now, 10 * US, 50) == 50);
	/* The need goes on: longer and longer, within a bound. */
	go_on(&p, &now);
	CHECK(steal(&p, &now));
	second = p.off_until_ns - now;
	CHECK_EQ(second, 2 * PACE_OFF_NS);
	for (unsigned i = 0; i < 20; i++) {
		go_on(&p, &now);
		CHECK(steal(&p, &now));
		CHECK(p.off_until_ns - now <= PACE_OFF_MAX_NS);
	}
	/* Long after, it begins anew. */
	go_on(&p, &now);
	p.off_until_ns -= 10 * NS_PER_S;
	CHECK(steal(&p, &now));
	CHECK_EQ(p.off_until_ns - now, PACE_OFF_NS);
}

static void test_a_busy_machine_is_left_alone(void)
{
	int64_t now = NS_PER_S;
	struct pace p;

	pace_init(&p, 2);
	(void)sleeps_of(&p, &now, 10 * US, 50);
	CHECK(pace_wants_load(&p));
	pace_load(&p, now, 2);
	CHECK_EQ(sleeps_of(&p, &now, 10 * US, 10), 0);
	pace_load(&p, now, 3);
	CHECK_EQ(sleeps_of(&p, &now, 10 * US, 10), 10);
	now += PACE_OFF_NS;
	pace_packets(&p, now);
	CHECK_EQ(sleeps_of(&p, &now, 10 * US, 10), 0);
	/* Not known: nothing is concluded from it. */
	pace_load(&p, now, 0);
	CHECK_EQ(sleeps_of(&p, &now, 10 * US, 10), 0);
}

int main(void)
{
	RUN(test_close_packets_are_looked_for);
	RUN(test_every_other_one_is_enough);
	RUN(test_rare_packets_end_it);
	RUN(test_looking_is_bounded);
	RUN(test_one_processor_never_looks);
	RUN(test_it_gives_way);
	RUN(test_a_busy_machine_is_left_alone);
	return tap_done();
}
