/* The newer system calls and what stands in for them answer alike; a confined state stays on its mount. */
#include "lib/tap.h"
#include "port/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char folder[] = "/tmp/weir-port-XXXXXX";
static int dir;

static void test_fallbacks(void)
{
	static const char *const names[] = { "file", "link", "sub", "none", "" };
	struct port_files now, old;

	port_files_start(&now, false);
	port_files_start(&old, false);
	atomic_store(&old.has_listxattrat, false);
	atomic_store(&old.has_getxattrat, false);
	atomic_store(&old.has_file_getattr, false);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char a[512] = "", b[512] = "";
		struct file_flags x = { .xflags = 0 }, y = { .xflags = 0 };
		int64_t n = port_file_calls.xattr(&now, dir, names[i], NULL, a, sizeof a);

		CHECK_EQ(port_file_calls.xattr(&old, dir, names[i], NULL, b, sizeof b),
			 n);
		CHECK(!memcmp(a, b, sizeof a));
		n = port_file_calls.xattr(&now, dir, names[i], "user.a", a, sizeof a);
		CHECK_EQ(
			port_file_calls.xattr(&old, dir, names[i], "user.a", b, sizeof b),
			n);
		CHECK(!memcmp(a, b, sizeof a));
		n = port_file_calls.flags(&now, dir, names[i], &x);
		CHECK_EQ(port_file_calls.flags(&old, dir, names[i], &y), n);
		CHECK(x.xflags == y.xflags && x.project == y.project);
	}
}

static void test_confined(void)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct port_files p;

	port_files_start(&p, false);
	fd = port_file_calls.open(&p, root, "proc", FILE_OPEN_DIRECTORY);
	CHECK(fd >= 0);
	port_file_calls.close(&p, fd);
	if (!port_files_confine(&p, dir))
		return; /* a kernel before 5.6: nothing is promised */
	CHECK_EQ(port_file_calls.open(&p, root, "proc", FILE_OPEN_DIRECTORY), -EXDEV);
	CHECK_EQ(port_file_calls.open(&p, dir, "link", FILE_OPEN_REGULAR), -ELOOP);
	fd = port_file_calls.open(&p, dir, "file", FILE_OPEN_REGULAR);
	CHECK(fd >= 0);
	port_file_calls.close(&p, fd);
	(void)close(root);
}

/* A FIFO put in a file's place loses nothing to a read. */
static void test_fifo_untouched(void)
{
	struct port_files p;
	char byte;
	int fd;

	port_files_start(&p, false);
	fd = port_file_calls.open(&p, dir, "fifo", FILE_OPEN_REGULAR);
	CHECK(fd >= 0);
	CHECK_EQ(port_file_calls.read(&p, fd, &byte, 1, 0), -ESPIPE);
	port_file_calls.close(&p, fd);
}

static void put(const char *name, size_t size)
{
	static char bytes[SMALL_FILE_BYTES + 1];
	int fd = openat(dir, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);

	memset(bytes, name[0], size);
	CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	(void)close(fd);
}

static int64_t bytes_in_pipe(int fd)
{
	int n = -1;

	CHECK(!ioctl(fd, FIONREAD, &n));
	return n;
}

/* As one by one: what is no regular file by now is told from one, and a FIFO keeps its bytes. */
static void test_small_files(void)
{
	static const char *const names[] = { "file", "empty", "some", "full", "more",
					     "link", "fifo",  "none", "sub" };
	static const int64_t want[] = {
		0,      0,       3000,    SMALL_FILE_BYTES, SMALL_FILE_BYTES,
		-ELOOP, -ESPIPE, -ENOENT, -EISDIR
	};
	static uint8_t buffers[ARRAY_LEN(names)][SMALL_FILE_BYTES];
	struct small_file files[ARRAY_LEN(names)];
	struct small_reader *r = small_reader_new();
	struct port_files p;
	int fifo = openat(dir, "fifo", O_RDWR | O_CLOEXEC), before, after;

	if (!r)
		SKIP("no io_uring here");
	put("empty", 0);
	put("some", 3000);
	put("full", SMALL_FILE_BYTES);
	put("more", SMALL_FILE_BYTES + 1);
	CHECK_EQ(write(fifo, "kept", 4), 4);
	before = dup(dir);
	(void)close(before);
	for (int turn = 0; turn < 3; turn++) {
		port_files_start(&p, turn == 1);
		if (turn == 2)
			(void)port_files_confine(&p, dir);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			files[i] = (struct small_file){ .name = names[i],
							.buffer = buffers[i] };
		port_file_calls.small(&p, r, dir, files, ARRAY_LEN(names));
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			CHECK_EQ(files[i].bytes, want[i]);
		CHECK(buffers[2][2999] == 's' && S_ISREG(files[2].meta.mode));
		CHECK_EQ(files[4].meta.size_bytes, SMALL_FILE_BYTES + 1);
		CHECK_EQ(bytes_in_pipe(fifo), 4);
	}
	/* Every handle was given back: the next one is the same as before. */
	after = dup(dir);
	CHECK_EQ(after, before);
	(void)close(after);
	(void)close(fifo);
	small_reader_free(r);
	for (size_t i = 1; i < 5; i++)
		(void)unlinkat(dir, names[i], 0);
}

int main(void)
{
	int fd;

	CHECK(mkdtemp(folder) != NULL);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(dir >= 0 && fd >= 0);
	(void)fsetxattr(fd, "user.a", "value", 5, 0); /* where the file system has them */
	(void)close(fd);
	CHECK(!symlinkat("file", dir, "link") && !mkdirat(dir, "sub", 0700) &&
	      !mkfifoat(dir, "fifo", 0600));
	RUN(test_fallbacks);
	RUN(test_confined);
	RUN(test_fifo_untouched);
	RUN(test_small_files);
	(void)unlinkat(dir, "file", 0);
	(void)unlinkat(dir, "link", 0);
	(void)unlinkat(dir, "fifo", 0);
	(void)unlinkat(dir, "sub", AT_REMOVEDIR);
	(void)close(dir);
	(void)rmdir(folder);
	return tap_done();
}
