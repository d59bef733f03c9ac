/* Processes of this machine, looked at from outside.  Windows only: on Linux /proc says it
 * (process/facts.h).
 *
 * Calling sequence: port_process_begin() once; port_process_open() with an id; the rest with what that brought;
 * port_process_close().
 *
 * While a process is open its id is not given to another one, ended or not: so an id that was
 * opened and compared once stays the same process's.  One that may not be opened (some of the
 * system's own) is looked up in the system's list: then `handle` is NULL, and its id is free.
 * Ownership: the caller's, plain data but for the handle.  Threads: any; one at a time each.
 * Nothing is changed in a process, and none is waited for.
 * Facts: OpenProcess with PROCESS_QUERY_LIMITED_INFORMATION, GetProcessTimes,
 * QueryFullProcessImageNameW, NtQueryInformationProcess, NtQuerySystemInformation. */
#ifndef WEIR_PORT_PROCESS_H
#define WEIR_PORT_PROCESS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_PROCESS_NAME 64

struct port_process {
	void *handle; /* NULL: it could not be opened */
	uint32_t pid, parent_pid;
	uint32_t session;
	bool has_session;
	int64_t started_ns; /* UTC */
	/* Of its executable; one of the kernel's own has the system's name for it ("System").  Empty: not
	 * known; cut, as UTF-8. */
	char name[PORT_PROCESS_NAME];
};

/* Takes into use what looking at other users' processes needs (SeDebugPrivilege); false: this process has
 * not got it. */
bool port_process_begin(void);
/* 0; WEIR_ERR_ABSENT: there is none. */
int port_process_open(struct port_process *p, uint32_t pid) MUST_CHECK;
void port_process_close(struct port_process *p);
/* When it ended, UTC; 0: it has not, or nobody can tell. */
int64_t port_process_ended(const struct port_process *p);

/* Empty: not known. */
struct port_process_facts {
	char path[512]; /* of the executable, as it was started */
	char user[96];  /* DOMAIN\name, where the account has no name its SID */
	char command_line[1024];
	uint16_t command_line_length; /* with its NUL; 0: not known */
	bool is_command_line_cut;
	int64_t parent_started_ns; /* 0: the parent is gone */
};

void port_process_read(const struct port_process *p, struct port_process_facts *f);

/* The executable, to be read by the caller, who closes it; -1: `reason` says why not.  What is on
 * another machine, and what was written after the process began, is not it. */
int port_process_executable(const struct port_process *p, const char *path, char *reason,
			    size_t size);

#endif
