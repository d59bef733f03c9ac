/* What `weir list` lists: the paths that were named, and the mounts below them, entered or skipped.
 *
 * Calling sequence: cross and stall_ns are set; list_volumes_open(); the walk; list_volumes_fini(), unless a
 * thread that hangs stands on it.  One thread. */
#ifndef WEIR_CLI_LIST_VOLUMES_H
#define WEIR_CLI_LIST_VOLUMES_H

#include "filesystem/mounts.h"
#include "filesystem/report.h"

struct list_volumes {
	enum walk_cross cross;
	int64_t stall_ns;
	struct mounts mounts; /* the machine's */
	struct volume **items;
	size_t count, room, most;
	size_t failed_paths,
		failed_mounts; /* mounts: to be crossed, and neither opened nor stalled */
	unsigned stalled;      /* opens that did not answer in time */
	struct report_skipped *skipped; /* with paths of their own */
	size_t skipped_count, skipped_room;
};

/* A path that cannot be opened is told and counted; the others are listed.  is_deep: directories below are
 * entered, so mounts there count. */
int list_volumes_open(struct list_volumes *l, bool is_deep, int argc, char **argv,
		      struct weir_error *err) MUST_CHECK;
void list_volumes_fini(struct list_volumes *l);
/* The least that any of them promises of access times, in words. */
const char *list_volumes_atime(const struct list_volumes *l);

#endif
