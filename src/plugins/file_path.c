#include "plugins/file_path.h"

#include "base/base64.h"
#include "base/mem.h"
#include "filesystem/text.h"
#include "plugins/state.h"
#include "port/places.h"

#include <unistd.h>

#define STATE_NAME "sessions.json"

struct cwd {
	int64_t session; /* 0: free */
	uint64_t used;
	char path[FILE_PATH_MAX];
};

struct cwds {
	struct port_monitor *lock;
	int dir_fd;
	uint64_t clock;
	struct cwd items[CWDS_MAX];
};

static struct cwd *find(struct cwds *c, int64_t session)
{
	for (unsigned i = 0; i < CWDS_MAX; i++)
		if (session && c->items[i].session == session)
			return &c->items[i];
	return NULL;
}

/* A free place, or that of the session unused for longest. */
static struct cwd *take(struct cwds *c, int64_t session)
{
	struct cwd *at = find(c, session);

	for (unsigned i = 0; !at && i < CWDS_MAX; i++)
		if (!c->items[i].session)
			at = &c->items[i];
	for (unsigned i = 0; !at && i < CWDS_MAX; i++)
		at = &c->items[i];
	for (unsigned i = 0; at->session && at->session != session && i < CWDS_MAX; i++)
		if (c->items[i].used < at->used)
			at = &c->items[i];
	at->session = session;
	at->used = ++c->clock;
	return at;
}

static int save(struct cwds *c, struct weir_error *err)
{
	json_t *all = json_array();
	char text[BASE64_ROOM(FILE_PATH_MAX)];
	int rc;

	for (unsigned i = 0; i < CWDS_MAX; i++) {
		const struct cwd *at = &c->items[i];
		size_t n = base64_encode(text, at->path, strlen(at->path));

		if (at->session)
			json_array_append_new(all, json_pack("{s:I,s:s%}", "session",
							     (json_int_t)at->session,
							     "path_b64", text, n));
	}
	rc = state_save(c->dir_fd, STATE_NAME, all, err);
	json_decref(all);
	return rc;
}

static void restore(struct cwds *c, const json_t *all)
{
	json_t *one;
	size_t at;

	json_array_foreach(all, at, one)
	{
		json_int_t session = json_integer_value(json_object_get(one, "session"));
		const json_t *b64 = json_object_get(one, "path_b64");
		char path[FILE_PATH_MAX];
		size_t n;

		if (!session ||
		    json_string_length(b64) > BASE64_ROOM(FILE_PATH_MAX - 3) ||
		    !base64_decode(json_string_value(b64), json_string_length(b64), path,
				   &n))
			continue;
		path[n] = '\0';
		memcpy(take(c, session)->path, path, n + 1);
	}
}

int cwds_new(struct cwds **out, struct weir_error *err)
{
	struct cwds *c = mem_new(1, sizeof *c);
	struct weir_error damaged;
	json_t *saved = NULL;
	int rc;

	*out = c;
	if (!c)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for sessions");
	c->lock = port_monitor_new();
	rc = state_open(&c->dir_fd, err);
	/* A damaged file is put aside: sessions are where they began. */
	if (!rc && !state_load(c->dir_fd, STATE_NAME, &saved, &damaged))
		restore(c, saved);
	json_decref(saved);
	if (!rc && !c->lock)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for sessions");
	if (rc) {
		cwds_free(c);
		*out = NULL;
	}
	return rc;
}

void cwds_free(struct cwds *c)
{
	if (!c)
		return;
	if (c->dir_fd >= 0)
		(void)close(c->dir_fd);
	port_monitor_free(c->lock);
	mem_free(c);
}

void cwds_get(struct cwds *c, int64_t session, char path[FILE_PATH_MAX])
{
	const struct cwd *at;

	port_monitor_lock(c->lock);
	at = find(c, session);
	(void)snprintf(path, FILE_PATH_MAX, "%s", at ? at->path : PLACE_START);
	port_monitor_unlock(c->lock);
}

int cwds_set(struct cwds *c, int64_t session, char path[FILE_PATH_MAX],
	     struct weir_error *err)
{
	int rc = port_directory_name(path, FILE_PATH_MAX, err);

	if (rc)
		return rc;
	if (!session)
		return err_set(err, WEIR_ERR_USAGE,
			       "this caller has no session that could be anywhere");
	port_monitor_lock(c->lock);
	(void)snprintf(take(c, session)->path, FILE_PATH_MAX, "%s", path);
	rc = save(c, err);
	port_monitor_unlock(c->lock);
	return rc;
}

void cwds_forget(struct cwds *c, int64_t session)
{
	struct weir_error unused;
	struct cwd *at;

	port_monitor_lock(c->lock);
	at = find(c, session);
	if (at) {
		at->session = 0;
		/* What is not saved now is saved with the next change. */
		if (save(c, &unused))
			at->used = 0;
	}
	port_monitor_unlock(c->lock);
}

/* The bytes that the controller named; a NUL inside would hide the rest. */
static int named(const char *text, const char *b64, char name[FILE_PATH_MAX],
		 struct weir_error *err)
{
	size_t n = b64 ? strlen(b64) : 0;

	if (text && b64)
		return err_set(err, WEIR_ERR_FORMAT,
			       "'path' and 'path_b64' cannot both be given");
	if (!b64) {
		(void)snprintf(name, FILE_PATH_MAX, "%s", text ? text : ".");
		return text && strlen(text) >= FILE_PATH_MAX
			       ? err_set(err, WEIR_ERR_FORMAT, "'path' is too long")
			       : 0;
	}
	if (n > BASE64_ROOM(FILE_PATH_MAX - 4) || !base64_decode(b64, n, name, &n))
		return err_set(err, WEIR_ERR_FORMAT, "'path_b64' is no base64 of a path");
	name[n] = '\0';
	return n && strlen(name) == n
		       ? 0
		       : err_set(err, WEIR_ERR_FORMAT, "'path_b64' is no path");
}

int file_path(struct cwds *c, int64_t session, const char *text, const char *b64,
	      char path[FILE_PATH_MAX], struct weir_error *err)
{
	char name[FILE_PATH_MAX] = "";
	size_t used;
	int rc = named(text, b64, name, err);

	if (rc)
		return rc;
	path[0] = '\0';
	if (!port_path_is_absolute(name))
		cwds_get(c, session, path);
	if (!strcmp(name, "."))
		return 0;
	used = strlen(path);
	if (used + strlen(name) + 2 > FILE_PATH_MAX)
		return err_set(err, WEIR_ERR_FORMAT, "the path is longer than %d bytes",
			       FILE_PATH_MAX - 1);
	(void)snprintf(path + used, FILE_PATH_MAX - used, "%s%s",
		       used && path[used - 1] != '/' ? "/" : "", name);
	return 0;
}

json_t *file_path_json(const char *path)
{
	size_t length = strlen(path);
	json_t *object = json_object();
	char *text, *end;

	if (text_is_clean(path, length)) {
		json_object_set_new(object, "path", json_string(path));
		return object;
	}
	text = mem_new(6 * length + 2, 1);
	if (!text)
		return object;
	/* Readable, with the replacement character where bytes are none; and exact. */
	text[0] = '"';
	end = text_json(text + 1, path, length);
	*end++ = '"';
	json_object_set_new(
		object, "path",
		json_loadb(text, (size_t)(end - text), JSON_DECODE_ANY, NULL));
	json_object_set_new(object, "path_b64",
			    json_stringn(text, base64_encode(text, path, length)));
	mem_free(text);
	return object;
}
