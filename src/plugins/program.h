/* This binary run as a child: what a plugin sets to work (a recorder, a listing, an export) is a
 * process of its own, whose end takes nothing else down.
 *
 * Calling sequence: program_start(); read the lines of out_fd with program_line(); program_wait()
 * always; program_fini().
 * Threads: a struct program belongs to one; starting is safe beside other threads. */
#ifndef WEIR_PLUGINS_PROGRAM_H
#define WEIR_PLUGINS_PROGRAM_H

#include "port/own_child.h"

enum {
	PROGRAM_WORDS = 64,
	PROGRAM_LINE = 256 * 1024,
	PROGRAM_SAID = 1024,
};

struct program {
	struct process process;
	int out_fd; /* its standard output */
	int error_fd;
	int control_fd; /* where has_control: our end; the child's is 3 */
	char *line;     /* PROGRAM_LINE */
	size_t used, taken;
	bool is_skipping;          /* within a line that is too long */
	uint64_t long_lines;       /* that were left out */
	char errors[PROGRAM_SAID]; /* the end of what it said on standard error */
	size_t error_used;
};

/* Makes the process: a child of ours, in a group of its own, with these ends as 1, 2 and 3. */
typedef int (*program_maker)(void *arg, const char *const *words,
			     const int theirs[PROCESS_ENDS], struct process *made,
			     struct weir_error *err);

int program_start_by(struct program *p, const char *const *words, bool has_control,
		     program_maker make, void *arg, struct weir_error *err) MUST_CHECK;
/* words[0] is the command ("sniff"); NULL-terminated. */
int program_start(struct program *p, const char *const *words, bool has_control,
		  struct weir_error *err) MUST_CHECK;
/* The next line without its newline, lent until the next call; NULL at the end.  One that is longer than
 * PROGRAM_LINE is left out and counted in long_lines. */
char *program_line(struct program *p, size_t *length);
/* The child's end of the control descriptor ends; ours stays open until program_wait(). */
void program_hang_up(struct program *p);
/* Its exit code, or 128 and the signal; ends it where it has closed its output and lives on. */
int program_wait(struct program *p);
/* The end of what it said on standard error, as one line of ASCII; empty where it said nothing.  After
 * program_wait(). */
const char *program_said(struct program *p);
void program_fini(struct program *p);

#endif
