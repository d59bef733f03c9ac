#include "store/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int no_regular_file(const char *name, const char *what, struct weir_error *err)
{
	return err_set(err, WEIR_ERR_MISMATCH, "%s '%s' is no regular file", what, name);
}

int regular_open(int dir_fd, const char *name, int flags, const char *what,
		 struct weir_error *err)
{
	int fd = openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	/* A link, a directory, a socket. */
	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return no_regular_file(name, what, err);
	if (fd < 0)
		return err_sys(err, "cannot open %s '%s'", what, name);
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return no_regular_file(name, what, err);
}
