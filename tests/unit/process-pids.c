/* Ids and the processes that they mean: used again, gone, not to be opened, too many. */
#include "process/pids.h"

#include "base/time.h"
#include "lib/tap.h"
#include "weir/error.h"

#define IDS 8192

/* What the system has: by id, when it started (0: none) and ended. */
static struct {
	int64_t started[IDS], ended[IDS];
	bool is_closed_to_us[IDS];
	int open; /* handles */
} machine;

static struct pids *pids;

static int open_process(struct port_process *p, uint32_t pid)
{
	if (pid >= IDS || !machine.started[pid])
		return WEIR_ERR_ABSENT;
	*p = (struct port_process){ .pid = pid,
				    .started_ns = machine.started[pid],
				    .name = "a.exe" };
	if (!machine.is_closed_to_us[pid]) {
		p->handle = &machine;
		machine.open++;
	}
	return 0;
}

static int64_t ended(const struct port_process *p)
{
	return machine.ended[p->pid];
}

static void close_process(struct port_process *p)
{
	machine.open--;
	p->handle = NULL;
}

static const struct pids_system fake = { open_process, ended, close_process };

static void renew(void)
{
	pids_free(pids);
	CHECK_EQ(machine.open, 0);
	memset(&machine, 0, sizeof machine);
	CHECK_EQ(pids_new(&pids, &fake), 0);
}

static uint64_t who(uint32_t pid, int64_t at)
{
	struct pids_answer a;

	pids_who(pids, pid, at, &a);
	return a.is_gone ? 0 : a.start_ns;
}

static uint64_t key(uint32_t pid, int64_t at)
{
	struct pids_answer a;

	pids_who(pids, pid, at, &a);
	return a.start_ns;
}

static void test_start_is_the_key(void)
{
	struct pids_answer a;

	renew();
	machine.started[8] = 5 * NS_PER_S;
	pids_who(pids, 8, 6 * NS_PER_S, &a);
	CHECK(a.is_new && !a.is_gone);
	CHECK_EQ(a.start_ns, 5 * NS_PER_S);
	CHECK_STR(a.name, "a.exe");
	pids_who(pids, 8, 7 * NS_PER_S, &a);
	CHECK(!a.is_new);
	CHECK_EQ(a.start_ns, 5 * NS_PER_S);
	CHECK_EQ(machine.open, 1);
	CHECK_EQ(who(0, 7), 0);
}

static void test_used_again(void)
{
	renew();
	/* Gone before it was looked at, and its id is another's by now. */
	machine.started[8] = 9 * NS_PER_S;
	CHECK_EQ(who(8, 6 * NS_PER_S), 0);
	CHECK_EQ(key(8, 6 * NS_PER_S), 6 * NS_PER_S);
	CHECK_EQ(machine.open, 0);
	/* The other one's own events. */
	CHECK_EQ(who(8, 10 * NS_PER_S), 9 * NS_PER_S);
	CHECK_EQ(machine.open, 1);
}

static void test_gone(void)
{
	renew();
	CHECK_EQ(who(8, 6 * NS_PER_S), 0);
	/* Its later events are of the same one. */
	CHECK_EQ(key(8, 7 * NS_PER_S), 6 * NS_PER_S);
	machine.started[8] = 8 * NS_PER_S;
	CHECK_EQ(who(8, 9 * NS_PER_S), 8 * NS_PER_S);
}

static uint32_t told_pid;
static uint64_t told_key;

static void on_end(void *arg, uint32_t pid, uint64_t start_ns, int64_t ended_ns)
{
	unsigned *count = arg;

	told_pid = pid;
	told_key = start_ns;
	CHECK_EQ(ended_ns, 10 * NS_PER_S);
	++*count;
}

static void test_end(void)
{
	unsigned count = 0;

	renew();
	machine.started[8] = 5 * NS_PER_S;
	CHECK_EQ(who(8, 6 * NS_PER_S), 5 * NS_PER_S);
	pids_tend(pids, 9 * NS_PER_S, on_end, &count);
	CHECK_EQ(count, 0);
	machine.ended[8] = 10 * NS_PER_S;
	pids_tend(pids, 11 * NS_PER_S, on_end, &count);
	pids_tend(pids, 12 * NS_PER_S, on_end, &count);
	CHECK_EQ(count, 1);
	CHECK_EQ(told_pid, 8);
	CHECK_EQ(told_key, 5 * NS_PER_S);
	/* Late events still name it; then its id is free. */
	CHECK_EQ(who(8, 10 * NS_PER_S), 5 * NS_PER_S);
	CHECK_EQ(machine.open, 1);
	pids_tend(pids, 21 * NS_PER_S, on_end, &count);
	CHECK_EQ(count, 1);
	CHECK_EQ(machine.open, 0);
	machine.started[8] = 22 * NS_PER_S;
	CHECK_EQ(who(8, 23 * NS_PER_S), 22 * NS_PER_S);
}

/* One that may not be opened keeps no id: it is compared each time. */
static void test_closed_to_us(void)
{
	renew();
	machine.started[8] = 5 * NS_PER_S;
	machine.is_closed_to_us[8] = true;
	CHECK_EQ(who(8, 6 * NS_PER_S), 5 * NS_PER_S);
	CHECK_EQ(who(8, 6 * NS_PER_S), 5 * NS_PER_S);
	machine.started[8] = 7 * NS_PER_S;
	CHECK_EQ(who(8, 8 * NS_PER_S), 7 * NS_PER_S);
	/* An event of neither. */
	machine.started[8] = 9 * NS_PER_S;
	CHECK_EQ(who(8, 8 * NS_PER_S), 0);
	CHECK_EQ(machine.open, 0);
}

static void test_bound(void)
{
	renew();
	for (uint32_t pid = 4; pid < IDS; pid += 4) {
		machine.started[pid] = pid;
		CHECK_EQ(who(pid, NS_PER_S), pid);
		CHECK(machine.open <= PIDS);
	}
	CHECK(machine.open > PIDS / 2);
	for (uint32_t pid = 4; pid < IDS; pid += 4)
		CHECK_EQ(who(pid, NS_PER_S), pid);
	pids_free(pids);
	pids = NULL;
	CHECK_EQ(machine.open, 0);
}

int main(void)
{
	RUN(test_start_is_the_key);
	RUN(test_used_again);
	RUN(test_gone);
	RUN(test_end);
	RUN(test_closed_to_us);
	RUN(test_bound);
	return tap_done();
}
