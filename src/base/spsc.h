/* A bounded queue of pointers between exactly one producing and one consuming thread.
 *
 * Memory order: the producer stores a slot, then `head` with release; the consumer loads `head`
 * with acquire, then the slot.  The way back is the same with `tail`.  So what a pointer points to
 * may be read by the side that received it, and belongs to it. */
#ifndef WEIR_BASE_SPSC_H
#define WEIR_BASE_SPSC_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct spsc {
	void **slots;
	size_t mask;
	_Alignas(CACHE_LINE) atomic_size_t head; /* written by the producer */
	_Alignas(CACHE_LINE) atomic_size_t tail; /* written by the consumer */
};

/* Room for at least `capacity` pointers (rounded up to a power of two). */
int spsc_init(struct spsc *q, size_t capacity) MUST_CHECK;
void spsc_fini(struct spsc *q);
/* Producer: false when full. */
bool spsc_push(struct spsc *q, void *item) MUST_CHECK;
/* Consumer: NULL when empty. */
void *spsc_pop(struct spsc *q);
/* Either side, an instant's truth. */
size_t spsc_count(const struct spsc *q);

#endif
