#include "port/files.h"

#include "port/linux/files_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Newer than Debian 12's headers; the numbers are the same on every architecture. */
#define NR_GETXATTRAT   464
#define NR_LISTXATTRAT  465
#define NR_FILE_GETATTR 468

struct statx_time {
	int64_t s;
	uint32_t ns;
	int32_t reserved;
};

/* struct statx with the members that Linux 6.10 has. */
struct statx_now {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t subvol;
	uint64_t spare[11];
};

_Static_assert(sizeof(struct statx_now) == 256, "struct statx is 256 bytes");

struct xattr_args_now {
	uint64_t value;
	uint32_t size, flags;
};

struct file_attr_now {
	uint64_t xflags;
	uint32_t extsize, nextents, projid, cowextsize;
};

#define STATX_WANT                                                          \
 (0xfffU /* basic and birth */ | FILE_HAVE_MOUNT | FILE_HAVE_MOUNT_UNIQUE | \
  FILE_HAVE_SUBVOLUME)

void port_files_start(struct port_files *state, bool want_noatime)
{
	atomic_init(&state->has_listxattrat, true);
	atomic_init(&state->has_getxattrat, true);
	atomic_init(&state->has_file_getattr, true);
	atomic_init(&state->disturbed, 0);
	state->want_noatime = want_noatime;
	state->is_confined = false;
}

static int open_confined(int dir, const char *name, int flags)
{
	struct open_how how = { .flags = (unsigned)flags, .resolve = RESOLVE_NO_XDEV };
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof how);

	return fd < 0 ? -errno : (int)fd;
}

bool port_files_confine(struct port_files *state, int dir)
{
	int fd = open_confined(dir, ".", O_PATH | O_CLOEXEC | O_DIRECTORY);

	state->is_confined = fd >= 0;
	port_handle_close(fd);
	return state->is_confined;
}

/* Missing in this kernel, or hidden by a filter that answers EPERM to what it does not know. */
static bool is_missing(int number)
{
	return number == ENOSYS || number == EPERM;
}

static int open_at(struct port_files *p, int dir, const char *name, int flags)
{
	int fd;

	if (p->is_confined && !p->want_noatime)
		return open_confined(dir, name, flags);
	fd = openat(dir, name, flags | (p->want_noatime ? O_NOATIME : 0));
	/* Only the owner and CAP_FOWNER may keep the access time. */
	if (fd < 0 && errno == EPERM && p->want_noatime) {
		fd = openat(dir, name, flags);
		if (fd >= 0)
			atomic_fetch_add_explicit(&p->disturbed, 1, memory_order_relaxed);
	}
	return fd < 0 ? -errno : fd;
}

static int call_open(void *state, int dir, const char *name, enum file_open how)
{
	if (how == FILE_OPEN_DIRECTORY)
		return open_at(state, dir, *name ? name : ".",
			       FILES_OPEN_FLAGS | O_DIRECTORY);
	return open_at(state, dir, name, FILES_OPEN_FLAGS);
}

static int64_t call_entries(void *state, int dir, void *buffer, size_t size)
{
	long n = syscall(SYS_getdents64, dir, buffer, size);

	(void)state;
	return n < 0 ? -errno : n;
}

static struct file_time time_of(const struct statx_time *t)
{
	return (struct file_time){ .s = t->s, .ns = t->ns };
}

static int call_query(void *state, int dir, const char *name, struct file_meta *m)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
	struct statx_now s;

	(void)state;
	if (!*name)
		flags |= AT_EMPTY_PATH;
	if (syscall(SYS_statx, dir, name, flags, STATX_WANT, &s))
		return -errno;
	*m = (struct file_meta){
		.have = s.mask,
		.mode = s.mode,
		.uid = s.uid,
		.gid = s.gid,
		.links = s.nlink,
		.block_size = s.blksize,
		.inode = s.ino,
		.size_bytes = s.size,
		.blocks = s.blocks,
		.attributes = s.attributes,
		.attributes_known = s.attributes_mask,
		.dev_major = s.dev_major,
		.dev_minor = s.dev_minor,
		.rdev_major = s.rdev_major,
		.rdev_minor = s.rdev_minor,
		.mount = s.mnt_id,
		.subvolume = s.subvol,
		.atime = time_of(&s.atime),
		.mtime = time_of(&s.mtime),
		.ctime = time_of(&s.ctime),
		.btime = time_of(&s.btime),
	};
	return 0;
}

static int64_t call_link(void *state, int dir, const char *name, char *buffer,
			 size_t size)
{
	ssize_t n = readlinkat(dir, name, buffer, size);

	(void)state;
	return n < 0 ? -errno : n;
}

/* Before listxattrat(2): the directory through procfs, whose last component is not followed. */
static int64_t xattr_by_path(int dir, const char *name, const char *xattr, void *buffer,
			     size_t size)
{
	char path[320];
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, *name ? name : ".");
	n = xattr ? lgetxattr(path, xattr, buffer, size) : llistxattr(path, buffer, size);
	return n < 0 ? -errno : n;
}

static int64_t call_xattr(void *state, int dir, const char *name, const char *xattr,
			  void *buffer, size_t size)
{
	struct port_files *p = state;
	atomic_bool *has = xattr ? &p->has_getxattrat : &p->has_listxattrat;
	unsigned flags = AT_SYMLINK_NOFOLLOW | (*name ? 0U : (unsigned)AT_EMPTY_PATH);
	struct xattr_args_now args = { .value = (uint64_t)(uintptr_t)buffer,
				       .size = (uint32_t)size };
	int64_t n, old;

	if (!atomic_load_explicit(has, memory_order_relaxed))
		return xattr_by_path(dir, name, xattr, buffer, size);
	if (xattr)
		n = syscall(NR_GETXATTRAT, dir, name, flags, xattr, &args, sizeof args);
	else
		n = syscall(NR_LISTXATTRAT, dir, name, flags, buffer, size);
	if (n >= 0)
		return n;
	n = -errno;
	if (!is_missing((int)-n))
		return n;
	old = xattr_by_path(dir, name, xattr, buffer, size);
	if (n == -ENOSYS || old >= 0)
		atomic_store_explicit(has, false, memory_order_relaxed);
	return old;
}

/* Before file_getattr(2): an open, which only directories and regular files stand without harm. */
static int flags_by_open(struct port_files *p, int dir, const char *name,
			 struct file_flags *f)
{
	struct file_meta m = { .have = 0 };
	struct fsxattr x;
	int fd, rc = call_query(p, dir, name, &m);

	if (rc)
		return rc;
	if (!S_ISREG(m.mode) && !S_ISDIR(m.mode))
		return -EOPNOTSUPP;
	fd = call_open(p, dir, name,
		       S_ISDIR(m.mode) ? FILE_OPEN_DIRECTORY : FILE_OPEN_REGULAR);
	if (fd < 0)
		return fd;
	rc = ioctl(fd, FS_IOC_FSGETXATTR, &x) ? -errno : 0;
	(void)close(fd);
	if (!rc)
		*f = (struct file_flags){ .xflags = x.fsx_xflags,
					  .project = x.fsx_projid,
					  .extent_size = x.fsx_extsize };
	return rc == -ENOTTY ? -EOPNOTSUPP : rc;
}

static int call_flags(void *state, int dir, const char *name, struct file_flags *f)
{
	unsigned flags = AT_SYMLINK_NOFOLLOW | (*name ? 0U : (unsigned)AT_EMPTY_PATH);
	struct port_files *p = state;
	struct file_attr_now a = { 0 };

	if (!atomic_load_explicit(&p->has_file_getattr, memory_order_relaxed))
		return flags_by_open(p, dir, name, f);
	if (syscall(NR_FILE_GETATTR, dir, name, &a, sizeof a, flags)) {
		if (!is_missing(errno))
			return -errno;
		if (errno == ENOSYS)
			atomic_store_explicit(&p->has_file_getattr, false,
					      memory_order_relaxed);
		return flags_by_open(p, dir, name, f);
	}
	*f = (struct file_flags){ .xflags = a.xflags,
				  .project = a.projid,
				  .extent_size = a.extsize };
	return 0;
}

static int64_t call_read(void *state, int file, void *buffer, size_t size, uint64_t off)
{
	(void)state;
	return port_read_at(file, buffer, size, off);
}

struct file_time port_file_clock(void)
{
	struct timespec t = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return (struct file_time){ .s = t.tv_sec, .ns = (uint32_t)t.tv_nsec };
}

static void call_close(void *state, int handle)
{
	(void)state;
	if (handle >= 0)
		(void)close(handle);
}

const struct file_calls port_file_calls = {
	.open = call_open,
	.entries = call_entries,
	.query = call_query,
	.link = call_link,
	.xattr = call_xattr,
	.flags = call_flags,
	.read = call_read,
	.close = call_close,
	.small = port_small_files,
};
