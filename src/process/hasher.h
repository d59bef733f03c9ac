/* SHA-256 of executables, each once: most processes are of a few programs.
 *
 * Calling sequence: hasher_new(), for each executable hasher_begin() as soon as it is open and, where that
 * says so, hasher_hash() when there is time; hasher_free().  One thread.
 *
 * A file may be written to as soon as nobody runs it.  So what it was when it was opened is compared with
 * what it is once it has been read; where they differ there is no hash, and the reason is said. */
#ifndef WEIR_PROCESS_HASHER_H
#define WEIR_PROCESS_HASHER_H

#include "process/facts.h"

#include <sys/stat.h>

struct hasher;

/* An executable that waits for its hash. */
struct hasher_file {
	int exe;
	struct stat opened; /* what it was */
};

struct hasher *hasher_new(void) MUST_CHECK;
void hasher_free(struct hasher *h);
/* Takes the descriptor, -1: there is none.  True: it is to be hashed, and *file is the caller's; else sha256,
 * or reason, is set.  A file is known again by its device, inode, size and change time. */
bool hasher_begin(struct hasher *h, struct process_facts *f, int exe,
		  struct hasher_file *file);
/* Sets sha256, else reason; closes the file. */
void hasher_hash(struct hasher *h, struct process_facts *f,
		 const struct hasher_file *file);

#endif
