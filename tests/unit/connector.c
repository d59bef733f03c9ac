/* What the process connector tells: of processes, not of threads, and nothing where it is damaged; and the
 * real one, where there is one. */
#include "process/connector.h"

#include "lib/build.h"
#include "lib/tap.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static struct build b;

/* Up to six ids, as the kind of event has them. */
static void make(uint32_t idx, uint32_t what, const uint32_t ids[6])
{
	b.length = 0;
	put32(&b, 16 + 20 + 40);
	put16(&b, NLMSG_DONE);
	put16(&b, 0);
	put64(&b, 0);
	put32(&b, idx);
	put32(&b, CN_VAL_PROC);
	put64(&b, 0);
	put16(&b, 40);
	put16(&b, 0);
	put32(&b, what);
	put32(&b, 1);
	put64(&b, 0x123456789aULL);
	for (unsigned i = 0; i < 6; i++)
		put32(&b, ids[i]);
}

static bool parse(size_t length, struct connector_event *e)
{
	struct nl_message m;
	struct cursor c;

	cur_init(&c, b.bytes, length);
	return nl_next_message(&c, &m) && connector_parse(&m, e);
}

static void test_kinds(void)
{
	struct connector_event e;
	make(CN_IDX_PROC, PROC_EVENT_FORK, (const uint32_t[6]){ 8, 7, 9, 9 });

	CHECK(parse(b.length, &e));
	CHECK(e.kind == PROCESS_FORK && e.pid == 9 && e.parent_pid == 7);
	CHECK_EQ(e.ns, 0x123456789aLL);
	/* By a thread that is not the first: the program is the process's. */
	make(CN_IDX_PROC, PROC_EVENT_EXEC, (const uint32_t[6]){ 10, 9 });
	CHECK(parse(b.length, &e));
	CHECK(e.kind == PROCESS_EXEC && e.pid == 9 && !e.parent_pid);
	make(CN_IDX_PROC, (uint32_t)PROC_EVENT_EXIT,
	     (const uint32_t[6]){ 9, 9, 0, 17, 7, 7 });
	CHECK(parse(b.length, &e));
	CHECK(e.kind == PROCESS_EXIT && e.pid == 9);
}

static void test_others(void)
{
	static const uint32_t nobody[6], thread[6] = { 7, 7, 10, 7 }, end[6] = { 10, 7 };
	struct connector_event e;
	make(CN_IDX_PROC, PROC_EVENT_FORK, thread);

	CHECK(!parse(b.length, &e));
	make(CN_IDX_PROC, (uint32_t)PROC_EVENT_EXIT, end);
	CHECK(!parse(b.length, &e));
	make(CN_IDX_PROC, PROC_EVENT_EXEC, nobody);
	CHECK(!parse(b.length, &e));
	make(CN_IDX_PROC, PROC_EVENT_COMM, end);
	CHECK(!parse(b.length, &e));
	make(CN_IDX_PROC, PROC_EVENT_NONE, end);
	CHECK(!parse(b.length, &e));
	make(CN_IDX_PROC + 1, PROC_EVENT_EXEC, end);
	CHECK(!parse(b.length, &e));
}

static void test_cut(void)
{
	make(CN_IDX_PROC, PROC_EVENT_FORK, (const uint32_t[6]){ 8, 7, 9, 9 });
	size_t whole = 16 + 20 + 16 + 16; /* up to the child's process */
	struct connector_event e;

	for (size_t length = 0; length <= whole; length++) {
		b.length = 0;
		put32(&b, (uint32_t)length);
		CHECK_EQ(parse(length, &e), length == whole);
	}
}

/* Of our own child: that it began and that it ended. */
struct sought {
	uint32_t pid;
	bool has_begun, has_ended;
};

static void on_event(void *arg, const struct connector_event *e)
{
	struct sought *s = arg;

	if (e->kind == PROCESS_FORK && e->parent_pid == (uint32_t)getpid())
		s->has_begun = true;
	if (e->kind == PROCESS_EXIT && e->pid == s->pid)
		s->has_ended = true;
}

static void test_real(void)
{
	static char why[WEIR_ERROR_TEXT];
	struct sought s = { .pid = 0 };
	struct weir_error err;
	struct pollfd fd = { .events = POLLIN };
	pid_t child;

	if (connector_open(&fd.fd, &err)) {
		(void)snprintf(why, sizeof why, "%s", err.text);
		SKIP(why);
	}
	child = fork();
	if (!child)
		_exit(0);
	s.pid = (uint32_t)child;
	CHECK(waitpid(child, NULL, 0) == child);
	while (!s.has_ended && poll(&fd, 1, 10000) == 1)
		(void)connector_read(fd.fd, on_event, &s);
	CHECK(s.has_begun);
	CHECK(s.has_ended);
	(void)close(fd.fd);
}

int main(void)
{
	RUN(test_kinds);
	RUN(test_others);
	RUN(test_cut);
	RUN(test_real);
	return tap_done();
}
