#include "port/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool port_path_is_absolute(const char *path)
{
	return path[0] == '/';
}

int port_program_path(char *path, size_t size, struct weir_error *err)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);

	if (n <= 0)
		return err_sys(err, "cannot find this program's file");
	path[n] = '\0';
	return 0;
}

int port_directory_name(char *path, size_t size, struct weir_error *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char link[40];
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot enter '%.200s'", path);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, size - 1);
	if (n > 0)
		path[n] = '\0';
	(void)close(fd);
	return n > 0 ? 0 : err_sys(err, "cannot name the directory");
}

/* Again, and to read, what a descriptor of O_PATH stands for. */
static int reopen(int place)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char link[40];
	int fd;

	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", place);
	fd = open(link, flags | O_NOATIME);
	return fd < 0 && errno == EPERM ? open(link, flags) : fd;
}

int port_open_regular(const char *path)
{
	int place = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -1, error;
	struct stat st;

	if (place < 0)
		return -1;
	if (!fstat(place, &st)) {
		if (S_ISREG(st.st_mode))
			fd = reopen(place);
		else
			errno = S_ISLNK(st.st_mode) ? ELOOP : EINVAL;
	}
	error = errno;
	(void)close(place);
	errno = error;
	return fd;
}

int port_control_home(char *path, size_t size, struct weir_error *err)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && *xdg == '/')
		n = snprintf(path, size, "%s/weir", xdg);
	else if (home && *home == '/')
		n = snprintf(path, size, "%s/.config/weir", home);
	else
		return err_set(err, WEIR_ERR_USAGE,
			       "there is no home directory: give --config DIR");
	return n > 0 && (size_t)n < size
		       ? 0
		       : err_set(err, WEIR_ERR_USAGE, "--config: too long a path");
}

int port_private_directory(const char *path, bool for_user)
{
	(void)for_user;
	return mkdir(path, 0700);
}

int port_directory_make(const char *path, unsigned mode, const struct port_user *owner,
			struct weir_error *err)
{
	struct stat st;

	if (mkdir(path, mode) && errno != EEXIST)
		return err_sys(err, "cannot make '%s'", path);
	if (lstat(path, &st) || !S_ISDIR(st.st_mode))
		return err_set(err, WEIR_ERR_EXISTS, "'%s' is no directory", path);
	/* Whose it is can put another one in its place, and what is in it is his. */
	if (!owner && st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(err, WEIR_ERR_PRIVILEGE, "'%s' belongs to user %u", path,
			       (unsigned)st.st_uid);
	/* Of somebody who is not root nothing may be inherited but his own. */
	if (owner && (st.st_uid != owner->uid || st.st_gid != owner->gid) &&
	    lchown(path, owner->uid, owner->gid))
		return err_sys(err, "cannot give '%s' to user '%s'", path, owner->name);
	return chmod(path, mode) ? err_sys(err, "cannot set the mode of '%s'", path) : 0;
}

bool port_is_ours(int fd, char *why, size_t size)
{
	struct stat st;

	if (fstat(fd, &st)) {
		(void)snprintf(why, size, "cannot be looked at");
		return false;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		(void)snprintf(why, size,
			       "may be changed by others: its mode is %04o, expected %s",
			       (unsigned)st.st_mode & 07777,
			       S_ISDIR(st.st_mode) ? "0700" : "0600");
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		(void)snprintf(why, size, "belongs to user %u", (unsigned)st.st_uid);
	else
		return true;
	return false;
}

bool port_is_private(int fd, char *why, size_t size)
{
	return port_is_ours(fd, why, size);
}

bool port_is_root(void)
{
	return geteuid() == 0;
}

const char *const *port_plain_environment(void)
{
	static const char *const all[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC",
					   NULL };

	return all;
}
