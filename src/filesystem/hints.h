/* Facts about an entry's times that deserve a look, never verdicts: each has its reason, its
 * innocent explanation, and a weight: how rare it is on a healthy machine, less by the share of the
 * neighbours in the directory that have it too.  The odd one out keeps the whole weight.
 *
 * Calling sequence: hints_begin(); hints_add() for each of up to HINTS_BATCH neighbours;
 * hints_finish(); hints_weigh() for each of them; then hints_of() for each.  hints_json(),
 * hints_words() write what was found.
 * Threads: a struct neighbours belongs to one. */
#ifndef WEIR_FILESYSTEM_HINTS_H
#define WEIR_FILESYSTEM_HINTS_H

#include "filesystem/out.h"
#include "filesystem/record.h"

#define HINTS_BATCH 1024U

struct neighbours {
	struct file_time now;
	size_t count;
	unsigned weighed,
		hits[HINT_COUNT]; /* regular files, and how many have each hint */

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
void hints_weigh(struct neighbours *n, const struct file_meta *m);
void hints_of(const struct neighbours *n, const struct file_meta *m, const char *name,
	      size_t length, struct hint_findings *f);

/* ,"hints":[{"hint":...,"weight_percent":...,...}]; NULL without memory. */
char *hints_json(struct out *o, char *p, const struct hint_findings *f);
/* "copied round_time": at most 256 bytes. */
char *hints_words(char *p, unsigned hints);

#endif
