/* A file system out of a table, for tests: the same calls as the live one (port/files.h), with any
 * metadata and any failure, and counts of what was asked.  It is also the measure of a back end for
 * another system: what the engine needs is what this has.
 *
 * Calling sequence: fill an array of replay_entry, entry 0 being the root; replay_init();
 * replay_volume(); list the volume; look at the counts; replay_fini().
 * Threads: as the live one.  The array stays the caller's. */
#ifndef WEIR_FILESYSTEM_REPLAY_H
#define WEIR_FILESYSTEM_REPLAY_H

#include "filesystem/volume.h"
#include "port/port.h"

#include <stdatomic.h>

struct replay_entry {
	unsigned parent; /* index; the root's own is 0 */
	const char *name;
	struct file_meta meta; /* mode decides the type */
	const char *target;    /* of a link */
	const void *content;   /* of a regular file */
	size_t length;
	/* Pairs of name and value, ended by NULL; values are text. */
	const char *const *xattrs;
	struct file_flags flags;
	bool is_type_hidden; /* its directory does not tell its type */
	bool is_self_hidden; /* a directory without an entry "." */
	/* errno of the call that fails, 0: none. */
	int open_error, entries_error, query_error, link_error, read_error, xattr_error;
	/* What stands there when it is opened, instead: another inode. */
	uint64_t open_inode;
};

enum {
	REPLAY_HANDLES = 512
};

struct replay {
	const struct replay_entry *entries;
	unsigned count;
	struct port_monitor *lock;

	struct {
		bool is_open, has_told_self;
		unsigned entry;
		size_t at; /* the next child's index, or the next byte */
	} handles[REPLAY_HANDLES];

	atomic_uint open_count, opens, queries, reads; /* several walkers count */
	const char *last_opened;
};

extern const struct file_calls replay_calls;

int replay_init(struct replay *r, const struct replay_entry *entries,
		unsigned count) MUST_CHECK;
void replay_fini(struct replay *r);
/* The volume is the caller's, with nothing to be closed. */
void replay_volume(struct replay *r, struct volume *v, char *path,
		   enum volume_atime atime);

#endif
