/* Directories of a walk: a tree of which only the part still needed is held, and of that only some
 * are open.
 *
 * Calling sequence: nodes_init(); node_root() or node_child(); node_acquire() gives the open handle
 * and keeps it open until node_release(); node_unref() when done with the node.  A child holds its
 * parent.
 * A directory is opened from its parent's handle, by one name, and must be the inode that was
 * listed (-ESTALE: it was exchanged meanwhile).  When more than `budget` are open, the one not used
 * for longest is closed; it is opened again, when needed, down from its nearest open ancestor.  So a
 * tree of any depth is walked, with paths of any length and a bounded number of descriptors.
 * Threads: all functions from any thread.  Memory: about 120 bytes and the name a node. */
#ifndef WEIR_FILESYSTEM_NODE_H
#define WEIR_FILESYSTEM_NODE_H

#include "filesystem/record.h"
#include "port/port.h"

struct volume;

/* What is known of a file that waits to be hashed: its node is no directory. */
struct later {
	struct file_meta meta;
	struct hint_findings hints;
	uint64_t inode; /* as its directory says, like the type */
	uint8_t type;
};

struct node {
	struct node *parent; /* NULL: a volume's root */
	struct node *via;    /* of the root that a link leads to: the link's directory */
	struct volume *volume;
	uint64_t inode, pattern_state;
	uint32_t dev_major, dev_minor;
	struct later *later; /* NULL: a directory */
	unsigned depth;
	bool is_checked; /* inode and device are known and to be compared */
	bool has_cover;  /* a mount point lies below */
	bool is_started; /* entries were read: the handle's position matters */
	/* Guarded by the lock. */
	unsigned refs, pins;
	int handle; /* -1: closed */
	struct node *newer, *older;
	uint16_t length;
	char name[];
};

struct nodes {
	const struct file_calls *calls;
	struct port_monitor *lock;
	struct node *newest, *oldest; /* open and not in use */
	unsigned open_count, budget;
	uint64_t made, reopened;
};

int nodes_init(struct nodes *n, const struct file_calls *calls,
	       unsigned budget) MUST_CHECK;
void nodes_fini(struct nodes *n);
/* With one reference.  NULL without memory. */
struct node *node_root(struct nodes *n, struct volume *v) MUST_CHECK;
struct node *node_child(struct nodes *n, struct node *parent, const char *name,
			size_t length) MUST_CHECK;
struct node *node_ref(struct nodes *n, struct node *node);
/* The last reference of a root that a link led to closes its volume. */
void node_unref(struct nodes *n, struct node *node);
/* The directory above, through links as well; NULL above a root. */
struct node *node_above(const struct node *node);
/* The handle, or -errno.  With is_unproved, on a volume where the entries themselves can tell
 * (volume.h: is_inode_proof), a directory opened anew is not compared with what was listed: the
 * caller does it, by the inode that stands in its entry ".", or else by node_prove(). */
int node_acquire(struct nodes *n, struct node *node, bool *is_unproved) MUST_CHECK;
/* 0, -ESTALE where the handle is of another inode, or -errno. */
int node_prove(const struct nodes *n, const struct node *node, int handle) MUST_CHECK;
void node_release(struct nodes *n, struct node *node);

/* The bytes of the path below the volume's root ("a/b"), without NUL; 0 for the root itself. */
size_t node_path_length(const struct node *node);
void node_path(const struct node *node, char *path);

#endif
