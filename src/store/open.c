#include "store/open.h"

#include "base/mem.h"
#include "store/json_lines.h"
#include "store/regular.h"
#include "store/repair.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "manifest.jsonl"

bool store_is_store(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_store;

	if (fd < 0)
		return false;
	is_store =
		!fstatat(fd, MANIFEST, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);
	(void)close(fd);
	return is_store;
}

static int open_dir(const char *path, struct weir_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "cannot open the directory") : fd;
}

/* -1 where there is none. */
static int open_manifest(int dir_fd, int *fd, struct weir_error *err)
{
	int rc = regular_open(dir_fd, MANIFEST, O_RDONLY, "file", err);

	*fd = rc < 0 ? -1 : rc;
	return rc < 0 && rc != WEIR_ERR_ABSENT ? rc : 0;
}

/* Whether the name still leads to the open file: a repair puts a new one in its place. */
static bool is_same_file(int dir_fd, int fd)
{
	struct stat named, opened;

	if (fd < 0)
		return fstatat(dir_fd, MANIFEST, &named, AT_SYMLINK_NOFOLLOW) != 0;
	return !fstatat(dir_fd, MANIFEST, &named, AT_SYMLINK_NOFOLLOW) &&
	       !fstat(fd, &opened) && named.st_ino == opened.st_ino &&
	       named.st_dev == opened.st_dev;
}

/* What one look at the store has found. */
struct look {
	struct store_view *view;
	struct view_facts facts;
	int manifest_fd;
	bool is_locked; /* as asked for; else somebody else has the lock */
};

static void look_away(struct look *l)
{
	view_facts_fini(&l->facts);
	if (l->manifest_fd >= 0)
		(void)close(l->manifest_fd); /* gives the lock back */
	l->manifest_fd = -1;
}

/* A shared lock tells whether the recorder lives (it holds an exclusive one); the exclusive lock is
 * for a repair.  A store without manifest has nothing to lock. */
static int look_once(struct look *l, const char *path, int lock, struct weir_error *err)
{
	int dir_fd = open_dir(path, err), rc;

	memset(l, 0, sizeof *l);
	l->manifest_fd = -1;
	if (dir_fd < 0)
		return dir_fd;
	rc = open_manifest(dir_fd, &l->manifest_fd, err);
	if (rc) {
		(void)close(dir_fd);
		return rc;
	}
	l->is_locked = l->manifest_fd < 0 || !flock(l->manifest_fd, lock | LOCK_NB);
	rc = view_load(&l->view, &l->facts, path, dir_fd, l->manifest_fd, err);
	if (rc)
		look_away(l);
	return rc;
}

static int look(struct look *l, const char *path, int lock, struct weir_error *err)
{
	/* Somebody else's repair may fall between opening and locking; it happens once a store. */
	for (unsigned tries = 0; tries < 3; tries++) {
		int rc = look_once(l, path, lock, err);

		if (rc)
			return rc;
		if (is_same_file(l->view->dir_fd, l->manifest_fd))
			return 0;
		store_view_free(l->view);
		look_away(l);
	}
	return err_set(err, WEIR_ERR_BUSY, "it is being repaired by another");
}

static bool can_write(const struct store_view *v)
{
	return !faccessat(v->dir_fd, ".", W_OK, AT_EACCESS);
}

/* Replaces the look by one under the exclusive lock and repairs, where that is still called for;
 * l->view is what the store is then. */
static int repair(struct look *l, const char *path, const struct store_death *death,
		  struct weir_error *err)
{
	int rc;

	store_view_free(l->view);
	look_away(l);
	rc = look(l, path, LOCK_EX, err);
	if (rc || l->view->end || !l->is_locked)
		return rc;
	rc = repair_store(l->view, &l->facts, death, err);
	store_view_free(l->view);
	look_away(l);
	if (!rc)
		rc = look(l, path, LOCK_SH, err);
	if (!rc)
		l->view->was_repaired = true;
	return rc;
}

/* As repair().  On a full disk the store is no worse for the attempt: it is read as one that cannot be
 * written. */
static int repair_or_read(struct look *l, const char *path, struct weir_error *err)
{
	static const struct store_death crash = { .reason = "crash" };
	struct weir_error why = { .code = WEIR_OK };
	int rc = repair(l, path, &crash, &why);

	if (rc == WEIR_ERR_NO_SPACE) {
		rc = look(l, path, LOCK_SH, err);
		if (!rc && !l->view->end)
			l->view->unrepaired = why;
	} else if (rc && err) {
		*err = why;
	}
	return rc;
}

int store_open(struct store_view **v, const char *path, struct weir_error *err)
{
	struct look l;
	int rc = look(&l, path, LOCK_SH, err);

	*v = NULL;
	if (!rc && !l.view->end && l.is_locked && can_write(l.view))
		rc = repair_or_read(&l, path, err);
	if (!rc)
		l.view->is_live = !l.view->end && !l.is_locked;
	if (rc)
		return err_prefix(err, "cannot open store '%.200s'", path);
	*v = l.view;
	look_away(&l);
	return 0;
}

int store_recover(const char *path, const struct store_death *death,
		  struct weir_error *err)
{
	struct look l;
	int rc = look(&l, path, LOCK_SH, err);

	if (!rc && l.view->end) {
		rc = err_set(err, WEIR_ERR_EXISTS, "it has its last line");
		store_view_free(l.view);
		look_away(&l);
	} else if (!rc) {
		rc = repair(&l, path, death, err);
		if (!rc && !l.view->was_repaired)
			rc = err_set(err, WEIR_ERR_BUSY,
				     "its manifest is locked by another");
		if (!rc || rc == WEIR_ERR_BUSY) {
			store_view_free(l.view);
			look_away(&l);
		}
	}
	return rc ? err_prefix(err, "cannot repair store '%.200s'", path) : 0;
}

/* Stops, with 1, where visit() says so. */
static int visit_line(const struct json_line *line, uint64_t number,
		      int (*visit)(void *arg, json_t *line), void *arg,
		      struct weir_error *err)
{
	/* Without its end it is being written, or torn. */
	if (!line->is_ended)
		return 1;
	if (!line->object)
		return err_set(err, WEIR_ERR_FORMAT,
			       "line %llu of the manifest is no JSON object",
			       (unsigned long long)number);
	return visit(arg, line->object) != 0;
}

static int visit_lines(int fd, int (*visit)(void *arg, json_t *line), void *arg,
		       struct weir_error *err)
{
	struct json_line line;
	struct window w;
	uint64_t number = 0;
	int rc = window_init(&w, byte_source_fd(fd, UINT64_MAX, true), err);

	if (rc)
		return rc;
	while ((rc = json_lines_next(&w, &line, err)) > 0) {
		rc = visit_line(&line, ++number, visit, arg, err);
		json_decref(line.object);
		if (rc)
			break;
	}
	window_fini(&w);
	return rc < 0 ? rc : 0;
}

int store_manifest_each(const char *path, int (*visit)(void *arg, json_t *line),
			void *arg, struct weir_error *err)
{
	int dir_fd = open_dir(path, err), fd = -1, rc;

	if (dir_fd < 0)
		return err_prefix(err, "cannot read store '%.200s'", path);
	rc = open_manifest(dir_fd, &fd, err);
	(void)close(dir_fd);
	if (!rc && fd < 0)
		rc = err_set(err, WEIR_ERR_ABSENT, "there is no " MANIFEST);
	if (!rc)
		rc = visit_lines(fd, visit, arg, err);
	return rc ? err_prefix(err, "cannot read store '%.200s'", path) : 0;
}
