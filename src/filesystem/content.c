/* What needs a file's content: hashes and the MIME type. */
#include "filesystem/worker.h"

#include "base/mem.h"
#include "filesystem/magic.h"
#include "filesystem/volume.h"

#include <errno.h>
#include <sys/stat.h>

enum {
	LATER_MIN_BYTES = 1 << 20
};

/* Why a file's content is not read. */
static const char *no_content(const struct record *r)
{
	if (!r->has_meta || !S_ISREG(r->meta.mode))
		return "not_a_regular_file";
	return r->volume->is_pseudo ? "pseudo_file_system" : NULL;
}

static struct digest_from from_of(struct record *r, const struct place *at)
{
	return (struct digest_from){ .calls = r->volume->calls,
				     .state = r->volume->state,
				     .dir = at->handle,
				     .name = at->name,
				     .meta = &r->meta };
}

static void count_digests(struct worker *k, struct record *r)
{
	r->digests = &k->digests;
	k->counts.hashed_files++;
	k->counts.hashed_bytes += k->digests.bytes;
	k->counts.changed_while_read += r->has_changed_while_read;
}

void content_digests(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);
	struct digest_want want = { .max_bytes = c->hash_max_bytes,
				    .stop = walk_stop_flag(k->walk),
				    .beat = &k->beat };
	struct digest_from from = from_of(r, at);
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
	count_digests(k, r);
}

void content_mime(struct worker *k, struct record *r, const struct place *at)
{
	struct digest_from from = from_of(r, at);
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

bool content_is_quick(const struct walk_config *c)
{
	return c->digests &&
	       (!c->hash_max_bytes || c->hash_max_bytes >= SMALL_FILE_BYTES);
}

bool content_quick(struct worker *k, struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);
	const struct volume *v = r->volume;
	struct digest_from from = from_of(r, at);
	struct file_time since;
	const struct small_file *f = ahead_take(k->ahead, at->name, &since);

	if (f && digester_small(k->digester, f, since, &k->digests)) {
		r->meta = f->meta;
		r->has_meta = true;
		count_digests(k, r);
		return true;
	}
	if (f && f->bytes == SMALL_FILE_BYTES)
		return false;
	if (!content_is_quick(c) || at->type != DIRENT_REGULAR || at->meta || r->cover ||
	    !v->is_inode_proof || v->is_pseudo ||
	    (c->selection && !select_is_open(c->selection)) ||
	    !digester_quick(k->digester, &from, &r->meta, &k->digests))
		return false;
	r->has_meta = true;
	count_digests(k, r);
	return true;
}

bool content_later(struct worker *k, const struct record *r, const struct place *at)
{
	const struct walk_config *c = walk_config_of(k->walk);
	struct node *d;

	if (!c->digests || c->threads < 2 || at->is_root || at->is_late || r->digests ||
	    no_content(r) || r->cover || r->meta.size_bytes < LATER_MIN_BYTES ||
	    (c->hash_max_bytes && r->meta.size_bytes > c->hash_max_bytes))
		return false;
	d = node_child(walk_nodes(k->walk), at->node, at->name, at->length);
	if (!d)
		return false;
	d->later = mem_new(1, sizeof *d->later);
	if (d->later) {
		*d->later = (struct later){ .meta = r->meta,
					    .hints = r->hints,
					    .type = at->type,
					    .inode = at->inode };
		if (walk_push_later(k->walk, d))
			return true;
	}
	node_unref(walk_nodes(k->walk), d);
	return false;
}
