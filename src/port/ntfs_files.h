/* The calls of a listing (port/files.h) over what Windows hands out about files: structures as bytes,
 * decoded by port/ntfs_forms.h.  Who opens and asks is a table of five calls, which Windows fills
 * (windows/files.c) and tests fill from an array: so every branch runs on every system.
 *
 * Calling sequence: a back end has the file_calls and passes them on to these with its source.
 * Conventions: those of file_calls: -errno, names end in NUL, the empty name is the handle itself.
 * Ownership: a handle that open() gave is closed by close().
 * Threads: as file_calls; nothing is kept here.
 *
 * NTFS's own facts have the names that ntfs-3g gives them on Linux: system.ntfs_times_be,
 * system.ntfs_attrib_be, alternate streams as user.NAME; the owner and the lists of rights as
 * system.ntfs_sddl.
 * Facts: MS-FSCC 2.4 (FileBasicInformation 2.4.7, FileStandardInformation 2.4.41,
 * FileAttributeTagInformation 2.4.6); BY_HANDLE_FILE_INFORMATION of Microsoft's documentation. */
#ifndef WEIR_PORT_NTFS_FILES_H
#define WEIR_PORT_NTFS_FILES_H

#include "port/files.h"
#include "port/ntfs_forms.h"

enum ntfs_access {
	NTFS_LOOK, /* attributes only: fails on nothing that is open elsewhere, changes no time */
	NTFS_RIGHTS, /* and who owns it, who may do what */
	NTFS_LIST,   /* a folder */
	NTFS_READ,   /* a file or a stream */
};

/* What is asked of a handle, and what comes: the bytes of the structure named. */
enum ntfs_fact {
	NTFS_FACT_BASIC,    /* FILE_BASIC_INFO: four times, attributes */
	NTFS_FACT_STANDARD, /* FILE_STANDARD_INFO: sizes, links */
	NTFS_FACT_HANDLE,   /* BY_HANDLE_FILE_INFORMATION: volume, id */
	NTFS_FACT_TAG,      /* FILE_ATTRIBUTE_TAG_INFO */
	NTFS_FACT_STREAMS,  /* a chain of FILE_STREAM_INFO */
	NTFS_FACT_REPARSE,  /* REPARSE_DATA_BUFFER */
	NTFS_FACT_SECURITY, /* a self-relative SECURITY_DESCRIPTOR, without audit rules */
};

struct ntfs_source {
	/* A handle; of what stands there itself, never of where it leads. */
	int (*open)(void *state, int dir, const char *name, enum ntfs_access access);
	/* The next entries in that class, or with `only` the one of that name.  The bytes, 0 at the
	 * end; -EINVAL: this system or this file system has not that class. */
	int64_t (*entries)(void *state, int dir, enum dir_class class, const char *only,
			   void *buffer, size_t size);
	/* The bytes; 0: it has none. */
	int64_t (*fact)(void *state, int handle, enum ntfs_fact fact, void *buffer,
			size_t size);
	int64_t (*read)(void *state, int file, void *buffer, size_t size, uint64_t off);
	void (*close)(void *state, int handle);
};

int ntfs_files_open(const struct ntfs_source *s, void *state, int dir, const char *name,
		    enum file_open how);
int64_t ntfs_files_entries(const struct ntfs_source *s, void *state, int dir,
			   void *buffer, size_t size);
/* What may not be opened is told as its folder tells it: all but its links. */
int ntfs_files_query(const struct ntfs_source *s, void *state, int dir, const char *name,
		     struct file_meta *m);
int64_t ntfs_files_link(const struct ntfs_source *s, void *state, int dir,
			const char *name, char *buffer, size_t size);
int64_t ntfs_files_xattr(const struct ntfs_source *s, void *state, int dir,
			 const char *name, const char *xattr, void *buffer, size_t size);

#endif
