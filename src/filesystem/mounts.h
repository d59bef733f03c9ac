/* The table of mounts, parsed, and what kind of file system each is.
 *
 * Calling sequence: mounts_parse() takes the text (a mem_new() block) over, also when it fails;
 * mounts_at(), mounts_find(), ...; mounts_fini().
 * Ownership: rows point into the text.  Threads: read-only after parsing.
 * Facts: proc_pid_mountinfo(5); names carry blanks, tabs, newlines and backslashes as \ooo. */
#ifndef WEIR_FILESYSTEM_MOUNTS_H
#define WEIR_FILESYSTEM_MOUNTS_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mount_kind {
	MOUNT_LOCAL,   /* on a disk, in memory, or over such (overlay) */
	MOUNT_PSEUDO,  /* the kernel's own: proc, sysfs, cgroup, ... */
	MOUNT_NETWORK, /* another machine's, or a network's in disguise */
	MOUNT_FUSE,    /* a program's, which may hang or lie; also autofs */
};

struct mount_row {
	uint64_t id, parent;
	unsigned dev_major, dev_minor;
	const char *root, *point, *options, *type, *source, *super_options;
	enum mount_kind kind;
	bool is_cut_off; /* no path leads to it: another lies over it, or over the way to it */
	bool is_hidden; /* that, or another lies on its root: no path ends in it there */
};

struct mounts {
	char *text;
	struct mount_row *rows;
	size_t count;
};

/* Lines that are none are left out and counted in the result; negative without memory. */
int mounts_parse(struct mounts *m, char *text, size_t length) MUST_CHECK;
void mounts_fini(struct mounts *m);
/* The mount with this id (the small, reusable one), NULL where there is none. */
const struct mount_row *mounts_find(const struct mounts *m, uint64_t id);
/* The mount that is seen at exactly this absolute path; NULL where none is. */
const struct mount_row *mounts_at(const struct mounts *m, const char *point);
/* The mount that an absolute path lies on, as the system finds it. */
const struct mount_row *mounts_over(const struct mounts *m, const char *path);
enum mount_kind mount_kind_of(const char *type);
const char *mount_kind_name(enum mount_kind kind);

#endif
