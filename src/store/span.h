/* A span: a run of whole records of one lane, in memory that stays put until it is released.
 * It is what moves through the capture queue: ownership goes with the pointer, from the capture
 * worker that fills it to the write worker, and back through release().
 *
 * The memory may be a block of our own ring (a copy was made) or the kernel's ring block itself
 * (converted in place): who writes spans need not know.
 *
 *	data           data + lead                    data + lead + length        data + capacity
 *	| no records   | whole records                | no records                |
 *
 * What is not records can be made blocks that readers skip, so that whole pages can be written as
 * they lie: span_pad(). */
#ifndef WEIR_STORE_SPAN_H
#define WEIR_STORE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPAN_ALIGNMENT 4096
#define SPAN_PAD_LEAST 12 /* of a block that holds nothing */
/* Its type: of the range for local use, of which readers know nothing but the length. */
#define SPAN_PAD_TYPE  UINT32_C(0x80000001)
#define SPAN_PROCESSES 128

struct span {
	uint8_t *data;     /* page-aligned */
	uint32_t capacity; /* bytes of memory */
	uint32_t lead;     /* bytes before the first record: 0, or 16 at least */
	uint32_t length;   /* bytes of records; a multiple of 4 */
	uint32_t packets;
	uint64_t bytes;            /* sum of captured lengths */
	uint64_t wire_bytes;       /* sum of original lengths */
	int64_t first_ns, last_ns; /* smallest and largest capture time */
	bool is_sorted;            /* times never go back within the span */
	uint8_t lane;
	/* Interfaces of the lane that must be described in a file before this span. */
	unsigned iface_count;
	/* Processes that records here are of, by the numbers of whoever noted them; more than there is
	 * room for are left out: processes.jsonl has them. */
	uint16_t process_count;
	uint32_t processes[SPAN_PROCESSES];
	/* Gives the memory back; called by whoever holds the span, once, from the write worker. */
	void (*release)(struct span *span);
	void *owner; /* of release() */
};

static inline const uint8_t *span_records(const struct span *span)
{
	return span->data + span->lead;
}

/* How many bytes from `data` on make whole pages of it, pads included; 0: there is no room. */
size_t span_padded(const struct span *span);
/* Makes the lead and what stands behind the records, up to `padded`, blocks that are skipped.  The
 * four bytes at data + 8 stay as they are where there is a lead: in the kernel's block they say whose
 * it is, and they would give it back to the kernel if they changed. */
void span_pad(struct span *span, size_t padded);
/* A block of `length` bytes, all zero, that readers skip. */
void pad_put(uint8_t *at, size_t length);

/* Forgets what was counted, not the records. */
static inline void span_clear(struct span *span)
{
	span->packets = 0;
	span->process_count = 0;
	span->bytes = span->wire_bytes = 0;
	span->first_ns = INT64_MAX;
	span->last_ns = INT64_MIN;
	span->is_sorted = true;
}

#endif
