#include "agent/tim_server.h"

#include "agent/config.h"
#include "agent/tim.h"
#include "base/mem.h"
#include "port/net.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>

enum {
	DEFAULT_PORT = 40960,
	SESSION = 0x74696d, /* "tim" */
	SEND_BUFFER = 1 << 20,
};

struct tim_server {
	struct tim_config config;
	struct evconnlistener *listener;
	struct connection *connections;
	unsigned count;
	size_t held; /* bytes of all listings that are being made */
};

struct connection {
	struct tim_server *server;
	struct connection *next;
	struct bufferevent *stream;
	struct call *call;
	enum tim_what what;
	json_t *path;
	/* Of a listing: values as JSON, with commas between them. */
	struct evbuffer *files, *directories;
	size_t held;
	bool is_too_large, is_answered;
};

static void forget_listing(struct connection *c)
{
	if (c->files)
		evbuffer_free(c->files);
	if (c->directories)
		evbuffer_free(c->directories);
	c->files = c->directories = NULL;
	c->server->held -= c->held;
	c->held = 0;
}

static void close_connection(struct connection *c)
{
	struct connection **at = &c->server->connections;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->count--;
	if (c->call)
		dispatch_cancel(c->call);
	bufferevent_free(c->stream);
	json_decref(c->path);
	forget_listing(c);
	mem_free(c);
}

/* Takes the line; the connection closes once it is sent. */
static void send_line(struct connection *c, char *line, size_t length)
{
	c->is_answered = true;
	/* In one piece: the controller receives once. */
	if (line && !bufferevent_write(c->stream, line, length))
		(void)bufferevent_disable(c->stream, EV_READ);
	else
		(void)bufferevent_trigger_event(c->stream, BEV_EVENT_ERROR,
						BEV_TRIG_DEFER_CALLBACKS);
	mem_free(line);
}

static void answer(struct connection *c, json_t *object)
{
	size_t length;
	char *line = tim_encode(object, &length);

	send_line(c, line, length);
}

static void answer_error(struct connection *c, const char *text)
{
	answer(c, json_pack("{s:s}", "error", text));
}

/* From the plugin. */

static int add_bytes(const char *bytes, size_t length, void *buffer)
{
	return evbuffer_add(buffer, bytes, length);
}

static void add_value(struct connection *c, struct evbuffer *to, const json_t *value)
{
	size_t before = evbuffer_get_length(to);

	if (before)
		(void)evbuffer_add(to, ", ", 2);
	if (json_dump_callback(value, add_bytes, to, JSON_ENCODE_ANY) != 0)
		c->is_too_large = true;
	c->held += evbuffer_get_length(to) - before;
	c->server->held += evbuffer_get_length(to) - before;
	c->is_too_large = c->is_too_large || c->server->held > TIM_LISTING_MAX;
}

static bool on_item(void *data, json_t *item)
{
	struct connection *c = data;
	bool is_directory;
	json_t *file;

	if (c->is_too_large)
		return true;
	/* The first item is the listing's header. */
	if (!c->path) {
		c->path = json_incref(json_object_get(
			json_array_get(json_object_get(item, "volumes"), 0), "path"));
		return true;
	}
	file = tim_file(item, &is_directory);
	/* The directory itself is no entry of its own. */
	if (file && !(is_directory && json_equal(file, c->path)))
		add_value(c, is_directory ? c->directories : c->files, file);
	json_decref(file);
	if (c->is_too_large)
		forget_listing(c);
	return true;
}

static void answer_listing(struct connection *c)
{
	struct evbuffer *whole = evbuffer_new();
	char *line = NULL;
	size_t length = 0;

	if (whole) {
		(void)evbuffer_add_printf(whole, "{\"path\": ");
		if (!c->path ||
		    json_dump_callback(c->path, add_bytes, whole, JSON_ENCODE_ANY) != 0)
			(void)evbuffer_add(whole, "null", 4);
		(void)evbuffer_add_printf(whole, ", \"files\": [");
		(void)evbuffer_add_buffer(whole, c->files);
		(void)evbuffer_add_printf(whole, "], \"directories\": [");
		(void)evbuffer_add_buffer(whole, c->directories);
		(void)evbuffer_add_printf(whole, "]}");
		line = tim_encode_text((const char *)evbuffer_pullup(whole, -1),
				       evbuffer_get_length(whole), &length);
		evbuffer_free(whole);
	}
	forget_listing(c);
	send_line(c, line, length);
}

static json_t *translate(const struct connection *c, const json_t *result)
{
	if (c->what == TIM_GETCWD || c->what == TIM_CHDIR)
		return json_pack("{s:O}", "current_directory",
				 json_object_get(result, "path"));
	return json_pack("{s:b}", "diverter_active", c->what == TIM_START);
}

static void on_done(void *data, json_t *result)
{
	struct connection *c = data;

	c->call = NULL;
	if (c->is_too_large)
		answer_error(c, "the listing is too large for this protocol");
	else if (c->what == TIM_LISTDIR)
		answer_listing(c);
	else
		answer(c, translate(c, result));
}

static void on_failed(void *data, int code, const char *message, json_t *more)
{
	struct connection *c = data;
	const char *reason = json_string_value(json_object_get(more, "reason"));
	char text[WEIR_ERROR_TEXT];

	(void)code;
	c->call = NULL;
	(void)snprintf(text, sizeof text, "%s", message);
	if (reason && !strcmp(reason, "exists"))
		(void)snprintf(text, sizeof text, "Already started");
	else if (reason && !strcmp(reason, "absent"))
		(void)snprintf(text, sizeof text, "Not started");
	else if (reason && !strcmp(reason, "filter"))
		(void)snprintf(text, sizeof text, "Invalid filter: %.300s", message);
	answer_error(c, text);
}

static const struct call_sink sink = { .item = on_item,
				       .done = on_done,
				       .failed = on_failed };

/* From the controller. */

static void call(struct connection *c, const struct tim_request *r)
{
	const struct tim_config *config = &c->server->config;
	struct caller caller = { .name = "tim",
				 .transport = "tim",
				 .address = "loopback",
				 .session = SESSION,
				 .role = config->role ? config->role : ROLE_OPERATOR };

	c->what = r->what;
	c->files = evbuffer_new();
	c->directories = evbuffer_new();
	if (!c->files || !c->directories ||
	    config->gate.call(config->gate.self, &caller, r->plugin, r->directive,
			      r->arguments, &sink, c, &c->call))
		answer_error(c, "no memory for the call");
}

static void on_line(struct connection *c, const char *line, size_t length)
{
	struct weir_error err = { 0 };
	struct tim_request r;

	if (tim_parse(line, length, &r, &err))
		answer_error(c, err.text);
	else
		call(c, &r);
	tim_request_fini(&r);
}

static void on_read(struct bufferevent *stream, void *data)
{
	struct connection *c = data;
	struct evbuffer *in = bufferevent_get_input(stream);
	size_t length;
	char *line;

	/* One request a connection: what comes behind it is not read. */
	if (c->call || c->is_answered)
		return;
	line = evbuffer_readln(in, &length, EVBUFFER_EOL_LF);
	if (line)
		on_line(c, line, length);
	else if (evbuffer_get_length(in) >= TIM_LINE_MAX)
		answer_error(c, "the request is too long");
	/* libevent's own memory. */
	free(line);
}

static void on_written(struct bufferevent *stream, void *data)
{
	struct connection *c = data;

	(void)stream;
	if (c->is_answered)
		close_connection(c);
}

static void on_event(struct bufferevent *stream, short what, void *data)
{
	struct connection *c = data;

	(void)stream;
	/* A call takes what time it takes: only reading and writing have theirs. */
	if (what & BEV_EVENT_TIMEOUT && c->call) {
		(void)bufferevent_enable(c->stream, EV_READ);
		return;
	}
	/* A controller that has sent its request may close its side. */
	if (what & BEV_EVENT_EOF && (c->call || c->is_answered))
		return;
	close_connection(c);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *from, int from_length, void *data)
{
	const struct timeval limit = { .tv_sec = TIM_SECONDS };
	struct tim_server *s = data;
	struct connection *c = s->count < TIM_CONNECTIONS ? mem_new(1, sizeof *c) : NULL;

	(void)listener;
	(void)from;
	(void)from_length;
	if (c)
		c->stream =
			bufferevent_socket_new(s->config.base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->stream) {
		mem_free(c);
		net_close((int)fd);
		return;
	}
	net_send_buffer((int)fd, SEND_BUFFER);
	c->server = s;
	c->next = s->connections;
	s->connections = c;
	s->count++;
	bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->stream, EV_READ, 0, TIM_LINE_MAX);
	(void)bufferevent_set_max_single_write(c->stream, SEND_BUFFER);
	(void)bufferevent_set_timeouts(c->stream, &limit, &limit);
	(void)bufferevent_enable(c->stream, EV_READ | EV_WRITE);
}

/* Loopback and nothing else. */
static int listen_loopback(const char *text, int *fd, struct weir_error *err)
{
	char address[CONFIG_ADDRESS];
	uint16_t port;
	int rc = address_parse(text, DEFAULT_PORT, address, &port, err);

	if (!rc && !net_is_loopback(address))
		rc = err_set(err, WEIR_ERR_USAGE,
			     "--tim: '%.80s' is not a loopback address; this protocol "
			     "has no authentication",
			     text);
	return rc ? rc : net_listen(address, port, text, fd, &port, err);
}

int tim_server_open(struct tim_server **out, const struct tim_config *config,
		    struct weir_error *err)
{
	struct tim_server *s = mem_new(1, sizeof *s);
	int fd = -1, rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a listener");
	s->config = *config;
	rc = listen_loopback(config->address, &fd, err);
	if (!rc) {
		s->listener = evconnlistener_new(
			config->base, on_accept, s,
			LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
		if (!s->listener) {
			net_close(fd);
			rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a listener");
		}
	}
	if (rc) {
		mem_free(s);
		return rc;
	}
	agent_log(config->log, LOG_WARNING, "tim",
		  "listening on '%s': whoever is on this machine may ask",
		  config->address);
	*out = s;
	return 0;
}

void tim_server_close(struct tim_server *s)
{
	if (!s)
		return;
	while (s->connections)
		close_connection(s->connections);
	evconnlistener_free(s->listener);
	mem_free(s);
}
