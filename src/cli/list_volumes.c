#include "cli/list_volumes.h"

#include "base/mem.h"
#include "cli/cli.h"
#include "filesystem/opener.h"

/* What does not answer in time is left alone, and with it all that it stands on. */
static int open_one(struct list_volumes *l, const char *path, const struct mount_row *m,
		    struct weir_error *err)
{
	int rc =
		mem_room((void **)&l->items, &l->room, l->count, sizeof(struct volume *));

	if (rc)
		return err_set(err, rc, "no memory to open '%s'", path);
	if (l->count >= l->most)
		return err_set(err, WEIR_ERR_LIMIT,
			       "cannot open '%s': more than %zu paths and mounts", path,
			       l->most);
	rc = opener_open(&l->items[l->count], path, m, &l->mounts, l->stall_ns, err);
	if (!rc)
		l->count++;
	l->stalled += rc == WEIR_ERR_BUSY;
	return rc;
}

/* Takes the path over. */
static int skip(struct list_volumes *l, char *path, const struct mount_row *m,
		const char *reason)
{
	int rc = mem_room((void **)&l->skipped, &l->skipped_room, l->skipped_count,
			  sizeof *l->skipped);

	if (rc) {
		mem_free(path);
		return rc;
	}
	l->skipped[l->skipped_count++] =
		(struct report_skipped){ .path = path, .mount = m, .reason = reason };
	return 0;
}

/* A mount below one that is not entered cannot be reached without touching that one. */
static bool is_below_skipped(const struct list_volumes *l, const char *path)
{
	for (size_t i = 0; i < l->skipped_count; i++) {
		size_t n = strlen(l->skipped[i].path);

		if (!strncmp(path, l->skipped[i].path, n) && path[n] == '/')
			return true;
	}
	return false;
}

/* Why a mount is not to be entered; NULL where it is. */
static const char *why_not(const struct list_volumes *l, const char *path,
			   const struct mount_row *m)
{
	enum walk_cross cross = l->cross;

	if (is_below_skipped(l, path))
		return "below_skipped";
	if (cross == WALK_CROSS_ALL ||
	    (cross == WALK_CROSS_LOCAL && m->kind == MOUNT_LOCAL))
		return NULL;
	return m->kind == MOUNT_LOCAL ? "another_mount" : mount_kind_name(m->kind);
}

/* As a volume of its own; else why not. */
static const char *cross_into(struct list_volumes *l, const struct volume *v,
			      const char *path, const struct mount_row *m)
{
	int rc = open_one(l, path, m, NULL);

	if (rc == WEIR_ERR_BUSY)
		return "stalled";
	l->failed_mounts += rc != 0;
	if (rc)
		return "cannot_open";
	l->items[l->count - 1]->crossed_from = v;
	return NULL;
}

/* Each mount below a listed path: entered as a volume of its own, or named as skipped. */
static int take_mounts(struct list_volumes *l, const struct volume *v)
{
	bool has_slash = v->path_length && v->path[v->path_length - 1] == '/';
	int rc = 0;

	for (size_t i = 0; i < v->cover_count && !rc; i++) {
		const struct mount_row *m = v->covers[i].mount;
		size_t size = v->path_length + strlen(v->covers[i].path) + 2;
		char *path = mem_new(size, 1);
		const char *why;

		if (!path)
			return WEIR_ERR_NO_MEMORY;
		(void)snprintf(path, size, "%s%s%s", v->path, has_slash ? "" : "/",
			       v->covers[i].path);
		why = why_not(l, path, m);
		if (!why)
			why = cross_into(l, v, path, m);
		if (why)
			rc = skip(l, path, m, why);
		else
			mem_free(path);
	}
	return rc;
}

static int open_paths(struct list_volumes *l, int argc, char **argv,
		      struct weir_error *err)
{
	int rc = 0;

	for (int i = 1; i < argc; i++) {
		rc = open_one(l, argv[i], NULL, err);
		if (!rc)
			continue;
		l->failed_paths++;
		if (argc > 2)
			cli_say("list", err);
	}
	if (l->count)
		return 0;
	return argc > 2 ? err_set(err, WEIR_ERR_ABSENT, "no path could be opened") : rc;
}

int list_volumes_open(struct list_volumes *l, bool is_deep, int argc, char **argv,
		      struct weir_error *err)
{
	char *text;
	size_t length, paths;
	int rc;

	/* Each volume holds two descriptors; a third is left to the walk. */
	l->most = port_descriptors_raise() / 3;
	if (!port_mounts_read(&text, &length, NULL) &&
	    mounts_parse(&l->mounts, text, length) < 0)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the table of mounts");
	rc = open_paths(l, argc, argv, err);
	if (rc)
		return rc;
	paths = l->count;
	for (size_t i = 0; is_deep && i < paths && !rc; i++)
		if (!l->items[i]->single)
			rc = take_mounts(l, l->items[i]);
	return rc ? err_set(err, rc, "no memory for the mounts") : 0;
}

void list_volumes_fini(struct list_volumes *l)
{
	for (size_t i = 0; i < l->count; i++) {
		volume_close(l->items[i]);
		mem_free(l->items[i]);
	}
	for (size_t i = 0; i < l->skipped_count; i++)
		mem_free(l->skipped[i].path);
	mem_free(l->items);
	mem_free(l->skipped);
	mounts_fini(&l->mounts);
}

const char *list_volumes_atime(const struct list_volumes *l)
{
	const struct volume *worst = NULL;

	for (size_t i = 0; i < l->count; i++) {
		const struct volume *v = l->items[i];

		if (!worst || (v->is_served && worst->atime < VOLUME_DISTURBED) ||
		    (v->atime > worst->atime && !worst->is_served) ||
		    v->atime == VOLUME_DISTURBED)
			worst = v;
	}
	return worst ? volume_atime_told(worst) : volume_atime_name(VOLUME_DETACHED);
}
