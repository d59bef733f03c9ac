#include "analyze/way.h"

#define MIB UINT64_C(1048576)

#define WINDOW (16 * MIB) /* what one measurement is made of */
#define TRIAL  (4 * MIB)  /* and the first of a way: short, it may be the wrong one */
/* The other way is tried again after so much.  To try the cache costs little; to try a slow disk
 * does not. */
#define CACHE_AGAIN (64 * MIB)
#define DISK_AGAIN  (512 * MIB)
#define CHEAP_NS \
 UINT64_C(400000) /* a MiB, through the cache: nothing to look for (2.5 GB/s) */

bool way_is_direct(const struct way *w)
{
	return w->is_direct;
}

void way_never_direct(struct way *w)
{
	w->is_direct = false;
	w->is_direct_refused = true;
	w->bytes = w->ns = 0;
}

static void choose(struct way *w)
{
	uint64_t mine = w->cost[w->is_direct], other = w->cost[!w->is_direct];
	uint64_t again = w->is_direct ? CACHE_AGAIN : DISK_AGAIN;

	if (w->is_direct_refused || (!w->is_direct && mine <= CHEAP_NS))
		return;
	if (!other || w->since_change >= again || other < mine) {
		w->is_direct = !w->is_direct;
		w->since_change = 0;
	}
}

void way_took(struct way *w, uint64_t bytes, uint64_t ns)
{
	uint64_t window = w->since_change < TRIAL ? TRIAL : WINDOW;

	w->bytes += bytes;
	w->ns += ns;
	if (w->bytes < window)
		return;
	w->since_change += w->bytes;
	w->cost[w->is_direct] = w->ns / (w->bytes / MIB) + 1;
	w->bytes = w->ns = 0;
	choose(w);
}
