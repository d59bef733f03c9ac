#include "filesystem/node.h"

#include "base/mem.h"
#include "filesystem/volume.h"

#include <errno.h>

int nodes_init(struct nodes *n, const struct file_calls *calls, unsigned budget)
{
	*n = (struct nodes){ .calls = calls,
			     .budget = budget,
			     .lock = port_monitor_new() };
	return n->lock ? 0 : WEIR_ERR_NO_MEMORY;
}

void nodes_fini(struct nodes *n)
{
	port_monitor_free(n->lock);
	n->lock = NULL;
}

/* The list of open directories that nobody uses right now. */
static void list_remove(struct nodes *n, struct node *d)
{
	*(d->newer ? &d->newer->older : &n->newest) = d->older;
	*(d->older ? &d->older->newer : &n->oldest) = d->newer;
	d->newer = d->older = NULL;
}

static void list_add(struct nodes *n, struct node *d)
{
	d->newer = NULL;
	d->older = n->newest;
	*(n->newest ? &n->newest->newer : &n->oldest) = d;
	n->newest = d;
}

static struct node *new_node(struct nodes *n, const char *name, size_t length)
{
	struct node *d = mem_new(1, sizeof *d + length + 1);

	if (!d)
		return NULL;
	d->refs = 1;
	d->handle = -1;
	d->length = (uint16_t)length;
	memcpy(d->name, name, length);
	n->made++;
	return d;
}

struct node *node_root(struct nodes *n, struct volume *v)
{
	struct node *d = new_node(n, "", 0);

	if (d)
		d->volume = v;
	return d;
}

struct node *node_child(struct nodes *n, struct node *parent, const char *name,
			size_t length)
{
	struct node *d = new_node(n, name, length);

	if (!d)
		return NULL;
	d->parent = node_ref(n, parent);
	d->volume = parent->volume;
	d->depth = parent->depth + 1;
	return d;
}

struct node *node_above(const struct node *d)
{
	return d->parent ? d->parent : d->via;
}

struct node *node_ref(struct nodes *n, struct node *d)
{
	port_monitor_lock(n->lock);
	d->refs++;
	port_monitor_unlock(n->lock);
	return d;
}

void node_unref(struct nodes *n, struct node *d)
{
	while (d) {
		struct node *parent = node_above(d);
		int handle;

		port_monitor_lock(n->lock);
		if (--d->refs) {
			port_monitor_unlock(n->lock);
			return;
		}
		handle = d->handle;
		if (handle >= 0) {
			list_remove(n, d);
			n->open_count--;
		}
		port_monitor_unlock(n->lock);
		if (handle >= 0)
			n->calls->close(d->volume->state, handle);
		if (d->via)
			volume_close(d->volume);
		mem_free(d->later);
		mem_free(d);
		d = parent;
	}
}

/* Takes the handle where it is open; -1 where not. */
static int pin_if_open(struct nodes *n, struct node *d)
{
	int handle;

	port_monitor_lock(n->lock);
	handle = d->handle;
	if (handle >= 0 && !d->pins++)
		list_remove(n, d);
	port_monitor_unlock(n->lock);
	return handle;
}

int node_prove(const struct nodes *n, const struct node *d, int handle)
{
	struct file_meta m;
	int rc = n->calls->query(d->volume->state, handle, "", &m);

	if (!rc && (m.inode != d->inode || m.dev_major != d->dev_major ||
		    m.dev_minor != d->dev_minor))
		rc = -ESTALE;
	return rc;
}

/* Opens it from its parent's handle and, unless that is put off, makes sure that it is what was
 * listed. */
static int open_checked(const struct nodes *n, const struct node *d, int parent,
			bool is_put_off)
{
	int rc, handle = n->calls->open(d->volume->state, parent, d->name,
					FILE_OPEN_DIRECTORY);

	if (handle < 0 || !d->is_checked || is_put_off)
		return handle;
	rc = node_prove(n, d, handle);
	if (!rc)
		return handle;
	n->calls->close(d->volume->state, handle);
	return rc;
}

/* Stores a new handle, pinned; another thread may have been quicker. */
static int adopt(struct nodes *n, struct node *d, int handle)
{
	int surplus = -1;

	port_monitor_lock(n->lock);
	if (d->handle >= 0) {
		surplus = handle;
		if (!d->pins++)
			list_remove(n, d);
	} else {
		d->handle = handle;
		d->pins++;
		n->open_count++;
	}
	handle = d->handle;
	port_monitor_unlock(n->lock);
	if (surplus >= 0)
		n->calls->close(d->volume->state, surplus);
	return handle;
}

int node_acquire(struct nodes *n, struct node *node, bool *is_unproved)
{
	int handle = pin_if_open(n, node);
	bool may_put_off = is_unproved && node->volume->is_inode_proof;

	if (is_unproved)
		*is_unproved = handle < 0 && may_put_off && node->is_checked;

	while (handle < 0) {
		struct node *d = node;
		int parent = d->volume->walk_fd;

		/* Up to the first whose parent is open, which is nearly always this one. */
		while (d->parent && (parent = pin_if_open(n, d->parent)) < 0)
			d = d->parent;
		if (!d->parent)
			parent = d->volume->walk_fd;
		handle = open_checked(n, d, parent, may_put_off && d == node);
		if (handle >= 0)
			handle = adopt(n, d, handle);
		if (d->parent)
			node_release(n, d->parent);
		if (handle < 0)
			return handle;
		if (d != node) {
			/* An ancestor: go on from there. */
			n->reopened++;
			handle = -1;
			node_release(n, d);
		}
	}
	return handle;
}

void node_release(struct nodes *n, struct node *d)
{
	struct node *old;
	int handle = -1;

	port_monitor_lock(n->lock);
	if (!--d->pins)
		list_add(n, d);
	/* A directory half read would lose its place. */
	old = n->open_count > n->budget ? n->oldest : NULL;
	while (old && old->is_started && old->refs)
		old = old->newer;
	if (old && old != d) {
		list_remove(n, old);
		handle = old->handle;
		old->handle = -1;
		n->open_count--;
		d = old;
	}
	port_monitor_unlock(n->lock);
	if (handle >= 0)
		n->calls->close(d->volume->state, handle);
}

size_t node_path_length(const struct node *d)
{
	size_t n = 0;

	for (; d->parent; d = d->parent)
		n += d->length + 1U;
	return n ? n - 1 : 0;
}

void node_path(const struct node *d, char *path)
{
	char *p = path + node_path_length(d);

	for (; d->parent; d = d->parent) {
		p -= d->length;
		memcpy(p, d->name, d->length);
		if (p > path)
			*--p = '/';
	}
}
