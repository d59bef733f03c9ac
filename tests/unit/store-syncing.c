/* When what was written is made durable: by a clock of our own and a disk of a given speed. */
#include "lib/tap.h"
#include "store/syncing.h"

#define MIB     (UINT64_C(1) << 20)
#define TICK_NS (50 * NS_PER_MS)

/* What a recorder writes at a given rate, on a disk whose flush takes so long for each MiB. */
struct scene {
	int64_t now;
	uint64_t written, mib_a_tick, flushed;
	int64_t flush_ns_a_mib;
	bool is_behind;
	unsigned flushes;
	int64_t longest_ns;
};

/* The ledger looks each tick; a flush takes time, in which more is written. */
static void look(struct syncing *s, struct scene *c)
{
	uint64_t bytes = c->written;
	int64_t began = c->now, took;

	c->now += TICK_NS;
	c->written += c->mib_a_tick * MIB;
	if (!syncing_is_due(s, began, bytes, c->is_behind))
		return;
	took = (int64_t)((bytes - c->flushed) / MIB) * c->flush_ns_a_mib;
	c->now += took;
	c->longest_ns = took > c->longest_ns ? took : c->longest_ns;
	c->flushed = bytes;
	c->flushes++;
	syncing_done(s, began, began + took, bytes);
}

static void run(struct syncing *s, struct scene *c, int64_t ns)
{
	int64_t end = c->now + ns;

	c->flushes = 0;
	c->longest_ns = 0;
	while (c->now < end)
		look(s, c);
}

static void test_each_second_where_little_is_written(void)
{
	struct scene c = { .now = NS_PER_S, .flush_ns_a_mib = NS_PER_MS };
	struct syncing s;

	syncing_init(&s);
	run(&s, &c, 10 * NS_PER_S);
	CHECK(c.flushes >= 10 && c.flushes <= 12);
	c.mib_a_tick = 1;
	run(&s, &c, 10 * NS_PER_S);
	CHECK(c.flushes >= 10 && c.flushes <= 12);
}

/* 800 MB/s: a flush each second would hold the writes up for half a second. */
static void test_in_short_steps_where_much_is(void)
{
	struct scene c = { .now = NS_PER_S,
			   .mib_a_tick = 40,
			   .flush_ns_a_mib = 640 * NS_PER_US };
	struct syncing s;

	syncing_init(&s);
	run(&s, &c, 5 * NS_PER_S);
	CHECK(c.flushes > 10);
	/* A step, and what came until the ledger looked. */
	CHECK(c.longest_ns < 2 * SYNC_STALL_NS);
}

/* The disk says how long a step may be: a slow one has its flushes more often, a fast one less. */
static void test_learns_from_the_disk(void)
{
	struct scene slow = { .now = NS_PER_S,
			      .mib_a_tick = 4,
			      .flush_ns_a_mib = 2 * NS_PER_MS };
	struct scene fast = { .now = NS_PER_S,
			      .mib_a_tick = 40,
			      .flush_ns_a_mib = 50 * NS_PER_US };
	struct syncing s;

	syncing_init(&s);
	run(&s, &slow, 20 * NS_PER_S);
	CHECK(s.step_bytes >= SYNC_LEAST && s.step_bytes < 24 * MIB);
	run(&s, &slow, 5 * NS_PER_S);
	CHECK(slow.longest_ns < 2 * SYNC_STALL_NS);
	syncing_init(&s);
	run(&s, &fast, 5 * NS_PER_S);
	CHECK(s.step_bytes > SYNC_MOST / 4 * 3 && s.step_bytes <= SYNC_MOST);
}

/* Small flushes say nothing of the speed: they cost what a flush costs. */
static void test_small_ones_teach_nothing(void)
{
	struct syncing s;
	uint64_t step;

	syncing_init(&s);
	step = s.step_bytes;
	syncing_done(&s, NS_PER_S, 2 * NS_PER_S, SYNC_LEAST - 1);
	CHECK_EQ(s.step_bytes, step);
	CHECK_EQ(counter_read(&s.due_bytes), SYNC_LEAST - 1 + step);
}

static void test_behind_it_waits_ten_seconds_and_no_longer(void)
{
	struct scene c = { .now = NS_PER_S,
			   .mib_a_tick = 40,
			   .flush_ns_a_mib = 640 * NS_PER_US,
			   .is_behind = true };
	struct syncing s;

	syncing_init(&s);
	syncing_done(&s, c.now, c.now, 0);
	run(&s, &c, SYNC_MOST_NS - NS_PER_S);
	CHECK_EQ(c.flushes, 0);
	CHECK(syncing_due(&s, c.written));
	run(&s, &c, 2 * NS_PER_S);
	CHECK_EQ(c.flushes, 1);
	c.is_behind = false;
	run(&s, &c, NS_PER_S);
	CHECK(c.flushes >= 2);
}

int main(void)
{
	RUN(test_each_second_where_little_is_written);
	RUN(test_in_short_steps_where_much_is);
	RUN(test_learns_from_the_disk);
	RUN(test_small_ones_teach_nothing);
	RUN(test_behind_it_waits_ten_seconds_and_no_longer);
	return tap_done();
}
