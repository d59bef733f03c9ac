/* One hosted plugin: a child process that speaks JSON-RPC on its standard input and output
 * (docs/plugin-protocol.md), started, watched, ended and started again.
 *
 *	          start           describe answered, schemas good
 *	  WAITING ------> STARTING ------------------------------> RUNNING
 *	    ^  back-off      |  crash, hang, garbage, flood           |
 *	    +----------------+----------------------------------------+
 *	                     | its sandbox cannot be had              | plugin_stop()
 *	                     v                                        v
 *	                  REFUSED                                   ENDING -> ENDED
 *
 * A fault (plugin_fault(), or found here: the process ended, a line too long or no message, nothing
 * said for hang_ms, more notifications than the bound) is kept in the status, logged, and the process
 * killed with all that it started (but with may_leave: its group); the next start waits backoff_min_ms, twice as long after each further fault
 * up to backoff_max_ms, and from the beginning again once it ran for stable_ms.
 *
 * Bounds: RPC_LINE_MAX bytes a line, PLUGIN_UNSENT_MAX bytes waiting for a plugin that does not read,
 * PLUGIN_TALK_RATE notifications a second that are no items; standard error is logged at
 * PLUGIN_STDERR_RATE lines a second and the rest counted.
 *
 * Threads: the event loop's.  The events are called from the loop; plugin_fault() and plugin_stop()
 * may be called from inside them. */
#ifndef WEIR_AGENT_PLUGIN_H
#define WEIR_AGENT_PLUGIN_H

#include "agent/log.h"
#include "agent/rpc.h"
#include "port/sandbox.h"

struct event_base;
struct plugin;

enum {
	PLUGIN_UNSENT_MAX = 4 * 1024 * 1024,
	PLUGIN_TALK_RATE = 200,
	PLUGIN_STDERR_RATE = 50,
	PLUGIN_NAME_MAX = 32,
	PLUGIN_DIRECTIVES_MAX = 64,
};

struct plugin_times {
	unsigned start_ms;     /* until describe must be answered (10,000) */
	unsigned heartbeat_ms; /* between pings (5,000) */
	unsigned hang_ms;      /* silence beside an open ping that is a hang (15,000) */
	unsigned backoff_min_ms, backoff_max_ms, stable_ms; /* 250, 30,000, 60,000 */
	unsigned stop_ms; /* from the request to end until it is killed (10,000) */
};

extern const struct plugin_times plugin_times_default;

struct plugin_config {
	const char *name;
	const char *const *argv; /* argv[0] is the program's path; ends with NULL */
	const char *
		state_dir; /* exists, belongs to the plugin's user; its working directory */
	const char *const
		*environment; /* "NAME=value" beside what every plugin gets; or NULL */
	struct sandbox_rules sandbox;
	bool may_leave; /* what it starts ends by itself (port/child.h) */
	struct plugin_times times;
	const struct agent_log *log;
};

struct plugin_events {
	/* It has described itself; calls may be sent. */
	void (*up)(void *data);
	/* It will answer nothing more: calls have failed. */
	void (*down)(void *data, const char *why);
	/* A result or error (but of describe and ping), or a notification `item` or `progress`. */
	void (*message)(void *data, const struct rpc_message *m);
	/* After plugin_stop(): it is gone. */
	void (*ended)(void *data);
	void *data;
};

/* Copies the configuration (but for the log, which stays the caller's) and starts. */
int plugin_new(struct plugin **p, struct event_base *base,
	       const struct plugin_config *config, const struct plugin_events *events,
	       struct weir_error *err) MUST_CHECK;
void plugin_free(struct plugin *p);
void plugin_stop(struct plugin *p);

const char *plugin_name(const struct plugin *p);
bool plugin_is_running(const struct plugin *p);
/* Ids of requests: never used twice in one life of the process. */
int64_t plugin_next_id(struct plugin *p);
/* Takes the line (NULL is WEIR_ERR_LIMIT); WEIR_ERR_CLOSED where it is not running, WEIR_ERR_BUSY where
 * it does not read what was sent. */
int plugin_send(struct plugin *p, char *line) MUST_CHECK;
/* It does not keep to the protocol. */
void plugin_fault(struct plugin *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What describe said when it last ran; NULL before. */
const json_t *plugin_description(const struct plugin *p);
json_t *plugin_status(const struct plugin *p) MUST_CHECK;

#endif
