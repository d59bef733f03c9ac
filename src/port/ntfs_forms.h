/* What Windows hands out about files, as pure functions over bytes: built, tested and fuzzed on every
 * system.  The bytes are not trusted: a file system driver or a server wrote them.
 *
 * Calling sequence: dir_form_next() until it is false (form->is_bad tells a damaged buffer from its
 * end); the others once for a buffer.
 * Ownership: nothing is kept.  Threads: no state.  Names become UTF-8 (base/utf16.h).
 * Facts: MS-FSCC 2.4 (FileFullDirectoryInformation 2.4.14, FileIdBothDirectoryInformation 2.4.17,
 * FileIdExtdDirectoryInformation 2.4.18, FileStreamInformation 2.4.44), 2.1.2 (reparse data);
 * MS-DTYP 2.4 (SID, ACE, ACL, SECURITY_DESCRIPTOR), 2.5.1 (SDDL). */
#ifndef WEIR_PORT_NTFS_FORMS_H
#define WEIR_PORT_NTFS_FORMS_H

#include "base/compiler.h"
#include "port/files.h"

#define NTFS_NAME_BYTES 1024 /* 255 units of at most three bytes each, and a NUL */

/* Classes of directory information: their numbers. */
enum dir_class {
	DIR_FULL = 2,
	DIR_ID_BOTH = 37,
	DIR_ID_EXTD = 60,
	DIR_ID_EXTD_BOTH = 63,
};

enum {
	NTFS_ATTR_READ_ONLY = 0x1,
	NTFS_ATTR_DIRECTORY = 0x10,
	NTFS_ATTR_REPARSE = 0x400,
};

struct dir_entry {
	/* 0: not kept; else 100 ns since 1601. */
	uint64_t born, accessed, modified, changed;
	uint64_t size_bytes, allocated_bytes;
	uint64_t id;      /* low half of the file's id; 0: this class has none */
	uint64_t id_high; /* ReFS: the other half */
	uint32_t attributes, reparse_tag;
	size_t length; /* of the name */
	char name[NTFS_NAME_BYTES];
};

struct dir_form {
	const uint8_t *bytes;
	size_t length, at;
	enum dir_class class;
	bool is_over, is_bad;
};

void dir_form_init(struct dir_form *form, enum dir_class class, const void *bytes,
		   size_t length);
/* The next entry, "." and ".." included. */
bool dir_form_next(struct dir_form *form, struct dir_entry *e) MUST_CHECK;

/* DIRENT_* of filesystem/dirent.h: a link for what names another place, unknown never. */
uint8_t ntfs_dirent_type(uint32_t attributes, uint32_t reparse_tag);
/* Whether the tag's data name another place (symbolic links, junctions, mount points). */
bool ntfs_tag_is_link(uint32_t tag);
/* "symlink", "mount_point", ..., or NULL. */
const char *ntfs_tag_name(uint32_t tag);

/* 0 and negative values are no times. */
bool ntfs_time(int64_t units, struct file_time *t) MUST_CHECK;

/* The alternate streams of a file, as their names, each ending in NUL ("user.Zone.Identifier"), into
 * names.  The bytes used, WEIR_ERR_LIMIT where room is short, WEIR_ERR_FORMAT. */
int64_t ntfs_stream_names(const void *bytes, size_t length, const char *prefix,
			  char *names, size_t room) MUST_CHECK;

/* Where a reparse point leads, as it is written there: the bytes put into target (cut at room), 0
 * where the tag has none, or WEIR_ERR_FORMAT. */
int64_t ntfs_reparse_target(const void *bytes, size_t length, uint32_t *tag, char *target,
			    size_t room) MUST_CHECK;

/* A self-relative security descriptor as SDDL, with SIDs in full and rights in hex, NUL-terminated.
 * Its length, or WEIR_ERR_FORMAT, WEIR_ERR_LIMIT. */
int64_t ntfs_sddl(const void *bytes, size_t length, char *text, size_t room) MUST_CHECK;
/* A SID as "S-1-5-18"; false where there is none, or no room for it. */
bool ntfs_sid(const void *bytes, size_t length, char *text, size_t room) MUST_CHECK;

/* What others must not be able to do. */
enum ntfs_hold {
	NTFS_HOLD_SECRET, /* a folder: NTFS_HOLD_ALL; nor read it or what is made in it */
	NTFS_HOLD_ALL,    /* change it, and of a folder what is in it: nor add to it */
	NTFS_HOLD_ABOVE, /* a folder further up: rename or remove it or what is in it; they may add */
	NTFS_HOLD_ROOT, /* the same of a volume's root, which is never renamed */
};

/* Whether what a self-relative security descriptor stands at is in the hands of `trusted` alone (SIDs as
 * text, NULL-terminated): its owner is one of them, and nobody else has such a right.  An entry of a kind
 * that is not known here gives its rights to somebody else.  Else why not, in words. */
bool ntfs_is_held(const void *bytes, size_t length, enum ntfs_hold hold,
		  const char *const *trusted, char *why, size_t size) MUST_CHECK;
/* Makes of "C:\\a\\b.exe" the folder it is in, and of that the next one, "C:\\"; false where there is none
 * above, or the path is not one of a drive. */
bool ntfs_folder_of(char *path) MUST_CHECK;

#endif
