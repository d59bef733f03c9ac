/* Texts kept once, whatever how often they come: names of processes, of hosts.
 *
 * Calling sequence: text_pool_new(bound); text_pool_keep() for each; text_pool_free().
 * Ownership: what is kept lives, and stays where it is, as long as the pool.  One thread.
 * Memory: the bound, and 8 bytes a text; what has no room is NULL (the caller counts). */
#ifndef WEIR_STORE_TEXT_POOL_H
#define WEIR_STORE_TEXT_POOL_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

struct text_pool;

struct text_pool *text_pool_new(size_t bound_bytes) MUST_CHECK;
void text_pool_free(struct text_pool *p);
/* The text (which may hold NULs), a NUL behind it. */
const char *text_pool_keep(struct text_pool *p, const char *text, size_t length);

#endif
