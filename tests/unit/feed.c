/* The kernel's programs and their rings, alone: what finds no room is counted, each ring by itself. */
#include "process/feed.h"

#include "lib/tap.h"

#include <sys/wait.h>
#include <unistd.h>

enum {
	RING = 4096, /* the smallest: a page, room for four processes */
	CHILDREN = 32
};

static void run_children(void)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		(void)waitpid(pid, NULL, 0);
	}
}

static void test_what_is_lost(void)
{
	struct feed_config config = { .has_sockets = true,
				      .has_processes = true,
				      .process_bytes = RING };
	struct weir_error err;
	struct feed *f;

	if (feed_open(&f, &config, &err))
		SKIP(err.text);
	CHECK_EQ(feed_lost(f), 0);
	run_children();
	CHECK(feed_lost(f) >= CHILDREN);
	CHECK_EQ(feed_lost_sockets(f), 0);
	feed_close(f);
}

static struct process_event last_exec;

static void on_process(void *arg, const struct process_event *e)
{
	if (e->kind == PROCESS_EXEC && e->pid == *(const uint32_t *)arg)
		last_exec = *e;
}

/* Counted where its pid has its place, and the event says the same. */
static void test_execs_are_counted(void)
{
	struct feed_config config = { .has_processes = true };
	int go[2], ended;
	struct weir_error err;
	struct feed *f;
	uint32_t pid, before;
	char c;

	if (feed_open(&f, &config, &err))
		SKIP(err.text);
	CHECK_EQ(pipe(go), 0);
	pid = (uint32_t)fork();
	if (!pid) {
		if (read(go[0], &c, 1) == 1)
			(void)execl("/bin/true", "true", NULL);
		_exit(1);
	}
	before = feed_execs(f, pid);
	CHECK_EQ(write(go[1], "x", 1), 1);
	CHECK_EQ(waitpid((pid_t)pid, &ended, 0), (pid_t)pid);
	CHECK_EQ(ended, 0);
	CHECK(feed_execs(f, pid) > before);
	CHECK(feed_read_processes(f, on_process, &pid) > 0);
	CHECK_EQ(last_exec.pid, pid);
	CHECK(last_exec.execs > before && last_exec.execs <= feed_execs(f, pid));
	(void)close(go[0]);
	(void)close(go[1]);
	feed_close(f);
}

int main(void)
{
	RUN(test_what_is_lost);
	RUN(test_execs_are_counted);
	return tap_done();
}
