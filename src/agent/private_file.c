#include "agent/private_file.h"

#include "base/mem.h"
#include "port/places.h"
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int private_dirs_make(const char *path, bool for_user, struct weir_error *err)
{
	char part[4096];
	size_t length = strlen(path);

	if (length >= sizeof part)
		return err_set(err, WEIR_ERR_USAGE, "path '%.60s...' is too long", path);
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		(void)snprintf(part, sizeof part, "%.*s", (int)i, path);
		/* The root of a drive is there, and may not even be tried to be made. */
		if (access(part, F_OK) && port_private_directory(part, for_user) &&
		    errno != EEXIST)
			return err_sys(err, "cannot make directory '%.200s'", part);
	}
	return 0;
}

int private_dir_open(const char *path, int *dir_fd, struct weir_error *err)
{
	char why[160];
	int rc;

	*dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0 && errno == ENOENT) {
		rc = private_dirs_make(path, true, err);
		if (rc)
			return rc;
		*dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (*dir_fd < 0)
		return err_sys(err, "cannot open directory '%.200s'", path);
	/* Whose it is can take away what is in it, and put there what nobody checks. */
	if (port_is_private(*dir_fd, why, sizeof why))
		return 0;
	(void)close(*dir_fd);
	*dir_fd = -1;
	return err_set(err, WEIR_ERR_PRIVILEGE, "'%.200s' %s", path, why);
}

/* Whoever could change it could give himself rights. */
static int check_owner(int fd, const char *name, size_t *length, struct weir_error *err)
{
	struct stat st;
	char why[160];

	if (fstat(fd, &st))
		return err_sys(err, "cannot read '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, WEIR_ERR_FORMAT, "'%s' is no regular file", name);
	if (!port_is_ours(fd, why, sizeof why))
		return err_set(err, WEIR_ERR_PRIVILEGE, "'%s' %s", name, why);
	if (st.st_size > PRIVATE_FILE_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "'%s' is longer than %d bytes", name,
			       PRIVATE_FILE_MAX);
	*length = (size_t)st.st_size;
	return 0;
}

int private_file_read(int dir_fd, const char *name, char **bytes, size_t *length,
		      struct weir_error *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = -1;
	int rc;

	*bytes = NULL;
	*length = 0;
	if (fd < 0)
		return err_sys(err, "cannot open '%s'", name);
	rc = check_owner(fd, name, length, err);
	if (!rc) {
		*bytes = mem_new(*length + 1, 1);
		if (!*bytes)
			rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", name);
		else
			n = pread(fd, *bytes, *length, 0);
	}
	if (!rc && n != (ssize_t)*length)
		rc = err_sys(err, "cannot read '%s'", name);
	(void)close(fd);
	if (rc) {
		mem_free(*bytes);
		*bytes = NULL;
	}
	return rc;
}

int private_file_write(int dir_fd, const char *name, const void *bytes, size_t length,
		       struct weir_error *err)
{
	char beside[256];
	int fd, rc;

	(void)snprintf(beside, sizeof beside, "%s.new", name);
	(void)unlinkat(dir_fd, beside, 0);
	fd = disk_system.make(dir_fd, beside);
	if (fd < 0)
		return err_sys(err, "cannot make '%s'", beside);
	rc = disk_write(&disk_system, fd, bytes, length, 0, NULL);
	if (rc || fsync(fd))
		rc = err_sys(err, "cannot write '%s'", beside);
	(void)close(fd);
	if (!rc && renameat(dir_fd, beside, dir_fd, name))
		rc = err_sys(err, "cannot replace '%s'", name);
	if (rc)
		(void)unlinkat(dir_fd, beside, 0);
	else
		(void)fsync(dir_fd);
	return rc;
}

int private_json_read(int dir_fd, const char *name, json_t **object,
		      struct weir_error *err)
{
	json_error_t why;
	size_t length;
	char *bytes;
	int rc = private_file_read(dir_fd, name, &bytes, &length, err);

	*object = NULL;
	if (rc)
		return rc;
	*object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
	mem_free(bytes);
	if (json_is_object(*object))
		return 0;
	rc = err_set(err, WEIR_ERR_FORMAT, "'%s' line %d: %s", name,
		     *object ? 1 : why.line, *object ? "no JSON object" : why.text);
	json_decref(*object);
	*object = NULL;
	return rc;
}

int private_json_write(int dir_fd, const char *name, const json_t *object,
		       struct weir_error *err)
{
	size_t room = json_dumpb(object, NULL, 0, JSON_INDENT(2)), n;
	char *text = room && room < PRIVATE_FILE_MAX ? mem_new(room + 1, 1) : NULL;
	int rc;

	if (!text)
		return err_set(err, WEIR_ERR_LIMIT, "'%s' cannot be written: %zu bytes",
			       name, room);
	n = json_dumpb(object, text, room, JSON_INDENT(2));
	text[n < room ? n : room] = '\n';
	rc = private_file_write(dir_fd, name, text, room + 1, err);
	mem_free(text);
	return rc;
}

uint64_t private_file_stamp(int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	/* Each writing makes another inode; a hand that edits in place changes the time. */
	return ((uint64_t)st.st_ino << 32) ^ (uint64_t)st.st_ctim.tv_nsec ^
	       ((uint64_t)st.st_ctim.tv_sec << 20) ^ (uint64_t)st.st_size ^ 1;
}
