/* A plugin's process: one socket as its standard input and output, another its standard error, and a
 * sandbox around it.
 *
 * Calling sequence: child_spawn() returns once the program runs (or could not); the parent owns
 * talk_fd and stderr_fd, both non-blocking sockets (port/net.h; a pipe's end on Linux), and exit_fd,
 * which becomes readable when it ends; then child_reap(); child_fini().
 *
 * On Windows an event loop waits for sockets only, and a plugin in any language reads and writes
 * pipes: a thread a direction carries the bytes between the two.  Each holds a bounded piece and
 * waits for room, so who does not read makes the other side wait, as on Linux.
 * Threads: on Linux the caller must be the only one, because of the fork. */
#ifndef WEIR_PORT_CHILD_H
#define WEIR_PORT_CHILD_H

#include "port/sandbox.h"

struct child_config {
	const char *const *argv;
	const char *const *environment; /* "NAME=value", all there is; NULL-terminated */
	const char *directory;
	const struct sandbox_rules *sandbox;
	/* What it starts ends by itself when it has gone, and may take its time: only its process group is killed
	 * (Linux; on Windows the job holds all).  Else whatever it started, in whichever session, is killed with
	 * it. */
	bool may_leave;
};

struct child {
	int pid; /* and its process group; 0: none */
	int keeper; /* Linux: the process between, which kills what the other leaves; 0: none */
	int talk_fd, stderr_fd, exit_fd;
	void *job; /* Windows: what holds its processes */
	struct sandbox_state sandbox;
};

/* WEIR_ERR_PRIVILEGE where the sandbox cannot be had; then nothing runs. */
int child_spawn(struct child *c, const struct child_config *config,
		struct weir_error *err) MUST_CHECK;
/* All of it, at once. */
void child_kill(const struct child *c);
/* In words: "exit code 3", "signal 9".  The process must have ended. */
void child_reap(struct child *c, char *text, size_t size);
void child_fini(struct child *c);

#endif
