/* The controller's side of one connection to an agent: TLS 1.3 with its own key and the agent's
 * pinned, or the machine's own door; one request after the other.
 *
 * Calling sequence: client_open(); client_ask() any number of times; client_close().  Blocks; a request to stop
 * (Ctrl-C) ends it with WEIR_ERR_CLOSED and `is_stopped`, and because the connection goes with it, the
 * agent cancels the call.  Threads: one. */
#ifndef WEIR_AGENT_CLIENT_H
#define WEIR_AGENT_CLIENT_H

#include "agent/config.h"
#include "agent/http_reader.h"
#include "agent/keypair.h"
#include "port/port.h"

struct client;

struct client_target {
	const char
		*socket; /* the path of the machine's own door; NULL: address and port */
	char address[CONFIG_ADDRESS];
	uint16_t port;
	const struct keypair *key; /* the controller's */
	const uint8_t *pin;        /* the first pin_bytes of the agent's pin */
	size_t pin_bytes;
	int64_t connect_ns; /* until connection and handshake must be done */
};

struct client_request {
	bool is_post;
	const char *target;  /* "/v1/call/divert/start" */
	const char *body;    /* NULL: none */
	const char *session; /* NULL: the usual one */
	/* A piece of the answer's body; negative ends it. */
	int (*piece)(void *data, int status, const char *bytes, size_t length);
	void *data;
};

int client_open(struct client **c, const struct client_target *target,
		const struct port_stop *stop, struct weir_error *err) MUST_CHECK;
int client_ask(struct client *c, const struct client_request *request, int *status,
	       struct weir_error *err) MUST_CHECK;
void client_close(struct client *c);
bool client_is_stopped(const struct client *c);
/* The agent's whole pin, of the connection that stands. */
const struct pin *client_pin(const struct client *c);

#endif
