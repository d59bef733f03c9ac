/* The agent's doors: HTTPS on TCP addresses, HTTP on a Unix socket (docs/api.md).
 *
 * Calling sequence: server_open() after the authority, on the same event loop; server_address() tells where it
 * listens; server_close() before the authority is freed: open calls are cancelled.
 *
 * HTTP is libevent's.  One of its traps shapes this module: a connection that gets bytes while it
 * answers, with reading enabled, ends the process (evhttp_read_cb, "illegal connection state").  So
 * nothing here enables reading; that a client has gone while a call runs is found by waiting for
 * EV_CLOSED on its socket.
 *
 * Bounds: connections in all and of one address, header and body, requests a second, calls at a
 * time (agent/config.h); a handshake, an idle connection, a body and a reader that does not read
 * each have an end.  When all connections are taken the oldest one that nobody has vouched for makes
 * room.  Threads: the event loop's. */
#ifndef WEIR_AGENT_SERVER_H
#define WEIR_AGENT_SERVER_H

#include "agent/authorize.h"

/* What server_address() says of the machine's own door. */
#define DOOR_LOCAL "local"

struct server;

struct server_config {
	const struct agent_config *config; /* lent */
	const struct agent_log *log;
	struct event_base *base;
	struct authority *authority;
	const struct keypair *key; /* NULL: no HTTPS */
};

int server_open(struct server **s, const struct server_config *config,
		struct weir_error *err) MUST_CHECK;
void server_close(struct server *s);
/* The n-th listening address with its port, in words; false behind the last. */
bool server_address(const struct server *s, size_t n, char text[CONFIG_ADDRESS + 16]);

#endif
