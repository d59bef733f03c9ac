/* Which system calls whom a sandbox lets make: one row a call, one bit a group of callers.
 *
 * Calling sequence: seccomp_call_sets(number) for each number below SECCOMP_KNOWN.
 * A call of no group fails with EPERM; one that is newer than this table with ENOSYS, so that a C
 * library goes the older way.
 * Source: strace of each program under its tests, widened to the neighbours of what was seen (a pwrite
 * where there was a pwritev), because a call that is missing in a rare path costs evidence. */
#ifndef WEIR_PORT_LINUX_SECCOMP_CALLS_H
#define WEIR_PORT_LINUX_SECCOMP_CALLS_H

enum {
	SECCOMP_KNOWN = 470, /* file_setattr is 469, on every machine */

	CALLS_ANY = 1 << 0,      /* programs of anybody */
	CALLS_OURS = 1 << 1,     /* our plugins, and what they set to work */
	CALLS_RECORDER = 1 << 2, /* a recorder, once it has opened everything */

	CALLS_MOUNT_CLONE = 1 << 3, /* these two: on top, by sandbox_rules */
	CALLS_BPF = 1 << 4,
};

unsigned seccomp_call_sets(int number);

#endif
