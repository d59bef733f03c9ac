#include "filesystem/worker.h"

#include "base/mem.h"
#include "filesystem/magic.h"
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

/* Why a file's content is not read. */
static const char *no_content(const struct record *r)
{
	if (!r->has_meta || !S_ISREG(r->meta.mode))
		return "not_a_regular_file";
	return r->volume->is_pseudo ? "pseudo_file_system" : NULL;
}

static void fill_digests(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);
	const struct volume *v = r->volume;
	struct digest_want want = { .max_bytes = c->hash_max_bytes,
				    .stop = walk_stop_flag(k->walk),
				    .beat = &k->beat };
	struct digest_from from = { .calls = v->calls,
				    .state = v->state,
				    .dir = at->handle,
				    .name = at->name,
				    .meta = &r->meta };
	const char *why = no_content(r);
	int rc;

	if (why) {
		if (r->has_meta && S_ISREG(r->meta.mode))
			record_missing(r, "hash", 0, why);
		return;
	}
	rc = digester_file(k->digester, &from, &want, &k->digests,
			   &r->has_changed_while_read);
	if (rc) {
		record_missing(r, "hash", -rc,
			       rc == -EFBIG       ? "larger_than_hash_max"
			       : rc == -ESTALE    ? "exchanged_while_listing"
			       : rc == -ECANCELED ? "stopped"
						  : NULL);
		if (rc != -EFBIG && rc != -ECANCELED)
			worker_count_error(k, -rc);
		return;
	}
	r->digests = &k->digests;
	k->counts.hashed_files++;
	k->counts.hashed_bytes += k->digests.bytes;
	k->counts.changed_while_read += r->has_changed_while_read;
}

static void fill_content_mime(struct worker *k, struct record *r, const struct place *at)
{
	const struct volume *v = r->volume;
	struct digest_from from = { .calls = v->calls,
				    .state = v->state,
				    .dir = at->handle,
				    .name = at->name,
				    .meta = &r->meta };
	size_t n = 0;
	const void *head = digester_head(k->digester, &n);

	if (no_content(r))
		return;
	if (!r->digests) {
		int rc = digester_peek(k->digester, &from);
		if (rc) {
			record_missing(r, "mime_by_content", -rc, NULL);
			return;
		}
		head = digester_head(k->digester, &n);
	}
	r->mime_content = magic_type(k->magic, head, n);
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
	if (record_type(r) == S_IFLNK)
		fill_target(k, r, at);
	if (c->want_flags && r->has_meta)
		fill_flags(r, at);
	if (c->want_xattrs && r->has_meta)
		fill_attributes(k, r, at);
	if (c->digests && r->has_meta)
		fill_digests(k, r, at);
	if (c->want_mime && record_type(r) == S_IFREG)
		r->mime_name =
			mime_of_name(r->path + r->name_off, r->length - r->name_off);
	if (c->want_content_mime)
		fill_content_mime(k, r, at);
	if (k->neighbours && r->has_meta)
		r->hints = hints_of(k->neighbours, &r->meta, r->path + r->name_off,
				    r->length - r->name_off, &r->round_share);
}

static void write_record(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);

	if (c->selection && !select_entry(c->selection, r))
		return;
	enrich(k, r, at);
	if (c->selection && !select_digests(c->selection, r->digests))
		return;
	/* Woken up after the watchdog gave it up: somebody else has reported this. */
	if (atomic_load_explicit(&k->is_abandoned, memory_order_relaxed))
		return;
	c->form->file(&k->form, &k->out, r);
	k->counts.written++;
	k->counts.by_type[record_type(r) >> 12 & 15]++;
	if (walk_count_entry(k->walk))
		atomic_store(walk_stop_flag(k->walk), true);
}

/* A directory to be entered: pushed with what identifies it. */
static void note_directory(struct worker *k, const struct place *at,
			   const struct record *r, uint64_t pattern_state)
{
	struct node *d = node_child(walk_nodes(k->walk), at->node, at->name, at->length);

	if (d && k->found_count == k->found_size) {
		size_t size = k->found_size ? k->found_size * 2 : 64;
		struct node **more = mem_grow(k->found, size, sizeof(struct node *));

		if (more) {
			k->found = more;
			k->found_size = size;
		} else {
			node_unref(walk_nodes(k->walk), d);
			d = NULL;
		}
	}
	if (!d) {
		k->is_memory_short = true;
		return;
	}
	d->pattern_state = pattern_state;
	d->is_checked = r->has_meta;
	d->inode = r->meta.inode;
	d->dev_major = r->meta.dev_major;
	d->dev_minor = r->meta.dev_minor;
	d->has_cover = at->node->has_cover &&
		       volume_has_cover_below(d->volume, k->path + k->root_length,
					      r->length - k->root_length);
	k->found[k->found_count++] = d;
}

static bool wants_descent(struct worker *k, const struct place *at,
			  const struct record *r, uint64_t pattern_state)
{
	const struct walk_config *c = walk_config_of(k->walk);

	if (at->is_root || record_type(r) != S_IFDIR || r->cover)
		return false;
	/* A mount that the table does not show (another namespace's, or none to be read). */
	if (r->has_meta &&
	    r->meta.attributes & r->meta.attributes_known & FILE_ATTR_MOUNT_ROOT)
		return false;
	if (c->pattern && !pattern_state)
		return false;
	if (at->node->depth + 1 < c->max_depth)
		return true;
	k->counts.depth_cut += c->is_recursive || c->pattern;
	return false;
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

void entry_process(struct worker *k, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);
	uint64_t next = 0;
	bool is_match = true;
	struct record r = { .volume = at->node->volume,
			    .path = k->path,
			    .length = k->prefix + at->length,
			    .name_off = k->prefix,
			    .dirent_type = at->type,
			    .dirent_inode = at->inode };

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
	if (!is_match &&
	    !(next && (at->type == DIRENT_DIRECTORY || at->type == DIRENT_UNKNOWN)))
		return;
	if (!at->is_root || at->node->volume->single) {
		memcpy(k->path + k->prefix, at->name, at->length);
		k->path[k->prefix + at->length] = '\0';
	}
	if (at->node->has_cover && !at->is_root)
		r.cover = cover_of(k, &r);
	/* A directory that only leads on needs no query, where its entry says that it is one. */
	if (is_match || at->type == DIRENT_UNKNOWN)
		fill_meta(k, &r, at);
	if (wants_descent(k, at, &r, next))
		note_directory(k, at, &r, next);
	if (is_match)
		write_record(k, &r, at);
}
