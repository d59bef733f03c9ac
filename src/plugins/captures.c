#include "plugins/captures.h"

#include "base/mem.h"
#include "base/time.h"
#include "plugins/capture.h"
#include "plugins/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_NAME    "captures.json"
#define START_WAIT_NS (30 * NS_PER_S)
#define END_WAIT_NS   (30 * NS_PER_S)

static const char *const life_names[] = { "starting", "recording", "waiting", "stopping",
					  "ended" };

/* State. */

static json_t *to_json(const struct capture *c, bool is_state)
{
	char at[TIME_TEXT];
	json_t *one =
		json_pack("{s:s,s:s,s:s,s:s,s:O,s:I}", "name", c->name, "store", c->store,
			  "state", life_names[c->life], "caller", c->caller, "arguments",
			  c->arguments, "restarts", (json_int_t)c->restarts);

	time_format(c->started_ns, at);
	json_object_set_new(one, "started", json_string(at));
	json_object_set_new(one, "started_ns", json_integer(c->started_ns));
	if (c->ended_ns) {
		time_format(c->ended_ns, at);
		json_object_set_new(one, "ended", json_string(at));
		json_object_set_new(one, "ended_ns", json_integer(c->ended_ns));
	}
	if (c->summary)
		json_object_set(one, "summary", c->summary);
	if (c->error[0])
		json_object_set_new(one, "last_error", json_string(c->error));
	if (is_state) {
		json_object_set_new(one, "boot_id", json_string(c->all->boot_id));
		json_object_set_new(one, "began_ns", json_integer(c->began_ns));
	}
	if (!is_state && c->figures)
		json_object_set(one, "figures", c->figures);
	if (!is_state && c->sandbox)
		json_object_set(one, "sandbox", c->sandbox);
	if (!is_state && c->pid)
		json_object_set_new(one, "pid", json_integer(c->pid));
	return one;
}

static int save(struct captures *all, struct weir_error *err)
{
	json_t *list = json_array(),
	       *state = json_pack("{s:i,s:o}", "version", 1, "captures", list);
	int rc;

	for (struct capture *c = all->first; c; c = c->next)
		if (c->has_started)
			json_array_append_new(list, to_json(c, true));
	rc = state_save(all->state_fd, STATE_NAME, state, err);
	json_decref(state);
	return rc;
}

/* A change that is not asked for by anybody who could be told of a failure: it is in the list. */
void captures_save_quietly(struct captures *all, struct capture *c)
{
	struct weir_error err;

	if (save(all, &err))
		(void)snprintf(c->error, sizeof c->error, "%.390s", err.text);
}

static void free_capture(struct capture *c)
{
	json_decref(c->arguments);
	json_decref(c->figures);
	json_decref(c->summary);
	json_decref(c->sandbox);
	mem_free(c);
}

static struct capture *find(const struct captures *all, const char *name)
{
	struct capture *c = all->first;

	while (c && strcmp(c->name, name) != 0)
		c = c->next;
	return c;
}

static void unlink_capture(struct captures *all, struct capture *c)
{
	struct capture **at = &all->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

/* The table. */

static void copy(char *to, size_t size, const json_t *from, const char *name)
{
	const char *text = json_string_value(json_object_get(from, name));

	(void)snprintf(to, size, "%s", text ? text : "");
}

/* By this boot's clock.  What began in another boot, or where boots have no name, is told by the calendar. */
static int64_t began_of(const struct captures *all, const json_t *saved)
{
	const char *boot_id = json_string_value(json_object_get(saved, "boot_id"));
	int64_t since = port_realtime_ns() -
			json_integer_value(json_object_get(saved, "started_ns"));

	if (boot_id && *boot_id && !strcmp(boot_id, all->boot_id))
		return json_integer_value(json_object_get(saved, "began_ns"));
	return port_monotonic_ns() - (since > 0 ? since : 0);
}

/* Of the state file: what is not as we write it is left out. */
static struct capture *from_json(struct captures *all, const json_t *saved)
{
	struct capture *c = mem_new(1, sizeof *c);
	json_t *arguments = json_object_get(saved, "arguments");
	char state[16];

	if (!c)
		return NULL;
	c->all = all;
	c->control_fd = -1;
	copy(c->name, sizeof c->name, saved, "name");
	copy(c->store, sizeof c->store, saved, "store");
	copy(c->caller, sizeof c->caller, saved, "caller");
	copy(c->error, sizeof c->error, saved, "last_error");
	copy(state, sizeof state, saved, "state");
	c->arguments = json_incref(arguments);
	c->summary = json_incref(json_object_get(saved, "summary"));
	c->started_ns = json_integer_value(json_object_get(saved, "started_ns"));
	c->ended_ns = json_integer_value(json_object_get(saved, "ended_ns"));
	c->began_ns = began_of(all, saved);
	c->restarts = (uint64_t)json_integer_value(json_object_get(saved, "restarts"));
	c->has_started = true;
	c->want_stop = !strcmp(state, "stopping");
	c->is_over = !strcmp(state, "ended");
	c->life = c->is_over ? ENDED : c->want_stop ? STOPPING : WAITING;
	if (recording_is_name(c->name) && recording_is_name(c->store) &&
	    json_is_object(arguments) && !find(all, c->name))
		return c;
	free_capture(c);
	return NULL;
}

static int restore(struct captures *all, struct weir_error *err)
{
	struct weir_error damaged = { 0 };
	json_t *state = NULL, *one;
	struct capture **end = &all->first;
	size_t at;
	int rc = 0;

	/* One that was damaged is kept beside; stores are as they are. */
	(void)!state_load(all->state_fd, STATE_NAME, &state, &damaged);
	json_array_foreach(json_object_get(state, "captures"), at, one)
	{
		struct capture *c = from_json(all, one);

		if (!c)
			continue;
		*end = c;
		end = &c->next;
		if (!rc && !c->is_over) {
			c->restarts += !c->want_stop;
			rc = port_thread_start(&c->thread, "capture", capture_run, c,
					       err);
		}
	}
	json_decref(state);
	return rc;
}

int captures_new(struct captures **out, const char *stores, struct launcher *launcher,
		 struct weir_error *err)
{
	struct captures *all = mem_new(1, sizeof *all);
	struct port_identity id;
	int rc;

	*out = NULL;
	if (!all)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for captures");
	all->launcher = launcher;
	all->state_fd = -1;
	all->lock = port_monitor_new();
	(void)snprintf(all->stores, sizeof all->stores, "%s", stores);
	port_identity(&id);
	(void)snprintf(all->boot_id, sizeof all->boot_id, "%s", id.boot_id);
	rc = all->lock ? state_open(&all->state_fd, err)
		       : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for captures");
	if (!rc)
		rc = restore(all, err);
	if (rc) {
		captures_free(all);
		return rc;
	}
	*out = all;
	return 0;
}

void captures_stop(struct captures *all)
{
	port_monitor_lock(all->lock);
	all->is_stopping = true;
	for (struct capture *c = all->first; c; c = c->next)
		(void)capture_tell(c, "stop\n");
	port_monitor_signal(all->lock);
	port_monitor_unlock(all->lock);
}

void captures_free(struct captures *all)
{
	if (!all)
		return;
	if (all->lock)
		captures_stop(all);
	/* Each saves the state of all until it ends. */
	for (struct capture *c = all->first; c; c = c->next)
		port_thread_join(c->thread);
	while (all->first) {
		struct capture *c = all->first;

		all->first = c->next;
		free_capture(c);
	}
	if (all->state_fd >= 0)
		(void)close(all->state_fd);
	port_monitor_free(all->lock);
	mem_free(all);
}

static unsigned count(const struct captures *all, bool is_running_only)
{
	unsigned n = 0;

	for (const struct capture *c = all->first; c; c = c->next)
		n += !is_running_only || !c->is_over;
	return n;
}

/* An ended capture's place in the list is free for a new one of its name, or when there are many. */
static void forget(struct captures *all, struct capture *c)
{
	unlink_capture(all, c);
	port_thread_join(c->thread);
	free_capture(c);
}

/* Whoever stood on it last takes away what never recorded. */
static void leave(struct captures *all, struct capture *c)
{
	c->waiters--;
	if (!c->waiters && c->is_over && !c->has_started)
		forget(all, c);
}

static void forget_oldest(struct captures *all)
{
	for (struct capture *c = all->first; c; c = c->next) {
		if (c->is_over && !c->waiters) {
			forget(all, c);
			return;
		}
	}
}

static void name_store(struct capture *c)
{
	const char *given = json_string_value(json_object_get(c->arguments, "store"));
	char at[TIME_TEXT];
	size_t used;

	if (given) {
		(void)snprintf(c->store, sizeof c->store, "%s", given);
		return;
	}
	time_format(c->started_ns, at);
	used = (size_t)snprintf(c->store, sizeof c->store, "%.40s-", c->name);
	for (const char *p = at; *p && used < sizeof c->store - 1; p++)
		if (strchr("0123456789TZ", *p))
			c->store[used++] = *p;
	c->store[used] = '\0';
}

static int check_store(const struct capture *c, struct weir_error *err)
{
	char path[sizeof c->all->stores + sizeof c->store];
	struct stat st;

	if (!recording_is_name(c->store))
		return err_set(err, WEIR_ERR_USAGE, "'%.80s' is no name of a store",
			       c->store);
	capture_path(c, path, sizeof path);
	if (!lstat(path, &st))
		return err_set(err, WEIR_ERR_EXISTS,
			       "there is a store '%s' already: none is written over",
			       c->store);
	return errno == ENOENT ? 0 : err_sys(err, "cannot look at '%s'", path);
}

/* capture-1, capture-2, ...: the first that is not in the list. */
static void choose_name(struct captures *all, char name[RECORDING_NAME_MAX + 1])
{
	unsigned n = 1;

	do
		(void)snprintf(name, RECORDING_NAME_MAX + 1, "capture-%u", n++);
	while (find(all, name));
}

/* With the lock held. */
static int add_capture(struct captures *all, const char *name, json_t *arguments,
		       const char *caller, struct capture **out, struct weir_error *err)
{
	struct capture *c = find(all, name), **end = &all->first;
	int rc;

	if (c && !c->is_over)
		return err_set(err, WEIR_ERR_EXISTS, "capture '%s' is recording", name);
	if (c && c->waiters)
		return err_set(err, WEIR_ERR_BUSY, "capture '%s' is just ending", name);
	if (c)
		forget(all, c);
	if (all->is_stopping || count(all, true) >= CAPTURES_RUNNING)
		return err_set(err, WEIR_ERR_LIMIT, "%d captures are recording already",
			       CAPTURES_RUNNING);
	if (count(all, false) >= CAPTURES_KEPT)
		forget_oldest(all);
	c = mem_new(1, sizeof *c);
	if (!c)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a capture");
	c->all = all;
	c->control_fd = -1;
	c->started_ns = port_realtime_ns();
	c->began_ns = port_monotonic_ns();
	c->arguments = json_incref(arguments);
	(void)snprintf(c->name, sizeof c->name, "%s", name);
	(void)snprintf(c->caller, sizeof c->caller, "%s", caller);
	name_store(c);
	rc = check_store(c, err);
	if (!rc)
		rc = port_thread_start(&c->thread, "capture", capture_run, c, err);
	if (rc) {
		free_capture(c);
		return rc;
	}
	while (*end)
		end = &(*end)->next;
	*end = c;
	*out = c;
	return 0;
}

/* Somebody waits, and not for longer than he may.  With the lock held, which is given up meanwhile. */
static bool wait_on(const struct captures *all, const struct captures_caller *by,
		    int64_t until)
{
	if (port_monotonic_ns() >= until || (by->is_gone && by->is_gone(by->who)))
		return false;
	(void)port_monitor_wait(all->lock, CAPTURE_POLL_NS);
	return true;
}

static int has_not_started(const struct capture *c, const struct captures_caller *by,
			   struct weir_error *err)
{
	if (!c->is_over && by->is_gone && by->is_gone(by->who))
		return err_set(err, WEIR_ERR_CLOSED,
			       "capture '%s' had not begun when its start was cancelled",
			       c->name);
	return err_set(err, WEIR_ERR_SYSTEM, "%s",
		       c->error[0] ? c->error : "the recorder did not start");
}

int captures_start(struct captures *all, const char *name, json_t *arguments,
		   const struct captures_caller *by, json_t **result,
		   struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + START_WAIT_NS;
	char chosen[RECORDING_NAME_MAX + 1];
	struct capture *c = NULL;
	int rc;

	*result = NULL;
	port_monitor_lock(all->lock);
	if (!name) {
		choose_name(all, chosen);
		name = chosen;
	}
	rc = add_capture(all, name, arguments, by->name, &c, err);
	if (rc || !c) {
		port_monitor_unlock(all->lock);
		return rc;
	}
	c->waiters++;
	while (!c->has_started && !c->is_over && wait_on(all, by, until))
		continue;
	if (c->has_started)
		*result = to_json(c, false);
	else
		rc = has_not_started(c, by, err);
	if (rc && !c->is_over)
		capture_end(c);
	leave(all, c);
	port_monitor_unlock(all->lock);
	return rc;
}

static int has_not_ended(const struct capture *c, const struct captures_caller *by,
			 struct weir_error *err)
{
	if (by->is_gone && by->is_gone(by->who))
		return err_set(err, WEIR_ERR_CLOSED,
			       "capture '%s' was told to end; its end is not waited for",
			       c->name);
	return err_set(err, WEIR_ERR_BUSY,
		       "capture '%s' was told to end and has not within %d s", c->name,
		       (int)(END_WAIT_NS / NS_PER_S));
}

int captures_end(struct captures *all, const char *name, const struct captures_caller *by,
		 json_t **result, struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + END_WAIT_NS;
	struct capture *c;
	int rc = 0;

	*result = NULL;
	port_monitor_lock(all->lock);
	c = find(all, name);
	if (!c || c->is_over) {
		port_monitor_unlock(all->lock);
		return err_set(err, WEIR_ERR_ABSENT, "no capture '%s' is recording",
			       name);
	}
	c->waiters++;
	capture_end(c);
	port_monitor_signal(all->lock);
	while (!c->is_over && wait_on(all, by, until))
		continue;
	if (c->is_over)
		*result = to_json(c, false);
	else
		rc = has_not_ended(c, by, err);
	leave(all, c);
	port_monitor_unlock(all->lock);
	return rc;
}

int captures_tell(struct captures *all, const char *name, const char *line,
		  struct weir_error *err)
{
	const struct capture *c;
	int rc = 0;

	port_monitor_lock(all->lock);
	c = find(all, name);
	if (!c || c->is_over)
		rc = err_set(err, WEIR_ERR_ABSENT, "no capture '%s' is recording", name);
	else if (!capture_tell(c, line))
		rc = err_set(err, WEIR_ERR_BUSY,
			     "the recorder of '%s' does not listen now (%s)", name,
			     life_names[c->life]);
	port_monitor_unlock(all->lock);
	return rc;
}

json_t *captures_list(struct captures *all)
{
	json_t *list = json_array();

	port_monitor_lock(all->lock);
	for (const struct capture *c = all->first; c; c = c->next)
		json_array_append_new(list, to_json(c, false));
	port_monitor_unlock(all->lock);
	return json_pack("{s:o}", "captures", list);
}

json_t *captures_status(struct captures *all, const char *name)
{
	const struct capture *c;
	json_t *one;

	port_monitor_lock(all->lock);
	c = find(all, name);
	one = c ? to_json(c, false) : NULL;
	port_monitor_unlock(all->lock);
	return one;
}

bool captures_find(struct captures *all, const char *name, char *path, size_t size,
		   json_t **arguments)
{
	const struct capture *c;

	port_monitor_lock(all->lock);
	c = find(all, name);
	if (c) {
		capture_path(c, path, size);
		*arguments = json_incref(c->arguments);
	}
	port_monitor_unlock(all->lock);
	return c != NULL;
}
