#include "filesystem/volume.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/stat.h>

const char *volume_atime_name(enum volume_atime a)
{
	static const char *const names[] = { "detached", "mount", "noatime",
					     "disturbed" };

	return names[a];
}

const char *volume_atime_told(const struct volume *v)
{
	return v->is_served && v->atime < VOLUME_DISTURBED ? "server"
							   : volume_atime_name(v->atime);
}

/* One of a comma-separated list. */
static bool has_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = options; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, name, n) && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

static bool keeps_atimes(const struct mount_row *m)
{
	return m && (has_option(m->options, "ro") || has_option(m->options, "noatime") ||
		     has_option(m->super_options, "ro"));
}

/* ntfs-3g stamps what it reads, whatever is asked of the kernel; so do servers. */
static bool is_served(const struct mount_row *m)
{
	return m && (m->kind == MOUNT_NETWORK ||
		     (m->kind == MOUNT_FUSE && !has_option(m->super_options, "ro")));
}

static int duplicate(char **to, const char *text, size_t length)
{
	*to = mem_new(length + 1, 1);
	if (!*to)
		return WEIR_ERR_NO_MEMORY;
	memcpy(*to, text, length);
	return 0;
}

/* What is mounted below the root, in path order of the table. */
static int find_covers(struct volume *v, const struct mounts *mounts)
{
	size_t n = strlen(v->absolute);
	const char *base = n == 1 ? "" : v->absolute;

	n = strlen(base);
	v->covers = mem_new(mounts->count, sizeof *v->covers);
	if (!v->covers)
		return WEIR_ERR_NO_MEMORY;
	for (size_t i = 0; i < mounts->count; i++) {
		const char *point = mounts->rows[i].point;
		struct cover *c = &v->covers[v->cover_count];

		if (strncmp(point, base, n) != 0 || point[n] != '/' || !point[n + 1])
			continue;
		/* Under another mount, or below one: the entry there is not its own point. */
		if (mounts->rows[i].is_hidden)
			continue;
		if (duplicate(&c->path, point + n + 1, strlen(point + n + 1)))
			return WEIR_ERR_NO_MEMORY;
		c->mount = &mounts->rows[i];
		v->cover_count++;
	}
	return 0;
}

const struct cover *volume_cover(const struct volume *v, const char *path, size_t length)
{
	for (size_t i = 0; i < v->cover_count; i++)
		if (!strncmp(v->covers[i].path, path, length) &&
		    !v->covers[i].path[length])
			return &v->covers[i];
	return NULL;
}

bool volume_has_cover_below(const struct volume *v, const char *path, size_t length)
{
	for (size_t i = 0; i < v->cover_count; i++)
		if (!length || (!strncmp(v->covers[i].path, path, length) &&
				v->covers[i].path[length] == '/'))
			return true;
	return false;
}

/* Not btrfs, whose subvolumes number their inodes alike, nor overlays, whose "." may be a lower
 * layer's. */
static bool numbers_inodes_once(const struct mount_row *m)
{
	static const char *const types[] = { "ext4",  "ext3", "ext2", "xfs",
					     "tmpfs", "f2fs", "jfs" };

	for (size_t i = 0; m && i < ARRAY_LEN(types); i++)
		if (!strcmp(m->type, types[i]))
			return true;
	return false;
}

static void choose_atime(struct volume *v)
{
	struct weir_error why = { .text = "" };
	int clone;

	v->atime = VOLUME_DETACHED;
	if (!port_clone_open(v->fd, &clone, &why)) {
		v->walk_fd = clone;
		port_files_start(&v->own, false);
		v->is_inode_proof = port_files_confine(&v->own, clone) &&
				    numbers_inodes_once(v->mount);
		return;
	}
	(void)snprintf(v->atime_reason, sizeof v->atime_reason, "%.150s", why.text);
	v->walk_fd = v->fd;
	v->atime = keeps_atimes(v->mount) ? VOLUME_KEPT : VOLUME_NOATIME;
	port_files_start(&v->own, v->atime == VOLUME_NOATIME);
}

/* ntfs-3g and ntfs3 answer for the four NTFS times; others refuse. */
static void probe_ntfs(struct volume *v)
{
	uint8_t times[64];

	if (!v->mount ||
	    (!strstr(v->mount->type, "ntfs") && strncmp(v->mount->type, "fuse", 4) != 0))
		return;
	v->is_ntfs = v->calls->xattr(v->state, v->walk_fd, ".", "system.ntfs_times_be",
				     times, sizeof times) >= 32 ||
		     v->calls->xattr(v->state, v->walk_fd, ".", "system.ntfs_attrib",
				     times, sizeof times) >= 4;
}

/* Facts of the opened v->fd, a directory. */
static int describe(struct volume *v, const struct mounts *mounts, struct weir_error *err)
{
	char absolute[4096];
	int rc;

	v->calls = &port_file_calls;
	v->state = &v->own;
	if (!port_path_of(v->fd, absolute, sizeof absolute)) {
		rc = duplicate(&v->absolute, absolute, strlen(absolute));
		if (rc)
			return err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
		v->mount = mounts_over(mounts, absolute);
		rc = find_covers(v, mounts);
		if (rc)
			return err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	}
	v->mount_id = v->meta.have & (FILE_HAVE_MOUNT | FILE_HAVE_MOUNT_UNIQUE)
			      ? v->meta.mount
			      : (v->mount ? v->mount->id : 0);
	v->is_pseudo = v->mount && v->mount->kind == MOUNT_PSEUDO;
	choose_atime(v);
	v->is_served = is_served(v->mount);
	if (v->is_served)
		(void)snprintf(
			v->atime_reason, sizeof v->atime_reason,
			"who serves the mount keeps the times, and may change them");
	probe_ntfs(v);
	return 0;
}

static int query_root(struct volume *v, struct weir_error *err)
{
	int rc;

	port_files_start(&v->own, false);
	rc = port_file_calls.query(&v->own, v->fd, "", &v->meta);
	if (!rc)
		return 0;
	errno = -rc;
	return err_sys(err, "cannot query '%s'", v->path);
}

/* A file: its directory is opened instead. */
static int open_parent(struct volume *v, struct weir_error *err)
{
	char *path = v->path, *parent = NULL;
	const char *slash = strrchr(path, '/');
	int rc;

	v->path = NULL;
	port_handle_close(v->fd);
	v->fd = -1;
	rc = duplicate(&v->single, slash ? slash + 1 : path,
		       strlen(slash ? slash + 1 : path));
	/* With the slash, so that a link to a directory is gone through as in any path. */
	if (!rc)
		rc = slash ? duplicate(&parent, path, (size_t)(slash + 1 - path))
			   : duplicate(&parent, ".", 1);
	if (rc)
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	else
		rc = port_root_open(parent, &v->fd, err);
	if (!rc) {
		v->path_length = slash ? (size_t)(slash - path) + (slash == path) : 0;
		rc = duplicate(&v->path, path, v->path_length);
		if (rc)
			(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	}
	mem_free(parent);
	mem_free(path);
	return rc ? rc : query_root(v, err);
}

int volume_open(struct volume *v, const char *path, const struct mounts *mounts,
		struct weir_error *err)
{
	size_t length = strlen(path);
	bool has_link;
	int rc;

	*v = (struct volume){ .fd = -1, .walk_fd = -1 };
	while (length > 1 && path[length - 1] == '/')
		length--;
	v->path_length = length;
	if (duplicate(&v->path, path, length))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	port_path_separators(v->path);
	has_link = port_path_has_link(path);
	rc = port_root_open(path, &v->fd, err);
	if (!rc)
		rc = query_root(v, err);
	if (!rc && !S_ISDIR(v->meta.mode))
		rc = open_parent(v, err);
	if (!rc)
		rc = describe(v, mounts, err);
	if (rc)
		volume_close(v);
	else if (has_link)
		atomic_fetch_add_explicit(&v->own.disturbed, 1, memory_order_relaxed);
	return rc;
}

int volume_open_mount(struct volume *v, const char *path, const struct mount_row *m,
		      const struct mounts *mounts, struct weir_error *err)
{
	return volume_open_followed(v, path, m->point, mounts, err);
}

int volume_open_followed(struct volume *v, const char *path, const char *absolute,
			 const struct mounts *mounts, struct weir_error *err)
{
	int rc;

	*v = (struct volume){ .fd = -1, .walk_fd = -1, .is_crossed = true };
	v->path_length = strlen(path);
	if (duplicate(&v->path, path, v->path_length))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory");
	rc = port_root_open(absolute, &v->fd, err);
	if (!rc)
		rc = query_root(v, err);
	if (!rc && !S_ISDIR(v->meta.mode))
		rc = open_parent(v, err);
	if (!rc)
		rc = describe(v, mounts, err);
	if (rc)
		volume_close(v);
	return rc;
}

void volume_close(struct volume *v)
{
	if (v->walk_fd != v->fd)
		port_handle_close(v->walk_fd);
	port_handle_close(v->fd);
	v->fd = v->walk_fd = -1;
	for (size_t i = 0; i < v->cover_count; i++)
		mem_free(v->covers[i].path);
	mem_free(v->covers);
	mem_free(v->path);
	mem_free(v->absolute);
	mem_free(v->single);
	v->covers = NULL;
	v->cover_count = 0;
	v->path = v->absolute = v->single = NULL;
}
