#include "capture/pace.h"

#include <sched.h>
#include <string.h>

/* The share of short pauses moves by an eighth of the way with each pause. */
#define FULL 256
#define PART 8

void pace_init(struct pace *p, unsigned processors)
{
	memset(p, 0, sizeof *p);
	p->processors = processors;
}

/* A pause has ended: would looking have seen its end, or did it? */
static void learn(struct pace *p, int64_t pause_ns)
{
	int64_t limit = PACE_LOOK_NS + (p->is_looking ? 0 : PACE_WAKE_NS);

	p->paid -= p->paid / PART;
	if (pause_ns <= limit)
		p->paid += FULL / PART;
	/* Once looking, on until half of the share that began it: no flutter at the bound. */
	p->is_paying = p->paid >= FULL / PACE_PAYS / (p->is_paying ? 2 : 1);
}

void pace_packets(struct pace *p, int64_t now)
{
	if (p->pause_ns)
		learn(p, now - p->pause_ns);
	p->pause_ns = 0;
}

/* Again within the time that it was off for: somebody needs the processor for longer. */
static void give_way(struct pace *p, int64_t now)
{
	bool is_again = p->off_ns && now - p->off_until_ns < p->off_ns;

	p->off_ns = is_again ? 2 * p->off_ns : PACE_OFF_NS;
	if (p->off_ns > PACE_OFF_MAX_NS)
		p->off_ns = PACE_OFF_MAX_NS;
	p->off_until_ns = now + p->off_ns;
}

bool pace_looks(struct pace *p, int64_t now)
{
	if (!p->pause_ns)
		p->pause_ns = now;
	else if (p->is_looking && now - p->looked_ns > PACE_STOLEN_NS)
		give_way(p, now);
	p->looked_ns = now;
	p->is_looking = p->is_paying && p->processors > 1 && now >= p->off_until_ns &&
			now - p->pause_ns < PACE_LOOK_NS;
	return p->is_looking;
}

bool pace_wants_load(const struct pace *p)
{
	return p->is_paying && p->processors > 1;
}

void pace_load(struct pace *p, int64_t now, unsigned runnable)
{
	if (runnable > p->processors)
		give_way(p, now);
}

unsigned pace_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

const char *pace_word(unsigned processors)
{
	return processors > 1
		       ? "look for the next packet for 100 us before sleeping, while "
			 "packets come that close and a processor is idle"
		       : "sleep at once: there is one processor";
}
