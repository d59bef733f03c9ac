#include "store/disk.h"

#include "port/port.h"
#include "store/span.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_file(int dir_fd, const char *name)
{
	return openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0600);
}

static int reserve_space(int fd, off_t at, off_t length)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, at, length);
}

static int remove_file(int dir_fd, const char *name)
{
	return unlinkat(dir_fd, name, 0);
}

static int open_direct(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_DIRECT | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || port_takes_pages(fd, SPAN_ALIGNMENT))
		return fd;
	(void)close(fd);
	errno = EOPNOTSUPP;
	return -1;
}

static int extend_file(int fd, off_t at, off_t length)
{
	return fallocate(fd, 0, at, length);
}

const struct disk disk_system = {
	.make = make_file,
	.write = pwrite,
	.truncate = ftruncate,
	.sync = fdatasync,
	.sync_dir = fsync,
	.sync_all = syncfs,
	.reserve = reserve_space,
	.remove = remove_file,
	.open_direct = open_direct,
	.extend = extend_file,
	.submit = writes_submit,
	.take = writes_take,
};

int disk_write(const struct disk *d, int fd, const void *bytes, size_t length,
	       uint64_t at, size_t *done)
{
	const uint8_t *p = bytes;
	size_t n = 0;
	ssize_t rc = 0;

	while (n < length) {
		rc = d->write(fd, p + n, length - n, (off_t)(at + n));
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			break;
		n += (size_t)rc;
	}
	if (done)
		*done = n;
	if (n == length)
		return 0;
	if (!rc)
		errno = EIO; /* a write of nothing: no reason to be had */
	return disk_is_full(errno) ? WEIR_ERR_NO_SPACE : WEIR_ERR_SYSTEM;
}

int disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}
