/* Inside of the walk: what its files share (walk.c the stack of work and the threads, worker.c a
 * thread reading directories, entry.c one entry).  Nobody else includes this. */
#ifndef WEIR_FILESYSTEM_WORKER_H
#define WEIR_FILESYSTEM_WORKER_H

#include "filesystem/attributes.h"
#include "filesystem/dirent.h"
#include "filesystem/hints.h"
#include "filesystem/node.h"
#include "filesystem/walk.h"

enum {
	WORKER_ENTRIES_BYTES = 256 << 10,
	WORKER_TARGET_BYTES = 8192,
	WORKER_NAME_MAX = 4095,
};

struct worker {
	struct walk *walk;
	struct port_thread *thread;
	struct out out;
	struct form_state form;
	struct walk_counts counts;
	atomic_uint_fast64_t seen, written; /* copies of counts for progress */
	atomic_uint beat;                   /* proof of life */
	atomic_bool is_busy, is_abandoned;
	/* What the watchdog names; they stand still when the thread does. */
	struct node *_Atomic current;
	unsigned last_beat; /* the watchdog's */
	int64_t last_beat_ns;
	uint8_t *entries;
	char *path;               /* of the directory at work, then the entry's name */
	size_t path_size, prefix; /* bytes before the name */
	size_t root_length;       /* bytes before what lies below the volume's root */
	char target[WORKER_TARGET_BYTES];
	struct attributes *attributes;
	struct digester *digester;
	struct digests digests;
	struct neighbours *neighbours;
	struct file_meta *batch; /* HINTS_BATCH of them, where hints are wanted */
	int *batch_rc;
	struct magic *magic;
	/* Directories found in this buffer, to be pushed at once. */
	struct node **found;
	size_t found_count, found_size;
	bool is_memory_short;
};

/* walk.c */
struct nodes *walk_nodes(struct walk *w);
const struct walk_config *walk_config_of(const struct walk *w);
atomic_bool *walk_stop_flag(struct walk *w);
bool walk_has_idle(struct walk *w);
bool walk_is_full(struct walk *w);
/* Takes over one reference of each. */
void walk_push(struct walk *w, struct node *const *nodes, size_t count);
/* One more was written; true when that was the last allowed. */
bool walk_count_entry(struct walk *w);

/* worker.c */
struct worker *worker_new(struct walk *w) MUST_CHECK;
void worker_free(struct worker *k);
/* Reads a buffer of the directory, or the volume's root entry first; true when there is more. */
bool worker_directory(struct worker *k, struct node *d);
void worker_count_error(struct worker *k, int number);
/* A record of kind "error": the directory at hand could not be opened or read. */
void worker_write_error(struct worker *k, const char *path, size_t length, int number,
			const char *call);

/* entry.c */
struct place {
	struct node *node;
	int handle;
	const char *name;
	size_t length;
	uint8_t type;
	uint64_t inode;
	const struct file_meta *meta; /* queried already, with its result */
	int meta_rc;
	bool is_root;
};

void entry_process(struct worker *k, const struct place *at);

#endif
