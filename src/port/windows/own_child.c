#include "port/own_child.h"

#include "base/mem.h"
#include "port/places.h"
#include "port/windows/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>

enum {
	WORDS_MAX = 64
};

void process_pipes_close(struct process_pipes *p, enum process_side side)
{
	for (unsigned i = 0; i < PROCESS_ENDS; i++) {
		if (p->fds[side][i] >= 0)
			(void)weir_close(p->fds[side][i]);
		p->fds[side][i] = -1;
	}
}

/* Requests go one way, and one that finds no room is not taken. */
static int open_control(struct process_pipes *p)
{
	DWORD mode = PIPE_READMODE_BYTE | PIPE_NOWAIT;
	int ends[2];

	if (weir_pipe(ends))
		return -1;
	p->fds[PROCESS_THEIRS][PROCESS_CONTROL] = ends[0];
	p->fds[PROCESS_OURS][PROCESS_CONTROL] = ends[1];
	(void)SetNamedPipeHandleState(win_handle(ends[1]), &mode, NULL, NULL);
	return 0;
}

int process_pipes_open(struct process_pipes *p, bool has_control, struct weir_error *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, rc;
	bool is_open;

	for (unsigned side = 0; side < PROCESS_SIDES; side++)
		for (unsigned i = 0; i < PROCESS_ENDS; i++)
			p->fds[side][i] = -1;
	is_open = !weir_pipe(out) && !weir_pipe(errors);
	for (unsigned side = 0; side < PROCESS_SIDES; side++) {
		p->fds[side][PROCESS_OUT] = out[side];
		p->fds[side][PROCESS_ERRORS] = errors[side];
	}
	if (is_open && (!has_control || !open_control(p)))
		return 0;
	rc = err_sys(err, "cannot make a program's pipes");
	process_pipes_close(p, PROCESS_OURS);
	process_pipes_close(p, PROCESS_THEIRS);
	return rc;
}

int process_start(struct process *p, const char *const *words,
		  const int theirs[PROCESS_ENDS], struct weir_error *err)
{
	const char *argv[WORDS_MAX + 2] = { NULL };
	char program[1024];
	PROCESS_INFORMATION made;
	struct spawn s = { .argv = argv };
	int empty = weir_open("/dev/null", O_RDONLY),
	    rc = port_program_path(program, sizeof program, err);

	*p = (struct process){ .pid = 0 };
	argv[0] = program;
	for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
		argv[i + 1] = words[i];
	s.handles[0] = win_handle(empty);
	s.handles[1] = win_handle(theirs[PROCESS_OUT]);
	s.handles[2] = win_handle(theirs[PROCESS_ERRORS]);
	if (theirs[PROCESS_CONTROL] >= 0)
		s.handles[3] = win_handle(theirs[PROCESS_CONTROL]);
	if (!rc)
		rc = spawn_process(&s, &made, err);
	if (empty >= 0)
		(void)weir_close(empty);
	if (!rc)
		*p = (struct process){ .pid = (int)made.dwProcessId,
				       .handle = made.hProcess };
	return rc;
}

bool process_tell(int control_fd, const char *bytes, size_t length)
{
	return weir_write(control_fd, bytes, length) == (ssize_t)length;
}

/* The number stays taken, so that nobody else's file gets it. */
void process_hang_up(int control_fd)
{
	int nothing = weir_open("/dev/null", O_WRONLY);

	if (nothing < 0)
		return;
	(void)_dup2(nothing, control_fd);
	(void)weir_close(nothing);
}

void process_end(const struct process *p)
{
	if (p->handle)
		(void)TerminateProcess(p->handle, 128 + 15);
}

int process_wait(struct process *p)
{
	DWORD code = 127;

	if (!p->handle)
		return 127;
	(void)WaitForSingleObject(p->handle, INFINITE);
	(void)GetExitCodeProcess(p->handle, &code);
	(void)CloseHandle(p->handle);
	*p = (struct process){ .pid = 0 };
	return (int)code;
}
