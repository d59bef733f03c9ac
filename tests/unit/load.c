/* Whether the machine is crowded: the kernel's word for it, and what is made of many. */
#include "capture/load.h"
#include "capture/crowd.h"
#include "lib/tap.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static bool looks(struct crowd *c, unsigned runnable, unsigned n)
{
	bool is = c->is_crowded;

	while (n--)
		is = crowd_look(c, runnable, 2);
	return is;
}

static void test_a_moment_is_no_crowd(void)
{
	struct crowd c = { 0 };

	CHECK(!looks(&c, 2, 100));
	CHECK(!looks(&c, 5, 4));
	CHECK(!looks(&c, 1, 10));
	CHECK(!looks(&c, 0, 1));
}

static void test_half_a_second_is_one_and_ends(void)
{
	struct crowd c = { 0 };

	CHECK(looks(&c, 3, 10));
	/* It does not flutter. */
	CHECK(looks(&c, 2, 2));
	CHECK(looks(&c, 3, 1));
	CHECK(!looks(&c, 1, 12));
}

static void test_every_second_look_is_enough(void)
{
	struct crowd c = { 0 };
	unsigned crowded = 0;

	for (unsigned i = 0; i < 100; i++) {
		(void)crowd_look(&c, 4, 2);
		crowded += crowd_look(&c, 2, 2);
	}
	CHECK(crowded > 80);
}

/* Children that do nothing but run are seen, running or waiting for a processor. */
static void test_the_kernel_tells(void)
{
	enum {
		CHILDREN = 6
	};

	pid_t pids[CHILDREN];
	unsigned most = 0;
	int fd = load_open();

	if (fd < 0)
		SKIP("there is no /proc/loadavg");
	CHECK(load_runnable(fd) >= 1);
	for (unsigned i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (!pids[i])
			for (;;)
				(void)sched_yield();
	}
	for (unsigned i = 0; i < 1000 && most < CHILDREN; i++) {
		unsigned now = load_runnable(fd);

		most = now > most ? now : most;
		(void)usleep(1000);
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	CHECK(most >= CHILDREN);
	load_close(fd);
	CHECK_EQ(load_runnable(-1), 0);
	load_close(-1);
}

int main(void)
{
	RUN(test_a_moment_is_no_crowd);
	RUN(test_half_a_second_is_one_and_ends);
	RUN(test_every_second_look_is_enough);
	RUN(test_the_kernel_tells);
	return tap_done();
}
