#include "agent/dispatch.h"

#include "agent/call.h"
#include "agent/description.h"
#include "agent/plugin.h"
#include "agent/schema.h"
#include "base/mem.h"

#include <event2/event.h>
#include <stdio.h>

enum {
	CANCEL_S = 15 /* in which a plugin must answer a call that was cancelled */
};

struct hosted {
	struct dispatch *dispatch;
	struct hosted *next;
	struct plugin *plugin;
	struct call *calls;
	unsigned count;
};

struct dispatch {
	struct event_base *base;
	struct hosted *plugins, **end;
	bool is_stopping;
};

/* The agent's own directives. */
static const char own_description[] =
	"{\"protocol\":1,\"name\":\"agent\",\"summary\":\"the agent itself\",\"directives\":["
	"{\"name\":\"status\",\"summary\":\"state, faults and sandbox of each plugin\","
	"\"role\":\"viewer\",\"streams\":false,\"arguments\":{\"type\":\"object\","
	"\"properties\":{},\"additionalProperties\":false}},"
	"{\"name\":\"describe\",\"summary\":\"all directives with their arguments\","
	"\"role\":\"viewer\",\"streams\":false,\"arguments\":{\"type\":\"object\","
	"\"properties\":{},\"additionalProperties\":false}}]}";

static json_t *own_load(void)
{
	return json_loads(own_description, 0, NULL);
}

static struct hosted *find(const struct dispatch *d, const char *name)
{
	for (struct hosted *h = d->plugins; h; h = h->next)
		if (!strcmp(plugin_name(h->plugin), name))
			return h;
	return NULL;
}

/* Calls of a plugin. */

static struct call *find_call(const struct hosted *h, const json_t *id)
{
	struct call *c = h->calls;

	while (c && !(json_is_integer(id) && c->id == json_integer_value(id)))
		c = c->next;
	return c;
}

/* The plugin has nothing to do with it any more. */
static void release(struct hosted *h, struct call *c)
{
	struct call **at = &h->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	h->count--;
	c->plugin = NULL;
	if (c->is_abandoned && !c->is_busy)
		call_free(c);
}

/* Takes params. */
static void notify(struct hosted *h, const char *method, json_t *params)
{
	/* One that is not there hears nothing; one that does not read is found by its pings. */
	if (plugin_send(h->plugin, rpc_notification(method, params)) ==
	    WEIR_ERR_NO_MEMORY)
		plugin_fault(h->plugin, "no memory to speak to it");
	json_decref(params);
}

static void tell_room(struct call *c, unsigned count)
{
	if (c->plugin)
		notify(c->plugin, "more",
		       json_pack("{s:I,s:i}", "call", (json_int_t)c->id, "count",
				 (int)count));
}

static void tell_cancel(struct call *c)
{
	struct timeval tv = { .tv_sec = CANCEL_S };

	notify(c->plugin, "cancel", json_pack("{s:I}", "call", (json_int_t)c->id));
	(void)event_add(c->timer, &tv);
}

static void on_overdue(struct call *c)
{
	if (!c->plugin)
		return;
	if (c->has_outcome || c->is_abandoned) {
		plugin_fault(c->plugin->plugin,
			     "hang: no answer to a cancelled call in %d s", CANCEL_S);
		return;
	}
	call_fail(c, CALL_TIMEOUT, "the plugin did not answer in time", NULL);
	tell_cancel(c);
}

void dispatch_cancel(struct call *c)
{
	if (c->is_abandoned)
		return;
	c->is_abandoned = true;
	(void)event_del(c->soon);
	if (c->sink.gone)
		c->sink.gone(c->sink_data);
	if (c->plugin)
		tell_cancel(c);
	else if (!c->is_busy)
		call_free(c);
}

/* What plugins say. */

static void on_item(struct hosted *h, const struct rpc_message *m)
{
	struct call *c = find_call(h, json_object_get(m->params, "call"));
	json_t *items = json_object_get(m->params, "items");

	if (!c || !json_is_array(items))
		plugin_fault(h->plugin, "garbage: items of no call");
	else if (!call_item(c, json_incref(items)))
		plugin_fault(
			h->plugin,
			"flood: more than %d messages of items without room for them",
			CALL_WINDOW);
}

static void on_progress(struct hosted *h, const struct rpc_message *m)
{
	struct call *c = find_call(h, json_object_get(m->params, "call"));

	if (!c)
		plugin_fault(h->plugin, "garbage: progress of no call");
	else
		call_progress(c, m->params);
}

static void on_answer(struct hosted *h, const struct rpc_message *m)
{
	json_t *id = json_integer(m->id);
	struct call *c = find_call(h, id);

	json_decref(id);
	if (!c) {
		plugin_fault(h->plugin, "garbage: an answer that nobody asked for");
		return;
	}
	if (m->kind == RPC_RESULT)
		call_finish(c, m->result);
	else
		call_fail(c, (int)m->code, m->text, m->data);
	release(h, c);
}

static void on_message(void *data, const struct rpc_message *m)
{
	struct hosted *h = data;

	if (m->kind != RPC_NOTIFICATION)
		on_answer(h, m);
	else if (!strcmp(m->method, "item"))
		on_item(h, m);
	else
		on_progress(h, m);
}

static void on_up(void *data)
{
	(void)data;
}

static void on_down(void *data, const char *why)
{
	struct hosted *h = data;
	char text[WEIR_ERROR_TEXT];

	(void)snprintf(text, sizeof text, "the plugin ended during the call: %.300s",
		       why);
	while (h->calls) {
		struct call *c = h->calls;

		call_fail(c, CALL_UNAVAILABLE, text, NULL);
		release(h, c);
	}
}

static void on_ended(void *data)
{
	struct hosted *h = data;
	bool is_over = true;

	for (struct hosted *i = h->dispatch->plugins; i; i = i->next) {
		json_t *status = plugin_status(i->plugin);
		const char *state = json_string_value(json_object_get(status, "state"));

		is_over = is_over && state && !strcmp(state, "ended");
		json_decref(status);
	}
	if (is_over)
		(void)event_base_loopexit(h->dispatch->base, NULL);
}

/* Life. */

int dispatch_new(struct dispatch **out, struct event_base *base, struct weir_error *err)
{
	struct dispatch *d = mem_new(1, sizeof *d);

	*out = d;
	if (!d)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the agent");
	d->base = base;
	d->end = &d->plugins;
	return 0;
}

void dispatch_free(struct dispatch *d)
{
	while (d && d->plugins) {
		struct hosted *h = d->plugins;

		d->plugins = h->next;
		while (h->calls) {
			struct call *c = h->calls;

			h->calls = c->next;
			call_free(c);
		}
		plugin_free(h->plugin);
		mem_free(h);
	}
	mem_free(d);
}

int dispatch_add(struct dispatch *d, const struct plugin_config *config,
		 struct weir_error *err)
{
	struct plugin_events events = { on_up, on_down, on_message, on_ended, NULL };
	struct hosted *h;
	int rc;

	if (!strcmp(config->name, "agent") || find(d, config->name))
		return err_set(err, WEIR_ERR_EXISTS, "two plugins are called '%.40s'",
			       config->name);
	h = mem_new(1, sizeof *h);
	if (!h)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a plugin");
	h->dispatch = d;
	events.data = h;
	rc = plugin_new(&h->plugin, d->base, config, &events, err);
	if (rc) {
		mem_free(h);
		return rc;
	}
	*d->end = h;
	d->end = &h->next;
	return 0;
}

void dispatch_stop(struct dispatch *d)
{
	if (d->is_stopping)
		return;
	d->is_stopping = true;
	if (!d->plugins)
		(void)event_base_loopexit(d->base, NULL);
	for (struct hosted *h = d->plugins; h; h = h->next)
		plugin_stop(h->plugin);
}

/* Calls. */

static void call_own(const struct dispatch *d, const char *directive, struct call *c)
{
	json_t *result = NULL;

	if (!strcmp(directive, "status"))
		result = dispatch_status(d);
	else if (!strcmp(directive, "describe"))
		result = dispatch_describe(d);
	if (result)
		call_finish(c, result);
	else
		call_fail(c, CALL_UNKNOWN, "the agent has no such directive", NULL);
	json_decref(result);
}

static int send_call(struct hosted *h, struct call *c, const struct caller *caller,
		     const char *directive, json_t *arguments)
{
	json_t *params = json_pack("{s:s,s:O,s:s,s:I,s:i}", "directive", directive,
				   "arguments", arguments, "caller", caller->name,
				   "session", (json_int_t)(caller->session & INT64_MAX),
				   "window", CALL_WINDOW);
	int rc;

	c->id = plugin_next_id(h->plugin);
	rc = params ? plugin_send(h->plugin, rpc_request(c->id, "call", params))
		    : WEIR_ERR_NO_MEMORY;
	json_decref(params);
	return rc;
}

static void call_plugin(struct hosted *h, struct call *c, const struct caller *caller,
			const char *directive, json_t *arguments)
{
	struct weir_error err = { 0 };
	struct directive found;

	if (!plugin_description(h->plugin)) {
		call_fail(c, CALL_UNAVAILABLE, "the plugin is not running", NULL);
		return;
	}
	if (!description_find(plugin_description(h->plugin), directive, &found)) {
		call_fail(c, CALL_UNKNOWN, "the plugin has no such directive", NULL);
		return;
	}
	if (schema_validate(found.schema, arguments, &err)) {
		call_fail(c, CALL_ARGUMENTS, err.text, NULL);
		return;
	}
	if (h->count >= CALLS_MAX) {
		call_fail(c, CALL_BUSY, "too many calls of this plugin at a time", NULL);
		return;
	}
	if (send_call(h, c, caller, directive, arguments)) {
		call_fail(c, CALL_UNAVAILABLE, "the plugin is not running", NULL);
		return;
	}
	c->plugin = h;
	c->next = h->calls;
	h->calls = c;
	h->count++;
	c->timeout_s = found.timeout_s;
	call_touch(c);
}

int dispatch_call(struct dispatch *d, const struct caller *caller, const char *plugin,
		  const char *directive, json_t *arguments, const struct call_sink *sink,
		  void *sink_data, struct call **call)
{
	json_t *given = arguments ? json_incref(arguments) : json_object();
	struct call *c = given ? call_new(d->base, sink, sink_data) : NULL;
	struct hosted *h = find(d, plugin);

	*call = c;
	if (!c) {
		json_decref(given);
		return WEIR_ERR_NO_MEMORY;
	}
	c->room = tell_room;
	c->overdue = on_overdue;
	if (d->is_stopping)
		call_fail(c, CALL_UNAVAILABLE, "the agent is ending", NULL);
	else if (!strcmp(plugin, "agent"))
		call_own(d, directive, c);
	else if (h)
		call_plugin(h, c, caller, directive, given);
	else
		call_fail(c, CALL_UNKNOWN, "there is no such plugin", NULL);
	json_decref(given);
	return 0;
}

void dispatch_session_end(struct dispatch *d, uint64_t session)
{
	for (struct hosted *h = d->plugins; h; h = h->next)
		if (plugin_is_running(h->plugin))
			notify(h, "session_end",
			       json_pack("{s:I}", "session",
					 (json_int_t)(session & INT64_MAX)));
}

/* What is known. */

static json_t *describe_one(const struct hosted *h)
{
	const json_t *said = plugin_description(h->plugin);
	json_t *one = said ? json_copy((json_t *)(uintptr_t)said) : json_object();

	/* It is called what the configuration calls it. */
	json_object_set_new(one, "name", json_string(plugin_name(h->plugin)));
	json_object_set_new(one, "is_running",
			    json_boolean(plugin_is_running(h->plugin)));
	return one;
}

json_t *dispatch_describe(const struct dispatch *d)
{
	json_t *all = json_array(), *own = own_load();

	json_object_set_new(own, "is_running", json_true());
	json_array_append_new(all, own);
	for (const struct hosted *h = d->plugins; h; h = h->next)
		json_array_append_new(all, describe_one(h));
	return json_pack("{s:o}", "plugins", all);
}

json_t *dispatch_status(const struct dispatch *d)
{
	json_t *all = json_array();

	for (const struct hosted *h = d->plugins; h; h = h->next) {
		json_t *one = plugin_status(h->plugin);

		json_object_set_new(one, "calls", json_integer(h->count));
		json_array_append_new(all, one);
	}
	return json_pack("{s:o}", "plugins", all);
}

bool dispatch_role(const struct dispatch *d, const char *plugin, const char *directive,
		   enum agent_role *role)
{
	const struct hosted *h = find(d, plugin);
	struct directive found;
	bool is_there;

	if (!strcmp(plugin, "agent")) {
		json_t *own = own_load();

		is_there = description_find(own, directive, &found);
		*role = is_there ? found.role : ROLE_ADMIN;
		json_decref(own);
		return is_there;
	}
	is_there = h && plugin_description(h->plugin) &&
		   description_find(plugin_description(h->plugin), directive, &found);
	*role = is_there ? found.role : ROLE_ADMIN;
	return is_there;
}

static int open_call(void *self, const struct caller *caller, const char *plugin,
		     const char *directive, json_t *arguments,
		     const struct call_sink *sink, void *sink_data, struct call **call)
{
	return dispatch_call(self, caller, plugin, directive, arguments, sink, sink_data,
			     call);
}

struct gate gate_open(struct dispatch *d)
{
	return (struct gate){ .call = open_call, .self = d };
}
