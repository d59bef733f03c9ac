/* What a mounted NTFS tells beyond POSIX: its four times, its attributes, its alternate streams.
 * Facts: ntfs-3g: system.ntfs_times_be (creation, modification, access, change of the record; u64 big
 * endian in units of 100 ns since 1601-01-01), system.ntfs_attrib_be (u32); ntfs3: system.ntfs_attrib
 * (u32 little endian), no times.  Streams appear as user.NAME attributes. */
#ifndef WEIR_FILESYSTEM_NTFS_H
#define WEIR_FILESYSTEM_NTFS_H

#include "port/files.h"

/* A time that a file system does not keep is 0 there. */
struct ntfs {
	bool has_times, has_attributes;
	bool is_created_kept, is_modified_kept, is_accessed_kept, is_record_changed_kept;
	struct file_time created, modified, accessed, record_changed;
	uint32_t attributes;
};

bool ntfs_decode_times(const void *bytes, size_t length, struct ntfs *n) MUST_CHECK;
bool ntfs_decode_attributes(const void *bytes, size_t length, bool is_big_endian,
			    struct ntfs *n) MUST_CHECK;
/* The name of one bit ("hidden"), NULL where it has none. */
const char *ntfs_attribute_name(unsigned bit);

#endif
