/* The prototype's line protocol on a loopback address: one request and one answer a connection.
 *
 * There is no authentication in it: whoever is on this machine may ask what `role` allows, which is
 * why no other address is listened on.  What goes through it passes the gate like all else, as caller
 * "tim".  All its controllers are one session, as they were one process.
 *
 * Threads: the event loop's.  Bounds: TIM_CONNECTIONS at a time, TIM_LINE_MAX bytes a request,
 * TIM_SECONDS to send it and to take the answer. */
#ifndef WEIR_AGENT_TIM_SERVER_H
#define WEIR_AGENT_TIM_SERVER_H

#include "agent/dispatch.h"
#include "agent/log.h"

enum {
	TIM_CONNECTIONS = 64,
	TIM_SECONDS = 30,
};

struct tim_server;

struct tim_config {
	const char *address; /* "127.0.0.1:40960", "[::1]:40960" */
	struct event_base *base;
	struct gate gate;
	enum agent_role role; /* of its caller; ROLE_NONE: operator */
	const struct agent_log *log;
};

/* WEIR_ERR_USAGE for an address that is not loopback. */
int tim_server_open(struct tim_server **s, const struct tim_config *config,
		    struct weir_error *err) MUST_CHECK;
void tim_server_close(struct tim_server *s);

#endif
