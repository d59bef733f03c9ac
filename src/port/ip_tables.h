/* Which sockets and addresses this machine has, as Windows' IP Helper lists them.  Windows only.
 *
 * Calling sequence: port_socket_tables() hands out each table's bytes, as the system wrote them
 * (process/iphelper.h reads them); port_addresses() each address.
 * Ownership: bytes are lent for the call.  Threads: any.  Cold: allocates. */
#ifndef WEIR_PORT_IP_TABLES_H
#define WEIR_PORT_IP_TABLES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stddef.h>
#include <stdint.h>

/* Rows with the time at which each was made, and those without for where these are refused. */
enum ip_table {
	IP_TABLE_TCP_MODULE,
	IP_TABLE_TCP6_MODULE,
	IP_TABLE_UDP_MODULE,
	IP_TABLE_UDP6_MODULE,
	IP_TABLE_TCP_PID,
	IP_TABLE_TCP6_PID,
	IP_TABLE_UDP_PID,
	IP_TABLE_UDP6_PID,
	IP_TABLES,
};

typedef void (*ip_table_visit)(void *arg, enum ip_table table, const void *bytes,
			       size_t length);
typedef void (*ip_address_visit)(void *arg, const uint8_t *address, size_t length);

/* 0: all four of TCP and UDP, IPv4 and IPv6; else the error of one that could not be had. */
int port_socket_tables(ip_table_visit visit, void *arg,
		       struct weir_error *err) MUST_CHECK;
/* 4 or 16 bytes each, in network order. */
int port_addresses(ip_address_visit visit, void *arg, struct weir_error *err) MUST_CHECK;

#endif
