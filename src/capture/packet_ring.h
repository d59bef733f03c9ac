/* One AF_PACKET socket with a TPACKET_V3 ring: a capture buffer that the kernel fills block by block
 * and that is read where it lies.
 *
 * Calling sequence:
 *	packet_ring_open()      the socket and its memory; hears nothing yet
 *	packet_ring_filter()    what the kernel keeps and how many bytes of it
 *	packet_ring_bind()      from now on frames come; again after its interface came back
 *	while ((f = packet_ring_peek(r)) != NULL) { ...; packet_ring_next(r); }
 *	packet_ring_close()
 *
 * Ownership: a frame points into the ring and is lent until packet_ring_next(); the last one of a
 * block gives the block back to the kernel.  A frame that is not passed keeps its block, so a
 * reader that cannot go on uses the ring as its buffer.
 *
 * Threads: one at a time.  Privilege: only opening needs CAP_NET_RAW; all else needs none.
 * Facts: the kernel's Documentation/networking/packet_mmap.rst, net/packet/af_packet.c. */
#ifndef WEIR_CAPTURE_PACKET_RING_H
#define WEIR_CAPTURE_PACKET_RING_H

#include "base/compiler.h"
#include "capture/frame.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_RING_BLOCK (256 * 1024) /* the longest frame that can be had whole */

struct sock_filter;
struct packet_ring;

struct packet_ring_config {
	size_t bytes;       /* rounded down to blocks; at least two */
	unsigned retire_ms; /* a block with frames in it is handed over after this time */
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

const struct frame *packet_ring_peek(struct packet_ring *r);
void packet_ring_next(struct packet_ring *r);
/* The frames passed so far. */
uint64_t packet_ring_walked(const struct packet_ring *r);

/* What the kernel counted since the last call: frames that passed the filter and found room, and
 * frames that found none. */
struct packet_counts {
	uint64_t kept, dropped;
};

int packet_ring_counts(struct packet_ring *r, struct packet_counts *counts,
		       struct weir_error *err) MUST_CHECK;

#endif
