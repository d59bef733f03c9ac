#include "agent/call.h"

#include "base/mem.h"

#include <event2/event.h>
#include <stdio.h>

void call_free(struct call *c)
{
	if (c->soon)
		event_free(c->soon);
	if (c->timer)
		event_free(c->timer);
	for (; c->count; c->count--) {
		json_decref(c->queue[c->first]);
		c->first = (c->first + 1) % CALL_WINDOW;
	}
	json_decref(c->result);
	mem_free(c);
}

/* One message of items; false when the sink wants no more. */
static bool deliver_first(struct call *c)
{
	json_t *items = c->queue[c->first];

	while (c->at < json_array_size(items)) {
		bool has_room =
			c->sink.item(c->sink_data, json_array_get(items, c->at++));

		if (c->is_abandoned)
			return false;
		if (!has_room) {
			c->is_paused = true;
			break;
		}
	}
	if (c->at < json_array_size(items))
		return false;
	json_decref(items);
	c->first = (c->first + 1) % CALL_WINDOW;
	c->count--;
	c->at = 0;
	if (++c->eaten >= CALL_WINDOW / 2 && !c->has_outcome) {
		c->room(c, c->eaten);
		c->eaten = 0;
	}
	return !c->is_paused;
}

static void tell_outcome(struct call *c)
{
	if (c->code)
		c->sink.failed(c->sink_data, c->code, c->text, c->result);
	else
		c->sink.done(c->sink_data, c->result);
}

/* All that the sink has room for; frees the call behind its end. */
static void deliver(struct call *c)
{
	c->is_busy = true;
	while (c->count && !c->is_paused && !c->is_abandoned)
		if (!deliver_first(c))
			break;
	if (c->has_outcome && !c->count && !c->is_abandoned) {
		tell_outcome(c);
		c->is_abandoned = true;
	}
	c->is_busy = false;
	if (c->is_abandoned && !c->plugin)
		call_free(c);
}

static void on_soon(evutil_socket_t fd, short what, void *data)
{
	(void)fd;
	(void)what;
	deliver(data);
}

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct call *c = data;

	(void)fd;
	(void)what;
	c->overdue(c);
}

static void wake(struct call *c)
{
	event_active(c->soon, EV_TIMEOUT, 0);
}

struct call *call_new(struct event_base *base, const struct call_sink *sink,
		      void *sink_data)
{
	struct call *c = mem_new(1, sizeof *c);

	if (!c)
		return NULL;
	c->sink = *sink;
	c->sink_data = sink_data;
	c->soon = evtimer_new(base, on_soon, c);
	c->timer = evtimer_new(base, on_timer, c);
	if (c->soon && c->timer)
		return c;
	call_free(c);
	return NULL;
}

bool call_item(struct call *c, json_t *items)
{
	if (c->is_abandoned || c->has_outcome) {
		json_decref(items);
		return true;
	}
	if (c->count == CALL_WINDOW) {
		json_decref(items);
		return false;
	}
	c->queue[(c->first + c->count++) % CALL_WINDOW] = items;
	call_touch(c);
	wake(c);
	return true;
}

void call_progress(struct call *c, json_t *progress)
{
	call_touch(c);
	if (c->is_abandoned || c->has_outcome || !c->sink.progress)
		return;
	c->is_busy = true;
	c->sink.progress(c->sink_data, progress);
	c->is_busy = false;
}

static bool begin_outcome(struct call *c, json_t *value)
{
	if (c->has_outcome)
		return false;
	c->has_outcome = true;
	c->result = json_incref(value);
	(void)event_del(c->timer);
	wake(c);
	return true;
}

void call_finish(struct call *c, json_t *result)
{
	(void)begin_outcome(c, result);
}

void call_fail(struct call *c, int code, const char *text, json_t *more)
{
	if (!begin_outcome(c, more))
		return;
	c->code = code ? code : CALL_FAILED;
	(void)snprintf(c->text, sizeof c->text, "%s", text);
}

void call_touch(struct call *c)
{
	struct timeval tv = { .tv_sec = (long)c->timeout_s };

	if (c->timeout_s && !c->has_outcome)
		(void)event_add(c->timer, &tv);
}

void dispatch_resume(struct call *c)
{
	c->is_paused = false;
	wake(c);
}
