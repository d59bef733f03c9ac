#include "process/cgroup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ID_DIGITS = CONTAINER_ID - 1,
	MAKE_SUPERBLOCK =
		6, /* FSCONFIG_CMD_CREATE of linux/mount.h, whose names clash with libc's */
};

static int open_own_mount(void)
{
	int context = (int)syscall(SYS_fsopen, "cgroup2", 1 /* FSOPEN_CLOEXEC */);
	int mount = -1, fd = -1;

	if (context < 0)
		return -1;
	if (!syscall(SYS_fsconfig, context, MAKE_SUPERBLOCK, NULL, NULL, 0))
		mount = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0);
	if (mount >= 0)
		fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount >= 0)
		(void)close(mount);
	(void)close(context);
	return fd;
}

/* Fields of a line: id parent device root where options ... - type source options. */
static int open_mounted(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], where[1024];
	int fd = -1;

	while (f && fd < 0 && fgets(line, sizeof line, f)) {
		const char *type = strstr(line, " - cgroup2 ");

		if (type && sscanf(line, "%*s %*s %*s %*s %1023s", where) == 1)
			fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (f)
		(void)fclose(f);
	return fd;
}

int cgroup_root_open(int *fd, struct weir_error *err)
{
	*fd = open_own_mount();
	if (*fd < 0)
		*fd = open_mounted();
	return *fd < 0 ? err_set(err, WEIR_ERR_UNSUPPORTED,
				 "there is no second cgroup hierarchy to attach to")
		       : 0;
}

bool cgroup_container(const char *path, char id[CONTAINER_ID])
{
	size_t run = 0;

	id[0] = '\0';
	/* The innermost is the one: containers in containers. */
	for (const char *p = path; *p; p++) {
		run = isxdigit((unsigned char)*p) ? run + 1 : 0;
		if (run == ID_DIGITS && !isxdigit((unsigned char)p[1])) {
			memcpy(id, p - ID_DIGITS + 1, ID_DIGITS);
			id[ID_DIGITS] = '\0';
		}
	}
	return id[0] != '\0';
}
