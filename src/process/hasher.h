/* SHA-256 of executables, each once: most processes are of a few programs.
 *
 * Calling sequence: hasher_new(), for each executable hasher_put() as soon as it is open; when there is time
 * hasher_read() a piece, and behind the last one hasher_take() and hasher_hash(); hasher_free().  One thread.
 *
 * A file may be written to as soon as nobody runs it.  So what it was when it was opened is compared with
 * what it is once it has been read; where they differ there is no hash, and the reason is said. */
#ifndef WEIR_PROCESS_HASHER_H
#define WEIR_PROCESS_HASHER_H

#include "process/facts.h"

#include <sys/stat.h>

struct hasher;

enum {
	HASHER_WAITING = 64 /* executables held open until there is time */
};

/* An executable that waits for its hash. */
struct hasher_file {
	uint32_t number; /* of the process */
	int exe;
	struct stat opened; /* what it was */
};

struct hasher *hasher_new(void) MUST_CHECK;
void hasher_free(struct hasher *h);
/* Takes the descriptor, -1: there is none.  Where its hash is known, or will not be, sha256, or reason, is set;
 * else it waits.  A file is known again by its device, inode, size and change time. */
void hasher_put(struct hasher *h, struct process_facts *f, uint32_t number, int exe);
bool hasher_is_waiting(const struct hasher *h);
/* A mebibyte of the one that waits longest, of hasher_is_waiting(): who is asked for names must not be kept by a large
 * file.  True: that was all of it. */
bool hasher_read(struct hasher *h);
/* The one that was read: the caller's now, for hasher_hash() or hasher_close(). */
void hasher_take(struct hasher *h, struct hasher_file *file);
void hasher_close(const struct hasher_file *file);
/* Another program is what counts of this process now. */
void hasher_drop(struct hasher *h, uint32_t number);
/* Sets sha256, else reason; closes the file. */
void hasher_hash(struct hasher *h, struct process_facts *f,
		 const struct hasher_file *file);

#endif
