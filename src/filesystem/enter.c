/* Directories to be entered: those that an entry is, and, when told to, those that a link leads to. */
#include "filesystem/worker.h"

#include "base/mem.h"
#include "filesystem/volume.h"

#include <errno.h>
#include <sys/stat.h>

/* Among those pushed with this buffer of entries; false (and it is gone) without memory. */
static bool note(struct worker *k, struct node *d)
{
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
		return false;
	}
	k->found[k->found_count++] = d;
	return true;
}

void enter_directory(struct worker *k, const struct place *at, const struct record *r,
		     uint64_t pattern_state)
{
	struct node *d = node_child(walk_nodes(k->walk), at->node, at->name, at->length);

	if (!note(k, d))
		return;
	d->pattern_state = pattern_state;
	d->is_checked = r->has_meta;
	if (r->has_meta) {
		d->inode = r->meta.inode;
		d->dev_major = r->meta.dev_major;
		d->dev_minor = r->meta.dev_minor;
	}
	d->has_cover = at->node->has_cover &&
		       volume_has_cover_below(d->volume, k->path + k->root_length,
					      r->length - k->root_length);
}

bool enter_is_wanted(struct worker *k, const struct place *at, struct record *r,
		     uint64_t pattern_state)
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
	/* Behind a link everything may come again that the listing has in its own place. */
	if (c->want_follow && r->has_meta &&
	    entered_is_root(walk_entered(k->walk), &r->meta)) {
		record_missing(r, "entries", 0, "already_listed");
		return false;
	}
	if (at->node->depth + 1 < c->max_depth)
		return true;
	/* One level alone was asked for: nothing is cut off there. */
	k->counts.depth_cut +=
		c->is_recursive || (c->pattern && pattern_is_deep(c->pattern));
	return false;
}

/* Among what is above the link, through links as well. */
static bool is_above(const struct node *d, const struct file_meta *m)
{
	for (; d; d = node_above(d)) {
		const struct file_meta *root = &d->volume->meta;
		bool is_root = !d->parent;
		uint64_t inode = is_root ? root->inode : d->inode;
		uint32_t major = is_root ? root->dev_major : d->dev_major;
		uint32_t minor = is_root ? root->dev_minor : d->dev_minor;

		if ((is_root || d->is_checked) && inode == m->inode &&
		    major == m->dev_major && minor == m->dev_minor)
			return true;
	}
	return false;
}

/* Why a directory that a link leads to is not entered; NULL where it is to be. */
static const char *why_not(struct worker *k, const struct place *at, struct followed *f,
			   uint64_t pattern_state)
{
	const struct walk_config *c = walk_config_of(k->walk);

	if (f->reason)
		return f->reason;
	if (!S_ISDIR(f->meta.mode))
		return "not_a_directory";
	if (c->pattern && !pattern_state)
		return "cannot_match";
	if (at->node->depth + 1 >= c->max_depth)
		return "max_depth";
	if (is_above(at->node, &f->meta))
		return "loop";
	return entered_is_listed(walk_entered(k->walk), f, pattern_state,
				 at->node->depth + 1)
		       ? "already_listed"
		       : NULL;
}

/* The directory as a volume of its own, whose records go on behind the link's path. */
static int enter_followed(struct worker *k, const struct place *at,
			  const struct followed *f, uint64_t pattern_state)
{
	const struct walk_config *c = walk_config_of(k->walk);
	struct nodes *nodes = walk_nodes(k->walk);
	struct volume *v = mem_new(1, sizeof *v);
	struct node *d;

	if (!v)
		return -ENOMEM;
	if (volume_open_followed(v, k->path, f->path, c->mounts, NULL)) {
		mem_free(v);
		return -ENOENT;
	}
	d = node_root(nodes, v);
	/* From here on the walk holds the volume, and the node closes it. */
	if (!d || !entered_keep(walk_entered(k->walk), v)) {
		if (d)
			node_unref(nodes, d);
		volume_close(v);
		mem_free(v);
		return -ENOMEM;
	}
	d->via = node_ref(nodes, at->node);
	d->depth = at->node->depth + 1;
	d->pattern_state = pattern_state;
	d->has_cover = v->cover_count != 0;
	if (v->meta.inode != f->meta.inode || v->meta.dev_major != f->meta.dev_major ||
	    v->meta.dev_minor != f->meta.dev_minor) {
		node_unref(nodes, d);
		return -ESTALE;
	}
	return note(k, d) ? 0 : -ENOMEM;
}

void enter_link(struct worker *k, struct record *r, const struct place *at,
		uint64_t pattern_state)
{
	const struct walk_config *c = walk_config_of(k->walk);
	const struct volume *v = r->volume;
	struct follow_rules rules = { .mounts = c->mounts,
				      .home = v->mount,
				      .cross = c->cross,
				      .may_disturb = c->want_targets };
	struct followed *f = k->followed;
	char folder[FOLLOW_PATH_MAX];
	size_t n = v->absolute ? strlen(v->absolute) : 0;
	size_t below = k->prefix - k->root_length;
	int rc;

	if (!f || !r->target || !n || n + below + 2 > sizeof folder)
		return;
	memcpy(folder, v->absolute, n);
	folder[n] = '/';
	memcpy(folder + n + 1, k->path + k->root_length, below);
	folder[n + 1 + below - (below || n > 1)] = '\0';
	rc = follow_resolve(f, &rules, n == 1 ? folder + 1 : folder, r->target,
			    r->target_length);
	if (rc >= 0) {
		f->reason = why_not(k, at, f, pattern_state);
		if (!f->reason)
			rc = enter_followed(k, at, f, pattern_state);
		f->is_entered = !f->reason && !rc;
	}
	if (rc < 0)
		record_missing(r, "followed", -rc, NULL);
	else
		r->followed = f;
}
