#include "port/own_child.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	WORDS_MAX = 64,
	CONTROL_FD = 3
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void process_pipes_close(struct process_pipes *p, enum process_side side)
{
	for (unsigned i = 0; i < PROCESS_ENDS; i++)
		close_fd(&p->fds[side][i]);
}

int process_pipes_open(struct process_pipes *p, bool has_control, struct weir_error *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, control[2] = { -1, -1 }, rc = 0;

	/* pipe2() has its reading end first, as PROCESS_OURS is. */
	if (pipe2(out, O_CLOEXEC) || pipe2(errors, O_CLOEXEC) ||
	    (has_control && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control)))
		rc = err_sys(err, "cannot make a program's pipes");
	for (unsigned side = 0; side < PROCESS_SIDES; side++) {
		p->fds[side][PROCESS_OUT] = out[side];
		p->fds[side][PROCESS_ERRORS] = errors[side];
		p->fds[side][PROCESS_CONTROL] = control[side];
		if (rc)
			process_pipes_close(p, (enum process_side)side);
	}
	return rc;
}

int process_start(struct process *p, const char *const *words,
		  const int theirs[PROCESS_ENDS], struct weir_error *err)
{
	const char *argv[WORDS_MAX + 2] = { "weir" };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	pid_t pid = 0;
	int rc;

	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[i + 1] = words[i];
	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_init(&files) || posix_spawnattr_init(&how))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a program");
	(void)posix_spawnattr_setflags(&how,
				       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&how, &none);
	(void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&files, theirs[PROCESS_OUT], 1);
	(void)posix_spawn_file_actions_adddup2(&files, theirs[PROCESS_ERRORS], 2);
	if (theirs[PROCESS_CONTROL] >= 0)
		(void)posix_spawn_file_actions_adddup2(&files, theirs[PROCESS_CONTROL],
						       CONTROL_FD);
	rc = posix_spawn(&pid, "/proc/self/exe", &files, &how,
			 (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&how);
	*p = (struct process){ .pid = rc ? 0 : pid };
	if (!rc)
		return 0;
	errno = rc;
	return err_sys(err, "cannot run 'weir %s'", words[0]);
}

bool process_tell(int control_fd, const char *bytes, size_t length)
{
	return send(control_fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)length;
}

void process_hang_up(int control_fd)
{
	(void)shutdown(control_fd, SHUT_RDWR);
}

void process_end(const struct process *p)
{
	if (p->pid > 0)
		(void)kill(p->pid, SIGTERM);
}

int process_wait(struct process *p)
{
	int status = 0;

	if (p->pid <= 0)
		return 127;
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	p->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
