/* This program as a child of itself: what a plugin sets to work (a recorder, a listing, an export) is
 * a process of its own.
 *
 * Calling sequence: process_pipes_open(); process_start() with the ends that are the child's;
 * process_pipes_close() of these; read PROCESS_OUT and PROCESS_ERRORS (POLLIN and POLLHUP of poll()
 * tell when); process_wait() exactly once.
 *
 * The child's descriptors are 1, 2 and, where there is one, 3 for requests; its standard input is
 * empty.  It ends with the process group, on Windows with the job, of whoever hosts the plugin.
 * Threads: a process belongs to one, but process_end() and process_tell() go from any. */
#ifndef WEIR_PORT_OWN_CHILD_H
#define WEIR_PORT_OWN_CHILD_H

#include "port/port.h"

struct process {
	int pid; /* 0: none */
	void *handle;
};

enum process_pipe {
	PROCESS_OUT,
	PROCESS_ERRORS,
	PROCESS_CONTROL, /* -1: none */
	PROCESS_ENDS
};

enum process_side {
	PROCESS_OURS,
	PROCESS_THEIRS,
	PROCESS_SIDES
};

struct process_pipes {
	int fds[PROCESS_SIDES][PROCESS_ENDS];
};

int process_pipes_open(struct process_pipes *p, bool has_control,
		       struct weir_error *err) MUST_CHECK;
void process_pipes_close(struct process_pipes *p, enum process_side side);
/* words[0] is the command ("sniff"); NULL-terminated. */
int process_start(struct process *p, const char *const *words,
		  const int theirs[PROCESS_ENDS], struct weir_error *err) MUST_CHECK;
/* A request that must not wait: false where it was not taken as a whole. */
bool process_tell(int control_fd, const char *bytes, size_t length);
/* The child's end of the requests ends; ours stays open until it is closed. */
void process_hang_up(int control_fd);
/* Asks it to end, or ends it where it cannot be asked. */
void process_end(const struct process *p);
/* Its exit code, or 128 and the signal. */
int process_wait(struct process *p);

#endif
