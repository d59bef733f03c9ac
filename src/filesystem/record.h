/* One entry of a file system with all that is known of it: what every form (jsonl, body file, csv,
 * table) is written from.
 *
 * Ownership: everything is lent until the entry is written.  Absent is said by `meta.have`, by NULL,
 * or by a has_ member, never by 0; why it is absent stands in `missing`. */
#ifndef WEIR_FILESYSTEM_RECORD_H
#define WEIR_FILESYSTEM_RECORD_H

#include "filesystem/digest.h"
#include "filesystem/mounts.h"
#include "port/files.h"

#include <string.h>

struct volume;
struct attributes; /* filesystem/attributes.h */
struct followed;   /* filesystem/follow.h */

enum {
	RECORD_MISSING_MAX = 8
};

/* A field that was asked for and is not there: exactly one of number and reason. */
struct missing {
	const char *field;
	int number; /* errno */
	const char *reason;
};

enum hint {
	HINT_COPIED = 1,        /* modified before born */
	HINT_ROUND_TIME = 2,    /* a time without fraction where changed has one */
	HINT_CHANGED_LATER = 4, /* changed long behind modified, in a system folder */
	HINT_BORN_AFTER_CHANGED = 8, /* impossible by the system's own doing */
	HINT_FUTURE = 16,            /* a time behind now */
	HINT_BORN_ODD = 32,          /* born far from its inode's neighbours */
	HINT_SAME_TIME =
		64, /* modified equals accessed to the nanosecond, and not born */
	HINT_ACCESSED_BEFORE_BORN = 128,
	HINT_MODIFIED_AFTER_CHANGED = 256,
	HINT_NAME_DECEPTIVE =
		512,             /* reordering or control characters, blanks at the end */
	HINT_SHARED_TIME = 1024, /* modified equals a neighbour's to the nanosecond */
	HINT_COUNT = 11,
};

/* What was found of one entry, with how many percent of its neighbours share it. */
struct hint_findings {
	unsigned bits;
	uint8_t share[HINT_COUNT];
};

struct record {
	const struct volume *volume;
	const char *path; /* bytes, ends in NUL */
	size_t length, name_off;
	uint8_t dirent_type; /* DIRENT_*: known even where meta is not */
	uint64_t dirent_inode;
	bool has_meta;
	const struct mount_row *cover; /* something is mounted over it */
	const char *target;
	size_t target_length;
	bool has_flags;
	struct file_flags flags;
	const struct attributes *attributes;
	const struct followed *followed; /* of a link, where it was told to be followed */
	const struct digests *digests;
	bool has_changed_while_read;
	const char *mime_name, *mime_content;
	struct hint_findings hints;
	int error; /* errno of what failed for the entry as a whole */
	const char *error_call;
	unsigned missing_count;
	/* From here on not cleared for each entry: valid by has_meta and by missing_count. */
	struct file_meta meta;
	struct missing missing[RECORD_MISSING_MAX];
};

static inline void record_init(struct record *r)
{
	memset(r, 0, offsetof(struct record, meta));
}

static inline void record_missing(struct record *r, const char *field, int number,
				  const char *reason)
{
	if (r->missing_count < RECORD_MISSING_MAX)
		r->missing[r->missing_count++] =
			(struct missing){ field, number, reason };
}

/* S_IFMT of the mode, or what the directory entry said. */
uint32_t record_type(const struct record *r);
/* "file", "directory", "link", ... "unknown" */
const char *record_type_name(uint32_t type);

#endif
