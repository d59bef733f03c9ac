#include "port/interrupt.h"
#include "port/port.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

int port_stop_init(struct port_stop *s, bool with_interrupt, struct weir_error *err)
{
	struct sigaction old;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	/* Under nohup a hang-up is not for us.  An ignored SIGINT is: a script's background job has
	 * it ignored, and `kill -INT` must still end a recording. */
	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN)
		(void)sigaddset(&set, SIGHUP);
	if (with_interrupt)
		(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return err_sys(err, "cannot block the stop signals");
	if (!with_interrupt)
		(void)signal(SIGINT, SIG_IGN);
	/* A live reader that goes away shows as EPIPE. */
	(void)signal(SIGPIPE, SIG_IGN);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->fd < 0 ? err_sys(err, "cannot make a signal descriptor") : 0;
}

void port_stop_fini(struct port_stop *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

void port_stop_next_kills(struct port_stop *s)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	port_stop_fini(s);
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static unsigned read_signals(int fd)
{
	struct signalfd_siginfo info;
	unsigned wake = 0;

	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
		wake |= info.ssi_signo == SIGINT ? PORT_WAKE_INTERRUPT
						 : PORT_WAKE_TERMINATE;
	return wake;
}

unsigned port_stop_wait(const struct port_stop *s, const struct port_event *event,
			int descriptor, int64_t timeout_ns)
{
	struct pollfd p[3] = { { .fd = s->fd, .events = POLLIN },
			       { .fd = event ? event->fd : -1, .events = POLLIN },
			       { .fd = descriptor, .events = POLLIN } };
	struct timespec t = { .tv_sec = timeout_ns / NS_PER_S,
			      .tv_nsec = timeout_ns % NS_PER_S };
	unsigned wake = 0;

	if (ppoll(p, ARRAY_LEN(p), timeout_ns < 0 ? NULL : &t, NULL) <= 0)
		return PORT_WAKE_NOTHING;
	if (p[0].revents)
		wake |= read_signals(s->fd);
	if (p[1].revents)
		wake |= PORT_WAKE_EVENT;
	if (p[2].revents)
		wake |= PORT_WAKE_DESCRIPTOR;
	return wake;
}

int port_stop_socket(struct port_stop *s, int *fd, struct weir_error *err)
{
	(void)err;
	*fd = s->fd;
	return 0;
}

void port_ignore_pipe(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
}

static volatile sig_atomic_t is_stopped;

static void note_stop(int number)
{
	(void)number;
	is_stopped = 1;
}

const volatile sig_atomic_t *port_interrupts_catch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = note_stop,
				    .sa_flags = (int)SA_RESETHAND };

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
	return &is_stopped;
}

void port_exit_now(int code)
{
	_exit(code);
}

int port_output_open(const char *path, int *fd, struct weir_error *err)
{
	struct stat st;

	if (!strcmp(path, "-")) {
		*fd = dup(STDOUT_FILENO);
		return *fd < 0 ? err_sys(err, "cannot use standard output") : 0;
	}
	if (!stat(path, &st)) {
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			return err_set(err, WEIR_ERR_EXISTS,
				       "'%s' exists: weir never overwrites a file", path);
		*fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else {
		*fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			   0600);
	}
	return *fd < 0 ? err_sys(err, "cannot make '%s'", path) : 0;
}

bool port_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

void port_standard_guard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}
