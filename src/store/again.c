#include "store/again.h"

#include "base/mem.h"
#include "base/time.h"
#include "store/facts.h"
#include "store/manifest.h"
#include "store/manifest_lines.h"
#include "store/processes.h"
#include "store/regular.h"
#include "store/scan.h"
#include "store/view.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOCK_TRIES = 20 /* 10 ms apart */
};

int again_interfaces(const char *path, struct iface_table *ifaces, struct weir_error *err)
{
	struct store_view *v;
	int rc = store_open(&v, path, err);

	if (rc)
		return rc;
	if (v->is_live)
		rc = err_set(err, WEIR_ERR_BUSY, "store '%.200s' is being recorded",
			     path);
	else if (!v->end && v->unrepaired.code)
		rc = err_set(err, v->unrepaired.code,
			     "store '%.200s' has no end and cannot be repaired: %.150s",
			     path, v->unrepaired.text);
	else if (!v->end)
		rc = err_set(err, WEIR_ERR_PRIVILEGE,
			     "store '%.200s' has no end and cannot be repaired", path);
	for (unsigned i = 0; !rc && i < v->iface_count; i++)
		if (!iface_inherit(ifaces, &v->ifaces[i], err))
			rc = err->code;
	store_view_free(v);
	return rc;
}

/* Who looks at a store holds a shared lock for a moment; a recorder holds its own as long as it
 * lives. */
static int lock(int fd)
{
	for (unsigned tries = 0; tries < LOCK_TRIES; tries++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		(void)poll(NULL, 0, 10);
	}
	return -1;
}

static int open_files(struct again *a, const char *path, struct weir_error *err)
{
	a->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (a->dir_fd < 0)
		return err_sys(err, "cannot open store '%.200s'", path);
	a->manifest_fd = regular_open(a->dir_fd, MANIFEST_NAME, O_RDWR, "file", err);
	if (a->manifest_fd < 0)
		return err_prefix(err, "cannot go on with store '%.200s'", path);
	if (lock(a->manifest_fd))
		return err_set(err, WEIR_ERR_BUSY, "store '%.200s' is being recorded",
			       path);
	return 0;
}

static void copy_text(char *to, size_t size, const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));

	(void)snprintf(to, size, "%s", text ? text : "");
}

static void take_segments(struct again *a, struct store_view *v)
{
	for (size_t i = 0; i < v->segment_count; i++) {
		const struct store_segment *s = &v->segments[i];

		if (s->number > a->last_number)
			a->last_number = s->number;
		if (s->packets && (!a->packets || s->first_ns < a->first_ns))
			a->first_ns = s->first_ns;
		if (s->packets && (!a->packets || s->last_ns > a->last_ns))
			a->last_ns = s->last_ns;
		a->packets += s->packets;
		a->bytes += s->bytes;
		a->wire_bytes += s->wire_bytes;
		a->segments++;
		a->removed_segments += s->is_removed;
		if (!s->is_removed)
			v->segments[a->kept_count++] = *s;
	}
	a->kept = v->segments;
	v->segments = NULL;
	v->segment_count = 0;
}

static int check_file(int fd, const json_t *stated, struct weir_error *err)
{
	const char *sha256 = json_get_text(stated, "sha256");
	char hex[HASH_HEX];
	struct stat st;
	uint64_t bytes;
	int rc;

	if (!sha256 || !json_get_u64(stated, "bytes", &bytes))
		return err_set(err, WEIR_ERR_MISMATCH,
			       "no line states its size and hash");
	if (fstat(fd, &st))
		return err_sys(err, "cannot look at it");
	if ((uint64_t)st.st_size != bytes)
		return err_set(err, WEIR_ERR_MISMATCH,
			       "it has %lld bytes, the line says %llu",
			       (long long)st.st_size, (unsigned long long)bytes);
	rc = scan_hash(fd, bytes, hex, err);
	return !rc && strcmp(hex, sha256) != 0
		       ? err_set(err, WEIR_ERR_MISMATCH, "it was changed")
		       : rc;
}

/* What will be appended to must be what was stated last, and must not be there where nothing was: else the
 * next line would vouch for what somebody has put there in between. */
static int check_processes(const struct again *a, const struct store_view *v,
			   struct weir_error *err)
{
	int fd = regular_open(a->dir_fd, STORE_PROCESSES, O_RDONLY, "file", err), rc;

	if (fd == WEIR_ERR_ABSENT && !a->processes)
		return 0;
	rc = fd < 0 ? fd : check_file(fd, a->processes, err);
	if (fd >= 0)
		(void)close(fd);
	return rc ? err_prefix(err,
			       "cannot go on with store '%.200s': '%s' is not what its "
			       "last line states",
			       v->path, STORE_PROCESSES)
		  : 0;
}

static int take(struct again *a, struct store_view *v, const struct view_facts *f,
		struct weir_error *err)
{
	const char *sessions;
	int rc;

	assert(v);
	if (!v->end || f->file_bytes != f->good_bytes)
		return err_set(err, WEIR_ERR_MISMATCH,
			       "store '%.200s' does not end with a line 'end'", v->path);
	a->processes = json_incref(f->processes);
	rc = check_processes(a, v, err);
	if (rc)
		return rc;
	a->layout = v->layout;
	a->manifest_bytes = f->good_bytes;
	a->chain.seq = f->seq;
	memcpy(a->chain.prev, f->hash, sizeof a->chain.prev);
	a->losses = f->losses;
	/* A number that was given and of which nothing is there, or only a tail, is not given again. */
	a->last_number = f->last_number;
	take_segments(a, v);
	a->alive_ns = f->alive_ns > a->last_ns ? f->alive_ns : a->last_ns;
	copy_text(a->reason, sizeof a->reason, v->end, "reason");
	copy_text(a->grade, sizeof a->grade, v->end, "grade");
	/* Only a store that was gone on with says it; a repair's line does not, and is incomplete. */
	sessions = json_string_value(json_object_get(v->end, "sessions_grade"));
	a->sessions = grade_of(sessions ? sessions : a->grade);
	return 0;
}

int again_open(struct again *a, const char *path, struct weir_error *err)
{
	struct store_view *v = NULL;
	struct view_facts facts = { 0 };
	int rc, dir_fd;

	*a = (struct again){ .dir_fd = -1, .manifest_fd = -1 };
	rc = open_files(a, path, err);
	if (!rc) {
		dir_fd = fcntl(a->dir_fd, F_DUPFD_CLOEXEC, 0);
		rc = dir_fd < 0
			     ? err_sys(err, "cannot open store '%.200s'", path)
			     : view_load(&v, &facts, path, dir_fd, a->manifest_fd, err);
	}
	if (!rc)
		rc = take(a, v, &facts, err);
	view_facts_fini(&facts);
	store_view_free(v);
	if (rc)
		again_fini(a);
	return rc;
}

void again_fini(struct again *a)
{
	if (a->dir_fd >= 0)
		(void)close(a->dir_fd);
	if (a->manifest_fd >= 0)
		(void)close(a->manifest_fd);
	a->dir_fd = a->manifest_fd = -1;
	json_decref(a->processes);
	a->processes = NULL;
	mem_free(a->kept);
	a->kept = NULL;
	a->kept_count = 0;
}

/* To what was stated last; where nothing was, it was not there (check_processes()). */
static int undo_processes(const struct again *a, const struct disk *disk, int dir_fd,
			  bool *is_cut)
{
	struct stat st;
	uint64_t bytes;
	int fd, rc;

	if (!a->processes) {
		*is_cut = !disk->remove(dir_fd, STORE_PROCESSES) || errno == ENOENT;
		return *is_cut ? 0 : WEIR_ERR_SYSTEM;
	}
	if (!json_get_u64(a->processes, "bytes", &bytes))
		return WEIR_ERR_MISMATCH;
	/* Nothing was appended; it may be a file that we may not even write. */
	if (!fstatat(dir_fd, STORE_PROCESSES, &st, AT_SYMLINK_NOFOLLOW) &&
	    S_ISREG(st.st_mode) && (uint64_t)st.st_size == bytes) {
		*is_cut = true;
		return 0;
	}
	fd = regular_open(dir_fd, STORE_PROCESSES, O_RDWR, "file", NULL);
	if (fd < 0)
		return fd;
	*is_cut = !disk->truncate(fd, (off_t)bytes);
	rc = !*is_cut || disk->sync(fd) ? WEIR_ERR_SYSTEM : 0;
	(void)close(fd);
	return rc;
}

/* The manifest last: cut short between the two it still says that a session began. */
int again_undo(const struct again *a, const struct disk *disk, int dir_fd,
	       int manifest_fd, bool *is_cut)
{
	int rc;

	*is_cut = false;
	rc = undo_processes(a, disk, dir_fd, is_cut);
	if (!rc && (disk->sync_dir(dir_fd) ||
		    disk->truncate(manifest_fd, (off_t)a->manifest_bytes)))
		rc = WEIR_ERR_SYSTEM;
	/* Where this fails a power cut may bring the lines back, and a repair tells of it. */
	if (!rc)
		(void)disk->sync(manifest_fd);
	return rc;
}

void again_describe(const struct again *a, int64_t now_ns, json_t *line)
{
	char from[TIME_TEXT], to[TIME_TEXT];

	time_format(a->alive_ns, from);
	time_format(now_ns, to);
	json_object_set_new(line, "gap_from_ns", json_integer(a->alive_ns));
	json_object_set_new(line, "gap_from", json_string(from));
	json_object_set_new(line, "gap_to_ns", json_integer(now_ns));
	json_object_set_new(line, "gap_to", json_string(to));
	json_object_set_new(line, "gap_ns", json_integer(now_ns - a->alive_ns));
	json_object_set_new(line, "previous_reason", facts_text(a->reason));
	json_object_set_new(line, "previous_grade", facts_text(a->grade));
}
