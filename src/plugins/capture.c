#include "plugins/capture.h"

#include "base/mem.h"
#include "base/time.h"
#include "plugins/program.h"
#include "store/open.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BACKOFF_MIN_NS (250 * NS_PER_MS)
#define BACKOFF_MAX_NS (30 * NS_PER_S)
#define STABLE_NS      (60 * NS_PER_S)

void capture_path(const struct capture *c, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", c->all->stores, c->store);
}

/* With the lock held. */
static void take_start(struct capture *c, const json_t *said)
{
	c->has_started = true;
	json_decref(c->sandbox);
	c->sandbox = json_incref(json_object_get(said, "sandbox"));
	c->error[0] = '\0';
	/* Given up meanwhile: neither this life of the plugin nor its next may take it for one that records. */
	if (c->want_stop) {
		capture_end(c);
		return;
	}
	c->life = RECORDING;
	captures_save_quietly(c->all, c);
}

static void take_line(struct capture *c, const char *line, size_t length)
{
	json_t *said = json_loadb(line, length, 0, NULL);
	const char *type = json_string_value(json_object_get(said, "type"));

	if (!type) {
		json_decref(said);
		return;
	}
	port_monitor_lock(c->all->lock);
	if (!strcmp(type, "started")) {
		take_start(c, said);
	} else if (!strcmp(type, "status")) {
		json_decref(c->figures);
		c->figures = json_incref(said);
	} else if (!strcmp(type, "summary")) {
		json_decref(c->summary);
		c->summary = json_incref(said);
	}
	port_monitor_signal(c->all->lock);
	port_monitor_unlock(c->all->lock);
	json_decref(said);
}

/* What a recorder that is ending does not read is of no use to it. */
bool capture_tell(const struct capture *c, const char *line)
{
	size_t length = strlen(line);

	return c->control_fd >= 0 && process_tell(c->control_fd, line, length);
}

void capture_end(struct capture *c)
{
	c->want_stop = true;
	if (c->has_started && c->life != STOPPING) {
		c->life = STOPPING;
		captures_save_quietly(c->all, c);
	}
	if (c->control_fd >= 0 && !capture_tell(c, "stop\n"))
		process_hang_up(c->control_fd);
}

static int start_recorder(struct capture *c, struct program *p,
			  const struct recording_words *w, struct weir_error *err)
{
	int rc = launcher_start(c->all->launcher, p, w->items, err);

	port_monitor_lock(c->all->lock);
	if (!rc) {
		c->control_fd = p->control_fd;
		c->pid = p->process.pid;
		if (c->want_stop || c->all->is_stopping)
			(void)capture_tell(c, "stop\n");
	}
	port_monitor_unlock(c->all->lock);
	return rc;
}

/* From its first word to its last; its exit code. */
static int watch_recorder(struct capture *c, struct program *p)
{
	size_t length;
	char *line;
	int code;

	while ((line = program_line(p, &length)) != NULL)
		take_line(c, line, length);
	port_monitor_lock(c->all->lock);
	c->control_fd = -1;
	c->pid = 0;
	port_monitor_unlock(c->all->lock);
	code = program_wait(p);
	return code;
}

static bool is_asked_to_end(const struct capture *c)
{
	return c->want_stop || c->all->is_stopping;
}

/* A store whose recorder died is repaired, and its last line is the summary.  False while a recorder lives, as
 * one of the plugin's last life may for as long as its disk is slow. */
static bool close_store(const char *path, json_t **end)
{
	struct weir_error err;
	struct store_view *v;
	bool is_live;

	*end = NULL;
	if (store_open(&v, path, &err)) {
		*end = json_pack("{s:s}", "error", err.text);
		return true;
	}
	is_live = v->is_live;
	if (v->end && !is_live)
		*end = json_copy(v->end);
	store_view_free(v);
	return !is_live;
}

static int64_t longer(int64_t wait_ns)
{
	return wait_ns > BACKOFF_MAX_NS / 2 ? BACKOFF_MAX_NS : 2 * wait_ns;
}

/* False: the plugin ends before that. */
static bool wait_for_store(struct capture *c, const char *path, json_t **end)
{
	int64_t wait_ns = BACKOFF_MIN_NS;
	bool is_stopping = false, is_closed;

	while (!(is_closed = close_store(path, end)) && !is_stopping) {
		int64_t until = port_monotonic_ns() + wait_ns;

		port_monitor_lock(c->all->lock);
		while (!c->all->is_stopping && port_monotonic_ns() < until)
			(void)port_monitor_wait(c->all->lock, CAPTURE_POLL_NS);
		is_stopping = c->all->is_stopping;
		port_monitor_unlock(c->all->lock);
		wait_ns = longer(wait_ns);
	}
	return is_closed;
}

/* What a recorder said last is less than it recorded, and is gone with the plugin. */
static uint64_t packets_of(const char *path)
{
	struct weir_error err;
	struct store_view *v;
	uint64_t packets = 0;

	if (store_open(&v, path, &err))
		return 0;
	for (size_t i = 0; i < v->segment_count; i++)
		packets += v->segments[i].packets;
	store_view_free(v);
	return packets;
}

/* False: nothing is left to record. */
static bool choose_words(struct capture *c, struct recording_words *w, const char *path)
{
	struct recording_done done = { .is_continued = store_is_store(path) };

	if (done.is_continued) {
		done.elapsed_ns = port_monotonic_ns() - c->began_ns;
		if (json_object_get(c->arguments, "count"))
			done.packets = packets_of(path);
	}
	port_monitor_lock(c->all->lock);
	json_decref(c->summary);
	c->summary = NULL;
	port_monitor_unlock(c->all->lock);
	return recording_words(w, c->arguments, path, &done);
}

static void keep_error(struct capture *c, const struct program *p, int code,
		       const struct weir_error *err)
{
	const char *said = strstr(p->errors, ": "), *text = said ? said + 2 : p->errors;

	if (err->code)
		(void)snprintf(c->error, sizeof c->error, "%.390s", err->text);
	else if (*text)
		(void)snprintf(c->error, sizeof c->error, "%.*s",
			       (int)(strcspn(text, "\n") % sizeof c->error), text);
	else
		(void)snprintf(c->error, sizeof c->error,
			       "the recorder ended with exit code %d", code);
}

enum next {
	NEXT_END,
	NEXT_AGAIN
};

/* One recorder's life. */
static enum next record_once(struct capture *c, const char *path)
{
	struct recording_words w;
	struct weir_error err = { 0 };
	struct program p = { .control_fd = -1 };
	enum next next = NEXT_END;
	int code = 0;

	if (!choose_words(c, &w, path))
		return NEXT_END;
	if (!start_recorder(c, &p, &w, &err))
		code = watch_recorder(c, &p);
	port_monitor_lock(c->all->lock);
	/* One that has said its last words ended by itself: a bound was reached. */
	if (!is_asked_to_end(c) && !c->summary) {
		keep_error(c, &p, code, &err);
		if (c->has_started)
			next = NEXT_AGAIN;
	}
	port_monitor_unlock(c->all->lock);
	program_fini(&p);
	return next;
}

static void wait_before_again(struct capture *c, int64_t wait_ns)
{
	int64_t until = port_monotonic_ns() + wait_ns;

	port_monitor_lock(c->all->lock);
	if (!is_asked_to_end(c)) {
		c->life = WAITING;
		c->restarts++;
		captures_save_quietly(c->all, c);
	}
	while (!is_asked_to_end(c) && port_monotonic_ns() < until)
		(void)port_monitor_wait(c->all->lock, CAPTURE_POLL_NS);
	port_monitor_unlock(c->all->lock);
}

static void finish(struct capture *c, const char *path)
{
	bool is_left = false;
	json_t *end = NULL;

	port_monitor_lock(c->all->lock);
	/* The plugin ends and the capture does not: its next life goes on with it. */
	is_left = c->all->is_stopping && !c->want_stop;
	port_monitor_unlock(c->all->lock);
	if (!is_left && !c->summary && c->has_started)
		is_left = !wait_for_store(c, path, &end);
	port_monitor_lock(c->all->lock);
	if (end)
		c->summary = end;
	c->is_over = true;
	if (!is_left) {
		c->life = ENDED;
		c->ended_ns = port_realtime_ns();
		if (c->has_started)
			captures_save_quietly(c->all, c);
	}
	port_monitor_signal(c->all->lock);
	port_monitor_unlock(c->all->lock);
}

static bool must_end(struct capture *c)
{
	bool must;

	port_monitor_lock(c->all->lock);
	must = is_asked_to_end(c);
	port_monitor_unlock(c->all->lock);
	return must;
}

void *capture_run(void *arg)
{
	struct capture *c = arg;
	int64_t wait_ns = BACKOFF_MIN_NS;
	char path[sizeof c->all->stores + sizeof c->store];

	capture_path(c, path, sizeof path);
	while (!must_end(c)) {
		int64_t began = port_monotonic_ns();

		if (record_once(c, path) == NEXT_END)
			break;
		if (port_monotonic_ns() - began >= STABLE_NS)
			wait_ns = BACKOFF_MIN_NS;
		wait_before_again(c, wait_ns);
		wait_ns = longer(wait_ns);
	}
	finish(c, path);
	return NULL;
}
