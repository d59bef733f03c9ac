/* The walk: lists volumes on several threads and writes a record of each entry.
 *
 * Calling sequence: fill a walk_config; walk_start(); wait for walk_done() or a request to stop,
 * calling walk_poll() about every 100 ms (it is also the watchdog); walk_stop() to end early;
 * walk_finish() waits, sums up and frees.
 *
 * How: one stack of directories for all threads.  A thread takes the uppermost, reads a buffer of
 * entries, queries each, writes its record, and pushes the directories among them.  Where others are
 * idle, or more than WALK_PENDING_MAX directories wait, the rest of a directory is itself pushed, so
 * that a huge directory is shared and memory stays bounded whatever the tree looks like.
 * A file of a mebibyte or more that is to be hashed waits for a thread that finds no directory, so
 * that large files hold nobody up and are hashed side by side at the end; when WALK_LATER_MAX wait,
 * whoever meets one hashes it.
 * A thread that makes no progress for stall_ns hangs in a file system that does not answer: what it had
 * written goes out, its directory is reported, its place is taken by a new thread, and it is left
 * alone.  What it holds is never freed.  One that waits for the output to be read does not hang.
 * Threads: all functions from the one that started it.
 * Memory: each thread a buffer of entries and one of output, 256 KiB each, more where hashes (1 MiB)
 * or attributes (320 KiB) are asked for.
 * Order of the records: a directory before its entries, otherwise none. */
#ifndef WEIR_FILESYSTEM_WALK_H
#define WEIR_FILESYSTEM_WALK_H

#include "filesystem/follow.h"
#include "filesystem/form.h"
#include "filesystem/pattern.h"
#include "filesystem/select.h"
#include "filesystem/volume.h"
#include "port/port.h"

enum {
	WALK_THREADS_MAX = 64,
	WALK_PENDING_MAX = 8192,
	WALK_LATER_MAX = 1024,
	WALK_ERRNO_MAX = 256,
	WALK_DEPTH_DEFAULT = 4096,
};

enum walk_end {
	WALK_COMPLETE, /* whether there were errors or not */
	WALK_INTERRUPTED,
	WALK_MAX_TIME,
	WALK_MAX_ENTRIES,
	WALK_OUTPUT,  /* the bound of bytes, or a failed write */
	WALK_STALLED, /* done but for what hangs */
};

struct walk_config {
	struct volume *const *volumes; /* stay the caller's, until walk_finish() */
	size_t volume_count;
	bool is_recursive;
	unsigned max_depth; /* below a volume's root; 0: default */
	unsigned threads;
	uint64_t max_entries; /* 0: none */
	int64_t stall_ns;
	bool want_xattrs, want_flags, want_hints, want_mime, want_content_mime,
		want_targets;
	/* Directories that links lead to are entered, on mounts that `cross` allows. */
	bool want_follow;
	enum walk_cross cross;
	const struct mounts *mounts;
	unsigned digests; /* bits 1 << enum digest_kind */
	uint64_t hash_max_bytes;
	const struct pattern *pattern; /* NULL: everything */
	const struct selection *selection;
	const struct form *form;
	const char *absent; /* body file: an absent time */
	const struct owners *owners;
	struct out_sink *sink;
};

struct walk_counts {
	uint64_t seen, written, directories_read, hashed_files, hashed_bytes;
	uint64_t vanished, changed_while_read, depth_cut, raced;
	uint64_t by_type[16];            /* S_IFMT >> 12 */
	uint64_t errors[WALK_ERRNO_MAX]; /* by errno; the last counts larger ones */
};

struct walk_result {
	enum walk_end end;
	struct walk_counts counts;
	unsigned stalled;
	/* The caller's: paths that were named, mounts that were to be crossed, and could not be opened. */
	size_t failed_paths, failed_mounts;
	uint64_t disturbed; /* opens that could not keep the access time */
	uint64_t lost_lines, bytes;
	int output_error;
	int64_t duration_ns;
	bool is_memory_short; /* directories were left out for want of memory */
};

struct walk;

int walk_start(struct walk **w, const struct walk_config *config,
	       struct weir_error *err) MUST_CHECK;
const struct port_event *walk_done(const struct walk *w);
void walk_poll(struct walk *w, struct walk_counts *now);
void walk_stop(struct walk *w, enum walk_end why);
void walk_finish(struct walk *w, struct walk_result *result);
const char *walk_end_name(enum walk_end end);

#endif
