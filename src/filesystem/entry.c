#include "filesystem/worker.h"

#include "base/mem.h"
#include "filesystem/mime.h"
#include "filesystem/volume.h"

#include <errno.h>
#include <sys/stat.h>

static void fill_target(struct worker *k, struct record *r, const struct place *at)
{
	const struct volume *v = r->volume;
	int64_t n;

	/* Reading a link changes its access time, and no flag of the call avoids that. */
	if (v->atime >= VOLUME_NOATIME && !walk_config_of(k->walk)->want_targets) {
		record_missing(r, "target", 0, "would_change_access_time");
		return;
	}
	n = v->calls->link(v->state, at->handle, at->name, k->target, sizeof k->target);
	if (n < 0) {
		record_missing(r, "target", (int)-n, NULL);
		return;
	}
	r->target = k->target;
	r->target_length = (size_t)n;
}

static void fill_flags(struct record *r, const struct place *at)
{
	const struct volume *v = r->volume;
	int rc = v->calls->flags(v->state, at->handle, at->name, &r->flags);

	r->has_flags = !rc;
	if (rc)
		record_missing(r, "flags", -rc,
			       rc == -EOPNOTSUPP || rc == -ENOTTY
				       ? "not_kept_for_this_type"
				       : NULL);
}

static void fill_attributes(struct worker *k, struct record *r, const struct place *at)
{
	const struct volume *v = r->volume;
	int rc = attributes_read(k->attributes, v->calls, v->state, at->handle, at->name,
				 v->is_ntfs);

	if (!rc)
		r->attributes = k->attributes;
	else
		record_missing(r, "xattrs", -rc,
			       rc == -EOPNOTSUPP ? "not_kept_by_file_system" : NULL);
}

/* A file kept for later is written though its directory has become unreachable, or the walk was
 * stopped: then nothing is asked any more, because that may be what it was stopped for. */
static bool can_ask(struct worker *k, struct record *r, const struct place *at)
{
	if (atomic_load_explicit(walk_stop_flag(k->walk), memory_order_relaxed)) {
		record_missing(r, "hash", 0, "stopped");
		return false;
	}
	if (at->handle >= 0)
		return true;
	record_missing(r, "hash", -at->handle, NULL);
	worker_count_error(k, -at->handle);
	return false;
}

static void enrich(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);

	if (r->has_meta && !(r->meta.have & FILE_HAVE_BTIME))
		record_missing(r, "born", 0, "not_kept_by_file_system");
	/* What a tool that builds images leaves: no time, though the system passes it on as one. */
	if (r->has_meta && r->meta.have & FILE_HAVE_BTIME && !r->meta.btime.s &&
	    !r->meta.btime.ns) {
		r->meta.have &= ~(uint32_t)FILE_HAVE_BTIME;
		record_missing(r, "born", 0, "never_set_on_disk");
	}
	if (record_type(r) == S_IFLNK && !c->want_follow)
		fill_target(k, r, at);
	if (at->is_late && !can_ask(k, r, at))
		return;
	if (c->want_flags && r->has_meta)
		fill_flags(r, at);
	if (c->want_xattrs && r->has_meta)
		fill_attributes(k, r, at);
	if (c->digests && r->has_meta && !r->digests)
		content_digests(k, r, at);
	if (c->want_mime && record_type(r) == S_IFREG)
		r->mime_name =
			mime_of_name(r->path + r->name_off, r->length - r->name_off);
	if (c->want_content_mime)
		content_mime(k, r, at);
}

static void put_record(struct worker *k, const struct record *r)
{
	const struct walk_config *c = walk_config_of(k->walk);
	bool is_last;

	if (!walk_claim_entry(k->walk, &is_last))
		return;
	c->form->file(&k->form, &k->out, r);
	k->counts.written++;
	k->counts.by_type[record_type(r) >> 12 & 15]++;
	if (is_last)
		walk_stop(k->walk, WALK_MAX_ENTRIES);
}

/* Everything that is known of the entry, out. */
static void write_record(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);

	enrich(k, r, at);
	if (c->selection && !select_digests(c->selection, r->digests))
		return;
	/* Woken up after the watchdog gave it up: somebody else has reported this, and has written
	 * what the thread had. */
	if (!worker_turn(k, WORKER_BUSY, WORKER_WRITING))
		return;
	put_record(k, r);
	(void)worker_turn(k, WORKER_WRITING, WORKER_BUSY);
}

/* The entry was met and matches: it is written, or, where its content takes long, kept for whoever
 * has nothing else to do. */
static void finish_entry(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);

	if (c->selection && !select_entry(c->selection, r))
		return;
	if (k->neighbours && r->has_meta)
		hints_of(k->neighbours, &r->meta, r->path + r->name_off,
			 r->length - r->name_off, &r->hints);
	if (!content_later(k, r, at))
		write_record(k, r, at);
}

static void fill_meta(struct worker *k, struct record *r, const struct place *at)
{
	const struct volume *v = r->volume;
	int rc;

	if (r->cover && v->atime != VOLUME_DETACHED) {
		/* To ask would be to ask the file system mounted there. */
		record_missing(r, "meta", 0, "covered_by_mount");
		return;
	}
	rc = at->meta ? at->meta_rc
		      : v->calls->query(v->state, at->handle, at->name, &r->meta);
	if (at->meta && !rc)
		r->meta = *at->meta;
	r->has_meta = !rc;
	if (!rc)
		return;
	r->error = -rc;
	r->error_call = "query";
	if (rc == -ENOENT)
		k->counts.vanished++;
	else
		worker_count_error(k, -rc);
}

/* The mount that hides this entry, or NULL. */
static const struct mount_row *cover_of(const struct worker *k, const struct record *r)
{
	const struct cover *c = volume_cover(r->volume, k->path + k->root_length,
					     r->length - k->root_length);

	return c ? c->mount : NULL;
}

static void begin(struct worker *k, struct record *r, const struct place *at)
{
	record_init(r);
	r->volume = at->node->volume;
	r->path = k->path;
	r->length = k->prefix + at->length;
	r->name_off = k->prefix;
	r->dirent_type = at->type;
	r->dirent_inode = at->inode;
}

static void set_name(struct worker *k, const struct place *at)
{
	memcpy(k->path + k->prefix, at->name, at->length);
	k->path[k->prefix + at->length] = '\0';
}

/* Whether something that matches may lie below. */
static bool may_lead_on(const struct walk_config *c, uint8_t type)
{
	return type == DIRENT_DIRECTORY || type == DIRENT_UNKNOWN ||
	       (type == DIRENT_LINK && c->want_follow);
}

void entry_process(struct worker *k, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);
	uint64_t next = 0;
	bool is_match = true;
	struct record r;

	begin(k, &r, at);
	k->counts.seen++;
	atomic_store_explicit(&k->seen, k->counts.seen, memory_order_relaxed);
	atomic_store_explicit(&k->beat,
			      atomic_load_explicit(&k->beat, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	if (c->pattern && !at->is_root)
		next = pattern_step(c->pattern, at->node->pattern_state, at->name,
				    at->length, &is_match);
	else if (c->pattern)
		is_match = at->node->volume->single != NULL;
	if (!is_match && !(next && may_lead_on(c, at->type)))
		return;
	if (!at->is_root || at->node->volume->single)
		set_name(k, at);
	if (at->node->has_cover && !at->is_root)
		r.cover = cover_of(k, &r);
	/* A directory that only leads on needs no query, where its entry says that it is one. */
	if ((is_match || at->type != DIRENT_DIRECTORY) && !content_quick(k, &r, at))
		fill_meta(k, &r, at);
	if (enter_is_wanted(k, at, &r, next))
		enter_directory(k, at, &r, next);
	if (c->want_follow && !at->is_root && record_type(&r) == S_IFLNK) {
		fill_target(k, &r, at);
		enter_link(k, &r, at, next);
	}
	if (is_match)
		finish_entry(k, &r, at);
}

void entry_process_later(struct worker *k, const struct place *at,
			 const struct hint_findings *hints)
{
	struct record r;

	begin(k, &r, at);
	set_name(k, at);
	r.has_meta = true;
	r.meta = *at->meta;
	r.hints = *hints;
	atomic_fetch_add_explicit(&k->beat, 1, memory_order_relaxed);
	write_record(k, &r, at);
}
