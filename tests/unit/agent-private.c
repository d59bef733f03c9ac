/* Whose are the agent's directories. */
#include "agent/doors.h"
#include "agent/private_file.h"
#include "lib/folder.h"
#include "lib/tap.h"
#include "port/places.h"

#include <sys/stat.h>

#define STRANGER 65534

static struct weir_error err;

static unsigned mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

static void give(const char *path)
{
	CHECK(!chown(path, STRANGER, STRANGER));
}

static void test_directory(void)
{
	const struct port_user weir = { .uid = STRANGER, .gid = STRANGER };
	char path[400];

	folder_make();
	(void)snprintf(path, sizeof path, "%s", folder_path("data"));
	CHECK_EQ(port_directory_make(path, 0711, NULL, &err), 0);
	CHECK_EQ(mode_of(path), 0711);
	CHECK(!chmod(path, 01777));
	CHECK_EQ(port_directory_make(path, 0711, NULL, &err), 0);
	CHECK_EQ(mode_of(path), 0711);
	if (!geteuid()) {
		give(path);
		CHECK_EQ(port_directory_make(path, 0700, NULL, &err), WEIR_ERR_PRIVILEGE);
		CHECK(strstr(err.text, "belongs to user 65534"));
		CHECK_EQ(mode_of(path), 0711);
		CHECK_EQ(port_directory_make(path, 0700, &weir, &err), 0);
		CHECK_EQ(mode_of(path), 0700);
	}
	(void)rmdir(path);
	CHECK(!symlink("/", path));
	CHECK_EQ(port_directory_make(path, 0711, NULL, &err), WEIR_ERR_EXISTS);
	folder_remove();
}

static int open_at(const char *name, int *fd)
{
	int rc = private_dir_open(folder_path(name), fd, &err);

	if (!rc)
		(void)close(*fd);
	else
		CHECK_EQ(*fd, -1);
	return rc;
}

static void test_open(void)
{
	int fd;

	folder_make();
	CHECK_EQ(open_at("a/b", &fd), 0);
	CHECK_EQ(mode_of(folder_path("a")), 0700);
	CHECK_EQ(mode_of(folder_path("a/b")), 0700);
	CHECK(!chmod(folder_path("a/b"), 0755));
	CHECK_EQ(open_at("a/b", &fd), 0);
	CHECK_EQ(mode_of(folder_path("a/b")), 0755);
	CHECK(!chmod(folder_path("a/b"), 0777));
	CHECK_EQ(open_at("a/b", &fd), WEIR_ERR_PRIVILEGE);
	CHECK(strstr(err.text, "its mode is 0777, expected 0700"));
	CHECK(!chmod(folder_path("a/b"), 0700));
	if (!geteuid()) {
		give(folder_path("a/b"));
		CHECK_EQ(open_at("a/b", &fd), WEIR_ERR_PRIVILEGE);
		CHECK(strstr(err.text, "belongs to user 65534"));
	}
	(void)rmdir(folder_path("a/b"));
	(void)rmdir(folder_path("a"));
	folder_remove();
}

/* The agent's own, in what it was told to use. */
static void test_agent(void)
{
	int fd;

	folder_make();
	CHECK_EQ(doors_directory(folder_path("a/data"), &fd, &err), 0);
	(void)close(fd);
	CHECK_EQ(mode_of(folder_path("a")), 0700);
	CHECK_EQ(mode_of(folder_path("a/data")), 0711);
	CHECK_EQ(mode_of(folder_path("a/data/agent")), 0700);
	if (!geteuid()) {
		give(folder_path("a/data"));
		CHECK_EQ(doors_directory(folder_path("a/data"), &fd, &err),
			 WEIR_ERR_PRIVILEGE);
		CHECK_EQ(fd, -1);
	}
	(void)rmdir(folder_path("a/data/agent"));
	(void)rmdir(folder_path("a/data"));
	(void)rmdir(folder_path("a"));
	folder_remove();
}

int main(void)
{
	RUN(test_directory);
	RUN(test_open);
	RUN(test_agent);
	return tap_done();
}
