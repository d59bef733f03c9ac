#include "store/verify.h"

#include "base/mem.h"
#include "store/entries.h"
#include "store/manifest_lines.h"
#include "store/names.h"
#include "store/regular.h"
#include "store/scan.h"
#include "store/verify_members.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VERIFY_TRIES = 10, /* of a store that is gone on with meanwhile */
	PAUSE_MS = 20      /* between them: a recorder is about to write its first line */
};

/* Whether another segment's line states this hash: files that were exchanged. */
static const char *name_of_hash(const struct verify *v, const char *sha256)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->segments[i].is_stated &&
		    !strcmp(v->segments[i].stated.sha256, sha256))
			return v->segments[i].stated.name;
	return NULL;
}

static int check_size(struct verify *v, const struct store_segment *s, int fd,
		      struct weir_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_sys(err, "cannot read segment '%s'", s->name);
	if ((uint64_t)st.st_size == s->file_bytes ||
	    (s->is_torn && (uint64_t)st.st_size > s->file_bytes))
		return 0;
	return verify_fault(v, "segment '%s' has %lld bytes, the manifest says %llu",
			    s->name, (long long)st.st_size,
			    (unsigned long long)s->file_bytes);
}

static int check_hash(struct verify *v, const struct store_segment *s, int fd,
		      struct weir_error *err)
{
	char hex[HASH_HEX];
	const char *other;
	int rc = scan_hash(fd, s->file_bytes, hex, err);

	if (rc)
		return err_prefix(err, "segment '%s'", s->name);
	if (!strcmp(hex, s->sha256))
		return 0;
	other = name_of_hash(v, hex);
	if (other)
		return verify_fault(v,
				    "segment '%s' holds what the manifest says of '%s'",
				    s->name, other);
	return verify_fault(
		v,
		"segment '%s' was changed: its sha256 is %.16s..., the manifest "
		"says %.16s...",
		s->name, hex, s->sha256);
}

static int check_figures(struct verify *v, const struct store_segment *s,
			 const struct scan *found)
{
	const struct {
		const char *name;
		int64_t found, stated;
	} all[] = {
		{ "packets", (int64_t)found->packets, (int64_t)s->packets },
		{ "bytes", (int64_t)found->bytes, (int64_t)s->bytes },
		{ "wire_bytes", (int64_t)found->wire_bytes, (int64_t)s->wire_bytes },
		{ "first_ns", found->first_ns, s->first_ns },
		{ "last_ns", found->last_ns, s->last_ns },
		{ "sorted", found->is_sorted, s->is_sorted },
		{ "linktype", found->has_linktype ? found->linktype : s->linktype,
		  s->linktype },
		{ "interfaces",
		  name_kind(s->name) == NAME_SEGMENT ? found->iface_count
						     : s->iface_count,
		  s->iface_count },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].found != all[i].stated)
			return verify_fault(
				v, "segment '%s': %s is %lld, the manifest says %lld",
				s->name, all[i].name, (long long)all[i].found,
				(long long)all[i].stated);
	if (found->is_mixed)
		return verify_fault(
			v, "segment '%s' holds several link types or sections", s->name);
	return 0;
}

static int check_content(struct verify *v, const struct store_segment *s, int fd,
			 struct weir_error *err)
{
	struct scan found;
	int rc = name_kind(s->name) == NAME_LIST
			 ? scan_list(v->dir_fd, fd, s->file_bytes, &found, err)
			 : scan_segment(fd, s->file_bytes, &found, err);

	if (rc)
		(void)err_prefix(err, "segment '%s'", s->name);
	else if (found.fault[0])
		rc = verify_fault(v, "segment '%s': %.300s", s->name, found.fault);
	else
		rc = check_figures(v, s, &found);
	scan_fini(&found);
	return rc;
}

static bool is_there(const struct verify *v, const char *name)
{
	struct stat st;

	return !fstatat(v->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static int check_removed(struct verify *v, const struct store_segment *s)
{
	/* The line comes first: a recorder may be about to remove it. */
	if (!s->is_remove_failed && !v->check->is_live && is_there(v, s->name))
		return verify_fault(v, "segment '%s' is there, the manifest says removed",
				    s->name);
	return 0;
}

static int check_segment(struct verify *v, const struct store_segment *s,
			 struct weir_error *err)
{
	int fd, rc;

	if (s->is_removed)
		return check_removed(v, s);
	fd = regular_open(v->dir_fd, s->name, O_RDONLY, "segment", err);
	if (fd == WEIR_ERR_ABSENT)
		return verify_fault(v, "segment '%s' is missing", s->name);
	if (fd == WEIR_ERR_MISMATCH)
		return verify_fault(v, "segment '%s' is no regular file", s->name);
	if (fd < 0)
		return fd;
	rc = check_size(v, s, fd, err);
	if (!rc)
		rc = check_hash(v, s, fd, err);
	if (!rc)
		rc = check_content(v, s, fd, err);
	(void)close(fd);
	return rc;
}

struct removal {
	uint32_t number;
	bool is_told;
};

static int look_for_removal(void *arg, json_t *line)
{
	struct removal *r = arg;
	uint64_t number;

	r->is_told = line_is(line, "removed") && json_get_u64(line, "number", &number) &&
		     number == r->number;
	return r->is_told;
}

/* As check_segment().  A live store's retention may take a segment while it is looked at: what is
 * wrong with it then is no fault if the manifest says by now that it was removed. */
static int check_segment_of(struct verify *v, struct store_segment *s,
			    struct weir_error *err)
{
	struct removal r = { .number = s->number };
	int rc = check_segment(v, s, err);

	if (!rc || !v->check->is_live ||
	    store_manifest_each(v->path, look_for_removal, &r, NULL) || !r.is_told)
		return rc;
	v->check->fault[0] = '\0';
	s->is_removed = true;
	return 0;
}

/* Begun only: it is being written, or a repair has found nothing of it. */
static int check_begun(struct verify *v, const struct verify_segment *s)
{
	if (s->is_excused && is_there(v, s->stated.name))
		return verify_fault(
			v, "segment '%s' is there, and a repair found nothing of it",
			s->stated.name);
	if (!s->is_excused && v->has_end)
		return verify_fault(v,
				    "segment '%s' was begun, and no line says that it "
				    "was finished",
				    s->stated.name);
	return 0;
}

static int check_segments(struct verify *v, struct weir_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < v->count; i++) {
		struct verify_segment *s = &v->segments[i];

		if (!s->is_stated)
			rc = check_begun(v, s);
		else
			rc = check_segment_of(v, &s->stated, err);
		if (rc || !s->is_stated)
			continue;
		if (s->stated.is_removed) {
			v->check->removed++;
		} else {
			v->check->segments++;
			v->check->packets += s->stated.packets;
		}
	}
	return rc;
}

static bool is_known(const struct verify *v, const char *name)
{
	for (size_t i = v->count; i > 0; i--)
		if (!strcmp(v->segments[i - 1].stated.name, name))
			return true;
	return false;
}

/* Whether some line may speak of a file of that name; packets' files are counted instead. */
static bool is_mentioned(const struct verify *v, enum name_kind kind, const char *name)
{
	switch (kind) {
	case NAME_SEGMENT:
	case NAME_LIST:
		return is_known(v, name);
	case NAME_PACKET:
		return v->layout != STORE_SEGMENTS;
	case NAME_METADATA:
		return v->layout == STORE_PAIRS;
	case NAME_OTHER:
		break;
	}
	return !verify_members_are_silent(v, name);
}

/* Files that have a name of the store's and that no line mentions. */
static int check_names(struct verify *v, DIR *dir)
{
	const struct dirent *e;
	unsigned long long packets = 0, metadata = 0;

	while ((e = readdir(dir)) != NULL) {
		enum name_kind kind = name_kind(e->d_name);

		packets += kind == NAME_PACKET;
		metadata += kind == NAME_METADATA;
		if (!is_mentioned(v, kind, e->d_name))
			return verify_fault(v, "file '%s' is in no line of the manifest",
					    e->d_name);
	}
	/* Each line's file is there; a recorder that died, or that could not remove them, may have
	 * left more. */
	if (!v->has_end || v->has_recovered || v->has_remove_error)
		return 0;
	if (packets > v->check->packets)
		return verify_fault(v, "%llu packet files are in no list",
				    packets - (unsigned long long)v->check->packets);
	if (metadata > v->check->packets)
		return verify_fault(v, "%llu metadata files are in no list",
				    metadata - (unsigned long long)v->check->packets);
	return 0;
}

static int check_files(struct verify *v, struct weir_error *err)
{
	DIR *dir = entries_open(v->dir_fd, err);
	int rc;

	if (!dir)
		return err->code;
	rc = check_names(v, dir);
	(void)closedir(dir);
	return rc;
}

/* By a recorder, which makes files before it writes the lines that mention them. */
static bool is_locked(int manifest_fd)
{
	bool is_it = flock(manifest_fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;

	(void)flock(manifest_fd, LOCK_UN);
	return is_it;
}

static int check_all(struct verify *v, int manifest_fd, struct weir_error *err)
{
	/* Not held while everything is hashed: that would keep a recorder from going on. */
	bool is_live = is_locked(manifest_fd);
	int rc = verify_lines(v, byte_source_fd(manifest_fd, UINT64_MAX, false), is_live,
			      err);

	v->check->is_live = is_live && !v->has_end;
	v->check->is_repaired = v->has_recovered;
	if (!rc)
		rc = check_segments(v, err);
	if (!rc)
		rc = verify_members_check(v, err);
	/* A recorder makes a file before the line that mentions it. */
	if (!rc && !v->check->is_live)
		rc = check_files(v, err);
	return rc;
}

/* Whether a recorder goes on with the store, or a repair has ended it, since the manifest was
 * opened. */
static bool has_changed(const struct verify *v, int manifest_fd,
			const struct stat *before)
{
	struct stat named, opened;

	return fstatat(v->dir_fd, "manifest.jsonl", &named, AT_SYMLINK_NOFOLLOW) ||
	       fstat(manifest_fd, &opened) || named.st_ino != opened.st_ino ||
	       named.st_dev != opened.st_dev || opened.st_size != before->st_size ||
	       is_locked(manifest_fd);
}

/* WEIR_ERR_BUSY: there is a fault, but the store changed meanwhile. */
static int check_manifest(struct verify *v, int manifest_fd, struct weir_error *err)
{
	struct stat before;
	int rc;

	if (fstat(manifest_fd, &before))
		return err_sys(err, "cannot look at the manifest");
	rc = check_all(v, manifest_fd, err);
	if (rc == WEIR_ERR_MISMATCH && !v->check->is_live &&
	    has_changed(v, manifest_fd, &before))
		return WEIR_ERR_BUSY;
	return rc;
}

static int verify_once(struct verify *v, struct weir_error *err)
{
	int manifest_fd =
		regular_open(v->dir_fd, "manifest.jsonl", O_RDONLY, "manifest", err);
	int rc;

	if (manifest_fd == WEIR_ERR_ABSENT)
		return verify_fault(v, "there is no manifest.jsonl");
	if (manifest_fd == WEIR_ERR_MISMATCH)
		return verify_fault(v, "manifest.jsonl is no regular file");
	if (manifest_fd < 0)
		return manifest_fd;
	rc = check_manifest(v, manifest_fd, err);
	(void)close(manifest_fd);
	return rc;
}

int store_verify(const char *path, struct store_check *check, struct weir_error *err)
{
	int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = WEIR_ERR_BUSY;

	memset(check, 0, sizeof *check);
	if (dir_fd < 0)
		return err_sys(err, "cannot open store '%.200s'", path);
	for (unsigned tries = 0; tries < VERIFY_TRIES && rc == WEIR_ERR_BUSY; tries++) {
		struct verify v = { .check = check, .path = path, .dir_fd = dir_fd };

		if (tries)
			(void)poll(NULL, 0, PAUSE_MS);
		memset(check, 0, sizeof *check);
		rc = verify_once(&v, err);
		verify_members_fini(&v);
		mem_free(v.segments);
	}
	if (rc == WEIR_ERR_BUSY)
		rc = WEIR_ERR_MISMATCH;
	if (rc == WEIR_ERR_MISMATCH)
		(void)err_set(err, rc, "%s", check->fault);
	if (rc)
		(void)err_prefix(err, "cannot vouch for '%.200s'", path);
	(void)close(dir_fd);
	return rc;
}
