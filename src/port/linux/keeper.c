#include "port/linux/keeper.h"

#include "base/time.h"
#include "port/port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STOP_MS = 10000,
	LOOK_MS = 20
};

static void own_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, KEEPER_KILL);
}

void keeper_begin(void)
{
	sigset_t set;

	own_signals(&set);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
}

/* Who reads the agent's pipes, and who waits for its lock, waits for no keeper. */
static void close_all(void)
{
	if (syscall(SYS_close_range, 0U, ~0U, 0U))
		for (int fd = 0; fd < 1024; fd++)
			(void)close(fd);
}

/* One of the keeper's signals; 0 where none came until then. */
static int next_signal(int64_t until_ns)
{
	int64_t left = until_ns - port_monotonic_ns();
	struct timespec t = { .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	sigset_t set;
	int number;

	own_signals(&set);
	if (until_ns == INT64_MAX)
		return sigwaitinfo(&set, NULL);
	if (left < 0)
		return 0;
	number = sigtimedwait(&set, NULL, &t);
	return number > 0 ? number : 0;
}

/* Whoever has ended, of all children; true once the plugin is among them. */
static bool reap(pid_t plugin, int *status, bool *is_alone)
{
	bool has_ended = false;
	int code;
	pid_t pid;

	while ((pid = waitpid(-1, &code, WNOHANG)) > 0) {
		if (pid != plugin)
			continue;
		*status = code;
		has_ended = true;
	}
	*is_alone = pid < 0 && errno == ECHILD;
	return has_ended;
}

static void wait_for_plugin(pid_t plugin, int *status)
{
	int64_t until = INT64_MAX;
	bool is_alone;

	while (!reap(plugin, status, &is_alone)) {
		int number = next_signal(until);

		if (number == KEEPER_KILL || (!number && until != INT64_MAX))
			(void)kill(plugin, SIGKILL);
		else if (number == SIGTERM && until == INT64_MAX) {
			(void)kill(plugin, SIGTERM);
			until = port_monotonic_ns() + STOP_MS * NS_PER_MS;
		}
		if (!number)
			until = INT64_MAX;
	}
}

/* As much of a file of /proc as has room. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return true;
}

/* The kernel's own list; not every kernel has it.  False where there is none. */
static bool kill_listed(void)
{
	char path[64], bytes[4096];

	(void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	/* What has not gone into it is seen by the next look. */
	if (!read_text(path, bytes, sizeof bytes))
		return false;
	for (char *at = bytes, *end; (end = strchr(at, ' ')) != NULL; at = end + 1)
		(void)kill((pid_t)strtol(at, NULL, 10), SIGKILL);
	return true;
}

static bool is_child(const char *name)
{
	char path[64], bytes[512];
	const char *behind;
	int parent = 0;

	(void)snprintf(path, sizeof path, "/proc/%.20s/stat", name);
	if (!read_text(path, bytes, sizeof bytes))
		return false;
	behind = strrchr(bytes, ')');
	return behind && sscanf(behind, ") %*c %9d", &parent) == 1 && parent == getpid();
}

static void kill_found(void)
{
	DIR *all = opendir("/proc");
	const struct dirent *e;

	while (all && (e = readdir(all)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) && is_child(e->d_name))
			(void)kill((pid_t)strtol(e->d_name, NULL, 10), SIGKILL);
	if (all)
		(void)closedir(all);
}

/* Each that dies hands its own children to us, so once round is not enough. */
static void kill_rest(void)
{
	int64_t until = port_monotonic_ns() + KEEPER_PATIENCE_MS * NS_PER_MS;
	bool is_alone = false;
	int status;

	while ((void)reap(-1, &status, &is_alone), !is_alone) {
		if (port_monotonic_ns() >= until)
			return;
		if (!kill_listed())
			kill_found();
		(void)next_signal(port_monotonic_ns() + LOOK_MS * NS_PER_MS);
	}
}

NO_RETURN static void end_as(int status)
{
	sigset_t none;

	if (!WIFSIGNALED(status))
		_exit(WEXITSTATUS(status));
	/* What came meanwhile is thrown away by this, and does not end us in its place. */
	(void)signal(KEEPER_KILL, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)kill(getpid(), WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

void keeper_run(pid_t plugin)
{
	int status = 0;

	/* It has the agent's memory, with its key: none of that goes into a core file. */
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	(void)prctl(PR_SET_NAME, "weir-keeper", 0L, 0L, 0L);
	close_all();
	wait_for_plugin(plugin, &status);
	kill_rest();
	end_as(status);
}
