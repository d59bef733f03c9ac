/* What the kernel's programs tell of sockets and processes, as it lies in their ring buffers: shared
 * by bpf/attribution.bpf.c and those who read it.  Nothing else may be included here.
 *
 * All numbers are in host order, ports included.  Addresses are 16 bytes in network order, IPv4 as
 * ::ffff:a.b.c.d; zeros: any, or not known.  Times are CLOCK_BOOTTIME in ns.  A process is
 * (pid, start_ns): pid is the process's (tgid), as the initial pid namespace counts; start_ns is
 * its leader's exact start, of which /proc tells only 10 ms (PROCESS_START rounds). */
#ifndef WEIR_PROCESS_EVENT_H
#define WEIR_PROCESS_EVENT_H

#include <linux/types.h>

/* As /proc/PID/stat and the owner option of a record state it. */
#define PROCESS_START(ns) ((ns) / 10000000 * 10000000)

/* Of a user or group that is not known: the number that none has. */
#define ID_UNKNOWN 0xffffffffU

enum socket_event_kind {
	SOCKET_BIND =
		1,      /* bind(), or a port given to it unasked; the local side is set */
	SOCKET_CONNECT, /* connect(): the remote side is set, the local one may not be */
	SOCKET_LISTEN,
	SOCKET_ESTABLISHED, /* TCP, either side; of an accepted one pid is 0: nobody used it yet */
	SOCKET_ACCEPT, /* a process used an accepted socket for the first time */
	SOCKET_SEND,   /* the first packet to this remote side; the pid may be 0 */
	SOCKET_USE,    /* another process than before sends or receives */
	SOCKET_CLOSE, /* it is gone (TCP: state CLOSE); the counts are set where asked for */
	SOCKET_FLOW_END, /* Windows: no more to this remote side; the socket may go on */
};

struct socket_event {
	__u64 ns;
	__u64 cookie;   /* of the socket, unique while the system runs */
	__u64 start_ns; /* of the process; 0 with pid 0 */
	/* USE: when the user before was last seen at it; ACCEPT, and CLOSE of what was accepted and nobody
	 * used: when the handshake was done; 0: never, or not known */
	__u64 before_ns;
	__u32 pid, tid; /* who did it; pid 0: not known, or the kernel itself */
	__u32 uid;      /* ID_UNKNOWN: not known */
	__u32 netns;    /* inode number, as /proc/PID/ns/net names it */
	__u8 kind;
	__u8 family; /* 4, 6 */
	__u8 protocol;
	__u8 state;                    /* TCP: the kernel's number after the event */
	__u16 local_port, remote_port; /* ping: the local one is the echo's identifier */
	__u8 local[16], remote[16];
	char comm[16];      /* of the process, with pid */
	__u32 is_ipv6_only; /* of a socket bound to any address */
	__u32 method; /* enum owner_method of store/record.h; 0: as the kernel's programs tell */
	/* From here on only where counting: SOCKET_EVENT_BRIEF. */
	__u64 packets_out, bytes_out, packets_in, bytes_in; /* of IP; CLOSE */
};

/* An event without its counts. */
#define SOCKET_EVENT_BRIEF __builtin_offsetof(struct socket_event, packets_out)

enum process_event_kind {
	PROCESS_FORK = 1, /* of a new process, not of a thread; comm is the parent's */
	PROCESS_EXEC,
	PROCESS_EXIT, /* of the last thread */
};

#define PROCESS_COMM_BYTES 16
#define PROCESS_PATH_BYTES 256
#define PROCESS_ARGS_BYTES 512

struct process_event {
	__u64 ns;
	__u64 start_ns, parent_start_ns;
	__u64 cgroup; /* id in the second hierarchy: the inode number of its directory */
	__u32 pid, parent_pid;
	__u32 uid, gid; /* ID_UNKNOWN: not known */
	__u32 netns;
	__u32 exit_code; /* EXIT: as wait(2) has it */
	__u16 kind;
	__u16 args_length; /* EXEC: of args, each ended by NUL; may be cut */
	__u32 execs;       /* the count of its place, this event's with it */
	char comm[PROCESS_COMM_BYTES];
	char path
		[PROCESS_PATH_BYTES]; /* EXEC: as it was given to execve(2); ended by NUL */
	char args[PROCESS_ARGS_BYTES];
};

/* The programs' read-only memory, and the one they write to. */
struct feed_settings {
	__u32 netns;               /* only sockets of this one; 0: of all */
	__u32 is_brief;            /* leaves out what others already say of an owner */
	__u32 is_counting;         /* events have their counts */
	__u32 wakes_socket_reader; /* or its reader looks by itself */
};

/* How often a process of this place, pid % EXEC_PLACES, has started a program: where the count is what it was,
 * the process has not.  Counted before the program runs, and never lost. */
#define EXEC_PLACES 32768

struct feed_tally {
	__u64 lost_sockets, lost_processes; /* events without room */
};

#endif
