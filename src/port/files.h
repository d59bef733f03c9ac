/* What the file system engine asks of the operating system: one small table of calls, so that a
 * listing runs over the live system (port_files), over a recording (filesystem/replay.h) and
 * over Windows without the engine knowing.
 *
 * Calling sequence: port_files_start() fills a state; every call takes it first; handles are small
 * numbers >= 0; close() gives one back.
 * Conventions: unlike elsewhere a failing call returns -errno, because the errno itself is what a
 * record tells ("EACCES"); Windows maps its codes to these.  No call follows a link in the last
 * component, opens anything but directories and regular files, or may hang on a FIFO.
 * A name is bytes ending in NUL; the empty name is the handle itself (query, xattr, flags).
 * Threads: all calls may be used by several threads at once; a handle being listed by one at a time.
 * Facts: statx(2), getdents64(2), openat(2); Linux include/uapi/linux/{stat,fs,mount,xattr}.h. */
#ifndef WEIR_PORT_FILES_H
#define WEIR_PORT_FILES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A time as file systems keep it: any second (1901, 2446), nanoseconds always forward of it.  An
 * int64_t of nanoseconds would end in 2262. */
struct file_time {
	int64_t s;
	uint32_t ns;
};

/* Which members of a meta are true: the numbers of Linux's stx_mask. */
enum {
	FILE_HAVE_TYPE = 0x1,
	FILE_HAVE_MODE = 0x2,
	FILE_HAVE_LINKS = 0x4,
	FILE_HAVE_UID = 0x8,
	FILE_HAVE_GID = 0x10,
	FILE_HAVE_ATIME = 0x20,
	FILE_HAVE_MTIME = 0x40,
	FILE_HAVE_CTIME = 0x80,
	FILE_HAVE_INODE = 0x100,
	FILE_HAVE_SIZE = 0x200,
	FILE_HAVE_BLOCKS = 0x400,
	FILE_HAVE_BTIME = 0x800,
	FILE_HAVE_MOUNT = 0x1000,
	FILE_HAVE_MOUNT_UNIQUE = 0x4000,
	FILE_HAVE_SUBVOLUME = 0x8000,
};

enum {
	FILE_ATTR_MOUNT_ROOT = 0x2000
};

struct file_meta {
	uint32_t have;
	uint32_t mode; /* type and permissions as in st_mode */
	uint32_t uid, gid, links, block_size;
	uint64_t inode, size_bytes, blocks; /* blocks of 512 bytes */
	uint64_t attributes, attributes_known;
	uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
	uint64_t mount, subvolume;
	struct file_time atime, mtime, ctime, btime;
};

/* Flags beyond the attributes of a meta: Linux's fsx_xflags, and the quota's project. */
struct file_flags {
	uint64_t xflags;
	uint32_t project, extent_size;
};

enum file_open {
	FILE_OPEN_DIRECTORY,
	FILE_OPEN_REGULAR, /* never waits; whether it is one is asked of the handle */
};

/* Small files at once.  `bytes` is what was read, or -errno; where it is not negative, `meta` is that
 * of the handle, asked after the reading. */
enum {
	SMALL_FILES_MAX = 16,
	SMALL_FILE_BYTES = 64 << 10,
};

struct small_file {
	const char *name;
	void *buffer; /* of SMALL_FILE_BYTES */
	int64_t bytes;
	struct file_meta meta;
};

struct small_reader; /* one thread's */

struct file_calls {
	/* A handle. */
	int (*open)(void *state, int dir, const char *name, enum file_open how);
	/* The next entries in the form of linux_dirent64 (filesystem/dirent.h): bytes, 0 at the end. */
	int64_t (*entries)(void *state, int dir, void *buffer, size_t size);
	int (*query)(void *state, int dir, const char *name, struct file_meta *meta);
	/* Bytes of the target, not more than size. */
	int64_t (*link)(void *state, int dir, const char *name, char *buffer,
			size_t size);
	/* The value of one extended attribute, or (xattr NULL) their names, each ending in NUL. */
	int64_t (*xattr)(void *state, int dir, const char *name, const char *xattr,
			 void *buffer, size_t size);
	int (*flags)(void *state, int dir, const char *name, struct file_flags *flags);
	/* From an offset: what has none, like a FIFO put in a file's place, fails untouched (-ESPIPE). */
	int64_t (*read)(void *state, int file, void *buffer, size_t size, uint64_t off);
	void (*close)(void *state, int handle);
	/* Opens, reads, queries and closes up to SMALL_FILES_MAX regular files, with few switches to
	 * the system.  NULL where that cannot be had: then the calls above, one by one. */
	void (*small)(void *state, struct small_reader *r, int dir,
		      struct small_file *files, unsigned count);
};

/* The live system.  The members are set by the probe and may be turned off by a call that finds a
 * newer system call forbidden (a seccomp filter); `disturbed` counts opens that could not keep the
 * access time. */
struct port_files {
	atomic_bool has_listxattrat, has_getxattrat, has_file_getattr;
	bool want_noatime; /* false on a volume that keeps access times by itself */
	bool is_confined; /* no open reaches another mount, whatever is mounted meanwhile */
	atomic_uint_fast64_t disturbed;
};

extern const struct file_calls port_file_calls;

/* NULL where the system has no such thing or denies it, or without memory.  Any thread may make it;
 * the first that reads with it keeps it. */
struct small_reader *small_reader_new(void) MUST_CHECK;
void small_reader_free(struct small_reader *r);

void port_files_start(struct port_files *state, bool want_noatime);
/* From now on opens stay on the mount of their directory (-EXDEV); false where the system cannot
 * promise that, and then nothing has changed. */
bool port_files_confine(struct port_files *state, int dir);

/* The clock that the system stamps files with, as coarse as the stamps: what is changed from now on
 * has no earlier ctime. */
struct file_time port_file_clock(void);

/* A volume's root, for looking only; no magic links.  The last component is not followed. */
int port_root_open(const char *path, int *fd, struct weir_error *err) MUST_CHECK;
/* Whether opening it goes through a link, which may change the link's access time; finding out does not. */
bool port_path_has_link(const char *path);
/* What stands at an absolute path; a link there is not followed; -errno. */
int port_path_query(const char *path, struct file_meta *meta) MUST_CHECK;
/* The target of the link at an absolute path, read so that its access time stays; where that cannot
 * be had and may_disturb is not set, -EACCES. */
int64_t port_link_read(const char *path, bool may_disturb, char *buffer,
		       size_t size) MUST_CHECK;
/* Makes '/' of whatever else separates names on this system. */
void port_path_separators(char *path);
/* The absolute path of an open handle as the system knows it now, cut at size. */
int port_path_of(int fd, char *path, size_t size) MUST_CHECK;
/* A private, read-only view of what the handle holds that changes no access time, reaches no other
 * mount, and goes with its handle.  Needs CAP_SYS_ADMIN. */
int port_clone_open(int fd, int *clone, struct weir_error *err) MUST_CHECK;
/* The table of mounts as the system prints it (Linux: mountinfo), whole; free with mem_free(). */
int port_mounts_read(char **text, size_t *length, struct weir_error *err) MUST_CHECK;
/* The magic number of the handle's file system, 0 where unknown. */
uint64_t port_filesystem_magic(int fd);
/* A file's bytes, whole, at most limit; free with mem_free(). */
int port_file_read(const char *path, size_t limit, char **bytes, size_t *length,
		   struct weir_error *err) MUST_CHECK;
/* Raises the number of descriptors to what is allowed; returns it. */
unsigned port_descriptors_raise(void);
/* Processors that may be used, at least 1. */
unsigned port_processor_count(void);
void port_handle_close(int fd);
/* Writes all; -errno. */
int port_write_all(int fd, const void *bytes, size_t length) MUST_CHECK;
/* Memory of many mebibytes that is filled from its start: larger pages, where the system has them,
 * make the first touch cheap.  A hint, which changes nothing. */
void port_memory_large(void *p, size_t bytes);
/* A file without a name in TMPDIR, and its reading and writing at an offset; -errno. */
int port_scratch_open(int *fd, struct weir_error *err) MUST_CHECK;
int64_t port_read_at(int fd, void *buffer, size_t size, uint64_t off) MUST_CHECK;
/* "ENOENT" for 2; "E123" for one without a name. */
const char *port_errno_name(int number, char text[16]);

#endif
