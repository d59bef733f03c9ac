/* manifest.jsonl being written: one chained JSON line after the other, held under an exclusive lock
 * so that readers know that the recorder lives.  (The lock belongs to the open file: a child
 * process that keeps the descriptor keeps the lock.)
 *
 * One thread at a time: the starting thread until the ledger's thread starts, then that. */
#ifndef WEIR_STORE_MANIFEST_H
#define WEIR_STORE_MANIFEST_H

#include "store/chain.h"
#include "store/disk.h"

#include <jansson.h>
#include <stdbool.h>

#define MANIFEST_NAME     "manifest.jsonl"
#define MANIFEST_LINE_MAX (1024 * 1024)

struct manifest {
	const struct disk *disk;
	int fd;
	uint64_t size, reserved; /* bytes of whole lines; reserved on disk */
	struct chain chain;
	char *line; /* MANIFEST_LINE_MAX */
};

int manifest_make(struct manifest *m, const struct disk *disk, int dir_fd,
		  struct weir_error *err) MUST_CHECK;
/* Goes on in one that is there: fd is open for writing and locked, and taken. */
int manifest_adopt(struct manifest *m, const struct disk *disk, int fd, uint64_t size,
		   const struct chain *chain, struct weir_error *err) MUST_CHECK;
void manifest_fini(struct manifest *m);
/* Appends {"seq","type","at","at_ns", members..., "prev"}.  Borrows members (may be NULL).  On
 * failure nothing of the line is left, and it may be tried again. */
int manifest_append(struct manifest *m, const char *type, int64_t ns, json_t *members,
		    struct weir_error *err) MUST_CHECK;
int manifest_sync(struct manifest *m) MUST_CHECK;
/* True while the reserved space is enough for the lines that must be written. */
bool manifest_has_reserve(const struct manifest *m);
/* Gives back what is still reserved. */
void manifest_trim(struct manifest *m);

#endif
