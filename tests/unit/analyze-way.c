/* Which way a large file is written: the cheaper, whatever the machine's costs are. */
#include "analyze/way.h"

#include "lib/tap.h"

#define MIB UINT64_C(1048576)

/* Writes so many MiB at these costs, in ns a MiB; returns the whole time. */
static uint64_t run(struct way *w, unsigned mib, uint64_t cached, uint64_t direct)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < mib; i++) {
		uint64_t ns = way_is_direct(w) ? direct : cached;

		way_took(w, MIB, ns);
		total += ns;
	}
	return total;
}

static void test_begins_in_the_cache(void)
{
	struct way w = { .is_direct = false };

	CHECK(!way_is_direct(&w));
	way_took(&w, 100, 1000000000);
	CHECK(!way_is_direct(&w));
}

static void test_cheap_cache_is_left_alone(void)
{
	struct way w = { .is_direct = false };

	CHECK_EQ(run(&w, 1000, 150000, 1), 150000000);
}

static void test_dear_cache_is_left(void)
{
	struct way w = { .is_direct = false };
	uint64_t took = run(&w, 1024, 1200000, 700000);

	CHECK(way_is_direct(&w));
	/* A tenth over the best that there is. */
	CHECK(took < UINT64_C(1024) * 770000);
}

static void test_slow_disk_is_left(void)
{
	struct way w = { .is_direct = false };
	uint64_t took = run(&w, 4096, 1000000, 8000000);

	CHECK(!way_is_direct(&w));
	/* 4 MiB in 516 are spent on asking again. */
	CHECK(took < UINT64_C(4096) * 1000000 * 11 / 10);
}

/* Memory gives out, or the disk does: what was right is tried again and left. */
static void test_changes_its_mind(void)
{
	struct way w = { .is_direct = false };

	(void)run(&w, 64, 1200000, 700000);
	CHECK(way_is_direct(&w));
	(void)run(&w, 1000, 500000, 9000000);
	CHECK(!way_is_direct(&w));
	(void)run(&w, 1000, 9000000, 700000);
	CHECK(way_is_direct(&w));
}

static void test_refused(void)
{
	struct way w = { .is_direct = false };

	(void)run(&w, 16, 1200000, 700000);
	CHECK(way_is_direct(&w));
	way_never_direct(&w);
	CHECK(!way_is_direct(&w));
	CHECK_EQ(run(&w, 1000, 1200000, 1), UINT64_C(1000) * 1200000);
}

int main(void)
{
	RUN(test_begins_in_the_cache);
	RUN(test_cheap_cache_is_left_alone);
	RUN(test_dear_cache_is_left);
	RUN(test_slow_disk_is_left);
	RUN(test_changes_its_mind);
	RUN(test_refused);
	return tap_done();
}
