#include "agent/http.h"

#include "base/mem.h"
#include "port/port.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>

enum {
	SWEEP_MS = 250,
	REST_MS = 1000, /* nobody is there */
	PAUSE_MS = 10,
	PAUSE_SWEEPS = 25,
};

/* libevent accepts all that wait in a row.  What was given up is freed between two turns of the loop
 * only, so a burst would take all the room, and whoever comes at its end would find none. */
static void pause_doors(struct server *s)
{
	s->is_paused = true;
	s->paused_sweeps = 0;
	for (size_t i = 0; i < s->door_count; i++)
		(void)evconnlistener_disable(s->doors[i].listener);
	connection_sweep_soon(s);
}

/* Once there is room; and after a while, where those who are known have taken all.  By sweeps, not by the
 * clock: what was given up is freed between them, however long a busy machine leaves us out. */
static void resume_doors(struct server *s)
{
	bool is_full = s->count + BURST_MAX > 2 * s->c.config->max_connections;

	s->burst = 0;
	if (!s->is_paused || (is_full && ++s->paused_sweeps < PAUSE_SWEEPS))
		return;
	s->is_paused = false;
	for (size_t i = 0; i < s->door_count; i++)
		(void)evconnlistener_enable(s->doors[i].listener);
}

static struct bufferevent *on_accept(struct event_base *base, void *data)
{
	struct door *d = data;

	(void)base;
	if (++d->server->burst == BURST_MAX)
		pause_doors(d->server);
	return connection_open(d);
}

static void on_request(struct evhttp_request *request, void *data)
{
	struct connection *c = connection_of(data, request);

	/* A connection that could not be remembered, or has been given up. */
	if (!c || c->is_over || c->answer) {
		evhttp_send_error(request, 503, NULL);
		return;
	}
	answer_begin(c, request);
}

static void on_sweep(evutil_socket_t fd, short what, void *data)
{
	struct server *s = data;
	struct timeval next;
	int64_t ms;

	(void)fd;
	(void)what;
	connection_sweep(s);
	resume_doors(s);
	ms = s->is_paused ? PAUSE_MS : s->count ? SWEEP_MS : REST_MS;
	next = (struct timeval){ .tv_sec = (long)(ms / 1000),
				 .tv_usec = (long)(ms % 1000 * 1000) };
	(void)event_add(s->sweep, &next);
}

static void on_change(void *data)
{
	connection_recheck(data);
}

static int add_door(struct server *s, bool is_local, int fd, const char *text,
		    struct weir_error *err)
{
	struct door *d = &s->doors[s->door_count];
	struct evhttp_bound_socket *bound = NULL;

	d->server = s;
	d->is_local = is_local;
	d->http = evhttp_new(s->c.base);
	if (d->http && !evutil_make_socket_nonblocking(fd))
		bound = evhttp_accept_socket_with_handle(d->http, fd);
	if (!bound) {
		net_close(fd);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a server");
	}
	d->listener = evhttp_bound_socket_get_listener(bound);
	s->door_count++;
	(void)snprintf(d->text, sizeof d->text, "%s", text);
	evhttp_set_bevcb(d->http, on_accept, d);
	evhttp_set_gencb(d->http, on_request, d);
	evhttp_set_allowed_methods(d->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_max_body_size(d->http, (ev_ssize_t)s->c.config->max_body_bytes);
	evhttp_set_max_headers_size(d->http, (ev_ssize_t)s->c.config->max_header_bytes);
	evhttp_set_timeout(d->http, (int)(s->c.config->idle_ns / NS_PER_S));
	return 0;
}

static int listen_tcp(struct server *s, const char *where, struct weir_error *err)
{
	char address[CONFIG_ADDRESS], text[CONFIG_ADDRESS + 16];
	uint16_t port;
	int fd = -1, rc = address_parse(where, CONFIG_PORT, address, &port, err);

	if (!rc)
		rc = net_listen(address, port, where, &fd, &port, err);
	if (rc)
		return rc;
	(void)snprintf(text, sizeof text, strchr(address, ':') ? "[%s]:%u" : "%s:%u",
		       address, port);
	return add_door(s, false, fd, text, err);
}

static int listen_local(struct server *s, const char *path, struct weir_error *err)
{
	int rc = local_door_open(&s->local, path, s->c.config->user_count != 0, err);

	return rc ? rc : add_door(s, true, local_door_socket(s->local), DOOR_LOCAL, err);
}

static int open_doors(struct server *s, struct weir_error *err)
{
	const struct agent_config *config = s->c.config;
	int rc = 0;

	if (config->listen_count && !s->c.key)
		return err_set(err, WEIR_ERR_ABSENT,
			       "there is no key to listen with: run 'weir agent init'");
	if (config->listen_count)
		rc = tls_init(&s->tls, true, s->c.key, connection_accept_key, err);
	for (size_t i = 0; !rc && i < config->listen_count; i++)
		rc = listen_tcp(s, config->listen[i], err);
	if (!rc && config->socket[0])
		rc = listen_local(s, config->socket, err);
	return rc;
}

int server_open(struct server **out, const struct server_config *config,
		struct weir_error *err)
{
	struct server *s = mem_new(1, sizeof *s);
	struct timeval soon = { .tv_sec = 1 };
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a server");
	s->c = *config;
	s->sweep = evtimer_new(config->base, on_sweep, s);
	if (!s->sweep || event_add(s->sweep, &soon))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a server");
	else
		rc = open_doors(s, err);
	if (rc) {
		server_close(s);
		return rc;
	}
	authority_on_change(config->authority, on_change, s);
	*out = s;
	return 0;
}

void server_close(struct server *s)
{
	if (!s)
		return;
	authority_on_change(s->c.authority, NULL, NULL);
	connection_drop_all(s);
	if (s->sweep)
		event_free(s->sweep);
	local_door_close(s->local);
	tls_fini(&s->tls);
	mem_free(s);
}

bool server_address(const struct server *s, size_t n, char text[CONFIG_ADDRESS + 16])
{
	if (n >= s->door_count)
		return false;
	(void)snprintf(text, CONFIG_ADDRESS + 16, "%s", s->doors[n].text);
	return true;
}
