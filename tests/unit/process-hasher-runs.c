/* SHA-256 of executables while they run, and are written to. */
#include "lib/hash_file.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

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
	enlarge("a");
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
	RUN(test_overwritten_while_read);
	RUN(test_removed_and_running);
	RUN(test_removed_and_over);
	hasher_free(hasher);
	return tap_done();
}
