#include "store/syncing.h"

/* Before the disk has told: 40 ms at 800 MB/s. */
#define FIRST_STEP (UINT64_C(32) << 20)
/* The ledger's own look comes a little early or late. */
#define SLACK_NS (100 * NS_PER_MS)

void syncing_init(struct syncing *s)
{
	*s = (struct syncing){ .step_bytes = FIRST_STEP };
	counter_set(&s->due_bytes, FIRST_STEP);
}

bool syncing_due(const struct syncing *s, uint64_t written)
{
	return written >= counter_read(&s->due_bytes);
}

bool syncing_is_due(const struct syncing *s, int64_t now, uint64_t written,
		    bool is_behind)
{
	int64_t passed = now - s->done_ns;

	if (is_behind)
		return passed >= SYNC_MOST_NS;
	return passed >= SYNC_NS - SLACK_NS || syncing_due(s, written);
}

/* Half of the way to what this flush says, if it was one that says something. */
static void learn(struct syncing *s, uint64_t bytes, int64_t took_ns)
{
	uint64_t step;

	if (bytes < SYNC_LEAST || took_ns < NS_PER_MS)
		return;
	step = (uint64_t)((double)bytes * (double)SYNC_STALL_NS / (double)took_ns);
	step = step < SYNC_LEAST ? SYNC_LEAST : step > SYNC_MOST ? SYNC_MOST : step;
	s->step_bytes = (s->step_bytes + step) / 2;
}

void syncing_done(struct syncing *s, int64_t began, int64_t now, uint64_t written)
{
	learn(s, written - s->done_bytes, now - began);
	s->done_ns = now;
	s->done_bytes = written;
	counter_set(&s->due_bytes, written + s->step_bytes);
}
