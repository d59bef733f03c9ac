/* Calls from controllers to plugins: whoever takes requests (HTTPS, the Unix socket, the prototype's
 * line protocol) hands them in here, and answers come back through a sink.
 *
 * Calling sequence: dispatch_new(); dispatch_add() for each plugin of the configuration; then, from
 * the event loop, dispatch_call() ... item()* ... done() or failed(); dispatch_cancel() when whoever
 * asked has gone; dispatch_session_end() when a session is over; dispatch_stop(), which ends the
 * plugins and makes the loop return when the last has ended; dispatch_free().
 *
 * Who may call is not asked here: authorisation and audit stand in front (struct gate), and every
 * transport goes through them.
 *
 * Threads: one, that of the event loop.  No callback of a sink is called from inside dispatch_call()
 * or dispatch_cancel(); exactly one of done() and failed() is called for each call that was accepted,
 * unless it is cancelled, and then none.  Memory of a call is bounded: CALL_WINDOW items of at most
 * RPC_LINE_MAX bytes, CALLS_MAX calls a plugin. */
#ifndef WEIR_AGENT_DISPATCH_H
#define WEIR_AGENT_DISPATCH_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct dispatch;
struct call;
struct plugin_config; /* agent/plugin.h */

enum {
	CALLS_MAX = 64,   /* at a time, of one plugin */
	CALL_WINDOW = 32, /* messages of items that may be on their way */
};

enum agent_role {
	ROLE_NONE,
	ROLE_VIEWER,
	ROLE_OPERATOR,
	ROLE_ADMIN
};

/* "none", "viewer", "operator", "admin"; role_find() is ROLE_NONE for any other text. */
const char *role_name(enum agent_role role);
enum agent_role role_find(const char *name);

struct caller_role {
	const char *plugin;
	enum agent_role role;
};

/* Who asks.  Lent for the time of a call to dispatch_call(). */
struct caller {
	const char *
		name; /* "key:...", "uid:0", "tim": goes to the audit log and the plugin */
	const char *transport; /* "https", "unix" or "pipe", "tim" */
	const char *address;   /* where from, in words; may be NULL */
	uint64_t session;      /* chdir and the like hold for one session; 0: none */
	/* What the caller calls it ("" is his usual one), of which the gate makes `session`; NULL: that stands. */
	const char *session_name;
	enum agent_role role; /* for plugins that are not in `roles` */
	const struct caller_role *roles;
	size_t role_count;
};

/* Codes of failed(): JSON-RPC's own, and ours.  Other numbers are the plugin's. */
enum call_code {
	CALL_PARSE = -32700,
	CALL_INVALID = -32600,
	CALL_UNKNOWN = -32601, /* no such plugin or directive */
	CALL_ARGUMENTS =
		-32602, /* the arguments do not fit the schema; the message says where */
	CALL_INTERNAL = -32603,
	CALL_FAILED = -32000, /* the plugin says no; the message says why */
	CALL_UNAVAILABLE =
		-32001, /* the plugin is not running, or ended during the call */
	CALL_TIMEOUT = -32002,
	CALL_BUSY = -32003,
	CALL_REFUSED = -32004, /* by authorisation */
};

/* All but failed's message and data are borrowed from the caller of the callback, for its time. */
struct call_sink {
	/* One streamed result.  It is taken; false says: no room for more now.  Then none comes
	 * (but what is on its way already: at most CALL_WINDOW messages are held back) until
	 * dispatch_resume(). */
	bool (*item)(void *data, json_t *item);
	/* How far a long call is; may be NULL. */
	void (*progress)(void *data, json_t *progress);
	void (*done)(void *data, json_t *result);
	void (*failed)(void *data, int code, const char *message, json_t *more);
	/* The call was cancelled, from inside dispatch_cancel(): for sinks that stand before another
	 * one; may be NULL. */
	void (*gone)(void *data);
};

int dispatch_new(struct dispatch **d, struct event_base *base,
		 struct weir_error *err) MUST_CHECK;
void dispatch_free(struct dispatch *d);
/* Starts the plugin.  Copies the configuration. */
int dispatch_add(struct dispatch *d, const struct plugin_config *config,
		 struct weir_error *err) MUST_CHECK;
/* Asks all plugins to end and kills those that take too long (plugin_times.stop_ms); then the loop
 * ends.  Calls from now on fail. */
void dispatch_stop(struct dispatch *d);

/* Borrows arguments (an object, or NULL for none).  Returns 0 and sets *call, or WEIR_ERR_NO_MEMORY.
 * Whatever else is wrong is told to the sink.  *call is valid until done(), failed() or
 * dispatch_cancel(). */
int dispatch_call(struct dispatch *d, const struct caller *caller, const char *plugin,
		  const char *directive, json_t *arguments, const struct call_sink *sink,
		  void *sink_data, struct call **call) MUST_CHECK;
/* The sink is not called any more, and the plugin is told. */
void dispatch_cancel(struct call *call);
/* The sink has room again. */
void dispatch_resume(struct call *call);
void dispatch_session_end(struct dispatch *d, uint64_t session);

/* {"plugins":[{"name","summary","directives":[{"name","summary","role","arguments":SCHEMA,
 * "streams":BOOL}]}]}: a new reference.  Plugins that are not running are there with what they said
 * when they last ran.  The plugin `agent` is this process itself. */
json_t *dispatch_describe(const struct dispatch *d) MUST_CHECK;
/* {"plugins":[{"name","state","pid","restarts","last_fault","sandbox":{...},...}]}: a new reference.
 * The same as the directive `status` of the plugin `agent`. */
json_t *dispatch_status(const struct dispatch *d) MUST_CHECK;
/* The least role that may call it; false where there is no such directive (yet). */
bool dispatch_role(const struct dispatch *d, const char *plugin, const char *directive,
		   enum agent_role *role);

/* What stands in front of dispatch_call(): a transport that is not told otherwise calls
 * gate->call(gate->self, ...).  gate_open() is the one that lets everybody pass. */
struct gate {
	int (*call)(void *self, const struct caller *caller, const char *plugin,
		    const char *directive, json_t *arguments,
		    const struct call_sink *sink, void *sink_data, struct call **call);
	void *self;
};

struct gate gate_open(struct dispatch *d);

#endif
