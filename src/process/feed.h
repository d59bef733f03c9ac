/* The kernel's own account of sockets and processes, as it happens: eBPF programs on the root of the
 * second cgroup hierarchy and on tracepoints, and the two ring buffers that they write to.
 *
 * Calling sequence:
 *	feed_open(&f, &config, &err)	with cap_bpf, cap_perfmon, cap_net_admin, cap_sys_admin
 *	...				from here on no privilege is needed; fork() is allowed: a
 *					child may read what its parent does not
 *	feed_read_sockets(f, on, arg)	all there is now; never waits
 *	feed_socket_fd(f)		for poll(), where config.wakes_socket_reader
 *	feed_close(f)
 *
 * Ownership: events are lent for the call.  Threads: each ring has one reader at a time.
 * Errors: UNSUPPORTED (the kernel, or a build without the programs), PRIVILEGE, SYSTEM; the message
 * says which program was refused.  Programs that a kernel may lack (before 6.3: those that see each
 * send and receive) are left out, and feed_describe() says so.
 * A full ring loses events: feed_lost() counts them. */
#ifndef WEIR_PROCESS_FEED_H
#define WEIR_PROCESS_FEED_H

#include "base/compiler.h"
#include "process/event.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct feed;

struct feed_config {
	bool has_sockets, has_processes; /* which events are wanted */
	bool is_counting; /* packets and bytes of each socket, for SOCKET_CLOSE */
	bool wakes_socket_reader;
	/* Leaves out SOCKET_CONNECT and SOCKET_ESTABLISHED of TCP: the first packet and SOCKET_ACCEPT tell the
	 * owner. */
	bool is_brief;
	uint32_t netns; /* only sockets of this one (inode number); 0: of all */
	size_t socket_bytes, process_bytes; /* of the rings, powers of two; 0: chosen */
};

int feed_open(struct feed **f, const struct feed_config *config,
	      struct weir_error *err) MUST_CHECK;
void feed_close(struct feed *f);

typedef void (*feed_on_socket)(void *arg, const struct socket_event *e);
typedef void (*feed_on_process)(void *arg, const struct process_event *e);

/* The number of events, or a negative code. */
int feed_read_sockets(struct feed *f, feed_on_socket on, void *arg);
int feed_read_processes(struct feed *f, feed_on_process on, void *arg);
/* Readable when there may be something to read.  -1: those events were not asked for. */
int feed_socket_fd(const struct feed *f);
int feed_process_fd(const struct feed *f);

/* Events that found no room, socket and process events together. */
uint64_t feed_lost(const struct feed *f);
/* The same of socket events alone. */
uint64_t feed_lost_sockets(const struct feed *f);
/* How often the processes of this pid's place have started a program (event.h); 0 without process events. */
uint32_t feed_execs(const struct feed *f, uint32_t pid);
/* {"programs":[...],"missing":[{"program":..., "reason":...}]}; a new reference. */
json_t *feed_describe(const struct feed *f);

/* Whether this build has the programs. */
bool feed_is_built_in(void);

#endif
