/* This program as a service that the system starts and ends (Windows: the service control manager;
 * on Linux systemd's unit file is that, and everything here is WEIR_ERR_UNSUPPORTED).
 *
 * Calling sequence: service_install() once, by an administrator; the system then runs the words, among
 * which is the one that leads to service_run().  That runs `run` as the service: it calls
 * service_ready() when it does its work, and is asked to end by what port_stop_wait() waits for.
 * Lines that it writes to `errors`, the standard error, go to the system's event log.
 * One service a process. */
#ifndef WEIR_PORT_SERVICE_H
#define WEIR_PORT_SERVICE_H

#include "port/port.h"

#include <stdio.h>

struct service {
	const char *name, *title, *text;
	const char *const *words; /* behind this program's path; NULL-terminated */
};

enum service_is {
	SERVICE_IS_ENDED,
	SERVICE_IS_STARTING,
	SERVICE_IS_RUNNING,
	SERVICE_IS_ENDING
};

struct service_state {
	enum service_is is;
	uint32_t pid;       /* 0: none */
	uint32_t exit_code; /* of its last life */
};

/* Started with the system, a while after it, and again after a crash. */
int service_install(const struct service *s, struct weir_error *err) MUST_CHECK;
/* Ends it first.  WEIR_ERR_ABSENT where there is none. */
int service_remove(const char *name, struct weir_error *err) MUST_CHECK;
/* Both wait until it is so. */
int service_start(const char *name, struct weir_error *err) MUST_CHECK;
int service_stop(const char *name, struct weir_error *err) MUST_CHECK;
int service_look(const char *name, struct service_state *state,
		 struct weir_error *err) MUST_CHECK;
/* *is_service false: nobody started it as a service, and run() was not called. */
int service_run(const char *name, int (*run)(void *arg), void *arg, FILE *errors,
		bool *is_service, int *code, struct weir_error *err) MUST_CHECK;
/* From run(): it works from now on.  Nothing where it is no service. */
void service_ready(void);

#endif
