/* One mount to be walked: opened so that the walk disturbs nothing, and described.
 *
 * Calling sequence: volume_open() for each PATH; volume_open_mount() for a mount below one that is
 * to be crossed; volume_close().
 * A path that is no directory is listed through its parent: `single` is its name then.
 * Undisturbed: a detached clone (port_clone_open) where possible, else O_NOATIME, else plain; `how`
 * says which, and how far it can be trusted.
 * Threads: read-only after opening. */
#ifndef WEIR_FILESYSTEM_VOLUME_H
#define WEIR_FILESYSTEM_VOLUME_H

#include "filesystem/mounts.h"
#include "port/files.h"

enum volume_atime {
	VOLUME_DETACHED,  /* nothing can change */
	VOLUME_KEPT,      /* the mount itself changes none: read-only or noatime */
	VOLUME_NOATIME,   /* O_NOATIME; link targets change theirs */
	VOLUME_DISTURBED, /* not even that */
};

/* A mount that hides an entry of this volume. */
struct cover {
	char *path; /* below the volume's root, "a/b" */
	const struct mount_row *mount;
};

struct volume {
	char *path; /* as given, without slashes at the end; what records begin with */
	size_t path_length;
	char *absolute; /* NULL where the system does not tell */
	char *single;
	int fd, walk_fd;
	enum volume_atime atime;
	bool is_served; /* whoever serves the mount may change times when something is read */
	char atime_reason[160]; /* why not better */
	const struct file_calls *calls;
	void *state;
	struct port_files own;         /* the state where calls are the live system's */
	const struct mount_row *mount; /* NULL where unknown */
	struct file_meta meta;         /* of the root, by its own mount */
	uint64_t mount_id;
	bool is_crossed;                   /* reached by crossing, or by a link */
	const struct volume *crossed_from; /* the listed path that a mount lies below */
	bool is_ntfs;
	bool is_pseudo; /* nothing in it is ever opened for reading */
	/* No open reaches another mount, and one inode number is one directory: the entry "." of
	 * an opened directory proves which it is. */
	bool is_inode_proof;
	struct cover *covers;
	size_t cover_count;
};

int volume_open(struct volume *v, const char *path, const struct mounts *mounts,
		struct weir_error *err) MUST_CHECK;
/* path: how records name it; m: the mount that is there. */
int volume_open_mount(struct volume *v, const char *path, const struct mount_row *m,
		      const struct mounts *mounts, struct weir_error *err) MUST_CHECK;
/* A directory that a link leads to; path: how records name what is in it. */
int volume_open_followed(struct volume *v, const char *path, const char *absolute,
			 const struct mounts *mounts, struct weir_error *err) MUST_CHECK;
void volume_close(struct volume *v);
/* The cover at exactly this path below the root, or NULL; and whether one lies deeper. */
const struct cover *volume_cover(const struct volume *v, const char *path, size_t length);
bool volume_has_cover_below(const struct volume *v, const char *path, size_t length);
const char *volume_atime_name(enum volume_atime a);
/* The same of a volume: "server" where another machine or a program behind the mount keeps the times. */
const char *volume_atime_told(const struct volume *v);

#endif
