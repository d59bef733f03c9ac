/* SHA-256 of executables: of what ran, or none and why. */
#include "process/hasher.h"

#include "lib/folder.h"
#include "lib/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* printf abc | sha256sum */
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define CHANGED    "changed before it could be hashed"
#define LARGE      (256 << 20)

static struct hasher *hasher;
static struct process_facts facts;
static struct hasher_file file;

static void begin_test(void)
{
	hasher_free(hasher);
	hasher = hasher_new();
	CHECK(hasher != NULL);
	folder_make();
}

/* True: it waits for its hash. */
static bool begin(const char *name)
{
	facts = (struct process_facts){ .is_hash_pending = true };
	hasher_put(hasher, &facts, 1, open(folder_path(name), O_RDONLY | O_CLOEXEC));
	return hasher_is_waiting(hasher);
}

static void hash(void)
{
	while (!hasher_read(hasher))
		;
	CHECK(facts.is_hash_pending);
	hasher_take(hasher, &file);
	CHECK_EQ(file.number, 1);
	hasher_hash(hasher, &facts, &file);
	CHECK(!facts.is_hash_pending);
}

/* So long that the file's times are others. */
static void wait_tick(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

static void overwrite(const char *name, const char *text)
{
	int fd = open(folder_path(name), O_WRONLY | O_CLOEXEC);

	CHECK_EQ(pwrite(fd, text, strlen(text), 0), strlen(text));
	(void)close(fd);
}

static void test_hash(void)
{
	begin_test();
	folder_write("a", "abc", 3);
	CHECK(begin("a"));
	CHECK(facts.is_hash_pending);
	hash();
	CHECK_STR(facts.sha256, SHA256_ABC);
	CHECK_STR(facts.reason, "");
	/* The same again is not read. */
	CHECK(!begin("a"));
	CHECK(!facts.is_hash_pending);
	CHECK_STR(facts.sha256, SHA256_ABC);
	CHECK(!begin("absent"));
	CHECK(!begin("."));
	CHECK_STR(facts.reason, "not a regular file");
	folder_remove();
}

/* What ran is over, and its file was written to before there was time. */
static void test_overwritten_before(void)
{
	begin_test();
	folder_write("a", "abc", 3);
	CHECK(begin("a"));
	wait_tick();
	overwrite("a", "xyz");
	hash();
	CHECK_STR(facts.sha256, "");
	CHECK_STR(facts.reason, CHANGED);
	/* What runs from now on is the other program. */
	CHECK(begin("a"));
	hash();
	CHECK(facts.sha256[0] && strcmp(facts.sha256, SHA256_ABC) != 0);
	folder_remove();
}

/* The time of the last change can be set back; that of the last change of the inode cannot. */
static void test_time_set_back(void)
{
	struct timespec times[2];
	struct stat before;

	begin_test();
	folder_write("a", "abc", 3);
	CHECK(begin("a"));
	wait_tick();
	CHECK_EQ(stat(folder_path("a"), &before), 0);
	overwrite("a", "xyz");
	times[0] = times[1] = before.st_mtim;
	CHECK_EQ(utimensat(AT_FDCWD, folder_path("a"), times, 0), 0);
	hash();
	CHECK_STR(facts.sha256, "");
	CHECK_STR(facts.reason, CHANGED);
	folder_remove();
}

/* A file of any size holds nobody up, and what was read of one is not taken for another's. */
static void test_pieces(void)
{
	begin_test();
	folder_write("a", "abc", 3);
	folder_write("large", "abc", 3);
	CHECK_EQ(truncate(folder_path("large"), LARGE), 0);
	CHECK(begin("large"));
	CHECK(!hasher_read(hasher));
	hasher_put(hasher, &facts, 2, open(folder_path("a"), O_RDONLY | O_CLOEXEC));
	CHECK(!hasher_read(hasher));
	hasher_drop(hasher, 1);
	CHECK(hasher_is_waiting(hasher));
	CHECK(hasher_read(hasher));
	hasher_take(hasher, &file);
	CHECK_EQ(file.number, 2);
	hasher_hash(hasher, &facts, &file);
	CHECK_STR(facts.sha256, SHA256_ABC);
	CHECK(!hasher_is_waiting(hasher));
	folder_remove();
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* Half of one program and half of another. */
static void test_overwritten_while_read(void)
{
	pid_t writer;

	begin_test();
	folder_write("a", "abc", 3);
	CHECK_EQ(truncate(folder_path("a"), LARGE), 0);
	wait_tick();
	CHECK(begin("a"));
	writer = fork();
	for (int i = 0; !writer && i < 100; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		overwrite("a", "xyz");
	}
	if (!writer)
		_exit(0);
	hash();
	end(writer);
	CHECK_STR(facts.sha256, "");
	CHECK_STR(facts.reason, CHANGED);
	folder_remove();
}

/* A process of a copy of this program; it is there once exec() has closed the pipe. */
static pid_t run_copy(const char *path)
{
	char command[900];
	int pipe_of[2];
	pid_t pid;
	char c;

	(void)snprintf(command, sizeof command, "cp /proc/%d/exe %s", (int)getpid(),
		       path);
	CHECK_EQ(system(command), 0);
	CHECK_EQ(pipe2(pipe_of, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		(void)execl(path, path, "wait", NULL);
		_exit(1);
	}
	(void)close(pipe_of[1]);
	CHECK_EQ(read(pipe_of[0], &c, 1), 0);
	(void)close(pipe_of[0]);
	return pid;
}

/* It has removed its own name: that changes the inode, not the content. */
static void test_removed(bool is_running)
{
	pid_t pid;

	begin_test();
	pid = run_copy(folder_path("a"));
	CHECK(begin("a"));
	facts.pid = (uint32_t)pid;
	facts.start_ns = proc_start(facts.pid);
	wait_tick();
	CHECK_EQ(unlink(folder_path("a")), 0);
	if (!is_running)
		end(pid);
	hash();
	CHECK_EQ(facts.sha256[0] != '\0', is_running);
	CHECK_STR(facts.reason, is_running ? "" : CHANGED);
	if (is_running)
		end(pid);
	folder_remove();
}

static void test_removed_and_running(void)
{
	test_removed(true);
}

static void test_removed_and_over(void)
{
	test_removed(false);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return pause();
	RUN(test_hash);
	RUN(test_overwritten_before);
	RUN(test_time_set_back);
	RUN(test_pieces);
	RUN(test_overwritten_while_read);
	RUN(test_removed_and_running);
	RUN(test_removed_and_over);
	hasher_free(hasher);
	return tap_done();
}
