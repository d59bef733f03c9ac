/* Where a link leads, for --follow: found component by component, so that no link on the way has its
 * access time changed and no file system is asked that is not to be entered.
 *
 * Calling sequence: follow_resolve() with the absolute, link-free path of the link's directory.
 * The path found has no links in it; what it holds is told as it was at that moment.
 * Threads: any.  Errors: `reason` in words, or -errno. */
#ifndef WEIR_FILESYSTEM_FOLLOW_H
#define WEIR_FILESYSTEM_FOLLOW_H

#include "filesystem/mounts.h"
#include "port/files.h"

enum {
	FOLLOW_PATH_MAX = 4096,
	FOLLOW_LINKS_MAX = 40, /* as the system's own bound */
};

enum walk_cross {
	WALK_CROSS_NONE,
	WALK_CROSS_LOCAL,
	WALK_CROSS_ALL
};

struct followed {
	char path[FOLLOW_PATH_MAX];
	size_t length;
	struct file_meta meta;
	bool is_entered;
	const char *reason; /* why it is not; "loop", "another_mount", ... */
};

struct follow_rules {
	const struct mounts *mounts;
	const struct mount_row *home; /* the mount that the link lies on */
	enum walk_cross cross;
	bool may_disturb; /* read links on the way even where that changes their access time */
};

/* 0 with *f filled, -errno, or 1 with f->reason where it must not be looked at. */
int follow_resolve(struct followed *f, const struct follow_rules *rules,
		   const char *folder, const char *target, size_t length) MUST_CHECK;

#endif
