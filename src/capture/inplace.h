/* A block of the kernel's capture ring made a run of records where it lies.
 *
 * TPACKET_V3 puts some 84 bytes before each frame: its header (48), an address (20), and a gap that
 * PACKET_RESERVE widens and aligns.  A record needs 28 before the packet's bytes and 8 to 80 behind
 * them.  So the packet stays where it is; what stands before it becomes the head of its own record
 * and the options of the one before:
 *
 *	offset  kernel                              here
 *	     0  tpacket_block_desc 48               lead: a block that is skipped (span.h); its word at
 *	                                              8, block_status, is the kernel's and stays
 *	     F  tpacket3_hdr 48                     options of the record before, its length
 *	  F+48  sockaddr_ll 20, gap                 F+56: type .. original length, 28 bytes
 *	  F+84  the packet                          the same bytes
 *	        unused, then the next frame         padding to 4; options, up to 56 behind the next F
 *
 * Nothing of what the memory held before is left between two records: a record is stretched up to
 * the next one by a fill option, over more than that lies a block that is skipped.
 *
 * Dense: records follow each other without filling, and the bytes move towards the block's start.
 * That is the cheaper way for small packets, which are in the cache anyway, and for blocks of which
 * little is used.  The last records of a block that is full are made dense too, because the kernel
 * leaves as little as 8 bytes behind its last frame.
 *
 * Calling sequence: inplace_begin(), for each frame that is recorded, in their order,
 * frame_cut() and inplace_put(), then inplace_end(): the span is complete.  A frame's header must
 * be read before the frame before it is put: the two overlap.
 * Pure: nothing here asks the system anything.  The caller owns the memory. */
#ifndef WEIR_CAPTURE_INPLACE_H
#define WEIR_CAPTURE_INPLACE_H

#include "capture/frame.h"
#include "store/record.h"
#include "store/span.h"

/* The most that options and what follows them take with and without an owner; the kernel's gap is
 * made large enough for either. */
#define INPLACE_TAIL       (8 + 12 + 12 + 4 + 4)
#define INPLACE_TAIL_OWNED (INPLACE_TAIL + 12 + 16)

struct inplace {
	struct span *span;
	uint8_t *
		record; /* the last one: its end waits for where the next begins; NULL: none */
	struct record_meta meta; /* its own */
	uint32_t left;           /* frames that are still to come, at most */
	bool is_dense, is_full;
};

/* span->data, capacity: the block; all else is set here.  used: bytes of it up to the end of its
 * last frame; count: its frames. */
void inplace_begin(struct inplace *b, struct span *span, uint32_t used, uint32_t count,
		   bool is_dense);
/* A frame that is not recorded, or not here: what is known of the rest stays right. */
void inplace_skip(struct inplace *b);
/* meta->caplen and len are set from the parts.  Returns the drop count of the record before where
 * that had no room for it, else 0. */
uint64_t inplace_put(struct inplace *b, const struct frame_parts *parts,
		     const struct record_meta *meta);
/* As inplace_put(). */
uint64_t inplace_end(struct inplace *b);

#endif
