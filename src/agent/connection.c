#include "agent/http.h"

#include "base/mem.h"
#include "port/port.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>

static void take_greeting(struct connection *c, struct evbuffer *buffer);

static void count_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info,
			void *data)
{
	struct connection *c = data;

	c->unclaimed += info->n_added;
	if (info->n_added)
		take_greeting(c, buffer);
}

static const struct agent_config *config_of(const struct connection *c)
{
	return c->door->server->c.config;
}

void connection_sweep_soon(struct server *s)
{
	event_active(s->sweep, EV_TIMEOUT, 0);
}

/* The oldest one that nobody vouched for, of the machine's own door or of the others; who says nothing at
 * all goes before who has begun a handshake. */
static struct connection *oldest_stranger(const struct server *s, bool is_local)
{
	struct connection *oldest = NULL, *silent = NULL;

	for (struct connection *c = s->connections; c; c = c->next) {
		if (c->is_known || c->is_over || c->door->is_local != is_local)
			continue;
		oldest = c;
		if (!c->has_spoken)
			silent = c;
	}
	return silent ? silent : oldest;
}

/* Those that were given up already, and are still to be freed, have made room. */
static size_t count_living(const struct server *s)
{
	size_t n = 0;

	for (const struct connection *c = s->connections; c; c = c->next)
		n += !c->is_over;
	return n;
}

/* Who makes room when all connections are taken.  Who is on the machine itself never does for the
 * network. */
static void make_room(const struct door *d)
{
	struct server *s = d->server;
	struct connection *oldest;

	if (count_living(s) < s->c.config->max_connections)
		return;
	oldest = oldest_stranger(s, false);
	if (!oldest && d->is_local)
		oldest = oldest_stranger(s, true);
	if (!oldest)
		return;
	oldest->refusal = "all connections are taken";
	oldest->is_over = true;
	connection_sweep_soon(s);
}

/* Anybody can have a controller's certificate.  That its key is there too is certain only when all of the
 * handshake was good. */
static void on_handshake(const SSL *ssl, int where, int value)
{
	struct connection *c = SSL_get_app_data(ssl);

	(void)value;
	/* Past its first state, in which it is until it has read a whole message. */
	if ((where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP &&
	    SSL_get_state(ssl) != TLS_ST_BEFORE)
		c->has_spoken = true;
	if (where & SSL_CB_HANDSHAKE_DONE)
		c->is_known = c->is_listed;
}

static struct bufferevent *new_stream(struct connection *c)
{
	struct server *s = c->door->server;
	struct bufferevent *bev;
	SSL *ssl;

	if (c->door->is_local || c->is_over)
		return bufferevent_socket_new(s->c.base, -1, BEV_OPT_CLOSE_ON_FREE);
	ssl = tls_attach(&s->tls, c);
	if (!ssl)
		return NULL;
	SSL_set_info_callback(ssl, on_handshake);
	bev = bufferevent_openssl_socket_new(
		s->c.base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	else
		SSL_free(ssl);
	return bev;
}

static void limit_times(struct connection *c)
{
	struct timeval for_read = { .tv_sec = (long)(config_of(c)->idle_ns / NS_PER_S) },
		       for_write = { .tv_sec =
					     (long)(config_of(c)->write_ns / NS_PER_S) };

	(void)bufferevent_set_timeouts(c->bev, &for_read, &for_write);
}

struct bufferevent *connection_open(struct door *d)
{
	struct server *s = d->server;
	struct connection *c = mem_new(1, sizeof *c);

	if (!c)
		return NULL;
	c->door = d;
	c->begin_ns = port_monotonic_ns();
	c->deadline_ns = c->begin_ns + s->c.config->handshake_ns;
	c->is_over = s->count >= 2 * s->c.config->max_connections;
	if (s->count >= s->c.config->max_connections)
		make_room(d);
	c->bev = new_stream(c);
	if (!c->bev) {
		mem_free(c);
		return NULL;
	}
	bufferevent_incref(c->bev);
	(void)evbuffer_add_cb(bufferevent_get_input(c->bev), count_input, c);
	c->next = s->connections;
	c->at = &s->connections;
	if (c->next)
		c->next->at = &c->next;
	s->connections = c;
	s->count++;
	/* More than a burst of handshakes can be: the rest goes at once. */
	if (c->is_over) {
		c->refusal = "all connections are taken";
		connection_sweep_soon(s);
	}
	return c->bev;
}

static void take_peer(struct connection *c, const void *greeting)
{
	c->has_peer = local_door_peer(c->door->server->local,
				      (int)bufferevent_getfd(c->bev), greeting, &c->peer);
	(void)snprintf(c->address, sizeof c->address, "%s",
		       c->has_peer ? c->peer.address : "unknown");
}

/* Takes the greeting off before anything is made of the bytes behind it. */
static void take_greeting(struct connection *c, struct evbuffer *buffer)
{
	size_t length = local_door_greeting();
	uint8_t greeting[64];

	if (!length || !c->door->is_local || c->address[0] ||
	    evbuffer_get_length(buffer) < length)
		return;
	(void)evbuffer_remove(buffer, greeting, length);
	c->unclaimed -= length;
	take_peer(c, greeting);
	c->is_over = !c->has_peer;
}

static void read_address(struct connection *c)
{
	int fd = (int)bufferevent_getfd(c->bev);

	if (c->address[0] || fd < 0)
		return;
	if (c->door->is_local) {
		/* With a greeting it is known by that. */
		if (!local_door_greeting())
			take_peer(c, NULL);
		return;
	}
	if (!net_peer(fd, c->address, sizeof c->address))
		(void)snprintf(c->address, sizeof c->address, "unknown");
}

static size_t count_address(const struct server *s, const char *address)
{
	size_t n = 0;

	for (const struct connection *c = s->connections; c; c = c->next)
		n += !strcmp(c->address, address);
	return n;
}

/* Of those of an address that nobody vouched for the oldest go, and who says nothing goes before who has
 * begun a handshake: that one may be known. */
static bool is_beyond_address(const struct connection *c)
{
	const struct server *s = c->door->server;
	size_t ahead = 0;
	bool is_newer = true;

	for (const struct connection *o = s->connections; o; o = o->next) {
		bool is_ahead = o->has_spoken == c->has_spoken
					? is_newer
					: o->has_spoken && (is_newer || !o->is_known);

		if (o == c)
			is_newer = false;
		else if (is_ahead && !o->is_over && !strcmp(o->address, c->address))
			ahead++;
	}
	return ahead >= s->c.config->max_connections_address;
}

static bool refuse_key(struct connection *c, const char *why)
{
	c->refusal = why;
	c->is_refused = true;
	return false;
}

/* From inside the handshake, when the peer has shown his certificate. */
bool connection_accept_key(void *data, const struct pin *pin)
{
	struct connection *c = data;
	struct server *s = c->door->server;
	bool is_revoked;

	read_address(c);
	if (!pin)
		return refuse_key(c, "a key that is neither Ed25519 nor P-256");
	c->pin = *pin;
	c->has_pin = true;
	if (authority_find(s->c.authority, pin, &is_revoked)) {
		c->is_listed = true;
		return true;
	}
	/* Strangers of an address cannot keep out who is known there. */
	if (is_revoked)
		return refuse_key(c, "a key that was revoked");
	if (count_address(s, c->address) > s->c.config->max_connections_address)
		return refuse_key(c, "too many connections of this address");
	if (!authority_is_pairing(s->c.authority))
		return refuse_key(c, "a key that is not paired");
	if (!bucket_take(&s->strangers, s->c.config->strangers_total,
			 port_monotonic_ns()))
		return refuse_key(c, "more strangers than the rate allows");
	return true;
}

static void on_closed(struct evhttp_connection *http, void *data)
{
	struct connection *c = data;

	(void)http;
	if (c->answer)
		answer_abandon(c->answer);
	c->http = NULL;
	connection_sweep_soon(c->door->server);
}

struct connection *connection_of(struct door *d, struct evhttp_request *request)
{
	struct evhttp_connection *http = evhttp_request_get_connection(request);
	const struct bufferevent *bev = evhttp_connection_get_bufferevent(http);
	struct connection *c = d->server->connections;

	while (c && c->bev != bev)
		c = c->next;
	if (c && !c->http) {
		c->http = http;
		evhttp_connection_set_closecb(http, on_closed, c);
		limit_times(c);
	}
	return c;
}

void connection_begin_request(struct connection *c)
{
	read_address(c);
	/* What a client sent ahead is of the next request. */
	c->unclaimed = evbuffer_get_length(bufferevent_get_input(c->bev));
	c->deadline_ns = INT64_MAX;
}

void connection_end_request(struct connection *c)
{
	c->answer = NULL;
	c->deadline_ns = port_monotonic_ns() + config_of(c)->idle_ns;
}

void connection_drop(struct connection *c)
{
	int fd = (int)bufferevent_getfd(c->bev);

	c->is_over = true;
	if (c->http)
		evhttp_connection_free(c->http);
	else if (fd >= 0)
		/* libevent finds the end of the stream and frees what it has. */
		net_end(fd);
}

/* libevent takes its callbacks away when it frees a stream. */
static bool is_let_go(const struct connection *c)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(c->bev, &on_read, &on_write, &on_event, &arg);
	return !on_read && !on_write && !on_event;
}

static void describe_caller(const struct connection *c, char name[CALLER_NAME])
{
	char hex[PIN_HEX];

	name[0] = '\0';
	if (!c->has_pin)
		return;
	pin_hex(&c->pin, hex);
	(void)snprintf(name, CALLER_NAME, "pin:%s", hex);
}

/* What came of a connection that was no request stands in the log. */
static void note_end(struct connection *c)
{
	struct authority *a = c->door->server->c.authority;
	char name[CALLER_NAME];
	bool is_done = c->is_known || c->door->is_local;

	describe_caller(c, name);
	if (c->refusal)
		authority_note(a, "refused", c->refusal, c->address, name);
	else if (is_done && c->unclaimed)
		authority_note(a, "malformed", "bytes that are no request", c->address,
			       name);
	else if (!is_done && !c->has_pin)
		authority_note(a, "refused", "no handshake with a certificate",
			       c->address, name);
	else if (!is_done && c->is_listed)
		authority_note(a, "refused", "a certificate without proof of its key",
			       c->address, name);
}

static void forget(struct connection *c)
{
	struct server *s = c->door->server;

	note_end(c);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	s->count--;
	(void)evbuffer_remove_cb(bufferevent_get_input(c->bev), count_input, c);
	(void)bufferevent_decref(c->bev);
	mem_free(c);
}

static void look_at(struct connection *c, int64_t now_ns)
{
	const struct agent_config *config = config_of(c);

	read_address(c);
	if (!c->is_known && !c->door->is_local && !c->refusal && is_beyond_address(c)) {
		c->refusal = "too many connections of this address";
		c->is_over = true;
	}
	/* A handshake that is done has a longer time until its first request. */
	if (c->is_known && !c->http &&
	    c->deadline_ns == c->begin_ns + config->handshake_ns)
		c->deadline_ns = c->begin_ns + config->handshake_ns + config->idle_ns;
	if (c->is_over || now_ns >= c->deadline_ns ||
	    (c->answer &&
	     (answer_is_overdue(c->answer, now_ns) || answer_is_alone(c->answer))))
		connection_drop(c);
}

void connection_sweep(struct server *s)
{
	int64_t now = port_monotonic_ns();
	struct connection *next;

	for (struct connection *c = s->connections; c; c = next) {
		next = c->next;
		if (!c->http && is_let_go(c))
			forget(c);
		else
			look_at(c, now);
	}
}

void connection_recheck(struct server *s)
{
	struct connection *next;

	for (struct connection *c = s->connections; c; c = next) {
		bool is_revoked;

		next = c->next;
		if (!c->is_listed || authority_find(s->c.authority, &c->pin, &is_revoked))
			continue;
		c->is_listed = c->is_known = false;
		c->refusal = "a key that was revoked";
		/* Who takes his own rights away hears that it is done, and nothing else. */
		c->is_over = !c->is_asking;
	}
	connection_sweep_soon(s);
}

void connection_drop_all(struct server *s)
{
	for (struct connection *c = s->connections; c; c = c->next)
		if (c->answer)
			answer_abandon(c->answer);
	for (size_t i = 0; i < s->door_count; i++) {
		if (s->doors[i].http)
			evhttp_free(s->doors[i].http);
		s->doors[i].http = NULL;
	}
	while (s->connections)
		forget(s->connections);
}
