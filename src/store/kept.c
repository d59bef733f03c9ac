#include "store/kept.h"

#include "store/disk.h"
#include "store/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int kept_copy(const struct kept *k, int from_fd, uint64_t from, uint64_t to, int to_fd,
	      struct weir_error *err)
{
	uint64_t at = 0;

	while (from < to) {
		size_t want = to - from < KEPT_BUFFER ? (size_t)(to - from) : KEPT_BUFFER;
		ssize_t n = pread(from_fd, k->buffer, want, (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read what is to be kept");
		if (!n)
			break;
		if (disk_write(&disk_system, to_fd, k->buffer, (size_t)n, at, NULL))
			return err_sys(err, "cannot write what is to be kept");
		from += (uint64_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* The new file belongs to whom the store belongs: a repair may be root's. */
int kept_make(const struct kept *k, const char *name, struct weir_error *err)
{
	int dir_fd = k->dir_fd, fd;
	struct stat st;

	/* What an interrupted repair left: it is made again. */
	if (unlinkat(dir_fd, name, 0) && errno != ENOENT)
		return err_sys(err, "cannot remove '%s'", name);
	fd = disk_system.make(dir_fd, name);
	if (fd < 0)
		return err_sys(err, "cannot make '%s'", name);
	if (!fstat(dir_fd, &st) && fchown(fd, st.st_uid, st.st_gid) && errno != EPERM) {
		(void)close(fd);
		return err_sys(err, "cannot give '%s' to its owner", name);
	}
	return fd;
}

int kept_tail(const struct kept *k, int fd, uint64_t from, uint64_t to, const char *name,
	      struct weir_error *err)
{
	int tail = kept_make(k, name, err), rc;

	if (tail < 0)
		return tail;
	rc = kept_copy(k, fd, from, to, tail, err);
	if (!rc && fsync(tail))
		rc = err_sys(err, "cannot sync '%s'", name);
	(void)close(tail);
	if (!rc && fsync(k->dir_fd))
		rc = err_sys(err, "cannot sync the directory");
	return rc;
}

void kept_tail_name(char tail[KEPT_NAME], const char *name, unsigned before)
{
	if (before)
		(void)snprintf(tail, KEPT_NAME, "%s.tail-%u", name, before);
	else
		(void)snprintf(tail, KEPT_NAME, "%s.tail", name);
}

static bool is_beginning(const struct kept *k, int fd, uint64_t from, uint64_t to,
			 int tail)
{
	uint8_t *kept = k->buffer, *there = k->buffer + KEPT_BUFFER / 2;

	for (uint64_t at = 0;;) {
		ssize_t n = pread(tail, kept, KEPT_BUFFER / 2, (off_t)at);

		if (n <= 0)
			return !n;
		if ((uint64_t)n > to - from - at ||
		    pread(fd, there, (size_t)n, (off_t)(from + at)) != n ||
		    memcmp(kept, there, (size_t)n) != 0)
			return false;
		at += (uint64_t)n;
	}
}

bool kept_is_begun(const struct kept *k, int fd, uint64_t from, uint64_t to,
		   const char *name)
{
	int tail = regular_open(k->dir_fd, name, O_RDONLY, "file", NULL);
	bool is_it = tail >= 0 && is_beginning(k, fd, from, to, tail);

	if (tail >= 0)
		(void)close(tail);
	return is_it;
}

int kept_another_tail(const struct kept *k, int fd, uint64_t from, uint64_t to,
		      const char *name, unsigned before, struct weir_error *err)
{
	char tail[KEPT_NAME];
	struct stat st;

	do
		kept_tail_name(tail, name, before++);
	while (!fstatat(k->dir_fd, tail, &st, AT_SYMLINK_NOFOLLOW) &&
	       !kept_is_begun(k, fd, from, to, tail));
	return kept_tail(k, fd, from, to, tail, err);
}
