/* The only file that allocates from the heap.  Sizes are checked for overflow; NULL on failure.
 * The packet path never calls these: what it needs is taken at start. */
#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H

#include "base/compiler.h"

#include <stddef.h>

/* count zeroed elements of size bytes. */
void *mem_new(size_t count, size_t size) MUST_CHECK;
/* p grown (or shrunk) to count elements; on failure NULL and p as it was. */
void *mem_grow(void *p, size_t count, size_t size) MUST_CHECK;
/* Makes room in *array, which has it for *room elements and holds count of them, for one more: it doubles.
 * WEIR_ERR_NO_MEMORY: all is as it was. */
int mem_room(void **array, size_t *room, size_t count, size_t size) MUST_CHECK;
char *mem_strdup(const char *text) MUST_CHECK;
void mem_free(void *p);

#endif
