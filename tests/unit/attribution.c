/* What is known of processes, where there are more of them than the table has room for. */
#include "process/attribution.h"

#include "base/time.h"
#include "lib/folder.h"
#include "lib/tap.h"
#include "port/port.h"
#include "store/processes.h"
#include "weir/filter.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ROOM = 16,
	CHILDREN = 3 * ROOM
};

static struct attribution *attribution;
static struct filter *filter;
static uint32_t children[CHILDREN];

static void begin(const char *text)
{
	struct attribution_config config = { .has_no_feed = true, .processes = ROOM };
	struct weir_error err;
	int dir;

	folder_make();
	dir = open(folder_path("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(filter_compile(&filter, text, FILTER_NETWORK, 0, NULL), 0);
	CHECK_EQ(attribution_open(&attribution, &config, &err), 0);
	CHECK_EQ(attribution_judge_by(attribution, filter, &err), 0);
	CHECK_EQ(attribution_start(attribution, dir, NULL, &err), 0);
	(void)close(dir);
	for (unsigned i = 0; i < CHILDREN; i++) {
		children[i] = (uint32_t)fork();
		if (!children[i])
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!children[i])
			(void)pause();
	}
}

static void end(void)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		(void)kill((pid_t)children[i], SIGKILL);
		(void)waitpid((pid_t)children[i], NULL, 0);
	}
	attribution_close(attribution);
	filter_free(filter);
	folder_remove();
}

/* Each has a socket; the number of the n-th is n, from 1. */
static void tell_sockets(void)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		struct socket_event e = { .ns = (uint64_t)facts_now_ns(),
					  .cookie = i + 1,
					  .pid = children[i],
					  .start_ns = proc_start(children[i]),
					  .kind = SOCKET_SEND,
					  .family = 4,
					  .protocol = 6,
					  .local_port = (uint16_t)(1000 + i),
					  .remote_port = 80 };

		attribution_event(attribution, &e);
	}
}

/* One look for each; how many must be waited for, and how many have that path. */
static unsigned ask_all(const char *path, unsigned *count)
{
	unsigned pending = 0;

	*count = 0;
	for (uint32_t i = 0; i < CHILDREN; i++) {
		struct record_owner owner = { .pid = children[i],
					      .start_ns = proc_start(children[i]) };
		struct attribution_known known;

		if (!attribution_borrow(attribution, i + 1, &owner, port_realtime_ns(),
					&known))
			continue;
		pending += known.is_pending;
		*count += known.path && !strcmp(known.path, path);
		attribution_return(attribution);
	}
	return pending;
}

static unsigned ask_until_known(const char *path)
{
	int64_t until_ns = port_monotonic_ns() + 60 * NS_PER_S;
	unsigned count;

	while (ask_all(path, &count) && port_monotonic_ns() < until_ns)
		(void)usleep(1000);
	return count;
}

/* Lines of our children in processes.jsonl. */
static unsigned lines(void)
{
	FILE *f = fopen(folder_path(STORE_PROCESSES), "r");
	static char line[65536];
	unsigned count = 0;

	while (f && fgets(line, sizeof line, f)) {
		const char *pid = strstr(line, "\"pid\":");

		for (unsigned i = 0; i < CHILDREN && pid; i++)
			count += strtoul(pid + 6, NULL, 10) == children[i];
	}
	if (f)
		(void)fclose(f);
	return count;
}

/* Once each has been known, none is waited for any more, however often it is asked about, and none has two lines. */
static void test_more_than_room(void)
{
	char own[512] = "", text[700];
	unsigned count;

	CHECK(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
	(void)snprintf(text, sizeof text,
		       "process.path == \"%.500s\" and process.user != \"x\"", own);
	begin(text);
	tell_sockets();
	CHECK_EQ(ask_until_known(own), CHILDREN);
	for (unsigned i = 0; i < 100; i++) {
		CHECK_EQ(ask_all(own, &count), 0);
		CHECK_EQ(count, CHILDREN);
	}
	/* New sockets have them asked for again. */
	for (unsigned i = 0; i < 3; i++) {
		tell_sockets();
		CHECK_EQ(ask_until_known(own), CHILDREN);
	}
	json_decref(attribution_stop(attribution));
	CHECK_EQ(lines(), CHILDREN);
	end();
}

/* Of what the filter does not ask for it is kept that it is none of that. */
static void test_others(void)
{
	unsigned count;

	begin("process.path == \"/nowhere\"");
	tell_sockets();
	CHECK_EQ(ask_until_known("/nowhere"), 0);
	CHECK_EQ(ask_all("/nowhere", &count), 0);
	CHECK_EQ(count, 0);
	end();
}

int main(void)
{
	RUN(test_more_than_room);
	RUN(test_others);
	return tap_done();
}
