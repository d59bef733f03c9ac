#include "filesystem/ntfs.h"

#include "base/cursor.h"
#include "port/ntfs_forms.h"

bool ntfs_decode_times(const void *bytes, size_t length, struct ntfs *n)
{
	struct cursor c;

	n->created = n->modified = n->accessed = n->record_changed =
		(struct file_time){ .s = 0 };
	cur_init(&c, bytes, length);
	n->is_created_kept = ntfs_time((int64_t)cur_u64be(&c), &n->created);
	n->is_modified_kept = ntfs_time((int64_t)cur_u64be(&c), &n->modified);
	n->is_accessed_kept = ntfs_time((int64_t)cur_u64be(&c), &n->accessed);
	n->is_record_changed_kept = ntfs_time((int64_t)cur_u64be(&c), &n->record_changed);
	n->has_times = !c.is_bad;
	return n->has_times;
}

bool ntfs_decode_attributes(const void *bytes, size_t length, bool is_big_endian,
			    struct ntfs *n)
{
	struct cursor c;

	cur_init(&c, bytes, length);
	n->attributes = is_big_endian ? cur_u32be(&c) : cur_u32le(&c);
	n->has_attributes = !c.is_bad;
	return n->has_attributes;
}

const char *ntfs_attribute_name(unsigned bit)
{
	static const char *const names[] = {
		"read_only",     "hidden",     "system",  NULL,          "directory",
		"archive",       "device",     "normal",  "temporary",   "sparse",
		"reparse_point", "compressed", "offline", "not_indexed", "encrypted",
	};

	return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}
