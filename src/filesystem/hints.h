/* Facts about an entry's times that deserve a look, never verdicts: each has its reason, its
 * innocent explanation, and a weight scored against its neighbours in the directory.
 *
 * Calling sequence: hints_begin(); hints_add() for each of up to HINTS_BATCH neighbours;
 * hints_finish(); then hints_of() for each.  hints_json(), hints_words() write them.
 * Threads: a struct neighbours belongs to one. */
#ifndef WEIR_FILESYSTEM_HINTS_H
#define WEIR_FILESYSTEM_HINTS_H

#include "filesystem/out.h"
#include "filesystem/record.h"

enum hint {
	HINT_COPIED = 1,        /* modified before born */
	HINT_ROUND_TIME = 2,    /* a time without fraction where changed has one */
	HINT_CHANGED_LATER = 4, /* changed long behind modified, in a system folder */
	HINT_BORN_AFTER_CHANGED = 8, /* impossible by the system's own doing */
	HINT_FUTURE = 16,            /* a time behind now */
	HINT_BORN_ODD = 32,          /* born far from its inode's neighbours */
	HINT_SAME_TIME =
		64, /* modified equals accessed to the nanosecond, and not born */
	HINT_ACCESSED_BEFORE_BORN = 128,
	HINT_MODIFIED_AFTER_CHANGED = 256,
	HINT_NAME_DECEPTIVE =
		512,             /* reordering or control characters, blanks at the end */
	HINT_SHARED_TIME = 1024, /* modified equals a neighbour's to the nanosecond */
	HINT_COUNT = 11,
};

#define HINTS_BATCH 1024U

struct neighbours {
	struct file_time now;
	size_t count, with_fraction, round;

	struct {
		uint64_t inode;
		struct file_time born, modified;
	} by_inode[HINTS_BATCH];
	struct file_time by_modified[HINTS_BATCH];
	size_t modified_count;
};

void hints_begin(struct neighbours *n, struct file_time now);
void hints_add(struct neighbours *n, const struct file_meta *m);
void hints_finish(struct neighbours *n);
/* Bits of enum hint; *round_share is how many of the neighbours have a time without fraction. */
unsigned hints_of(const struct neighbours *n, const struct file_meta *m, const char *name,
		  size_t length, double *round_share);

/* ,"hints":[{"hint":...,"weight":...,"reason":...,"innocent":...}]; NULL without memory. */
char *hints_json(struct out *o, char *p, const struct record *r);
/* "copied round_time": at most 256 bytes. */
char *hints_words(char *p, unsigned hints);

#endif
