/* The MIME type that a file's first bytes claim, by libmagic, where weir was built with it
 * (-Dmagic=true; never in the static binary, which has no data base to read).
 * Calling sequence: magic_new() (NULL where it is not built in or has no data base), magic_type(),
 * magic_free().  Threads: one owner.  The text is lent until the next call. */
#ifndef WEIR_FILESYSTEM_MAGIC_H
#define WEIR_FILESYSTEM_MAGIC_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

struct magic;

bool magic_is_built_in(void);
struct magic *magic_new(void) MUST_CHECK;
void magic_free(struct magic *m);
const char *magic_type(struct magic *m, const void *bytes, size_t length);

#endif
