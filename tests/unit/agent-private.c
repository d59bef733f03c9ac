/* Whose are the agent's directories. */
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

int main(void)
{
	RUN(test_directory);
	return tap_done();
}
