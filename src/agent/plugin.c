#include "agent/plugin.h"

#include "agent/description.h"
#include "agent/plugin_config.h"
#include "base/mem.h"
#include "base/time.h"
#include "port/child.h"
#include "port/net.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdarg.h>

enum plugin_life {
	PLUGIN_WAITING,
	PLUGIN_STARTING,
	PLUGIN_RUNNING,
	PLUGIN_REFUSED,
	PLUGIN_ENDING,
	PLUGIN_ENDED
};

static const char *const life_names[] = { "waiting", "starting", "running",
					  "refused", "ending",   "ended" };

enum {
	LINES_AT_ONCE = 64 /* then the others of the loop have their turn */
};

const struct plugin_times plugin_times_default = { 10000, 5000,  15000, 250,
						   30000, 60000, 10000 };

/* So many in a second, no more. */
struct rate {
	int64_t since_ns;
	unsigned count, over;
};

struct plugin {
	struct plugin_copy copy;
	const struct plugin_config *config; /* of the copy */
	struct plugin_events events;
	struct event_base *base;
	enum plugin_life life;
	struct child child;
	bool has_child;
	struct bufferevent *talk;
	struct event *errors, *exit, *timer;   /* timer: back-off, heartbeat, end */
	int64_t last_id, describe_id, ping_id; /* 0: none is open */
	int64_t heard_ns, asked_ns, started_ns;
	struct rate notifications, stderr_lines;
	unsigned backoff_ms;
	uint64_t restarts, faults, dropped_lines;
	char fault[WEIR_ERROR_TEXT];
	int64_t fault_ns; /* UTC; 0: none yet */
	bool is_faulty;   /* this life of it */
	json_t *description;
	char line[512]; /* of standard error, not yet whole */
	size_t line_used;
};

static int start(struct plugin *p);

static void set_timer(struct plugin *p, unsigned ms)
{
	struct timeval tv = { .tv_sec = (long)(ms / 1000),
			      .tv_usec = (long)(ms % 1000) * 1000 };

	(void)event_add(p->timer, &tv);
}

/* False from the bound on, until the second is over. */
static bool rate_allows(struct rate *r, unsigned most)
{
	int64_t now = port_monotonic_ns();

	if (now - r->since_ns >= NS_PER_S)
		*r = (struct rate){ .since_ns = now };
	if (r->count >= most) {
		r->over++;
		return false;
	}
	r->count++;
	return true;
}

/* Ending, in whichever way. */

static void drop_child(struct plugin *p)
{
	if (p->talk)
		bufferevent_free(p->talk);
	if (p->errors)
		event_free(p->errors);
	if (p->exit)
		event_free(p->exit);
	p->talk = NULL;
	p->errors = p->exit = NULL;
	p->describe_id = p->ping_id = 0;
	p->has_child = false;
	child_fini(&p->child);
}

static void keep_fault(struct plugin *p, const char *text)
{
	(void)snprintf(p->fault, sizeof p->fault, "%s", text);
	p->fault_ns = port_realtime_ns();
	p->faults++;
	p->is_faulty = true;
	agent_log(p->config->log, LOG_ERROR, p->config->name, "%s", text);
}

void plugin_fault(struct plugin *p, const char *format, ...)
{
	char text[WEIR_ERROR_TEXT];
	va_list ap;

	if (!p->has_child || p->is_faulty)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	keep_fault(p, text);
	/* on_exit() does the rest; until then nothing of it is read. */
	(void)bufferevent_disable(p->talk, EV_READ | EV_WRITE);
	child_kill(&p->child);
}

static unsigned next_backoff(struct plugin *p)
{
	const struct plugin_times *t = &p->config->times;
	unsigned wait;

	if (port_monotonic_ns() - p->started_ns >= t->stable_ms * NS_PER_MS)
		p->backoff_ms = 0;
	wait = p->backoff_ms ? p->backoff_ms : t->backoff_min_ms;
	p->backoff_ms = wait > t->backoff_max_ms / 2 ? t->backoff_max_ms : wait * 2;
	return wait;
}

static void wait_for_restart(struct plugin *p)
{
	unsigned wait = next_backoff(p);

	p->life = PLUGIN_WAITING;
	agent_log(p->config->log, LOG_WARNING, p->config->name, "starting again in %u ms",
		  wait);
	set_timer(p, wait);
}

static void on_exit_event(evutil_socket_t fd, short what, void *data)
{
	struct plugin *p = data;
	bool was_up = p->life == PLUGIN_RUNNING, is_ending = p->life == PLUGIN_ENDING;
	char how[64], text[96];

	(void)fd;
	(void)what;
	child_reap(&p->child, how, sizeof how);
	(void)snprintf(text, sizeof text, "the process ended: %s", how);
	if (!p->is_faulty && (!is_ending || strcmp(how, "exit code 0") != 0))
		keep_fault(p, text);
	drop_child(p);
	(void)event_del(p->timer);
	if (is_ending) {
		p->life = PLUGIN_ENDED;
		p->events.down(p->events.data, "the agent ends");
		p->events.ended(p->events.data);
		return;
	}
	wait_for_restart(p);
	if (was_up)
		p->events.down(p->events.data, p->fault);
}

/* What it says. */

static void on_described(struct plugin *p, const struct rpc_message *m)
{
	struct weir_error err = { 0 };

	p->describe_id = 0;
	/* Asked to end meanwhile: it does not begin to run again. */
	if (p->life == PLUGIN_ENDING)
		return;
	if (m->kind == RPC_ERROR) {
		plugin_fault(p, "cannot describe itself: %.200s", m->text);
		return;
	}
	if (description_check(m->result, &err)) {
		plugin_fault(p, "bad description: %s", err.text);
		return;
	}
	json_decref(p->description);
	p->description = json_incref(m->result);
	p->life = PLUGIN_RUNNING;
	agent_log(p->config->log, LOG_INFO, p->config->name, "running as process %d",
		  p->child.pid);
	set_timer(p, p->config->times.heartbeat_ms);
	p->events.up(p->events.data);
}

static void on_log(struct plugin *p, const struct rpc_message *m)
{
	const char *text = json_string_value(json_object_get(m->params, "text"));

	agent_log(p->config->log, LOG_INFO, p->config->name, "%.900s",
		  text ? text : "(a log message without text)");
}

static void on_notification(struct plugin *p, const struct rpc_message *m)
{
	bool is_item = !strcmp(m->method, "item");

	/* Items have their window, nothing else has one. */
	if (!is_item && !rate_allows(&p->notifications, PLUGIN_TALK_RATE))
		plugin_fault(p, "flood: more than %d notifications in a second",
			     PLUGIN_TALK_RATE);
	else if (is_item || !strcmp(m->method, "progress"))
		p->events.message(p->events.data, m);
	else if (!strcmp(m->method, "log"))
		on_log(p, m);
	else
		plugin_fault(p, "garbage: unknown notification '%.60s'", m->method);
}

static void on_message(struct plugin *p, const struct rpc_message *m)
{
	bool is_answer = m->kind == RPC_RESULT || m->kind == RPC_ERROR;

	if (m->kind == RPC_NOTIFICATION)
		on_notification(p, m);
	else if (!is_answer)
		plugin_fault(p, "garbage: a request, '%.60s'", m->method);
	else if (p->describe_id && m->id == p->describe_id)
		on_described(p, m);
	else if (p->ping_id && m->id == p->ping_id)
		p->ping_id = 0;
	else if (p->life == PLUGIN_STARTING)
		plugin_fault(p, "garbage: an answer that nobody asked for");
	else
		p->events.message(p->events.data, m);
}

static void on_line(struct plugin *p, const char *line, size_t length)
{
	struct rpc_message m;
	struct weir_error err = { 0 };

	if (rpc_parse(line, length, &m, &err))
		plugin_fault(p, "garbage: %s", err.text);
	else
		on_message(p, &m);
	rpc_message_fini(&m);
}

/* A line whole in one piece of memory; false when there is none. */
static bool take_line(struct plugin *p, struct evbuffer *in)
{
	size_t length;
	char *line = evbuffer_readln(in, &length, EVBUFFER_EOL_LF);

	if (!line)
		return false;
	p->heard_ns = port_monotonic_ns();
	on_line(p, line, length);
	/* libevent's own memory. */
	free(line);
	return true;
}

static void on_talk(struct bufferevent *talk, void *data)
{
	struct plugin *p = data;
	struct evbuffer *in = bufferevent_get_input(talk);

	for (unsigned i = 0; i < LINES_AT_ONCE; i++) {
		if (p->is_faulty || !p->has_child)
			return;
		if (!take_line(p, in)) {
			if (evbuffer_get_length(in) >= RPC_LINE_MAX)
				plugin_fault(p, "garbage: a line of more than %d bytes",
					     RPC_LINE_MAX);
			return;
		}
	}
	bufferevent_trigger(talk, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_talk_event(struct bufferevent *talk, short what, void *data)
{
	struct plugin *p = data;

	(void)talk;
	/* Its end is told by exit_fd; one that lives on without its output is of no use. */
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR) && p->life != PLUGIN_ENDING) {
		(void)bufferevent_disable(p->talk, EV_READ);
		if (!event_pending(p->timer, EV_TIMEOUT, NULL) ||
		    p->life != PLUGIN_WAITING)
			set_timer(p, 500);
		p->ping_id = p->ping_id ? p->ping_id : -1;
		p->heard_ns = INT64_MIN / 2;
	}
}

static void log_errors(struct plugin *p, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != '\n' && p->line_used < sizeof p->line - 1) {
			p->line[p->line_used++] = bytes[i];
			continue;
		}
		p->line[p->line_used] = '\0';
		p->line_used = 0;
		if (rate_allows(&p->stderr_lines, PLUGIN_STDERR_RATE))
			agent_log(p->config->log, LOG_INFO, p->config->name, "%s",
				  p->line);
		else
			p->dropped_lines++;
	}
}

static void on_errors(evutil_socket_t fd, short what, void *data)
{
	struct plugin *p = data;
	char bytes[4096];
	ssize_t n = net_receive((int)fd, bytes, sizeof bytes);

	(void)what;
	if (n > 0)
		log_errors(p, bytes, (size_t)n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		(void)event_del(p->errors);
}

/* What it is asked. */

int64_t plugin_next_id(struct plugin *p)
{
	return ++p->last_id;
}

static int send_line(struct plugin *p, char *line)
{
	struct evbuffer *out;
	int rc = 0;

	if (!line)
		return WEIR_ERR_LIMIT;
	if (!p->has_child || p->is_faulty) {
		rc = WEIR_ERR_CLOSED;
	} else {
		out = bufferevent_get_output(p->talk);
		if (evbuffer_get_length(out) > PLUGIN_UNSENT_MAX)
			rc = WEIR_ERR_BUSY;
		else if (evbuffer_add(out, line, strlen(line)))
			rc = WEIR_ERR_NO_MEMORY;
	}
	mem_free(line);
	return rc;
}

int plugin_send(struct plugin *p, char *line)
{
	if (p->life == PLUGIN_RUNNING)
		return send_line(p, line);
	mem_free(line);
	return WEIR_ERR_CLOSED;
}

static void heartbeat(struct plugin *p)
{
	int64_t now = port_monotonic_ns(), hang_ns = p->config->times.hang_ms * NS_PER_MS;
	int64_t since = p->heard_ns > p->asked_ns ? p->heard_ns : p->asked_ns;

	if (p->heard_ns < 0) {
		plugin_fault(p, "it has closed its standard output");
		return;
	}
	if (p->ping_id && now - since >= hang_ns) {
		plugin_fault(p, "hang: not a word for %u ms", p->config->times.hang_ms);
		return;
	}
	if (!p->ping_id) {
		p->ping_id = plugin_next_id(p);
		p->asked_ns = now;
		if (send_line(p, rpc_request(p->ping_id, "ping", NULL)) == WEIR_ERR_BUSY)
			plugin_fault(p, "hang: it does not read what is sent to it");
	}
	set_timer(p, p->config->times.heartbeat_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct plugin *p = data;

	(void)fd;
	(void)what;
	switch (p->life) {
	case PLUGIN_WAITING:
		p->restarts++;
		if (start(p) && p->life == PLUGIN_WAITING)
			set_timer(p, next_backoff(p));
		return;
	case PLUGIN_STARTING:
		plugin_fault(p, "hang: no answer to describe in %u ms",
			     p->config->times.start_ms);
		return;
	case PLUGIN_RUNNING:
		heartbeat(p);
		return;
	case PLUGIN_ENDING:
		keep_fault(p, "it did not end when asked to, and was killed");
		child_kill(&p->child);
		return;
	case PLUGIN_REFUSED:
	case PLUGIN_ENDED:
		return;
	}
}

/* Starting. */

static int watch(struct plugin *p)
{
	p->talk =
		bufferevent_socket_new(p->base, p->child.talk_fd, BEV_OPT_CLOSE_ON_FREE);
	if (p->talk)
		p->child.talk_fd = -1;
	p->errors = event_new(p->base, p->child.stderr_fd, EV_READ | EV_PERSIST,
			      on_errors, p);
	p->exit = event_new(p->base, p->child.exit_fd, EV_READ, on_exit_event, p);
	if (!p->talk || !p->errors || !p->exit)
		return WEIR_ERR_NO_MEMORY;
	bufferevent_setcb(p->talk, on_talk, NULL, on_talk_event, p);
	/* Beyond this the plugin waits in its write. */
	bufferevent_setwatermark(p->talk, EV_READ, 0, RPC_LINE_MAX);
	(void)bufferevent_enable(p->talk, EV_READ | EV_WRITE);
	return event_add(p->errors, NULL) || event_add(p->exit, NULL) ? WEIR_ERR_NO_MEMORY
								      : 0;
}

static void refuse(struct plugin *p, int rc, const struct weir_error *err)
{
	keep_fault(p, err->text);
	/* A sandbox that cannot be had now will not be there later either. */
	p->life = rc == WEIR_ERR_PRIVILEGE ? PLUGIN_REFUSED : PLUGIN_WAITING;
}

static int start(struct plugin *p)
{
	struct child_config config = { .argv = p->config->argv,
				       .environment = p->config->environment,
				       .directory = p->config->state_dir,
				       .sandbox = &p->config->sandbox,
				       .may_leave = p->config->may_leave };
	struct weir_error err = { 0 };
	int rc = child_spawn(&p->child, &config, &err);

	p->is_faulty = false;
	p->started_ns = p->heard_ns = port_monotonic_ns();
	if (rc) {
		refuse(p, rc, &err);
		return rc;
	}
	p->has_child = true;
	p->line_used = 0;
	rc = watch(p);
	if (rc) {
		child_kill(&p->child);
		child_reap(&p->child, p->line, sizeof p->line);
		drop_child(p);
		keep_fault(p, "no memory to start it");
		return rc;
	}
	p->life = PLUGIN_STARTING;
	p->describe_id = plugin_next_id(p);
	set_timer(p, p->config->times.start_ms);
	return send_line(p, rpc_request(p->describe_id, "describe", NULL));
}

int plugin_new(struct plugin **out, struct event_base *base,
	       const struct plugin_config *config, const struct plugin_events *events,
	       struct weir_error *err)
{
	struct plugin *p = mem_new(1, sizeof *p);
	int rc;

	*out = NULL;
	if (!p)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a plugin");
	p->base = base;
	p->events = *events;
	p->child = (struct child){ .talk_fd = -1, .stderr_fd = -1, .exit_fd = -1 };
	rc = plugin_copy_init(&p->copy, config, err);
	p->config = &p->copy.config;
	p->timer = evtimer_new(base, on_timer, p);
	if (!rc && !p->timer)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a plugin");
	if (rc) {
		plugin_free(p);
		return rc;
	}
	*out = p;
	if (start(p) && p->life == PLUGIN_WAITING)
		set_timer(p, next_backoff(p));
	return 0;
}

void plugin_free(struct plugin *p)
{
	char how[64];

	if (!p)
		return;
	if (p->has_child) {
		child_kill(&p->child);
		child_reap(&p->child, how, sizeof how);
		drop_child(p);
	}
	if (p->timer)
		event_free(p->timer);
	json_decref(p->description);
	plugin_copy_fini(&p->copy);
	mem_free(p);
}

void plugin_stop(struct plugin *p)
{
	if (p->life == PLUGIN_ENDING || p->life == PLUGIN_ENDED)
		return;
	if (!p->has_child) {
		p->life = PLUGIN_ENDED;
		(void)event_del(p->timer);
		p->events.ended(p->events.data);
		return;
	}
	p->life = PLUGIN_ENDING;
	/* The end of its input is the request to end. */
	(void)bufferevent_flush(p->talk, EV_WRITE, BEV_FLUSH);
	net_end_sending((int)bufferevent_getfd(p->talk));
	set_timer(p, p->config->times.stop_ms);
}

/* What is known of it. */

const char *plugin_name(const struct plugin *p)
{
	return p->config->name;
}

bool plugin_is_running(const struct plugin *p)
{
	return p->life == PLUGIN_RUNNING && !p->is_faulty;
}

const json_t *plugin_description(const struct plugin *p)
{
	return p->description;
}

static json_t *sandbox_status(const struct plugin *p)
{
	json_t *all = json_object();

	for (unsigned part = 0; part < SANDBOX_PARTS; part++)
		json_object_set_new(
			all, sandbox_part_name((enum sandbox_part)part),
			json_pack("{s:s,s:s}", "is",
				  sandbox_is_name(p->child.sandbox.parts[part]), "what",
				  p->child.sandbox.words[part]));
	json_object_set_new(all, "landlock_abi",
			    json_integer(p->child.sandbox.landlock_abi));
	return all;
}

json_t *plugin_status(const struct plugin *p)
{
	char at[TIME_TEXT];
	json_t *status =
		json_pack("{s:s,s:s,s:i,s:I,s:I,s:I,s:o}", "name", p->config->name,
			  "state", life_names[p->life], "pid", p->child.pid, "restarts",
			  (json_int_t)p->restarts, "faults", (json_int_t)p->faults,
			  "dropped_log_lines", (json_int_t)p->dropped_lines, "sandbox",
			  sandbox_status(p));

	/* What it says to have given up further by itself. */
	if (json_object_get(p->description, "confined"))
		json_object_set(status, "confined",
				json_object_get(p->description, "confined"));
	if (!status || !p->fault_ns)
		return status;
	time_format(p->fault_ns, at);
	json_object_set_new(status, "last_fault", json_string(p->fault));
	json_object_set_new(status, "last_fault_at", json_string(at));
	return status;
}
