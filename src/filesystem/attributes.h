/* Extended attributes of one entry, with the well-known ones decoded: ACLs, file capabilities,
 * security labels, and what ntfs-3g and ntfs3 tell of an NTFS file.
 *
 * Calling sequence: attributes_new(); for each entry attributes_read(); attributes_free().
 * Ownership: names and values are lent until the next read.
 * Threads: one owner.  Memory: ATTRIBUTES_BYTES for the values of one entry; what does not fit is
 * named with its size and without value (`is_cut`).
 * Facts: listxattr(2), xattr(7); limits.h: names 64 KiB, a value 64 KiB. */
#ifndef WEIR_FILESYSTEM_ATTRIBUTES_H
#define WEIR_FILESYSTEM_ATTRIBUTES_H

#include "filesystem/acl.h"
#include "filesystem/capability.h"
#include "filesystem/ntfs.h"
#include "port/files.h"

#define ATTRIBUTES_BYTES (256U << 10)
#define ATTRIBUTES_MAX   512U

struct attribute {
	const char *name;
	const uint8_t *value; /* NULL: not read */
	size_t length;
	int error; /* errno why not */
};

struct attributes {
	struct attribute *rows;
	size_t count;
	bool is_cut; /* there are more than fit */
	const struct attribute *access_acl, *default_acl, *capability;
	struct ntfs ntfs; /* of volumes that are NTFS */
	/* Owner, group and rights of an NTFS file as SDDL; NULL: not told. */
	const char *sddl;
	size_t sddl_length;
	char *names, *sddl_text;
	uint8_t *values;
};

struct attributes *attributes_new(void) MUST_CHECK;
void attributes_free(struct attributes *a);
/* 0, or -errno where not even the names can be had. */
int attributes_read(struct attributes *a, const struct file_calls *calls, void *state,
		    int dir, const char *name, bool is_ntfs);

#endif
