#include "plugins/program.h"

#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int spawn(void *arg, const char *const *words, const int theirs[PROCESS_ENDS],
		 struct process *made, struct weir_error *err)
{
	(void)arg;
	return process_start(made, words, theirs, err);
}

int program_start_by(struct program *p, const char *const *words, bool has_control,
		     program_maker make, void *arg, struct weir_error *err)
{
	struct process_pipes pipes;
	const int *ours = pipes.fds[PROCESS_OURS];
	int rc = process_pipes_open(&pipes, has_control, err);

	*p = (struct program){ .out_fd = -1,
			       .error_fd = -1,
			       .control_fd = -1,
			       .line = mem_new(PROGRAM_LINE, 1) };
	if (!rc && !p->line)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a program");
	if (!rc)
		rc = make(arg, words, pipes.fds[PROCESS_THEIRS], &p->process, err);
	process_pipes_close(&pipes, PROCESS_THEIRS);
	if (rc) {
		process_pipes_close(&pipes, PROCESS_OURS);
		program_fini(p);
		return rc;
	}
	p->out_fd = ours[PROCESS_OUT];
	p->error_fd = ours[PROCESS_ERRORS];
	p->control_fd = ours[PROCESS_CONTROL];
	return 0;
}

int program_start(struct program *p, const char *const *words, bool has_control,
		  struct weir_error *err)
{
	return program_start_by(p, words, has_control, spawn, NULL, err);
}

/* Keeps the last of it: what a program says at its end is why it ended. */
static void take_errors(struct program *p)
{
	struct pollfd ready = { .fd = p->error_fd, .events = POLLIN };
	char bytes[512];
	ssize_t n = -1;

	/* The descriptor may be one that would wait. */
	while (poll(&ready, 1, 0) == 1 &&
	       (n = read(p->error_fd, bytes, sizeof bytes)) > 0) {
		size_t keep = sizeof p->errors - 1, have = p->error_used, add = (size_t)n;

		if (have + add > keep) {
			size_t cut = have + add - keep;

			if (cut > have)
				cut = have;
			memmove(p->errors, p->errors + cut, have - cut);
			have -= cut;
		}
		memcpy(p->errors + have, bytes, add);
		p->error_used = have + add;
		p->errors[p->error_used] = '\0';
	}
	if (!n)
		close_fd(&p->error_fd);
}

/* Waits for either of its outputs; 0 at the end of the first. */
static ssize_t fill(struct program *p)
{
	struct pollfd fds[2] = { { .fd = p->out_fd, .events = POLLIN },
				 { .fd = p->error_fd, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		fds[1].fd = p->error_fd;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (fds[1].revents && p->error_fd >= 0)
			take_errors(p);
		if (!fds[0].revents)
			continue;
		n = read(p->out_fd, p->line + p->used, PROGRAM_LINE - p->used);
		if (n >= 0 || errno != EINTR)
			return n;
	}
}

char *program_line(struct program *p, size_t *length)
{
	size_t seen = p->taken;

	for (;;) {
		char *end = memchr(p->line + seen, '\n', p->used - seen);
		char *begin = p->line + p->taken;
		ssize_t n;

		if (end) {
			*end = '\0';
			*length = (size_t)(end - begin);
			p->taken += *length + 1;
			seen = p->taken;
			if (!p->is_skipping)
				return begin;
			p->is_skipping = false;
			continue;
		}
		if (p->taken) {
			memmove(p->line, begin, p->used - p->taken);
			p->used -= p->taken;
			p->taken = 0;
		}
		/* What comes behind such a line is there all the same. */
		if (p->used == PROGRAM_LINE) {
			p->long_lines += !p->is_skipping;
			p->is_skipping = true;
			p->used = 0;
		}
		seen = p->used;
		n = fill(p);
		if (n <= 0)
			return NULL;
		p->used += (size_t)n;
	}
}

void program_hang_up(struct program *p)
{
	process_hang_up(p->control_fd);
}

int program_wait(struct program *p)
{
	int code;

	close_fd(&p->out_fd);
	close_fd(&p->control_fd);
	code = process_wait(&p->process);
	if (p->error_fd >= 0)
		take_errors(p);
	return code;
}

const char *program_said(struct program *p)
{
	while (p->error_used && p->errors[p->error_used - 1] == '\n')
		p->errors[--p->error_used] = '\0';
	for (char *at = p->errors; *at; at++)
		if (*at == '\n')
			*at = ' ';
		else if (*at < ' ' || *at > '~')
			*at = '?';
	return p->errors;
}

void program_fini(struct program *p)
{
	close_fd(&p->out_fd);
	close_fd(&p->error_fd);
	close_fd(&p->control_fd);
	mem_free(p->line);
	p->line = NULL;
}
