/* Which process an id means at the time of an event: ids are given again, and some processes are gone
 * before they can be looked at.
 *
 * Calling sequence: pids_new(); pids_who() with each event, as soon as it comes; pids_tend() once a
 * second; pids_free().
 *
 * A process is opened the first time that an event names its id, and stays open: until it is closed
 * nobody else gets its id (port/process.h).  It is closed some time after it has ended, or
 * to make room.  Where it was gone by then nothing is known of it: its key is the time of the event
 * that named it first, so that no later process of that id is taken for it.
 * Memory: fixed, PIDS processes.  Threads: any; a lock inside.  Times are UTC in ns.
 * The system is behind a table of functions, so that tests need no processes. */
#ifndef WEIR_PROCESS_PIDS_H
#define WEIR_PROCESS_PIDS_H

#include "port/process.h"

#define PIDS 1024

struct pids_system {
	int (*open)(struct port_process *p, uint32_t pid); /* as port_process_open() */
	int64_t (*ended)(const struct port_process *p);
	void (*close)(struct port_process *p);
};

struct pids;

int pids_new(struct pids **p, const struct pids_system *system) MUST_CHECK;
void pids_free(struct pids *p);
uint64_t pids_bytes(void);

struct pids_answer {
	uint64_t start_ns; /* the key; with is_gone no start */
	bool is_gone;      /* nothing else is known */
	bool is_new;       /* it was not known before */
	char name[PORT_PROCESS_NAME];
};

/* at_ns: when the event was. */
void pids_who(struct pids *p, uint32_t pid, int64_t at_ns, struct pids_answer *answer);

/* Closes what ended a while ago; `ended` (may be NULL) is told once of each that has ended. */
typedef void (*pids_on_end)(void *arg, uint32_t pid, uint64_t start_ns, int64_t ended_ns);
void pids_tend(struct pids *p, int64_t now_ns, pids_on_end ended, void *arg);

#endif
