/* Opening files of a store.  A store may have been in other hands: where a file's name leads to a
 * link, it is not followed, and where it leads to a FIFO, nobody waits for its writer.
 *
 * Calling sequence: regular_open(), then the descriptor is the caller's.  Any thread. */
#ifndef WEIR_STORE_REGULAR_H
#define WEIR_STORE_REGULAR_H

#include "base/compiler.h"
#include "weir/error.h"

/* The descriptor, or a negative code: WEIR_ERR_ABSENT where there is no such file,
 * WEIR_ERR_MISMATCH where it is no regular one.  `what` is for the message: "segment".  flags:
 * O_RDONLY or O_RDWR. */
int regular_open(int dir_fd, const char *name, int flags, const char *what,
		 struct weir_error *err) MUST_CHECK;

#endif
