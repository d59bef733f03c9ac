/* A span: a run of whole records of one lane, in memory that stays put until it is released.
 * It is what moves through the capture queue: ownership goes with the pointer, from the capture
 * worker that fills it to the write worker, and back through release().
 *
 * The memory may be a block of our own ring (a copy was made) or the kernel's ring block itself
 * (converted in place): who writes spans need not know. */
#ifndef WEIR_STORE_SPAN_H
#define WEIR_STORE_SPAN_H

#include <stdbool.h>
#include <stdint.h>

struct span {
	uint8_t *data;     /* page-aligned */
	uint32_t capacity; /* bytes of memory */
	uint32_t length;   /* bytes of records; a multiple of 4 */
	uint32_t packets;
	uint64_t bytes;            /* sum of captured lengths */
	uint64_t wire_bytes;       /* sum of original lengths */
	int64_t first_ns, last_ns; /* smallest and largest capture time */
	bool is_sorted;            /* times never go back within the span */
	uint8_t lane;
	/* Interfaces of the lane that must be described in a file before this span. */
	unsigned iface_count;
	/* Gives the memory back; called by whoever holds the span, once, from the write worker. */
	void (*release)(struct span *span);
	void *owner; /* of release() */
};

#endif
