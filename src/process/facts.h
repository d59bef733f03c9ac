/* What is known of a process, and reading it: from /proc, or (facts_port.c) from Windows.
 *
 * Calling sequence: facts_read() with a pid and the start that it must have; hasher_hash() with
 * what it left open; facts_of_event() where /proc came too late.
 *
 * A directory of /proc is opened once and everything is read below it: it never becomes another
 * process's, so that after the start has been compared nothing can be mixed up.
 * Reading another user's process needs cap_sys_ptrace and cap_dac_read_search.
 * Pure: the parsers of texts (proc_..., fuzzed).  No allocation.
 * Facts: proc(5); Documentation/filesystems/proc.rst of the kernel. */
#ifndef WEIR_PROCESS_FACTS_H
#define WEIR_PROCESS_FACTS_H

#include "base/compiler.h"
#include "base/hash.h"
#include "process/cgroup.h"
#include "process/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum process_seen {
	SEEN_PACKET, /* when a packet of it was found */
	SEEN_SNAPSHOT,
	SEEN_FORK,
	SEEN_EXEC,
};

#define PROCESS_NAME_BYTES 64

/* Plain data without pointers: it crosses a socket between two processes of ours. */
struct process_facts {
	uint32_t pid, parent_pid, uid, gid, netns, session;
	uint32_t execs; /* the count of event.h when this was so; 0: nobody counts */
	uint16_t args_length;
	uint8_t seen;
	bool is_args_cut, is_hash_pending, has_read; /* has_read: /proc was in time */
	/* Of users, groups and parents 0 is one: whether they are known.  A session: Windows. */
	bool has_uid, has_gid, has_parent, has_session;
	uint64_t start_ns, parent_start_ns; /* as records have it: a key of its process */
	int64_t started_ns, ended_ns,
		at_ns; /* UTC; ended 0: not seen; at: true from then on */
	char name[PROCESS_NAME_BYTES];
	char path[512];
	char user[96];
	char cgroup[256];
	char container[CONTAINER_ID];
	char sha256[HASH_HEX]; /* empty: `reason` says why */
	char reason[64];
	char args[1024]; /* each ended by NUL */
};

const char *process_seen_name(unsigned seen);

/* The parsers.  False: the text is not one. */
struct proc_stat {
	char name[PROCESS_COMM_BYTES];
	uint32_t parent_pid;
	uint64_t start_ticks;
};

bool proc_stat_parse(struct proc_stat *s, const char *text, size_t length);
bool proc_ids_parse(const char *text, size_t length, uint32_t *uid, uint32_t *gid);
/* The path in the second hierarchy, else in the first one named; the container by any of them. */
void proc_cgroup_parse(const char *text, size_t length, char *path, size_t size,
		       char container[CONTAINER_ID]);

/* The clock of events and of starts, CLOCK_BOOTTIME (Windows: the performance counter); and what turns
 * it into UTC, now. */
int64_t facts_now_ns(void);
int64_t facts_boot_ns(void);
/* A key of a process as UTC: on Linux it is a time of that clock, on Windows it is UTC. */
int64_t facts_started_ns(uint64_t start_ns, int64_t boot_ns);

/* When it started; 0: there is none. */
uint64_t proc_start(uint32_t pid);

/* 0; WEIR_ERR_ABSENT: it is gone, or the pid is another process's (start_ns 0: any).  *exe: its
 * executable, open, -1 where it cannot be; the caller closes it. */
int facts_read(struct process_facts *f, uint32_t pid, uint64_t start_ns,
	       int *exe) MUST_CHECK;
/* Whether it still runs the file with that device and inode; Windows: whether it still runs. */
bool facts_still_runs(const struct process_facts *f, uint64_t dev, uint64_t ino);
/* From what the kernel told: what /proc would have said first. */
void facts_of_event(struct process_facts *f, const struct process_event *e);
/* A child as its parent was, until it starts a program of its own. */
void facts_of_fork(struct process_facts *f, const struct process_facts *parent,
		   const struct process_event *e);
#endif
