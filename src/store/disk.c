#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
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

const struct disk disk_system = {
	.make = make_file,
	.write = pwrite,
	.truncate = ftruncate,
	.sync = fdatasync,
	.sync_dir = fsync,
	.sync_all = syncfs,
	.reserve = reserve_space,
	.remove = remove_file,
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
