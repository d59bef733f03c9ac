/* What server.c (doors), connection.c (who is there) and answer.c (what he is told) share. */
#ifndef WEIR_AGENT_HTTP_H
#define WEIR_AGENT_HTTP_H

#include "agent/route.h"
#include "agent/server.h"
#include "agent/tls.h"
#include "port/net.h"

#include <event2/event.h>

struct bufferevent;
struct evbuffer;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct evconnlistener;
struct answer;

enum {
	DOORS_MAX = CONFIG_LISTEN_MAX + 1,
	BURST_MAX = 64, /* accepted in a row, before room is made again */
	CALLER_NAME = 96,
};

struct door {
	struct server *server;
	struct evhttp *http;
	struct evconnlistener *listener;
	bool is_local;
	char text[CONFIG_ADDRESS + 16];
};

struct server {
	struct server_config c;
	struct tls tls;
	struct door doors[DOORS_MAX];
	size_t door_count;
	struct connection *connections; /* the newest first */
	size_t count;
	struct local_door *local;
	struct event *sweep;
	unsigned burst; /* accepted since the last sweep; at BURST_MAX the doors wait */
	bool is_paused;
	unsigned paused_sweeps; /* since then */
	struct bucket strangers;
};

/* One connection.  `bev` is held by a reference of ours, because libevent frees an HTTP connection
 * without telling anybody where no request has come yet: it has let go of it when its callbacks
 * are gone, which connection_sweep() looks for. */
struct connection {
	struct connection *next, **at;
	struct door *door;
	struct bufferevent *bev;
	struct evhttp_connection *http; /* NULL before the first request */
	struct answer *answer;          /* of the request that is being answered */
	int64_t begin_ns, deadline_ns;
	uint64_t unclaimed; /* bytes that have not become a request */
	struct pin pin;
	bool has_pin, is_refused, is_over;
	bool has_spoken; /* the first message of a handshake came */
	bool is_listed;  /* the key of the certificate that was shown is in the list */
	bool is_known;   /* and the handshake has proved that the client has it */
	bool is_asking;  /* inside of the gate with a request of it */
	const char *refusal; /* why the handshake was refused */
	char address[64];
	bool has_peer;
	struct local_peer peer; /* at the machine's own door */
};

/* connection.c */
struct bufferevent *connection_open(struct door *d);
void connection_sweep_soon(struct server *s);
/* The connection of a request; learns its HTTP connection. */
struct connection *connection_of(struct door *d, struct evhttp_request *request);
void connection_begin_request(struct connection *c);
void connection_end_request(struct connection *c);
/* Ends it, in whatever state it is. */
void connection_drop(struct connection *c);
void connection_sweep(struct server *s);
void connection_drop_all(struct server *s);
/* Those whose key is not in the list any more. */
void connection_recheck(struct server *s);
bool connection_accept_key(void *data, const struct pin *pin);

/* answer.c */
/* Answers the request, now or later; takes the connection's turn. */
void answer_begin(struct connection *c, struct evhttp_request *request);
/* The client has gone: ends the call.  The request belongs to libevent where it is still on a
 * connection. */
void answer_abandon(struct answer *a);
bool answer_is_overdue(const struct answer *a, int64_t now_ns);
/* True where the client has gone and no event tells of it. */
bool answer_is_alone(const struct answer *a);

#endif
