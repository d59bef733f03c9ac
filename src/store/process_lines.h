/* How much of a store's processes.jsonl is whole: for who checks it, repairs it, or goes on in it.
 *
 * Calling sequence: process_lines_measure() with an open file, from its first byte. */
#ifndef WEIR_STORE_PROCESS_LINES_H
#define WEIR_STORE_PROCESS_LINES_H

#include "base/hash.h"
#include "weir/error.h"

#include <stdint.h>

struct process_lines {
	uint64_t bytes;             /* of the file */
	uint64_t whole;             /* up to the end of its last whole line */
	uint64_t lines;             /* whole ones */
	uint8_t sha256[HASH_BYTES]; /* of the whole ones */
};

/* hash: NULL, or one that has been given the whole lines when this returns, and goes on. */
int process_lines_measure(struct process_lines *p, int fd, struct hash *hash,
			  struct weir_error *err) MUST_CHECK;

#endif
