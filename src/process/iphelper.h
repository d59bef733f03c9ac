/* Tables of Windows' IP Helper (GetExtendedTcpTable, GetExtendedUdpTable) as bytes: whose sockets
 * there are.  Pure functions, built, tested and fuzzed on every system.
 *
 * Calling sequence: iphelper_rows() with what a call brought; each row of use is a seed of the table
 * of sockets.  The caller turns `made_filetime` into a time and looks for the process's start.
 * Ownership: nothing is kept; a row is lent for the call.  Threads: no state.
 * Facts: iphlpapi.h, tcpmib.h, udpmib.h: a count, then rows of one size, aligned to what is in them;
 * ports stand in the low half of 32 bits in network order, addresses in network order, states as
 * MIB_TCP_STATE.  Of a listening row the remote side has no meaning; a row whose process is 0 (a
 * connection in TIME_WAIT) belongs to nobody. */
#ifndef WEIR_PROCESS_IPHELPER_H
#define WEIR_PROCESS_IPHELPER_H

#include "port/ip_tables.h"
#include "process/sockets.h"

struct iphelper_row {
	struct socket_seed seed; /* key, pid and method; the rest is the caller's */
	int64_t made_filetime; /* when it was bound or connected, 100 ns since 1601; 0: not told */
};

typedef void (*iphelper_visit)(void *arg, const struct iphelper_row *row);

/* How many rows were visited; WEIR_ERR_FORMAT: fewer bytes than the count promises (those that are
 * there have been visited). */
int iphelper_rows(enum ip_table table, const void *bytes, size_t length,
		  iphelper_visit visit, void *arg) MUST_CHECK;

/* A FILETIME (100 ns since 1601) in ns since 1970; 0: none, or before that. */
int64_t iphelper_time_ns(int64_t filetime);

#endif
