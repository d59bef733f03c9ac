#include "store/entries.h"

#include <fcntl.h>
#include <unistd.h>

DIR *entries_open(int dir_fd, struct weir_error *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		return dir;
	(void)err_sys(err, "cannot list the store");
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}
