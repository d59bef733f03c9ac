/* One AF_PACKET socket with a TPACKET_V3 ring: a capture buffer that the kernel fills block by block
 * and that is used where it lies.
 *
 * Calling sequence:
 *	packet_ring_open()      the socket and its memory; hears nothing yet
 *	packet_ring_filter()    what the kernel keeps and how many bytes of it
 *	packet_ring_bind()      from now on frames come; again after its interface came back
 *	while (packet_ring_take(r, &block))
 *		... packet_ring_frame(&block, &frame) for each of block.frames; packet_ring_give() ...
 *	packet_ring_close()
 *
 * Ownership: a block that was taken is the taker's, to be written too, until packet_ring_give().
 * Only the four bytes at its offset 8 (block_status) stay as they are: were their lowest bit clear,
 * the kernel would fill the block again.  Blocks are filled in order: one that is not given back stops the
 * kernel when its turn comes, so a reader that cannot go on uses the ring as its buffer.
 *
 * Threads: one at a time; packet_ring_give() by any.  Privilege: only opening needs CAP_NET_RAW; all
 * else needs none.
 * Facts: the kernel's Documentation/networking/packet_mmap.rst, net/packet/af_packet.c. */
#ifndef WEIR_CAPTURE_PACKET_RING_H
#define WEIR_CAPTURE_PACKET_RING_H

#include "base/compiler.h"
#include "capture/frame.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A block is also the longest frame that can be had whole.  Large ones cost fewer wake-ups. */
#define PACKET_RING_BLOCK_LEAST (256 * 1024)
/* A ring has two blocks at least. */
#define PACKET_RING_LEAST      (2 * PACKET_RING_BLOCK_LEAST)
#define PACKET_RING_BLOCK_MOST (1024 * 1024)

struct sock_filter;
struct packet_ring;

struct packet_ring_config {
	size_t bytes;       /* rounded down to blocks; at least two */
	unsigned retire_ms; /* a block with frames in it is handed over after this time */
	unsigned reserve;   /* bytes to be free before each frame's link header */
};

/* Takes half the memory, and half of that, where the kernel has not so much. */
int packet_ring_open(struct packet_ring **r, const struct packet_ring_config *config,
		     struct weir_error *err) MUST_CHECK;
void packet_ring_close(struct packet_ring *r);

/* A classic BPF program; its result is the number of bytes kept, 0: none.  It may be exchanged at
 * any time. */
int packet_ring_filter(struct packet_ring *r, const struct sock_filter *program,
		       unsigned short count, struct weir_error *err) MUST_CHECK;
/* The same with a loaded eBPF program of type socket filter, which the socket then holds. */
int packet_ring_program(struct packet_ring *r, int program_fd,
			struct weir_error *err) MUST_CHECK;
/* Nothing more comes in; what is there can still be read. */
int packet_ring_shut(struct packet_ring *r, struct weir_error *err) MUST_CHECK;

/* ifindex 0: every interface, those to come included. */
int packet_ring_bind(struct packet_ring *r, uint32_t ifindex,
		     struct weir_error *err) MUST_CHECK;

/* For poll(): readable when a block has been handed over. */
int packet_ring_fd(const struct packet_ring *r);
size_t packet_ring_bytes(const struct packet_ring *r);
/* Takes the socket's error away (the interface went down, or is gone), so that poll() waits. */
void packet_ring_clear_error(struct packet_ring *r);

struct ring_block {
	uint8_t *data;
	uint32_t capacity, used; /* bytes; up to the end of the last frame */
	uint32_t frames;         /* not yet read */
	unsigned index;
	const uint8_t *at; /* the next frame's header */
	/* The same for packet_ring_ahead(), and how many frames it has not passed. */
	const uint8_t *ahead;
	uint32_t ahead_frames;
};

/* The next block that has frames and was not taken yet. */
bool packet_ring_take(struct packet_ring *r, struct ring_block *b);
/* Reads the next frame's header; its bytes stay in the block. */
void packet_ring_frame(struct ring_block *b, struct frame *f);
/* A second reader, of what comes later: the bytes of the next frame that it has not seen, from the link
 * header on; NULL at the block's end. */
const uint8_t *packet_ring_ahead(struct ring_block *b, uint32_t *caplen);
void packet_ring_give(struct packet_ring *r, unsigned index);
/* Whether at least so many more blocks wait to be taken. */
bool packet_ring_is_behind(const struct packet_ring *r, unsigned blocks);
unsigned packet_ring_blocks(const struct packet_ring *r);
size_t packet_ring_block_bytes(const struct packet_ring *r);
/* The frames in blocks that were taken so far. */
uint64_t packet_ring_taken(const struct packet_ring *r);

/* What the kernel counted since the last call: frames that passed the filter and found room, and
 * frames that found none. */
struct packet_counts {
	uint64_t kept, dropped;
};

int packet_ring_counts(struct packet_ring *r, struct packet_counts *counts,
		       struct weir_error *err) MUST_CHECK;

#endif
