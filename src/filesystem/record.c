#include "filesystem/record.h"

#include <sys/stat.h>

uint32_t record_type(const struct record *r)
{
	if (r->has_meta && r->meta.have & FILE_HAVE_TYPE)
		return r->meta.mode & S_IFMT;
	return (uint32_t)(r->dirent_type & 15) << 12;
}

const char *record_type_name(uint32_t type)
{
	switch (type) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char_device";
	case S_IFBLK:
		return "block_device";
	default:
		return "unknown";
	}
}
