/* Which way the bytes of a large file take: through the page cache, or past it (O_DIRECT).
 *
 * Through the cache costs a copy into memory that the kernel must first find: a tenth of a second for
 * a GB where pages lie ready, over a second where a virtual machine has to ask its host for each, and
 * the disk's own time once too much is unwritten.  Past it costs the disk's time, always, and hardly
 * any CPU.  Neither is known before: it is measured as the file is written, and the cheaper is taken.
 *
 * Calling sequence: a zeroed struct way begins through the cache; way_took() after each write tells
 * what it took, way_is_direct() says how to do the next; way_never_direct() where it is refused.
 * Pure: no clock, no file.  One thread. */
#ifndef WEIR_ANALYZE_WAY_H
#define WEIR_ANALYZE_WAY_H

#include <stdbool.h>
#include <stdint.h>

struct way {
	bool is_direct, is_direct_refused;
	uint64_t bytes, ns;    /* of the present window */
	uint64_t cost[2];      /* ns a MiB by `is_direct`; 0: not known */
	uint64_t since_change; /* bytes since this way was taken */
};

bool way_is_direct(const struct way *w);
void way_took(struct way *w, uint64_t bytes, uint64_t ns);
void way_never_direct(struct way *w);

#endif
