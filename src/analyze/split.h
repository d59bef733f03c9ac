/* Packets of a merge into one pcapng file a process, in one pass: a writer (analyze/writer.h) whose
 * output is a folder.
 *
 * Calling sequence: split_new(); a struct writer with ops &writer_split and `split` set, and what
 * else its files are to have (parents, described); copy_run(); split_close(), or split_discard():
 * nothing is left.
 * The folder is made as ".NAME.PID" beside its place and gets its name at the end; what is there
 * already is refused.  Files are NAME-PID-START.pcapng (START in ns, where it is known);
 * packets whose process is not known are in unknown.pcapng, those of more than SPLIT_FILES
 * processes in others.pcapng.
 * Threads: one owner.  Memory and descriptors: SPLIT_OPEN files are open at a time, with 64 KiB
 * each; the one written to least recently is closed and opened again when it is needed. */
#ifndef WEIR_ANALYZE_SPLIT_H
#define WEIR_ANALYZE_SPLIT_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdint.h>

enum {
	SPLIT_FILES = 16384,
	SPLIT_OPEN = 64
};

struct split;

int split_new(struct split **s, const char *folder, struct weir_error *err) MUST_CHECK;
/* Both free s. */
int split_close(struct split *s, struct weir_error *err) MUST_CHECK;
void split_discard(struct split *s);

struct split_counts {
	uint64_t files;
	uint64_t unknown; /* packets without a process */
	uint64_t others;  /* packets of processes that have no file of their own */
};

const struct split_counts *split_counts(const struct split *s);

#endif
