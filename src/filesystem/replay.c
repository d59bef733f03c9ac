#include "filesystem/replay.h"

#include "filesystem/dirent.h"

#include <errno.h>
#include <sys/stat.h>

/* The handle of the root that a volume is walked from; it is never closed. */
enum {
	ROOT = 0
};

int replay_init(struct replay *r, const struct replay_entry *entries, unsigned count)
{
	*r = (struct replay){ .entries = entries,
			      .count = count,
			      .lock = port_monitor_new() };
	r->handles[ROOT].is_open = true;
	return r->lock ? 0 : WEIR_ERR_NO_MEMORY;
}

void replay_fini(struct replay *r)
{
	port_monitor_free(r->lock);
	r->lock = NULL;
}

void replay_volume(struct replay *r, struct volume *v, char *path,
		   enum volume_atime atime)
{
	*v = (struct volume){ .path = path,
			      .path_length = strlen(path),
			      .fd = -1,
			      .walk_fd = ROOT,
			      .atime = atime,
			      .calls = &replay_calls,
			      .state = r,
			      .meta = r->entries[0].meta,
			      .mount_id = 7 };
}

/* The entry of that name, the directory's own for "" and "."; -1 where there is none. */
static int find(const struct replay *r, int dir, const char *name)
{
	unsigned parent = r->handles[dir].entry;

	if (!*name || !strcmp(name, "."))
		return (int)parent;
	for (unsigned i = 1; i < r->count; i++)
		if (r->entries[i].parent == parent && !strcmp(r->entries[i].name, name))
			return (int)i;
	return -1;
}

static int replay_open(void *state, int dir, const char *name, enum file_open how)
{
	struct replay *r = state;
	int handle = -EMFILE, i;

	port_monitor_lock(r->lock);
	i = find(r, dir, name);
	r->opens++;
	r->last_opened = i < 0 ? NULL : r->entries[i].name;
	if (i < 0) {
		handle = -ENOENT;
	} else if (r->entries[i].open_error) {
		handle = -r->entries[i].open_error;
	} else if (how == FILE_OPEN_DIRECTORY && !S_ISDIR(r->entries[i].meta.mode)) {
		handle = -ENOTDIR;
	} else if (how == FILE_OPEN_REGULAR && !S_ISREG(r->entries[i].meta.mode)) {
		handle = -EINVAL;
	} else {
		for (int h = 1; h < REPLAY_HANDLES && handle < 0; h++)
			if (!r->handles[h].is_open)
				handle = h;
		if (handle > 0) {
			r->handles[handle].is_open = true;
			r->handles[handle].has_told_self = false;
			r->handles[handle].entry = (unsigned)i;
			r->handles[handle].at = how == FILE_OPEN_DIRECTORY ? 1 : 0;
			r->open_count++;
		}
	}
	port_monitor_unlock(r->lock);
	return handle;
}

static int64_t replay_entries(void *state, int dir, void *buffer, size_t size)
{
	struct replay *r = state;
	uint8_t *p = buffer, *end = p + size;
	const struct replay_entry *d;
	size_t i;

	port_monitor_lock(r->lock);
	d = &r->entries[r->handles[dir].entry];
	if (!r->handles[dir].has_told_self && !d->is_self_hidden && !d->entries_error)
		p = dirent_put(p, d->open_inode ? d->open_inode : d->meta.inode,
			       DIRENT_DIRECTORY, ".", 1);
	for (i = r->handles[dir].at; i < r->count && !d->entries_error; i++) {
		const struct replay_entry *e = &r->entries[i];
		size_t n = strlen(e->name);

		if (e->parent != r->handles[dir].entry)
			continue;
		if ((size_t)(end - p) < DIRENT_ROOM(n))
			break;
		p = dirent_put(p, e->meta.inode,
			       e->is_type_hidden ? DIRENT_UNKNOWN
						 : (uint8_t)(e->meta.mode >> 12 & 15),
			       e->name, n);
	}
	r->handles[dir].at = i;
	r->handles[dir].has_told_self = true;
	port_monitor_unlock(r->lock);
	return d->entries_error ? -d->entries_error : p - (uint8_t *)buffer;
}

static int replay_query(void *state, int dir, const char *name, struct file_meta *m)
{
	struct replay *r = state;
	int i, rc = -ENOENT;

	port_monitor_lock(r->lock);
	i = find(r, dir, name);
	r->queries++;
	if (i >= 0) {
		rc = -r->entries[i].query_error;
		*m = r->entries[i].meta;
		if (!*name && r->entries[i].open_inode)
			m->inode = r->entries[i].open_inode;
	}
	port_monitor_unlock(r->lock);
	return rc;
}

static int64_t copy_out(void *buffer, size_t size, const void *bytes, size_t n)
{
	if (!size)
		return (int64_t)n;
	if (n > size)
		return -ERANGE;
	memcpy(buffer, bytes, n);
	return (int64_t)n;
}

static int64_t replay_link(void *state, int dir, const char *name, char *buffer,
			   size_t size)
{
	const struct replay *r = state;
	int i = find(r, dir, name);
	const struct replay_entry *e = i < 0 ? NULL : &r->entries[i];

	if (!e || e->link_error)
		return e ? -e->link_error : -ENOENT;
	return e->target ? copy_out(buffer, size, e->target, strlen(e->target)) : -EINVAL;
}

static int64_t replay_xattr(void *state, int dir, const char *name, const char *xattr,
			    void *buffer, size_t size)
{
	const struct replay *r = state;
	int i = find(r, dir, name);
	const char *const *x;
	char names[1024];
	size_t used = 0;

	if (i < 0 || r->entries[i].xattr_error)
		return i < 0 ? -ENOENT : -r->entries[i].xattr_error;
	for (x = r->entries[i].xattrs; x && *x; x += 2) {
		size_t n = strlen(*x) + 1;

		if (xattr && !strcmp(*x, xattr))
			return copy_out(buffer, size, x[1], strlen(x[1]));
		if (n > sizeof names - used)
			return -ERANGE;
		memcpy(names + used, *x, n);
		used += n;
	}
	return xattr ? -ENODATA : copy_out(buffer, size, names, used);
}

static int replay_flags(void *state, int dir, const char *name, struct file_flags *f)
{
	const struct replay *r = state;
	int i = find(r, dir, name);

	if (i < 0)
		return -ENOENT;
	*f = r->entries[i].flags;
	return S_ISREG(r->entries[i].meta.mode) || S_ISDIR(r->entries[i].meta.mode)
		       ? 0
		       : -EOPNOTSUPP;
}

static int64_t replay_read(void *state, int file, void *buffer, size_t size, uint64_t off)
{
	struct replay *r = state;
	const struct replay_entry *e = &r->entries[r->handles[file].entry];
	size_t at = off < e->length ? (size_t)off : e->length, n = e->length - at;

	r->reads++;
	if (e->read_error)
		return -e->read_error;
	n = n < size ? n : size;
	if (n)
		memcpy(buffer, (const char *)e->content + at, n);
	return (int64_t)n;
}

static void replay_close(void *state, int handle)
{
	struct replay *r = state;

	if (handle <= ROOT)
		return;
	port_monitor_lock(r->lock);
	r->handles[handle].is_open = false;
	r->open_count--;
	port_monitor_unlock(r->lock);
}

const struct file_calls replay_calls = {
	.open = replay_open,
	.entries = replay_entries,
	.query = replay_query,
	.link = replay_link,
	.xattr = replay_xattr,
	.flags = replay_flags,
	.read = replay_read,
	.close = replay_close,
};
