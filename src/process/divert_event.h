/* An event of WinDivert's FLOW or SOCKET layer as the table of sockets takes it.  Pure functions,
 * built and tested on every system.
 *
 *	SOCKET  BIND      who has a port (UDP)              FLOW  ESTABLISHED  whose it is
 *	        CONNECT   whose the connection will be            DELETED      no more of it
 *	        LISTEN    who listens
 *	        ACCEPT    whose connection it is
 *	        CLOSE     the socket is gone
 *
 * Calling sequence: divert_event_take() with what windivert_address_read() gave; the process's start is
 * the caller's to find, at once.
 * Facts: WinDivert's documentation: ports of ICMP are its type and code, which no packet's socket can
 * be told by; an event is told when the stack asks whether it may be, before an outbound
 * packet is seen and after an inbound one. */
#ifndef WEIR_PROCESS_DIVERT_EVENT_H
#define WEIR_PROCESS_DIVERT_EVENT_H

#include "port/windivert_form.h"
#include "process/events.h"

/* False: it tells nothing about packets.  The start is 0. */
bool divert_event_take(struct socket_event *e, const struct windivert_address *a,
		       int64_t ticks_per_s);

/* Ticks in ns, without an overflow. */
int64_t divert_ticks_ns(int64_t ticks, int64_t per_s);

#endif
