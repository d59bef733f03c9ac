#include "plugins/launcher.h"

#include "base/mem.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	REQUEST_BYTES = 96 * 1024, /* a filter may have 32 KiB */
	CONTROL_FD = 3,
};

struct launcher {
	struct port_monitor *lock; /* one request at a time */
	int fd;
	pid_t pid;
	atomic_bool is_gone;
	char stores[2048];
	char request[REQUEST_BYTES];
};

struct reply {
	int rc;
	pid_t pid;
	struct weir_error err;
};

/* Descriptors go beside the bytes. */
union fds_room {
	char bytes[CMSG_SPACE(PROCESS_ENDS * sizeof(int))];
	struct cmsghdr align;
};

/* The launcher's side. */

/* The words of "sniff\0--json\0", lent from the bytes; false where there are too many. */
static bool split(char *bytes, size_t length, const char *words[PROGRAM_WORDS + 1])
{
	size_t n = 0;

	if (!length || bytes[length - 1])
		return false;
	for (char *p = bytes; p < bytes + length; p += strlen(p) + 1) {
		if (n == PROGRAM_WORDS)
			return false;
		words[n++] = p;
	}
	words[n] = NULL;
	return true;
}

/* Between clone and exec. */
NO_RETURN static void become_recorder(const char *const *argv,
				      const int fds[PROCESS_ENDS])
{
	sigset_t none;
	int high[PROCESS_ENDS];

	/* First out of the way of where they go to. */
	for (unsigned i = 0; i < PROCESS_ENDS; i++)
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setpgid(0, 0);
	if (dup2(high[PROCESS_OUT], 1) == 1 && dup2(high[PROCESS_ERRORS], 2) == 2 &&
	    dup2(high[PROCESS_CONTROL], CONTROL_FD) == CONTROL_FD)
		(void)execve("/proc/self/exe", (char *const *)(uintptr_t)argv, environ);
	_exit(127);
}

static int start(const char *const *words, const int fds[PROCESS_ENDS], pid_t *pid,
		 struct weir_error *err)
{
	const char *argv[PROGRAM_WORDS + 2] = { "weir" };
	pid_t made;

	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	/* As fork(), but our parent's child. */
	made = (pid_t)syscall(SYS_clone, (unsigned long)CLONE_PARENT | SIGCHLD, 0UL, 0UL,
			      0UL, 0UL);
	if (made < 0)
		return err_sys(err, "cannot start a recorder");
	if (!made)
		become_recorder(argv, fds);
	*pid = made;
	return 0;
}

/* The bytes of one request and its descriptors; 0 at the end. */
static ssize_t receive(struct launcher *l, int fds[PROCESS_ENDS])
{
	union fds_room room;
	struct iovec part = { .iov_base = l->request, .iov_len = sizeof l->request };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = room.bytes,
			    .msg_controllen = sizeof room.bytes };
	const struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(l->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	for (unsigned i = 0; i < PROCESS_ENDS; i++)
		fds[i] = -1;
	if (c && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(PROCESS_ENDS * sizeof(int)))
		memcpy(fds, CMSG_DATA(c), PROCESS_ENDS * sizeof(int));
	return n;
}

static void answer(struct launcher *l, size_t length, const int fds[PROCESS_ENDS])
{
	const char *words[PROGRAM_WORDS + 1] = { NULL };
	struct reply r = { .pid = 0 };

	if (!split(l->request, length, words) || fds[PROCESS_ENDS - 1] < 0)
		r.rc = err_set(&r.err, WEIR_ERR_FORMAT, "no request for a recorder");
	else
		r.rc = launcher_check(words, l->stores, &r.err);
	if (!r.rc)
		r.rc = start(words, fds, &r.pid, &r.err);
	(void)send(l->fd, &r, sizeof r, MSG_NOSIGNAL);
}

/* Until the plugin has gone. */
NO_RETURN static void serve(struct launcher *l)
{
	int fds[PROCESS_ENDS], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	ssize_t n;

	/* The host's channel is the plugin's alone. */
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	(void)signal(SIGPIPE, SIG_IGN);
	while ((n = receive(l, fds)) > 0) {
		answer(l, (size_t)n, fds);
		for (unsigned i = 0; i < PROCESS_ENDS; i++)
			if (fds[i] >= 0)
				(void)close(fds[i]);
	}
	_exit(0);
}

/* The plugin's side. */

static int fork_launcher(struct launcher *l, struct weir_error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return err_sys(err, "cannot make the launcher's channel");
	l->pid = fork();
	l->fd = ends[l->pid ? 0 : 1];
	(void)close(ends[l->pid ? 1 : 0]);
	if (l->pid < 0)
		return err_sys(err, "cannot start the launcher");
	if (!l->pid)
		serve(l);
	return 0;
}

int launcher_new(struct launcher **out, const char *stores, struct weir_error *err)
{
	struct launcher *l = mem_new(1, sizeof *l);
	int rc;

	*out = NULL;
	if (!l)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a launcher");
	l->fd = -1;
	(void)snprintf(l->stores, sizeof l->stores, "%s", stores);
	rc = fork_launcher(l, err);
	/* After the fork: a lock has no business in the child. */
	if (!rc && !(l->lock = port_monitor_new()))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a launcher");
	if (rc) {
		launcher_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

/* 0 where the words are too long. */
static size_t join(char *to, size_t size, const char *const *words)
{
	size_t used = 0;

	for (size_t i = 0; words[i]; i++) {
		size_t n = strlen(words[i]) + 1;

		if (n > size - used)
			return 0;
		memcpy(to + used, words[i], n);
		used += n;
	}
	return used;
}

static int ask(struct launcher *l, size_t length, const int fds[PROCESS_ENDS],
	       struct reply *r, struct weir_error *err)
{
	union fds_room room = { .bytes = { 0 } };
	struct iovec part = { .iov_base = l->request, .iov_len = length };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = room.bytes,
			    .msg_controllen = sizeof room.bytes };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(PROCESS_ENDS * sizeof(int));
	memcpy(CMSG_DATA(c), fds, PROCESS_ENDS * sizeof(int));
	n = sendmsg(l->fd, &m, MSG_NOSIGNAL);
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return err_sys(err, "cannot ask the launcher");
	while (n > 0) {
		n = recv(l->fd, r, sizeof *r, 0);
		if (n == (ssize_t)sizeof *r)
			return 0;
		n = n < 0 && errno == EINTR;
	}
	atomic_store(&l->is_gone, true);
	return err_set(err, WEIR_ERR_SYSTEM, LAUNCHER_GONE);
}

static int make(void *arg, const char *const *words, const int fds[PROCESS_ENDS],
		struct process *made, struct weir_error *err)
{
	struct launcher *l = arg;
	struct reply r = { .rc = 0 };
	size_t length;
	int rc;

	port_monitor_lock(l->lock);
	length = join(l->request, sizeof l->request, words);
	rc = length ? ask(l, length, fds, &r, err)
		    : err_set(err, WEIR_ERR_LIMIT,
			      "a recorder's command line is too long");
	port_monitor_unlock(l->lock);
	if (!rc && r.rc) {
		rc = r.rc;
		*err = r.err;
	}
	*made = (struct process){ .pid = r.pid };
	return rc;
}

int launcher_start(struct launcher *l, struct program *p, const char *const *words,
		   struct weir_error *err)
{
	return program_start_by(p, words, true, make, l, err);
}

const atomic_bool *launcher_is_gone(const struct launcher *l)
{
	return &l->is_gone;
}

void launcher_free(struct launcher *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		(void)close(l->fd);
	if (l->pid > 0)
		(void)waitpid(l->pid, NULL, 0);
	port_monitor_free(l->lock);
	mem_free(l);
}
