/* Inside of the walk: what its files share (walk.c the stack of work and the threads, worker.c a
 * thread reading directories, entry.c one entry).  Nobody else includes this. */
#ifndef WEIR_FILESYSTEM_WORKER_H
#define WEIR_FILESYSTEM_WORKER_H

#include "filesystem/attributes.h"
#include "filesystem/dirent.h"
#include "filesystem/entered.h"
#include "filesystem/hints.h"
#include "filesystem/node.h"
#include "filesystem/walk.h"

enum {
	WORKER_ENTRIES_BYTES = 256 << 10,
	WORKER_TARGET_BYTES = 8192,
	WORKER_NAME_MAX = 4095,
};

/* Who may touch a worker's records and counts: the thread while it writes, whoever gave it up
 * thereafter. */
enum worker_state {
	WORKER_IDLE,
	WORKER_BUSY,    /* has a directory or a file: may hang in the file system */
	WORKER_WRITING, /* may wait for the reader of the output, which is no hanging */
	WORKER_GIVEN_UP,
};

struct worker {
	struct walk *walk;
	struct port_thread *thread;
	struct out out;
	struct form_state form;
	struct walk_counts counts;
	atomic_uint_fast64_t seen, written; /* copies of counts for progress */
	atomic_uint beat;                   /* proof of life */
	atomic_uint state;                  /* enum worker_state */
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
	struct followed *followed; /* NULL: links are not followed */
	struct digests digests;
	struct ahead *ahead; /* NULL: each file is read when its turn comes */
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
struct entered *walk_entered(struct walk *w);
const struct walk_config *walk_config_of(const struct walk *w);
atomic_bool *walk_stop_flag(struct walk *w);
bool walk_has_idle(struct walk *w);
bool walk_is_full(struct walk *w);
/* Takes over one reference of each. */
void walk_push(struct walk *w, struct node *const *nodes, size_t count);
/* Takes the reference over; false (and it does not) where enough wait already. */
bool walk_push_later(struct walk *w, struct node *file);
/* Whether one more may be written, and whether it is the last. */
bool walk_claim_entry(struct walk *w, bool *is_last);

/* worker.c */
struct worker *worker_new(struct walk *w) MUST_CHECK;
void worker_free(struct worker *k);
/* Reads a buffer of the directory, or the volume's root entry first; true when there is more. */
bool worker_directory(struct worker *k, struct node *d);
void worker_count_error(struct worker *k, int number);
/* From one state to another; false where it is not in the first. */
bool worker_turn(struct worker *k, enum worker_state from, enum worker_state to);
bool worker_is_given_up(const struct worker *k);
/* Hashes and writes a file that was kept for later. */
void worker_file(struct worker *k, struct node *file);
/* A record of kind "error": the directory at hand could not be opened or read.  For whoever may touch
 * the records. */
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
	bool is_root, is_late;
};

void entry_process(struct worker *k, const struct place *at);
/* A file that content_later() kept. */
void entry_process_later(struct worker *k, const struct place *at,
			 const struct hint_findings *hints);

/* enter.c */
bool enter_is_wanted(struct worker *k, const struct place *at, struct record *r,
		     uint64_t pattern_state);
/* Pushed, with what identifies it, at the end of this buffer of entries. */
void enter_directory(struct worker *k, const struct place *at, const struct record *r,
		     uint64_t pattern_state);
/* What a link leads to goes into the record, and where it is a directory it is entered, unless it is
 * above the link, or listed anyway. */
void enter_link(struct worker *k, struct record *r, const struct place *at,
		uint64_t pattern_state);

/* ahead.c: small files whose hashes are wanted, several read at once.  ahead_new() is NULL where that
 * cannot be had or would not do; the others take that. */
struct ahead *ahead_new(const struct walk_config *c) MUST_CHECK;
void ahead_free(struct ahead *a);
/* Another buffer of entries. */
void ahead_begin(struct ahead *a);
/* Before each entry: reads the next small files, unless some wait to be taken. */
void ahead_read(struct worker *k, const struct node *d, int handle,
		const struct cursor *from);
/* What was read of the entry with this very name, or NULL; good until the next ahead_read(). */
const struct small_file *ahead_take(struct ahead *a, const char *name,
				    struct file_time *since);

/* content.c */
void content_digests(struct worker *k, struct record *r, const struct place *at);
void content_mime(struct worker *k, struct record *r, const struct place *at);
/* Whether small files may be hashed before their size is known. */
bool content_is_quick(const struct walk_config *c);
/* Metadata and hashes of a small file at once, where that can be had. */
bool content_quick(struct worker *k, struct record *r, const struct place *at);
/* Keeps a large file for a thread that has no directory to read; false where it is to be hashed
 * now. */
bool content_later(struct worker *k, const struct record *r, const struct place *at);

#endif
