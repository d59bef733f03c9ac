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

int main(void)
{
	RUN(test_what_is_lost);
	return tap_done();
}
