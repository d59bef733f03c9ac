/* One call on its way: what the plugin has streamed and the sink has not yet taken, and the outcome
 * that waits behind it.  For dispatch.c; calls know no plugin but by their owner's functions.
 *
 *	              call_item()*            call_finish()/call_fail()
 *	OPEN ----------------------------------------------> OUTCOME --(all items taken)--> freed
 *	  | call_abandon(): the sink has gone                   |
 *	  v                                                     v
 *	ABANDONED -- answer of the plugin, or its end --------> freed
 *
 * Threads: the event loop's. */
#ifndef WEIR_AGENT_CALL_H
#define WEIR_AGENT_CALL_H

#include "agent/dispatch.h"

struct hosted;

struct call {
	struct call *next;
	struct hosted *plugin; /* NULL: it needs (or hears) no plugin any more */
	int64_t id;
	unsigned timeout_s;
	struct call_sink sink;
	void *sink_data;
	struct event *soon, *timer;
	json_t *queue[CALL_WINDOW]; /* arrays of items, a ring */
	unsigned first, count;
	size_t at;      /* items taken of the first */
	unsigned eaten; /* messages whose room has not been told to the plugin yet */
	bool is_paused, is_abandoned, is_busy, has_outcome;
	int code; /* of the outcome; 0: result */
	json_t *result;
	char text[WEIR_ERROR_TEXT];
	/* Told to the plugin: room for `count` messages more; cancelled. */
	void (*room)(struct call *c, unsigned count);
	void (*overdue)(struct call *c);
};

struct call *call_new(struct event_base *base, const struct call_sink *sink,
		      void *sink_data) MUST_CHECK;
void call_free(struct call *c);
/* Takes the array; false where the window was overrun. */
bool call_item(struct call *c, json_t *items) MUST_CHECK;
void call_progress(struct call *c, json_t *progress);
/* Both borrow.  The first outcome stays. */
void call_finish(struct call *c, json_t *result);
void call_fail(struct call *c, int code, const char *text, json_t *more);
/* Starts its time anew. */
void call_touch(struct call *c);

#endif
