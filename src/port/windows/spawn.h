/* What child.c and process.c start programs with. */
#ifndef WEIR_PORT_WINDOWS_SPAWN_H
#define WEIR_PORT_WINDOWS_SPAWN_H

#include "port/port.h"
#include "port/windows/win.h"

enum {
	SPAWN_HANDLES = 4
};

struct spawn {
	const char *const *argv; /* argv[0] is the program's path */
	/* "NAME=value", beside what Windows itself needs; NULL: ours */
	const char *const *environment;
	const char *directory; /* NULL: ours */
	/* Its descriptors from 0 on; NULL where it gets none.  They are inherited, and no other is. */
	HANDLE handles[SPAWN_HANDLES];
	HANDLE token; /* NULL: ours */
	HANDLE job;   /* NULL: none beside ours */
};

/* The process runs, and nothing of it has when it is put into the job. */
int spawn_process(const struct spawn *s, PROCESS_INFORMATION *made,
		  struct weir_error *err) MUST_CHECK;

/* Words as one text that the C run-time takes apart again; free with mem_free(). */
wchar_t *spawn_command_line(const char *const *argv, struct weir_error *err) MUST_CHECK;

/* token.c: ours without the privileges that are not in `keep` ("SeBackupPrivilege,..."), looked at
 * when it is made; says in words what it has. */
int token_restricted(const char *keep, HANDLE *token, char *words, size_t size,
		     struct weir_error *err) MUST_CHECK;

#endif
