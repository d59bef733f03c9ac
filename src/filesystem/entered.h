/* Directories that links led to: which they are, so that each is entered once, and their volumes.
 *
 * Calling sequence: entered_init(); for a directory that a link leads to entered_is_listed(), and where
 * it is not, entered_keep() for its volume; for a directory in a listing with links entered_is_root();
 * entered_disturbed() when no thread walks any more; entered_fini().
 * Ownership: the configuration stays the caller's; the volumes are freed here, and closed by their
 * nodes.
 * Threads: any, between init and fini. */
#ifndef WEIR_FILESYSTEM_ENTERED_H
#define WEIR_FILESYSTEM_ENTERED_H

#include "filesystem/walk.h"

struct listed;

struct entered {
	const struct walk_config *config;
	struct port_monitor *lock;
	/* Guarded by lock. */
	struct volume **volumes;
	struct listed *listed;
	size_t volume_count, listed_count;
};

int entered_init(struct entered *e, const struct walk_config *config) MUST_CHECK;
void entered_fini(struct entered *e);
/* Whether all that the directory would show is listed anyway: it lies in what was asked for, or a
 * link led to it before; else it counts as listed from now on.  depth: of the directory. */
bool entered_is_listed(struct entered *e, struct followed *f, uint64_t pattern_state,
		       unsigned depth);
/* Whether it is where a listed path or a followed link begins, and all of it is shown there. */
bool entered_is_root(struct entered *e, const struct file_meta *meta);
/* Keeps a volume until the end of the walk; false without memory. */
bool entered_keep(struct entered *e, struct volume *v);
/* Opens in the volumes kept that could not keep the access time. */
uint64_t entered_disturbed(const struct entered *e);

#endif
