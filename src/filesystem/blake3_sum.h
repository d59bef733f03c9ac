/* BLAKE3 by its authors' own C library, where it was found at build time.
 *
 * Calling sequence: blake3_sum_new(); then start(), update()*, finish() for each file; free().
 * Threads: one has one.  Errors: new() is NULL without memory, and where blake3_is_built_in() says no.
 * Facts: the BLAKE3 paper, section 2; the default mode, without key, 32 bytes of output. */
#ifndef WEIR_FILESYSTEM_BLAKE3_SUM_H
#define WEIR_FILESYSTEM_BLAKE3_SUM_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLAKE3_SUM_BYTES 32

struct blake3_sum;

bool blake3_is_built_in(void);
struct blake3_sum *blake3_sum_new(void) MUST_CHECK;
void blake3_sum_free(struct blake3_sum *b);
void blake3_sum_start(struct blake3_sum *b);
void blake3_sum_update(struct blake3_sum *b, const void *bytes, size_t length);
void blake3_sum_finish(const struct blake3_sum *b, uint8_t value[BLAKE3_SUM_BYTES]);

#endif
