#include "process/facts.h"

#include "base/time.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_NS (NS_PER_S / 100) /* USER_HZ is 100 on every system that has it stated */

int64_t facts_now_ns(void)
{
	struct port_clocks c;

	port_clocks(&c);
	return c.boottime_ns;
}

int64_t facts_boot_ns(void)
{
	return port_realtime_ns() - port_boottime_ns();
}

int64_t facts_started_ns(uint64_t start_ns, int64_t boot_ns)
{
	return (int64_t)start_ns + boot_ns;
}

/* The number of bytes; -1: it is gone, or not to be read. */
static ssize_t read_text(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	while (used < size && (n = read(fd, text + used, size - used)) > 0)
		used += (size_t)n;
	(void)close(fd);
	return n < 0 ? -1 : (ssize_t)used;
}

static bool read_stat(int dir, struct proc_stat *s)
{
	char text[1024];
	ssize_t n = read_text(dir, "stat", text, sizeof text);

	return n > 0 && proc_stat_parse(s, text, (size_t)n);
}

static int open_process(uint32_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof path, "/proc/%u", pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

uint64_t proc_start(uint32_t pid)
{
	struct proc_stat s = { .start_ticks = 0 };
	int dir = pid ? open_process(pid) : -1;

	if (dir < 0)
		return 0;
	if (!read_stat(dir, &s))
		s.start_ticks = 0;
	(void)close(dir);
	return s.start_ticks * (uint64_t)TICK_NS;
}

static void read_ids(int dir, struct process_facts *f)
{
	char text[4096];
	ssize_t n = read_text(dir, "status", text, sizeof text);

	f->has_uid = f->has_gid =
		n > 0 && proc_ids_parse(text, (size_t)n, &f->uid, &f->gid);
}

static void read_args(int dir, struct process_facts *f)
{
	char text[sizeof f->args + 1];
	ssize_t n = read_text(dir, "cmdline", text, sizeof text);

	if (n <= 0)
		return;
	f->is_args_cut = (size_t)n > sizeof f->args;
	f->args_length = (uint16_t)(f->is_args_cut ? sizeof f->args : (size_t)n);
	memcpy(f->args, text, f->args_length);
}

static void read_links(int dir, struct process_facts *f)
{
	char text[64] = "";
	ssize_t n = readlinkat(dir, "exe", f->path, sizeof f->path - 1);

	f->path[n > 0 ? n : 0] = '\0';
	n = readlinkat(dir, "ns/net", text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "net:[%u]", &f->netns) != 1)
		f->netns = 0;
}

static void read_cgroup(int dir, struct process_facts *f)
{
	char text[8192];
	ssize_t n = read_text(dir, "cgroup", text, sizeof text);

	if (n > 0)
		proc_cgroup_parse(text, (size_t)n, f->cgroup, sizeof f->cgroup,
				  f->container);
}

static void take_ids(struct process_facts *f, uint32_t uid, uint32_t gid)
{
	f->uid = uid;
	f->gid = gid;
	f->has_uid = uid != ID_UNKNOWN;
	f->has_gid = gid != ID_UNKNOWN;
}

static void name_user(struct process_facts *f)
{
	struct port_user user;
	struct weir_error err;
	char number[16];

	(void)snprintf(number, sizeof number, "%u", f->uid);
	f->user[0] = '\0';
	if (f->has_uid && !port_user_find(number, &user, &err))
		(void)snprintf(f->user, sizeof f->user, "%.31s", user.name);
}

static void begin(struct process_facts *f, uint32_t pid, uint64_t start_ns)
{
	int64_t boot_ns = facts_boot_ns();

	*f = (struct process_facts){ .pid = pid,
				     .start_ns = PROCESS_START(start_ns),
				     .started_ns =
					     (int64_t)PROCESS_START(start_ns) + boot_ns };
	f->at_ns = f->started_ns;
}

int facts_read(struct process_facts *f, uint32_t pid, uint64_t start_ns, int *exe)
{
	int dir = open_process(pid);
	struct proc_stat s;

	*exe = -1;
	if (dir < 0)
		return WEIR_ERR_ABSENT;
	if (!read_stat(dir, &s) ||
	    (start_ns && s.start_ticks * (uint64_t)TICK_NS != PROCESS_START(start_ns))) {
		(void)close(dir);
		return WEIR_ERR_ABSENT;
	}
	begin(f, pid, start_ns ? start_ns : s.start_ticks * (uint64_t)TICK_NS);
	(void)snprintf(f->name, sizeof f->name, "%s", s.name);
	f->parent_pid = s.parent_pid;
	f->has_parent = true;
	f->parent_start_ns = proc_start(s.parent_pid);
	*exe = openat(dir, "exe", O_RDONLY | O_CLOEXEC);
	if (*exe < 0)
		(void)snprintf(f->reason, sizeof f->reason, "%s",
			       errno == ENOENT ? "no executable (a thread of the kernel)"
					       : strerror(errno));
	read_links(dir, f);
	read_args(dir, f);
	read_ids(dir, f);
	read_cgroup(dir, f);
	name_user(f);
	f->is_hash_pending = *exe >= 0;
	f->has_read = true;
	(void)close(dir);
	return 0;
}

bool facts_still_runs(const struct process_facts *f, uint64_t dev, uint64_t ino)
{
	int dir = open_process(f->pid);
	struct proc_stat s;
	struct stat st;
	bool does;

	if (dir < 0)
		return false;
	does = !fstatat(dir, "exe", &st, 0) && st.st_dev == dev && st.st_ino == ino &&
	       read_stat(dir, &s) && s.start_ticks * (uint64_t)TICK_NS == f->start_ns;
	(void)close(dir);
	return does;
}

void facts_of_event(struct process_facts *f, const struct process_event *e)
{
	begin(f, e->pid, e->start_ns);
	f->at_ns = (int64_t)e->ns + f->started_ns - (int64_t)f->start_ns;
	f->parent_pid = e->parent_pid;
	f->has_parent = true;
	f->parent_start_ns = PROCESS_START(e->parent_start_ns);
	take_ids(f, e->uid, e->gid);
	f->netns = e->netns;
	f->execs = e->execs;
	f->args_length = e->args_length;
	f->is_args_cut = e->args_length == sizeof e->args;
	memcpy(f->args, e->args, e->args_length);
	(void)snprintf(f->name, sizeof f->name, "%s", e->comm);
	(void)snprintf(f->path, sizeof f->path, "%s", e->path);
	(void)snprintf(f->reason, sizeof f->reason, "gone before it could be read");
	name_user(f);
}

void facts_of_fork(struct process_facts *f, const struct process_facts *parent,
		   const struct process_event *e)
{
	*f = *parent;
	f->pid = e->pid;
	f->start_ns = PROCESS_START(e->start_ns);
	f->started_ns = f->at_ns = (int64_t)f->start_ns + facts_boot_ns();
	f->ended_ns = 0;
	f->parent_pid = e->parent_pid;
	f->has_parent = true;
	f->parent_start_ns = PROCESS_START(e->parent_start_ns);
	take_ids(f, e->uid, e->gid);
	f->netns = e->netns ? e->netns : parent->netns;
	f->seen = SEEN_FORK;
	f->execs = e->execs;
	(void)snprintf(f->name, sizeof f->name, "%s", e->comm);
	if (parent->uid != f->uid || parent->has_uid != f->has_uid)
		name_user(f);
}
