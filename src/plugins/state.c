#include "plugins/state.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NAME_ROOM = 128
};

int state_open(int *dir_fd, struct weir_error *err)
{
	const char *path = getenv(STATE_DIR_ENV);

	*dir_fd = -1;
	if (!path)
		return err_set(err, WEIR_ERR_USAGE,
			       "there is no " STATE_DIR_ENV
			       " in the environment: a plugin is run by 'weir agent'");
	*dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *dir_fd < 0 ? err_sys(err, "cannot open '%s'", path) : 0;
}

static int read_whole(int fd, char *bytes, size_t size, struct weir_error *err)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, bytes + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_sys(err, "cannot read a state");
		have += (size_t)n;
	}
	return 0;
}

static int set_aside(int dir_fd, const char *name, const char *why,
		     struct weir_error *err)
{
	char aside[NAME_ROOM];

	(void)snprintf(aside, sizeof aside, "%s.damaged", name);
	(void)renameat(dir_fd, name, dir_fd, aside);
	return err_set(err, WEIR_ERR_FORMAT, "'%s' is damaged (kept as '%s'): %s", name,
		       aside, why);
}

static int parse(int dir_fd, const char *name, const char *bytes, size_t size,
		 json_t **state, struct weir_error *err)
{
	json_error_t bad;

	*state = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &bad);
	return *state ? 0 : set_aside(dir_fd, name, bad.text, err);
}

int state_load(int dir_fd, const char *name, json_t **state, struct weir_error *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	struct stat st;
	char *bytes;

	*state = NULL;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "cannot open '%s'", name);
	if (fstat(fd, &st) || st.st_size > STATE_MAX) {
		(void)close(fd);
		return err_set(err, WEIR_ERR_LIMIT, "'%s' is no state of ours", name);
	}
	bytes = mem_new((size_t)st.st_size + 1, 1);
	rc = bytes ? read_whole(fd, bytes, (size_t)st.st_size, err)
		   : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", name);
	(void)close(fd);
	if (!rc)
		rc = parse(dir_fd, name, bytes, (size_t)st.st_size, state, err);
	mem_free(bytes);
	return rc;
}

int state_save(int dir_fd, const char *name, const json_t *state, struct weir_error *err)
{
	char beside[NAME_ROOM];
	int fd, rc = 0;

	(void)snprintf(beside, sizeof beside, "%s.new", name);
	fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return err_sys(err, "cannot make '%s'", beside);
	if (json_dumpfd(state, fd, JSON_INDENT(1)) || fsync(fd))
		rc = err_sys(err, "cannot write '%s'", beside);
	if (close(fd) && !rc)
		rc = err_sys(err, "cannot write '%s'", beside);
	if (!rc && renameat(dir_fd, beside, dir_fd, name))
		rc = err_sys(err, "cannot put '%s' in place", name);
	if (!rc && fsync(dir_fd))
		rc = err_sys(err, "cannot make '%s' durable", name);
	return rc;
}
