#include "port/child.h"

#include "port/linux/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child tells its parent before the program runs; an end of file says that it does. */
struct child_report {
	int pid;
	struct weir_error err;
	struct sandbox_state sandbox;
	bool has_failed;
};

enum {
	END_PARENT,
	END_CHILD
};

struct ends {
	int talk[2], errors[2], report[2];
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void close_ends(struct ends *e, unsigned side)
{
	close_end(&e->talk[side]);
	close_end(&e->errors[side]);
	close_end(&e->report[side]);
}

static int open_ends(struct ends *e, struct weir_error *err)
{
	*e = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	/* pipe2() has its reading end first, as END_PARENT is. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->talk) ||
	    pipe2(e->errors, O_CLOEXEC) || pipe2(e->report, O_CLOEXEC)) {
		int rc = err_sys(err, "cannot make a plugin's pipes");

		close_ends(e, END_PARENT);
		close_ends(e, END_CHILD);
		return rc;
	}
	(void)fcntl(e->talk[END_PARENT], F_SETFL, O_NONBLOCK);
	(void)fcntl(e->errors[END_PARENT], F_SETFL, O_NONBLOCK);
	return 0;
}

static void tell(int fd, const struct child_report *r)
{
	const char *p = (const char *)r;
	size_t left = sizeof *r;

	while (left) {
		ssize_t n = write(fd, p, left);

		if (n <= 0 && errno != EINTR)
			break;
		p += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
}

/* Signals as a program expects them, and a session of its own: a group that can be ended as one, and no terminal that
 * could be typed into. */
static void reset_process(pid_t parent, int death_signal)
{
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void)signal(signal_number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	(void)umask(077);
	/* The sandbox changes the user, which would take this back: it is asked for again below. */
	(void)prctl(PR_SET_PDEATHSIG, (long)death_signal, 0L, 0L, 0L);
	if (getppid() != parent)
		_exit(1);
}

static int take_descriptors(const struct ends *e, struct weir_error *err)
{
	if (dup2(e->talk[END_CHILD], 0) < 0 || dup2(e->talk[END_CHILD], 1) < 0 ||
	    dup2(e->errors[END_CHILD], 2) < 0)
		return err_sys(err, "cannot give a plugin its pipes");
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC))
		for (int fd = 3; fd < 1024; fd++)
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

NO_RETURN static void run_child(const struct child_config *config, const struct ends *e,
				pid_t parent)
{
	struct child_report r = { .pid = getpid(), .has_failed = true };
	/* A keeper passes on the request to end; where it has gone itself nobody else would kill. */
	int death_signal = config->may_leave ? SIGTERM : SIGKILL;
	int rc;

	reset_process(parent, death_signal);
	rc = take_descriptors(e, &r.err);
	if (!rc && config->directory && chdir(config->directory))
		rc = err_sys(&r.err, "cannot enter '%s'", config->directory);
	if (!rc)
		rc = sandbox_enter(config->sandbox, &r.sandbox, &r.err);
	if (!rc) {
		(void)prctl(PR_SET_PDEATHSIG, (long)death_signal, 0L, 0L, 0L);
		/* The state goes first: the filter of system calls is on by now. */
		r.has_failed = false;
		tell(e->report[END_CHILD], &r);
		r.has_failed = true;
		(void)execve(config->argv[0], (char *const *)(uintptr_t)config->argv,
			     (char *const *)(uintptr_t)config->environment);
		(void)err_sys(&r.err, "cannot run '%s'", config->argv[0]);
	}
	tell(e->report[END_CHILD], &r);
	_exit(127);
}

NO_RETURN static void run_keeper(const struct child_config *config, const struct ends *e,
				 pid_t parent)
{
	struct child_report r = { .has_failed = true };
	pid_t self = getpid(), plugin;

	reset_process(parent, SIGTERM);
	keeper_begin();
	plugin = fork();
	if (!plugin)
		run_child(config, e, self);
	if (plugin > 0)
		keeper_run(plugin);
	(void)err_sys(&r.err, "cannot start a process");
	tell(e->report[END_CHILD], &r);
	_exit(127);
}

/* One report, and a second one where exec failed. */
static int hear(int fd, struct child *c, struct weir_error *err)
{
	struct child_report r;
	size_t have = 0;
	int rc = err_set(err, WEIR_ERR_SYSTEM, "the plugin's process ended at once");

	for (;;) {
		ssize_t n = read(fd, (char *)&r + have, sizeof r - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return rc;
		have += (size_t)n;
		if (have < sizeof r)
			continue;
		have = 0;
		c->pid = r.pid;
		c->sandbox = r.sandbox;
		rc = 0;
		if (r.has_failed) {
			*err = r.err;
			return r.err.code ? r.err.code : WEIR_ERR_SYSTEM;
		}
	}
}

/* Who is our child, and ends with all of it. */
static pid_t leader(const struct child *c)
{
	return c->keeper ? c->keeper : c->pid;
}

static int start_child(struct child *c, const struct child_config *config, struct ends *e,
		       struct weir_error *err)
{
	pid_t parent = getpid(), made = fork();
	int rc;

	if (made < 0)
		return err_sys(err, "cannot start a process");
	if (!made && config->may_leave)
		run_child(config, e, parent);
	if (!made)
		run_keeper(config, e, parent);
	*(config->may_leave ? &c->pid : &c->keeper) = made;
	close_ends(e, END_CHILD);
	c->exit_fd = (int)syscall(SYS_pidfd_open, made, 0U);
	rc = c->exit_fd < 0 ? err_sys(err, "cannot watch a process")
			    : hear(e->report[END_PARENT], c, err);
	return rc;
}

int child_spawn(struct child *c, const struct child_config *config,
		struct weir_error *err)
{
	struct weir_error unused;
	struct ends e;
	int rc;

	*c = (struct child){ .talk_fd = -1, .stderr_fd = -1, .exit_fd = -1 };
	if (!err)
		err = &unused;
	rc = open_ends(&e, err);
	if (rc)
		return rc;
	rc = start_child(c, config, &e, err);
	if (!rc) {
		c->talk_fd = e.talk[END_PARENT];
		c->stderr_fd = e.errors[END_PARENT];
		e.talk[END_PARENT] = e.errors[END_PARENT] = -1;
	}
	close_ends(&e, END_PARENT);
	close_ends(&e, END_CHILD);
	if (rc && leader(c)) {
		child_kill(c);
		(void)waitpid(leader(c), NULL, 0);
		c->pid = c->keeper = 0;
	}
	if (rc)
		child_fini(c);
	return rc;
}

void child_kill(const struct child *c)
{
	if (c->keeper > 0)
		(void)kill(c->keeper, KEEPER_KILL);
	else if (c->pid > 0 && kill(-c->pid, SIGKILL))
		(void)kill(c->pid, SIGKILL);
}

void child_reap(struct child *c, char *text, size_t size)
{
	int status = 0;

	/* What it has left behind in its group goes with it. */
	child_kill(c);
	if (leader(c) <= 0 || waitpid(leader(c), &status, 0) != leader(c))
		(void)snprintf(text, size, "unknown end");
	else if (WIFSIGNALED(status))
		(void)snprintf(text, size, "signal %d", WTERMSIG(status));
	else
		(void)snprintf(text, size, "exit code %d", WEXITSTATUS(status));
	c->pid = c->keeper = 0;
}

void child_fini(struct child *c)
{
	close_end(&c->talk_fd);
	close_end(&c->stderr_fd);
	close_end(&c->exit_fd);
}
