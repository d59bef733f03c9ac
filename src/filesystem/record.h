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

struct volume;
struct attributes; /* filesystem/attributes.h */

enum {
	RECORD_MISSING_MAX = 8
};

/* A field that was asked for and is not there: exactly one of number and reason. */
struct missing {
	const char *field;
	int number; /* errno */
	const char *reason;
};

struct record {
	const struct volume *volume;
	const char *path; /* bytes, ends in NUL */
	size_t length, name_off;
	uint8_t dirent_type; /* DIRENT_*: known even where meta is not */
	uint64_t dirent_inode;
	bool has_meta;
	struct file_meta meta;
	const struct mount_row *cover; /* something is mounted over it */
	const char *target;
	size_t target_length;
	bool has_flags;
	struct file_flags flags;
	const struct attributes *attributes;
	const struct digests *digests;
	bool has_changed_while_read;
	const char *mime_name, *mime_content;
	unsigned hints;     /* bits of enum hint (filesystem/hints.h) */
	double round_share; /* of the neighbours: how many have a time without fraction */
	int error;          /* errno of what failed for the entry as a whole */
	const char *error_call;
	unsigned missing_count;
	struct missing missing[RECORD_MISSING_MAX];
};

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
