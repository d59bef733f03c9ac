#include "agent/http.h"

#include "base/base64.h"
#include "base/mem.h"
#include "port/port.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>

enum {
	FLUSH_BYTES = 16 * 1024, /* lines that go together */
	HIGH_BYTES = 256 * 1024, /* unread by the client: the plugin has to wait */
};

struct answer {
	struct connection *connection;
	struct evhttp_request *request;
	struct call *call; /* NULL: none, or it has ended */
	struct evbuffer *lines;
	struct event *flush, *gone;
	int gone_fd;
	bool is_started, is_paused, is_raw;
	bool is_writing; /* bytes of ours are on their way */
	bool is_ending;
	int64_t begin_ns;
};

static void free_answer(struct answer *a)
{
	if (a->gone)
		event_free(a->gone);
	net_close(a->gone_fd);
	if (a->flush)
		event_free(a->flush);
	if (a->lines)
		evbuffer_free(a->lines);
	mem_free(a);
}

/* The request is libevent's from here on; the connection may take the next one. */
static void finish(struct answer *a)
{
	connection_end_request(a->connection);
	free_answer(a);
}

void answer_abandon(struct answer *a)
{
	a->connection->answer = NULL;
	if (a->call)
		dispatch_cancel(a->call);
	/* A request that libevent took off its connection is left to us. */
	if (!evhttp_request_get_connection(a->request))
		evhttp_request_free(a->request);
	free_answer(a);
}

bool answer_is_overdue(const struct answer *a, int64_t now_ns)
{
	int64_t limit = a->connection->door->server->c.config->call_ns;

	return limit && now_ns - a->begin_ns > limit;
}

/* Lines. */

static int add_bytes(const char *bytes, size_t length, void *buffer)
{
	return evbuffer_add(buffer, bytes, length);
}

/* {"NAME":value} and a newline. */
static void add_line(struct evbuffer *to, const char *name, json_t *value)
{
	(void)evbuffer_add_printf(to, "{\"%s\":", name);
	if (!value ||
	    json_dump_callback(value, add_bytes, to, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		(void)evbuffer_add(to, "null", 4);
	(void)evbuffer_add(to, "}\n", 2);
}

static void add_error(struct evbuffer *to, int code, const char *message, json_t *more)
{
	json_t *text = json_string(message),
	       *o = json_pack("{s:i,s:s,s:o,s:O?}", "code", code, "name",
			      name_of_code(code), "message",
			      text ? text : json_string("(not text)"), "data", more);

	add_line(to, "error", o);
	json_decref(o);
}

static void add_headers(const struct answer *a, const char *type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(a->request);
	const struct connection *c = a->connection;

	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	if (!c->is_known && !c->door->is_local)
		(void)evhttp_add_header(headers, "Connection", "close");
}

static size_t unsent(const struct answer *a)
{
	return evbuffer_get_length(bufferevent_get_output(a->connection->bev));
}

/* Each writing makes libevent read again, without bound and under the time for a request: a call that is
 * silent for longer would be cut, and a client could fill the memory behind it. */
static void stop_reading(const struct answer *a)
{
	(void)bufferevent_disable(a->connection->bev, EV_READ);
}

/* libevent tells of written bytes later, in a callback of its own; one that is still on its way when
 * an answer is ended would be taken for the end's, and what has not been written by then stays behind.
 * So the end waits until everything before it has been told. */
static void end_reply(struct answer *a)
{
	struct evhttp_request *request = a->request;
	struct bufferevent *bev = a->connection->bev;
	/* A client of HTTP/1.0 gets no chunks, and knows the end by that of the connection.  Where nothing is left to
	 * be sent, libevent ends that before it returns, and the answer would go with it. */
	bool stays = unsent(a) ||
		     evhttp_find_header(evhttp_request_get_output_headers(request),
					"Transfer-Encoding");

	if (a->is_writing) {
		a->is_ending = true;
		return;
	}
	finish(a);
	evhttp_send_reply_end(request);
	if (stays)
		(void)bufferevent_disable(bev, EV_READ);
}

static void on_drained(struct evhttp_connection *http, void *data)
{
	struct answer *a = data;

	(void)http;
	if (unsent(a))
		return;
	a->is_writing = false;
	if (a->is_ending) {
		end_reply(a);
		return;
	}
	if (!a->is_paused)
		return;
	a->is_paused = false;
	if (a->call)
		dispatch_resume(a->call);
}

static void send_lines(struct answer *a)
{
	if (!a->is_started) {
		a->is_started = true;
		add_headers(a,
			    a->is_raw ? "application/octet-stream" : "application/jsonl");
		evhttp_send_reply_start(a->request, 200, "OK");
		stop_reading(a);
	}
	if (!evbuffer_get_length(a->lines))
		return;
	a->is_writing = true;
	evhttp_send_reply_chunk_with_cb(a->request, a->lines, on_drained, a);
	stop_reading(a);
}

static void on_flush(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	send_lines(data);
}

/* False where the client has enough to read. */
static bool sent_or_soon(struct answer *a)
{
	if (evbuffer_get_length(a->lines) < FLUSH_BYTES && unsent(a) < HIGH_BYTES) {
		event_active(a->flush, EV_TIMEOUT, 0);
		return true;
	}
	send_lines(a);
	a->is_paused = unsent(a) >= HIGH_BYTES;
	return !a->is_paused;
}

/* The bytes of a stream's item. */
static void add_raw(struct evbuffer *to, const json_t *item)
{
	const char *text = json_string_value(json_object_get(item, "data"));
	size_t length = text ? strlen(text) : 0, decoded = 0;
	uint8_t *bytes = length ? mem_new(length, 1) : NULL;

	if (bytes && base64_decode(text, length, bytes, &decoded))
		(void)evbuffer_add(to, bytes, decoded);
	mem_free(bytes);
}

static bool on_item(void *data, json_t *item)
{
	struct answer *a = data;

	if (a->is_raw)
		add_raw(a->lines, item);
	else
		add_line(a->lines, "item", item);
	return sent_or_soon(a);
}

static void on_progress(void *data, json_t *progress)
{
	struct answer *a = data;

	/* No window holds a plugin's progress back: what a client does not read of it is left out. */
	if (a->is_raw || a->is_paused || unsent(a) >= HIGH_BYTES)
		return;
	add_line(a->lines, "progress", progress);
	(void)sent_or_soon(a);
}

/* The last line, with a status of its own where nothing has been sent yet. */
static void end(struct answer *a, int status)
{
	(void)event_del(a->flush);
	a->call = NULL;
	if (a->is_started) {
		send_lines(a);
		end_reply(a);
		return;
	}
	add_headers(a, "application/jsonl");
	evhttp_send_reply(a->request, status, NULL, a->lines);
	stop_reading(a);
	finish(a);
}

static void on_done(void *data, json_t *result)
{
	struct answer *a = data;

	if (!a->is_raw)
		add_line(a->lines, "result", result);
	else if (!a->is_started)
		send_lines(a);
	end(a, 200);
}

static void on_failed(void *data, int code, const char *message, json_t *more)
{
	struct answer *a = data;

	a->call = NULL;
	if (a->is_raw && (a->is_started || evbuffer_get_length(a->lines))) {
		/* A stream that is cut must not look like one that ended. */
		a->connection->is_over = true;
		event_active(a->connection->door->server->sweep, EV_TIMEOUT, 0);
		return;
	}
	add_error(a->lines, code, message, more);
	end(a, status_of_code(code));
}

static const struct call_sink sink = { on_item, on_progress, on_done, on_failed, NULL };

/* Without a call. */

static void refuse(struct answer *a, int status, int code, const char *message)
{
	add_error(a->lines, code, message, NULL);
	end(a, status);
}

/* A request that no gate sees is told to the log here. */
static void refuse_early(struct answer *a, int status, int code, const char *message,
			 const char *caller)
{
	struct connection *c = a->connection;

	authority_note(c->door->server->c.authority, "refused", message, c->address,
		       caller);
	refuse(a, status, code, message);
}

static void on_gone(evutil_socket_t fd, short what, void *data)
{
	struct answer *a = data;

	(void)what;
	if (net_is_gone((int)fd))
		connection_drop(a->connection);
}

/* Edge-triggered on a descriptor of its own: a level-triggered one would spin on what a client
 * sends ahead, and on a connection that was reset. */
static void watch_client(struct answer *a)
{
	struct connection *c = a->connection;

	a->gone_fd = net_watch((int)bufferevent_getfd(c->bev));
	if (a->gone_fd < 0)
		return;
	a->gone = event_new(c->door->server->c.base, a->gone_fd,
			    EV_READ | EV_ET | EV_PERSIST, on_gone, a);
	if (a->gone)
		(void)event_add(a->gone, NULL);
}

bool answer_is_alone(const struct answer *a)
{
	return !a->gone && net_is_gone((int)bufferevent_getfd(a->connection->bev));
}

struct who {
	struct caller caller;
	struct caller_role roles[GRANTS_MAX];
	char name[CALLER_NAME];
};

static void fill_local(const struct connection *c, struct who *w)
{
	const struct agent_config *config = c->door->server->c.config;

	(void)snprintf(w->name, sizeof w->name, "%s", c->peer.name);
	w->caller.transport = PLACE_KIND;
	if (c->peer.is_owner)
		w->caller.role = ROLE_ADMIN;
	else
		for (size_t i = 0; i < config->user_count; i++)
			if (config->users[i].uid == c->peer.uid)
				grants_view(&config->users[i].grants, w->roles,
					    &w->caller);
}

/* False where the key is not (any more) in the list. */
static bool fill_remote(const struct connection *c, struct who *w)
{
	bool is_revoked;
	const struct controller *one =
		authority_find(c->door->server->c.authority, &c->pin, &is_revoked);

	if (!one || !c->is_known)
		return false;
	(void)snprintf(w->name, sizeof w->name, "key:%s", one->name);
	w->caller.transport = "https";
	grants_view(&one->grants, w->roles, &w->caller);
	return true;
}

static bool fill_caller(const struct answer *a, struct who *w)
{
	const struct connection *c = a->connection;
	const char *session = evhttp_find_header(
		evhttp_request_get_input_headers(a->request), "Weir-Session");

	memset(w, 0, sizeof *w);
	w->caller.name = w->name;
	w->caller.address = c->address;
	if (c->door->is_local ? !c->has_peer : !fill_remote(c, w))
		return false;
	if (c->door->is_local)
		fill_local(c, w);
	w->caller.session_name = session ? session : "";
	return true;
}

static json_t *read_body(struct answer *a, struct weir_error *err)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(a->request);
	size_t length = evbuffer_get_length(in);
	const void *bytes = evbuffer_pullup(in, -1);

	if (length && !bytes) {
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the body");
		return NULL;
	}
	return body_parse(bytes, length, err);
}

static void call_plugin(struct answer *a, const struct route *r, const struct who *w,
			json_t *arguments)
{
	struct connection *c = a->connection;
	struct gate gate = authority_gate(c->door->server->c.authority);
	struct call *call;
	int rc;

	a->is_raw = r->kind == ROUTE_STREAM;
	c->is_asking = true;
	rc = gate.call(gate.self, &w->caller, r->plugin, r->directive, arguments, &sink,
		       a, &call);
	c->is_asking = false;
	if (rc) {
		refuse(a, 500, CALL_INTERNAL, "no memory for the call");
		return;
	}
	a->call = call;
	watch_client(a);
}

static void pair(struct answer *a, json_t *body)
{
	const struct connection *c = a->connection;
	const struct server *s = c->door->server;
	const char *name = json_string_value(json_object_get(body, "name")),
		   *token = json_string_value(json_object_get(body, "token"));
	struct weir_error err = { 0 };
	struct controller made;
	json_t *o;

	if (c->door->is_local) {
		refuse(a, 400, CALL_INVALID, "the machine's own door needs no pairing");
		return;
	}
	if (authority_pair(s->c.authority, c->address, &c->pin, name ? name : "",
			   token ? token : "", &made, &err)) {
		refuse(a, err.code == WEIR_ERR_USAGE ? 400 : 403, CALL_REFUSED, err.text);
		return;
	}
	o = json_pack("{s:s,s:s,s:o}", "agent", authority_name(s->c.authority), "name",
		      made.name, "roles", grants_to_json(&made.grants));
	add_line(a->lines, "result", o);
	json_decref(o);
	end(a, 200);
}

static void go(struct answer *a)
{
	bool is_post = evhttp_request_get_command(a->request) == EVHTTP_REQ_POST;
	const char *target = evhttp_request_get_uri(a->request);
	struct weir_error err = { 0 };
	struct route r;
	struct who w;
	bool is_who = fill_caller(a, &w);
	int status = route_parse(is_post, target ? target : "", &r, &err);
	json_t *body;

	if (!is_who && (status || r.kind != ROUTE_PAIR)) {
		refuse_early(a, 403, CALL_REFUSED, "this key is not paired", "");
		return;
	}
	if (status) {
		refuse_early(a, status, CALL_INVALID, err.text, w.name);
		return;
	}
	body = r.kind == ROUTE_STREAM ? json_pack("{s:s}", "name", r.stream)
				      : read_body(a, &err);
	if (!body)
		refuse_early(a, 400, CALL_PARSE, err.text, w.name);
	else if (r.kind == ROUTE_PAIR)
		pair(a, body);
	else
		call_plugin(a, &r, &w, body);
	json_decref(body);
}

void answer_begin(struct connection *c, struct evhttp_request *request)
{
	struct answer *a = mem_new(1, sizeof *a);

	if (a) {
		a->gone_fd = -1;
		a->connection = c;
		a->request = request;
		a->begin_ns = port_monotonic_ns();
		a->lines = evbuffer_new();
		a->flush = evtimer_new(c->door->server->c.base, on_flush, a);
	}
	if (!a || !a->lines || !a->flush) {
		if (a)
			free_answer(a);
		evhttp_send_error(request, 503, NULL);
		return;
	}
	c->answer = a;
	connection_begin_request(c);
	go(a);
}
