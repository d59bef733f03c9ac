#include "port/files.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* open_tree(2), mount_setattr(2), openat2(2): numbers and structures from the kernel's uapi, for
 * headers that are older than the kernel. */
#define NR_OPEN_TREE     428
#define NR_MOUNT_SETATTR 442
#define TREE_CLONE       1U

struct mount_attr_now {
	uint64_t set, clear, propagation, userns_fd;
};

#define ATTR_RDONLY      0x1U
#define ATTR_NOSUID      0x2U
#define ATTR_NODEV       0x4U
#define ATTR_NOEXEC      0x8U
#define ATTR_ATIME       0x70U /* the field */
#define ATTR_NOATIME     0x10U
#define ATTR_NODIRATIME  0x80U
#define ATTR_NOSYMFOLLOW 0x200000U

int port_root_open(const char *path, int *fd, struct weir_error *err)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_NO_MAGICLINKS };

	*fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
	/* Linux before 5.6, or a filter in front of it.  A magic link (ELOOP) stays refused. */
	if (*fd < 0 && (errno == ENOSYS || errno == EPERM))
		*fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	return *fd < 0 ? err_sys(err, "cannot open '%s'", path) : 0;
}

bool port_path_has_link(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);

	if (fd < 0)
		return errno == ELOOP;
	(void)close(fd);
	return false;
}

int port_path_query(const char *path, struct file_meta *meta)
{
	struct port_files state;
	struct weir_error err;
	int fd, rc;

	if (port_root_open(path, &fd, &err))
		return err.sys ? -err.sys : -EIO;
	port_files_start(&state, false);
	rc = port_file_calls.query(&state, fd, "", meta);
	(void)close(fd);
	return rc;
}

int64_t port_link_read(const char *path, bool may_disturb, char *buffer, size_t size)
{
	const char *name = strrchr(path, '/');
	char folder[4096];
	struct weir_error err;
	int fd, clone;
	ssize_t n;

	if (!name || (size_t)(name - path) >= sizeof folder - 1)
		return -ENAMETOOLONG;
	memcpy(folder, path, (size_t)(name - path) + 1);
	folder[name - path + (name == path)] = '\0';
	if (port_root_open(folder, &fd, &err))
		return err.sys ? -err.sys : -EIO;
	if (port_clone_open(fd, &clone, &err))
		clone = may_disturb ? fd : -1;
	n = clone < 0 ? -1 : readlinkat(clone, name + 1, buffer, size);
	if (n < 0)
		n = clone < 0 ? -EACCES : -errno;
	if (clone >= 0 && clone != fd)
		(void)close(clone);
	(void)close(fd);
	return n;
}

/* Any other byte may be part of a name.  NOLINTNEXTLINE(readability-non-const-parameter) */
void port_path_separators(char *path)
{
	(void)path;
}

int port_path_of(int fd, char *path, size_t size)
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, size - 1);
	if (n <= 0 || (size_t)n >= size - 1 || path[0] != '/')
		return WEIR_ERR_ABSENT;
	path[n] = '\0';
	return 0;
}

int port_clone_open(int fd, int *clone, struct weir_error *err)
{
	struct mount_attr_now a = {
		.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC |
		       ATTR_NOATIME | ATTR_NODIRATIME | ATTR_NOSYMFOLLOW,
		.clear = ATTR_ATIME,
	};
	long rc;

	/* Without AT_RECURSIVE: what is mounted below is not reachable through it. */
	*clone = (int)syscall(NR_OPEN_TREE, fd, "",
			      TREE_CLONE | (unsigned)O_CLOEXEC | (unsigned)AT_EMPTY_PATH);
	if (*clone < 0)
		return err_sys(err, "cannot clone the mount");
	rc = syscall(NR_MOUNT_SETATTR, *clone, "", AT_EMPTY_PATH, &a, sizeof a);
	if (rc && errno == EINVAL) {
		a.set &= ~(uint64_t)ATTR_NOSYMFOLLOW; /* Linux before 5.14 */
		rc = syscall(NR_MOUNT_SETATTR, *clone, "", AT_EMPTY_PATH, &a, sizeof a);
	}
	if (!rc)
		return 0;
	(void)err_sys(err, "cannot make the clone of the mount keep access times");
	(void)close(*clone);
	*clone = -1;
	return err ? (int)err->code : WEIR_ERR_SYSTEM;
}

/* Files of procfs state no size: read until there is no more. */
int port_file_read(const char *path, size_t limit, char **bytes, size_t *length,
		   struct weir_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t used = 0, room = 0;
	char *p = NULL;
	ssize_t n = 1;

	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	while (n > 0 && used < limit) {
		if (room - used < 4096) {
			char *more = mem_grow(p, room ? room * 2 : 65536, 1);
			if (!more)
				break;
			p = more;
			room = room ? room * 2 : 65536;
		}
		n = read(fd, p + used, room - used - 1);
		if (n > 0)
			used += (size_t)n;
	}
	if (n < 0)
		(void)err_sys(err, "cannot read '%s'", path);
	else if (n > 0)
		(void)err_set(err, WEIR_ERR_LIMIT, "'%s' is longer than %zu bytes", path,
			      limit);
	(void)close(fd);
	if (n) {
		mem_free(p);
		return err ? (int)err->code : WEIR_ERR_SYSTEM;
	}
	p[used] = '\0';
	*bytes = p;
	*length = used;
	return 0;
}

int port_mounts_read(char **text, size_t *length, struct weir_error *err)
{
	return port_file_read("/proc/self/mountinfo", 64U << 20, text, length, err);
}

uint64_t port_filesystem_magic(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) ? 0 : (uint64_t)s.f_type;
}

unsigned port_descriptors_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 256;
	if (r.rlim_cur < r.rlim_max) {
		rlim_t before = r.rlim_cur;

		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r))
			r.rlim_cur = before;
	}
	return r.rlim_cur > 1000000 ? 1000000 : (unsigned)r.rlim_cur;
}

unsigned port_processor_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

void port_handle_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

int port_write_all(int fd, const void *bytes, size_t length)
{
	const char *p = bytes;

	while (length) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

void port_memory_large(void *p, size_t bytes)
{
	uintptr_t page = 4096, start = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)p + bytes) & ~(page - 1);

	if (bytes >= 4U << 20 && end > start)
		(void)madvise((void *)start, end - start, MADV_HUGEPAGE);
}

int port_scratch_open(int *fd, struct weir_error *err)
{
	const char *dir = getenv("TMPDIR");
	char path[512];

	if (!dir || !*dir)
		dir = "/tmp";
	*fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return 0;
	/* A file system without nameless files: one whose name goes at once. */
	(void)snprintf(path, sizeof path, "%s/weir-scratch-XXXXXX", dir);
	*fd = mkostemp(path, O_CLOEXEC);
	if (*fd < 0)
		return err_sys(err, "cannot make a temporary file in '%s'", dir);
	(void)unlink(path);
	return 0;
}

int64_t port_read_at(int fd, void *buffer, size_t size, uint64_t off)
{
	ssize_t n;

	do {
		n = pread(fd, buffer, size, (off_t)off);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

const char *port_errno_name(int number, char text[16])
{
	const char *name = strerrorname_np(number);

	if (name)
		return name;
	(void)snprintf(text, 16, "E%d", number);
	return text;
}
