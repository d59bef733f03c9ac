#include "filesystem/follow.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/stat.h>

/* What is still to be gone: grows at its front when a link is met. */
struct way {
	char rest[2 * FOLLOW_PATH_MAX];
	char target[FOLLOW_PATH_MAX];
	unsigned links;
};

/* The rest becomes the link's target and what stood behind the link. */
static int go_by(struct way *w, struct followed *f, const char *target, size_t length,
		 const char *behind)
{
	size_t n = strlen(behind);

	if (!length)
		return -ENOENT;
	if (length + n + 2 > sizeof w->rest)
		return -ENAMETOOLONG;
	memmove(w->rest + length + 1, behind, n + 1);
	memcpy(w->rest, target, length);
	w->rest[length] = '/';
	if (*target == '/')
		f->length = 0;
	f->path[f->length] = '\0';
	return 0;
}

static void go_up(struct followed *f)
{
	while (f->length && f->path[f->length - 1] != '/')
		f->length--;
	if (f->length)
		f->length--;
	f->path[f->length] = '\0';
}

/* The mount at the path, if it is one that must not be touched. */
static const char *forbidden(const struct follow_rules *r, const char *path)
{
	const struct mount_row *m = mounts_over(r->mounts, path);

	if (!m || m == r->home || r->cross == WALK_CROSS_ALL)
		return NULL;
	if (m->kind != MOUNT_LOCAL)
		return mount_kind_name(m->kind);
	return NULL;
}

/* One name further: into the directory, or by the link that stands there. */
static int step(struct way *w, struct followed *f, const struct follow_rules *r,
		const char *name, size_t n, const char *behind)
{
	size_t before = f->length;
	int64_t got;
	int rc;

	if (before + n + 2 > sizeof f->path)
		return -ENAMETOOLONG;
	f->path[f->length++] = '/';
	memmove(f->path + f->length, name, n);
	f->length += n;
	f->path[f->length] = '\0';
	f->reason = forbidden(r, f->path);
	f->meta.have = 0;
	if (f->reason)
		return 1;
	rc = port_path_query(f->path, &f->meta);
	if (rc || !S_ISLNK(f->meta.mode))
		return rc;
	if (++w->links > FOLLOW_LINKS_MAX)
		return -ELOOP;
	got = port_link_read(f->path, r->may_disturb, w->target, sizeof w->target);
	if (got == -EACCES) {
		f->reason = "would_change_access_time";
		return 1;
	}
	if (got < 0)
		return (int)got;
	f->length = before;
	f->path[before] = '\0';
	return go_by(w, f, w->target, (size_t)got, behind);
}

static int walk_way(struct way *w, struct followed *f, const struct follow_rules *r)
{
	int rc = 0;

	while (!rc) {
		char *name = w->rest + strspn(w->rest, "/");
		size_t n = strcspn(name, "/");

		if (!n)
			break;
		memmove(w->rest, name, strlen(name) + 1);
		name = w->rest;
		if (n == 2 && name[0] == '.' && name[1] == '.')
			go_up(f);
		else if (n != 1 || name[0] != '.') {
			char part[256];

			if (n >= sizeof part)
				return -ENAMETOOLONG;
			memcpy(part, name, n);
			memmove(w->rest, name + n, strlen(name + n) + 1);
			rc = step(w, f, r, part, n, w->rest);
			continue;
		}
		memmove(w->rest, name + n, strlen(name + n) + 1);
	}
	return rc;
}

int follow_resolve(struct followed *f, const struct follow_rules *rules,
		   const char *folder, const char *target, size_t length)
{
	struct way *w = mem_new(1, sizeof *w);
	size_t n = strlen(folder);
	const struct mount_row *m;
	int rc;

	f->is_entered = false;
	f->meta.have = 0;
	f->reason = NULL;
	f->length = n == 1 ? 0 : n;
	if (!w || n >= sizeof f->path || length >= sizeof w->target) {
		mem_free(w);
		return w ? -ENAMETOOLONG : -ENOMEM;
	}
	memcpy(f->path, folder, f->length);
	rc = go_by(w, f, target, length, "");
	if (!rc)
		rc = walk_way(w, f, rules);
	mem_free(w);
	if (rc)
		return rc;
	/* Up to "/", or to where it began: nothing was asked of that yet. */
	if (!f->length)
		f->path[f->length++] = '/';
	f->path[f->length] = '\0';
	f->reason = forbidden(rules, f->path);
	if (f->reason)
		return 1;
	m = mounts_over(rules->mounts, f->path);
	if (rules->cross == WALK_CROSS_NONE && m && rules->home && m != rules->home)
		f->reason = "another_mount";
	return port_path_query(f->path, &f->meta);
}
