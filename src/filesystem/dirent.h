/* Directory entries as a directory hands them out, in the form of Linux's linux_dirent64: inode u64,
 * offset i64, record length u16, type u8, name, NUL, padding, in the machine's byte order (other
 * back ends write this form).  The bytes are not trusted: a lying network or FUSE file system wrote
 * the names.  Facts: getdents64(2). */
#ifndef WEIR_FILESYSTEM_DIRENT_H
#define WEIR_FILESYSTEM_DIRENT_H

#include "base/compiler.h"
#include "base/cursor.h"

struct dirent_entry {
	const char *name; /* in the buffer, ends in NUL, not empty, without '/' */
	size_t length;
	uint64_t inode;
	uint8_t type; /* DIRENT_* */
};

enum {
	DIRENT_UNKNOWN = 0,
	DIRENT_FIFO = 1,
	DIRENT_CHAR = 2,
	DIRENT_DIRECTORY = 4,
	DIRENT_BLOCK = 6,
	DIRENT_REGULAR = 8,
	DIRENT_LINK = 10,
	DIRENT_SOCKET = 12,
};

/* The next entry but "." and ".."; false at the end, or (c->is_bad) where the bytes are none. */
bool dirent_next(struct cursor *c, struct dirent_entry *e);
/* The inode in the entry ".", where it is among these bytes; file systems that sort by a hash have it
 * anywhere. */
bool dirent_self(const uint8_t *bytes, size_t length, uint64_t *inode) MUST_CHECK;
/* Writes one at p, which has DIRENT_ROOM(length) bytes, aligned to 8; for back ends and tests. */
#define DIRENT_ROOM(length) (((size_t)19 + (length) + 1 + 7) & ~(size_t)7)
uint8_t *dirent_put(uint8_t *p, uint64_t inode, uint8_t type, const char *name,
		    size_t length);

#endif
