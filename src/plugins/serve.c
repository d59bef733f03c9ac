#include "plugins/serve.h"

#include "agent/rpc.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

struct server;

struct serve_call {
	struct server *server;
	struct port_thread *thread;
	const struct serve_row *row;
	json_t *params; /* owns what the others point to */
	json_t *arguments;
	int64_t id, session;
	const char *caller;
	/* Guarded by the server's lock. */
	int window;
	const struct process *child;
	void (*on_cancel)(void *arg);
	void *on_cancel_arg;
	int64_t began_ns, told_ns;
	uint64_t sent_bytes;
	bool is_answered;
	atomic_bool is_cancelled, is_over;
};

struct server {
	const struct serve *plugin;
	struct port_monitor *lock;  /* calls' windows and children */
	struct port_monitor *write; /* standard output, a line at a time */
	struct serve_call *calls[CALLS_MAX];
	char *line; /* RPC_LINE_MAX */
	size_t used;
	bool is_broken; /* standard output has gone */
};

#define PROGRESS_NS (2 * NS_PER_S)

/* Writing. */

static void write_line(struct server *s, char *line)
{
	size_t left = line ? strlen(line) : 0;
	const char *p = line;

	port_monitor_lock(s->write);
	while (left && !s->is_broken) {
		ssize_t n = write(1, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			s->is_broken = true;
			break;
		}
		p += n;
		left -= (size_t)n;
	}
	port_monitor_unlock(s->write);
	mem_free(line);
}

/* Once for each call. */
static bool take_answer(struct serve_call *c)
{
	bool is_first;

	port_monitor_lock(c->server->lock);
	is_first = !c->is_answered;
	c->is_answered = true;
	port_monitor_unlock(c->server->lock);
	return is_first;
}

/* A cut in the middle of a character would be no JSON text. */
__attribute__((format(printf, 4, 0))) static void answer_error(struct serve_call *c,
							       int code,
							       const char *reason,
							       const char *format,
							       va_list ap)
{
	char text[WEIR_ERROR_TEXT];
	json_t *data = reason ? json_pack("{s:s}", "reason", reason) : NULL;

	(void)vsnprintf(text, sizeof text, format, ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p >= 0x80 || (unsigned char)*p < ' ')
			*p = '?';
	write_line(c->server, rpc_error(c->id, code, text, data));
	json_decref(data);
}

void serve_fail(struct serve_call *c, int code, const char *format, ...)
{
	va_list ap;

	if (!take_answer(c))
		return;
	va_start(ap, format);
	answer_error(c, code, NULL, format, ap);
	va_end(ap);
}

void serve_refuse(struct serve_call *c, int code, const char *reason, const char *format,
		  ...)
{
	va_list ap;

	if (!take_answer(c))
		return;
	va_start(ap, format);
	answer_error(c, code, reason, format, ap);
	va_end(ap);
}

void serve_result(struct serve_call *c, json_t *result)
{
	char *line = rpc_result(c->id, result);

	json_decref(result);
	if (!line)
		serve_fail(c, CALL_INTERNAL, "the result does not fit into a message");
	else if (take_answer(c))
		write_line(c->server, line);
	else
		mem_free(line);
}

/* False once nobody wants the items. */
static bool wait_for_room(struct serve_call *c, size_t bytes)
{
	bool is_wanted;

	port_monitor_lock(c->server->lock);
	while (!c->window && !atomic_load(&c->is_cancelled))
		(void)port_monitor_wait(c->server->lock, NS_PER_S);
	is_wanted = !atomic_load(&c->is_cancelled);
	c->window -= is_wanted;
	c->sent_bytes += is_wanted ? bytes : 0;
	port_monitor_unlock(c->server->lock);
	return is_wanted && !c->server->is_broken;
}

bool serve_items(struct serve_call *c, const char *values, size_t length)
{
	size_t room = length + 128;
	char *line;

	if (!wait_for_room(c, length))
		return false;
	line = mem_new(room, 1);
	if (!line)
		return false;
	(void)snprintf(
		line, room,
		"{\"jsonrpc\":\"2.0\",\"method\":\"item\",\"params\":{\"call\":%lld"
		",\"items\":[%.*s]}}\n",
		(long long)c->id, (int)length, values);
	write_line(c->server, line);
	return true;
}

bool serve_item(struct serve_call *c, json_t *item)
{
	json_t *params =
		json_pack("{s:I,s:[o]}", "call", (json_int_t)c->id, "items", item);
	char *line = params ? rpc_notification("item", params) : NULL;
	bool is_sent = line && wait_for_room(c, strlen(line));

	json_decref(params);
	if (is_sent)
		write_line(c->server, line);
	else
		mem_free(line);
	return is_sent;
}

void serve_progress(struct serve_call *c, json_t *members)
{
	json_object_set_new(members, "call", json_integer(c->id));
	write_line(c->server, rpc_notification("progress", members));
	json_decref(members);
}

int64_t serve_session(const struct serve_call *c)
{
	return c->session;
}

const char *serve_caller(const struct serve_call *c)
{
	return c->caller;
}

bool serve_is_cancelled(const struct serve_call *c)
{
	return atomic_load(&c->is_cancelled);
}

void serve_set_child(struct serve_call *c, const struct process *child)
{
	port_monitor_lock(c->server->lock);
	c->child = child;
	if (child && atomic_load(&c->is_cancelled))
		process_end(child);
	port_monitor_unlock(c->server->lock);
}

void serve_on_cancel(struct serve_call *c, void (*cancel)(void *arg), void *arg)
{
	port_monitor_lock(c->server->lock);
	c->on_cancel = cancel;
	c->on_cancel_arg = arg;
	if (cancel && atomic_load(&c->is_cancelled))
		cancel(arg);
	port_monitor_unlock(c->server->lock);
}

/* How far a call without a time of its own has come: with the lock held, so that nothing is said behind
 * its answer.  Of one whose reader is slow nothing is said: it has more to read than it takes. */
static void tell_progress(struct serve_call *c, int64_t now_ns)
{
	json_t *members;

	if (c->is_answered || !c->window || c->row->timeout_s >= 0 ||
	    now_ns - c->told_ns < PROGRESS_NS)
		return;
	c->told_ns = now_ns;
	members = json_pack("{s:I,s:I}", "elapsed_s",
			    (json_int_t)((now_ns - c->began_ns) / NS_PER_S), "sent_bytes",
			    (json_int_t)c->sent_bytes);
	if (members)
		serve_progress(c, members);
}

static void tell_all(struct server *s)
{
	int64_t now = port_monotonic_ns();

	port_monitor_lock(s->lock);
	for (unsigned i = 0; i < CALLS_MAX; i++)
		if (s->calls[i])
			tell_progress(s->calls[i], now);
	port_monitor_unlock(s->lock);
}

/* Calls. */

static void cancel(struct serve_call *c)
{
	port_monitor_lock(c->server->lock);
	atomic_store(&c->is_cancelled, true);
	if (c->child)
		process_end(c->child);
	if (c->on_cancel)
		c->on_cancel(c->on_cancel_arg);
	port_monitor_signal(c->server->lock);
	port_monitor_unlock(c->server->lock);
}

static void *run_call(void *arg)
{
	struct serve_call *c = arg;

	c->row->run(c, c->server->plugin->state, c->arguments);
	serve_fail(c, CALL_INTERNAL, "the directive ended without an answer");
	atomic_store(&c->is_over, true);
	return NULL;
}

static void free_call(struct serve_call *c)
{
	json_decref(c->params);
	mem_free(c);
}

static void reap(struct server *s, bool is_waiting)
{
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		struct serve_call *c = s->calls[i];

		if (!c || (!is_waiting && !atomic_load(&c->is_over)))
			continue;
		port_thread_join(c->thread);
		free_call(c);
		s->calls[i] = NULL;
	}
}

static struct serve_call *find_call(const struct server *s, const json_t *params)
{
	json_int_t id = json_integer_value(json_object_get(params, "call"));

	for (unsigned i = 0; i < CALLS_MAX; i++)
		if (s->calls[i] && s->calls[i]->id == id)
			return s->calls[i];
	return NULL;
}

static const struct serve_row *find_row(const struct server *s, const char *name)
{
	for (const struct serve_row *r = s->plugin->rows; name && r->name; r++)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

static struct serve_call *new_call(struct server *s, const struct rpc_message *m)
{
	const char *directive =
			   json_string_value(json_object_get(m->params, "directive")),
		   *caller = json_string_value(json_object_get(m->params, "caller"));
	struct serve_call *c = mem_new(1, sizeof *c);

	if (!c)
		return NULL;
	c->server = s;
	c->id = m->id;
	c->row = find_row(s, directive);
	c->params = json_incref(m->params);
	c->arguments = json_object_get(m->params, "arguments");
	c->caller = caller ? caller : "";
	c->session = json_integer_value(json_object_get(m->params, "session"));
	c->window = (int)json_integer_value(json_object_get(m->params, "window"));
	if (c->window < 1)
		c->window = 1;
	c->began_ns = c->told_ns = port_monotonic_ns();
	return c;
}

static void on_call(struct server *s, const struct rpc_message *m)
{
	struct serve_call *c = new_call(s, m);
	unsigned slot = 0;

	reap(s, false);
	while (slot < CALLS_MAX && s->calls[slot])
		slot++;
	if (!c) {
		write_line(s, rpc_error(m->id, CALL_INTERNAL, "no memory", NULL));
		return;
	}
	if (!c->row)
		serve_fail(c, CALL_UNKNOWN, "there is no such directive");
	else if (slot == CALLS_MAX)
		serve_fail(c, CALL_BUSY, "too many calls at a time");
	else if (port_thread_start(&c->thread, c->row->name, run_call, c, NULL))
		serve_fail(c, CALL_INTERNAL, "cannot start a thread");
	else
		s->calls[slot] = c;
	if (!c->thread)
		free_call(c);
}

/* The host. */

static json_t *quoted(const char *text)
{
	char *copy = mem_strdup(text);
	json_t *value;

	for (char *p = copy; p && *p; p++)
		if (*p == '\'')
			*p = '"';
	value = copy ? json_loads(copy, 0, NULL) : NULL;
	mem_free(copy);
	return value;
}

static json_t *describe(const struct serve *plugin)
{
	json_t *rows = json_array(), *all;

	for (const struct serve_row *r = plugin->rows; r->name; r++) {
		json_t *row =
			json_pack("{s:s,s:s,s:s,s:o,s:b}", "name", r->name, "summary",
				  r->summary, "role", role_name(r->role), "arguments",
				  quoted(r->arguments), "streams", r->streams);

		if (r->timeout_s)
			json_object_set_new(
				row, "timeout_s",
				json_integer(r->timeout_s > 0 ? r->timeout_s : 0));
		json_array_append_new(rows, row);
	}
	all = json_pack("{s:i,s:s,s:s,s:o}", "protocol", 1, "name", plugin->name,
			"summary", plugin->summary, "directives", rows);
	if (plugin->confined)
		json_object_set(all, "confined", plugin->confined);
	return all;
}

static void on_request(struct server *s, const struct rpc_message *m)
{
	json_t *result;

	if (!strcmp(m->method, "call")) {
		on_call(s, m);
	} else if (!strcmp(m->method, "ping")) {
		result = json_object();
		write_line(s, rpc_result(m->id, result));
		json_decref(result);
	} else if (!strcmp(m->method, "describe")) {
		result = describe(s->plugin);
		write_line(s, rpc_result(m->id, result));
		json_decref(result);
	} else {
		write_line(s, rpc_error(m->id, CALL_UNKNOWN, "no such method", NULL));
	}
}

static void on_notification(struct server *s, const struct rpc_message *m)
{
	struct serve_call *c = find_call(s, m->params);

	if (!strcmp(m->method, "more") && c) {
		port_monitor_lock(s->lock);
		c->window += (int)json_integer_value(json_object_get(m->params, "count"));
		port_monitor_signal(s->lock);
		port_monitor_unlock(s->lock);
	} else if (!strcmp(m->method, "cancel") && c) {
		cancel(c);
	} else if (!strcmp(m->method, "session_end") && s->plugin->session_end) {
		s->plugin->session_end(
			s->plugin->state,
			json_integer_value(json_object_get(m->params, "session")));
	}
}

static void on_line(struct server *s, const char *line, size_t length)
{
	struct rpc_message m;
	struct weir_error err;

	if (rpc_parse(line, length, &m, &err) == 0) {
		if (m.kind == RPC_REQUEST)
			on_request(s, &m);
		else if (m.kind == RPC_NOTIFICATION)
			on_notification(s, &m);
	}
	rpc_message_fini(&m);
}

static void take_lines(struct server *s)
{
	char *begin = s->line, *end;

	while ((end = memchr(begin, '\n', s->used - (size_t)(begin - s->line))) != NULL) {
		on_line(s, begin, (size_t)(end - begin));
		begin = end + 1;
	}
	s->used -= (size_t)(begin - s->line);
	memmove(s->line, begin, s->used);
}

static bool is_over(const struct server *s)
{
	return s->plugin->is_over && atomic_load(s->plugin->is_over);
}

/* Until the host closes our standard input. */
static void serve_host(struct server *s)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };

	while (!s->is_broken && s->used < RPC_LINE_MAX && !is_over(s)) {
		int ready = poll(&input, 1, 500);
		ssize_t n;

		tell_all(s);
		if (ready == 0) {
			reap(s, false);
			continue;
		}
		n = read(0, s->line + s->used, RPC_LINE_MAX - s->used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		s->used += (size_t)n;
		take_lines(s);
	}
}

int serve_run(const struct serve *plugin, struct weir_error *err)
{
	struct server s = { .plugin = plugin,
			    .lock = port_monitor_new(),
			    .write = port_monitor_new(),
			    .line = mem_new(RPC_LINE_MAX, 1) };
	int rc = 0;

	port_ignore_pipe();
	if (s.lock && s.write && s.line)
		serve_host(&s);
	else
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a plugin");
	for (unsigned i = 0; i < CALLS_MAX; i++)
		if (s.calls[i])
			cancel(s.calls[i]);
	if (plugin->stop)
		plugin->stop(plugin->state);
	reap(&s, true);
	mem_free(s.line);
	port_monitor_free(s.lock);
	port_monitor_free(s.write);
	return rc;
}
