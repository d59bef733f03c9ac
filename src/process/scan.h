/* A snapshot of the sockets there are: sock_diag tells addresses and inode numbers, /proc whose
 * descriptors have them open.
 *
 * Calling sequence: scan_sockets() with a function that gets each socket.  Cold: allocates, reads all
 * of /proc.  Needs cap_sys_ptrace and cap_dac_read_search for others' processes; sockets of one's own
 * network namespace only.
 * A socket that several processes have open has pid 0: which of them uses it, nobody can tell.  So have all
 * sockets where cap_sys_ptrace is missing and some process could not be looked at, for it may have any of them open
 * too.  With it only few cannot be: those that a security module, or a user namespace, shields.
 * Facts: sock_diag(7), linux/inet_diag.h. */
#ifndef WEIR_PROCESS_SCAN_H
#define WEIR_PROCESS_SCAN_H

#include "port/netlink.h"
#include "process/sockets.h"

/* A socket of a dump; false: it is of no use (no inode, or damaged). */
bool scan_parse(const struct nl_message *m, uint8_t protocol, struct socket_seed *seed,
		uint32_t *inode);

typedef void (*scan_visit)(void *arg, const struct socket_seed *seed);

int scan_sockets(scan_visit visit, void *arg, struct weir_error *err) MUST_CHECK;

#endif
