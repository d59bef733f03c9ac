#include "filesystem/ntfs.h"

#include "base/cursor.h"

/* 1601 to 1970. */
#define EPOCH_S INT64_C(11644473600)

static struct file_time time_of(uint64_t units)
{
	return (struct file_time){ .s = (int64_t)(units / 10000000) - EPOCH_S,
				   .ns = (uint32_t)(units % 10000000) * 100 };
}

bool ntfs_decode_times(const void *bytes, size_t length, struct ntfs *n)
{
	struct cursor c;

	cur_init(&c, bytes, length);
	n->created = time_of(cur_u64be(&c));
	n->modified = time_of(cur_u64be(&c));
	n->accessed = time_of(cur_u64be(&c));
	n->record_changed = time_of(cur_u64be(&c));
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
