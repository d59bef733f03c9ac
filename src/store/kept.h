/* What a repair makes beside the files of a store: a new manifest, and what it cuts off, so that nothing
 * is lost.  All of it is durable when the call returns, but for what kept_make() and kept_copy() only begin.
 *
 * Ownership: the directory and the buffer are the caller's.  One thread at a time. */
#ifndef WEIR_STORE_KEPT_H
#define WEIR_STORE_KEPT_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	KEPT_BUFFER = 128 * 1024,
	KEPT_NAME = 64 /* of a file, with its .tail-K */
};

struct kept {
	int dir_fd;
	uint8_t *buffer; /* KEPT_BUFFER */
};

/* A new file of that name in the place of any other; the descriptor, or a negative code. */
int kept_make(const struct kept *k, const char *name, struct weir_error *err) MUST_CHECK;
/* Bytes from..to of one file to another, from its beginning on. */
int kept_copy(const struct kept *k, int from_fd, uint64_t from, uint64_t to, int to_fd,
	      struct weir_error *err) MUST_CHECK;
/* Keeps bytes from..to of fd in a file of that name. */
int kept_tail(const struct kept *k, int fd, uint64_t from, uint64_t to, const char *name,
	      struct weir_error *err) MUST_CHECK;
/* What a repair keeps beside a file that several sessions append to, `before` others having kept something:
 * NAME.tail or NAME.tail-K. */
void kept_tail_name(char tail[KEPT_NAME], const char *name, unsigned before);
/* Whether the file of that name is a beginning of these bytes: an interrupted repair was about to keep them. */
bool kept_is_begun(const struct kept *k, int fd, uint64_t from, uint64_t to,
		   const char *name);
/* As kept_tail(), under the first such name from `before` on that holds nothing else: what was kept stays. */
int kept_another_tail(const struct kept *k, int fd, uint64_t from, uint64_t to,
		      const char *name, unsigned before,
		      struct weir_error *err) MUST_CHECK;

#endif
