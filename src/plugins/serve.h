/* The plugin's side of docs/plugin-protocol.md, for the plugins of this binary: reads messages from
 * standard input, runs each call in a thread of its own, writes answers to standard output.
 *
 * Calling sequence: fill a struct serve; serve_run() until the host closes standard input
 * or the plugin itself is over.  A
 * directive's run() ends with serve_result() or serve_fail(); before that it may stream with
 * serve_items() as long as these return true.
 * Threads: run() in its own; stop and session_end in the main thread; serve_* from any.
 * Memory: CALLS_MAX calls, a line each way. */
#ifndef WEIR_PLUGINS_SERVE_H
#define WEIR_PLUGINS_SERVE_H

#include "agent/dispatch.h"
#include "port/own_child.h"

#include <stdatomic.h>

struct serve_call;

struct serve_row {
	const char *name, *summary;
	enum agent_role role;
	const char *arguments; /* JSON Schema with ' for " */
	bool streams;
	int timeout_s; /* 0: the usual; negative: none */
	void (*run)(struct serve_call *c, void *state, json_t *arguments);
};

struct serve {
	const char *name, *summary;
	const struct serve_row *rows; /* ends with a row without name */
	void *state;
	/* May be NULL. */
	void (*session_end)(void *state, int64_t session);
	/* The host has gone or asks to end: running calls are cancelled already. */
	void (*stop)(void *state);
	/* Set from any thread: the plugin ends by itself; NULL: it does not. */
	const atomic_bool *is_over;
	/* What the plugin itself has given up beside its sandbox; added to the description. */
	json_t *confined;
};

int serve_run(const struct serve *s, struct weir_error *err) MUST_CHECK;

int64_t serve_session(const struct serve_call *c);
const char *serve_caller(const struct serve_call *c);
bool serve_is_cancelled(const struct serve_call *c);
/* A process that is to be ended when the call is cancelled; NULL: none any more. */
void serve_set_child(struct serve_call *c, const struct process *child);
/* The same for what is no process: called with the call cancelled, from the main thread, under a lock
 * (it must not wait); NULL: none any more. */
void serve_on_cancel(struct serve_call *c, void (*cancel)(void *arg), void *arg);
/* JSON values with commas between them.  Waits for room; false once nobody wants more. */
bool serve_items(struct serve_call *c, const char *values, size_t length) MUST_CHECK;
/* Takes the item. */
bool serve_item(struct serve_call *c, json_t *item) MUST_CHECK;
/* Takes the members. */
void serve_progress(struct serve_call *c, json_t *members);
/* Takes the result. */
void serve_result(struct serve_call *c, json_t *result);
void serve_fail(struct serve_call *c, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with {"reason":reason} for programs. */
void serve_refuse(struct serve_call *c, int code, const char *reason, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

#endif
