/* What a plugin's process may do: entered between fork and exec, kept for its life and its
 * children's.
 *
 * Calling sequence: in a child that has one thread, sandbox_enter(); the state tells of each part
 * whether it holds.  A part that was asked for and cannot be had is an error, unless it is in
 * rules->optional; then the state says so.  After an error the process must end.
 *
 *	user        another user and group, no further groups
 *	privileges  no_new_privs; capabilities: `capabilities` and no others, in all sets, so that exec
 *	            keeps them and nothing gains more
 *	files       Landlock: writing only below `writable`, executing only `executable`; reading is
 *	            anywhere (by user and mode) unless `readable` is given
 *	calls       a seccomp filter: the calls of `calls` and no others (they fail with EPERM), and the
 *	            network as `network` says; no ioctl that pushes keys into a terminal
 *	limits      of descriptors, memory, processes; no core files
 *
 * Facts: landlock(7), seccomp(2), capabilities(7), setrlimit(2). */
#ifndef WEIR_PORT_SANDBOX_H
#define WEIR_PORT_SANDBOX_H

#include "port/port.h"

enum sandbox_part {
	SANDBOX_USER,
	SANDBOX_PRIVILEGES,
	SANDBOX_FILES,
	SANDBOX_CALLS,
	SANDBOX_LIMITS,
	SANDBOX_PARTS
};

enum sandbox_network {
	SANDBOX_NETWORK_NONE,    /* no socket but Unix pairs */
	SANDBOX_NETWORK_CAPTURE, /* packet, netlink and raw sockets; no TCP out or in */
	SANDBOX_NETWORK_ALL
};

/* Whose system calls: the fewest that go. */
enum sandbox_calls {
	SANDBOX_CALLS_ANY,      /* a program of anybody, in any language */
	SANDBOX_CALLS_OURS,     /* our plugins, and what they set to work */
	SANDBOX_CALLS_RECORDER, /* a recorder that has opened everything: no exec */
};

struct sandbox_rules {
	bool has_user;
	struct port_user user;
	const char *capabilities; /* "net_raw,net_admin"; "" for none */
	const char *const *writable, *const *executable; /* NULL-terminated paths */
	const char *const *readable; /* NULL: everything that the user may */
	enum sandbox_network network;
	enum sandbox_calls calls;
	bool may_trace_files; /* open_tree and mount_setattr: listing undisturbed */
	bool may_load_bpf;
	uint64_t memory_bytes, descriptors, processes; /* 0: as it is */
	unsigned wanted, optional;                     /* bits 1 << enum sandbox_part */
};

enum sandbox_is {
	SANDBOX_OFF,    /* not asked for */
	SANDBOX_ACTIVE, /* holds */
	SANDBOX_FAILED, /* asked for, optional, and cannot be had */
};

struct sandbox_state {
	enum sandbox_is parts[SANDBOX_PARTS];
	int landlock_abi;               /* 0: none */
	char words[SANDBOX_PARTS][160]; /* what holds, or why not */
};

/* "user", "privileges", "files", "calls", "limits" */
const char *sandbox_part_name(enum sandbox_part part);
/* SANDBOX_PARTS where there is no such part. */
enum sandbox_part sandbox_part_find(const char *name);
const char *sandbox_is_name(enum sandbox_is is);

/* Those that this system has at all, as bits: of a process that is started, and of one that enters
 * them while it runs. */
unsigned sandbox_parts(void);
unsigned sandbox_parts_running(void);
/* Parts that are not asked for, and that this system does not have, are SANDBOX_OFF, and their words say
 * so. */
int sandbox_enter(const struct sandbox_rules *rules, struct sandbox_state *state,
		  struct weir_error *err) MUST_CHECK;

#endif
