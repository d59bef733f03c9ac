/* The record: one packet as an Enhanced Packet Block of pcapng (draft-ietf-opsawg-pcapng-05,
 * section 4.3), little endian, times in ns since 1970 (if_tsresol 9).
 *
 *	offset 0  block type 6        4  block total length, L     8  interface id
 *	      12  time, high word    16  time, low word           20  captured length, C
 *	      24  original length    28  packet bytes, C, then 0..3 zero bytes
 *	          options: flags (2) 4 bytes; packet id (5) 8 bytes; drop count (4) 8 bytes where not
 *	          zero; queue (6) 4 bytes where known; end of options
 *	     L-4  block total length again
 *
 * Calling sequence: reserve record_room(caplen) bytes, put the packet's bytes at
 * record + RECORD_DATA (this is the one copy), then record_finish().
 * No allocation, no failure; the caller owns the memory. */
#ifndef WEIR_STORE_RECORD_H
#define WEIR_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_DATA 28
#define RECORD_OVERHEAD \
 (RECORD_DATA + 3 + 8 + 12 + 12 + 8 + 4 + 4) /* the most, with padding */
#define RECORD_MAX_DATA \
 (256 * 1024) /* Linux packets are at most 64 KiB, BIG TCP 512 KiB is cut */

/* epb_flags (section 4.3.1): direction, kind, checksum and segmentation offload. */
enum {
	RECORD_INBOUND = 1,
	RECORD_OUTBOUND = 2,
	RECORD_DIRECTION = 3, /* mask */
	RECORD_UNICAST = 1 << 2,
	RECORD_MULTICAST = 2 << 2,
	RECORD_BROADCAST = 3 << 2,
	RECORD_PROMISCUOUS = 4 << 2,
	RECORD_CSUM_NOT_READY = 1 << 9,
	RECORD_CSUM_VALID = 1 << 10,
	RECORD_SEGMENTATION = 1 << 11,
};

struct record_meta {
	int64_t ns;        /* capture time; not negative */
	uint32_t iface_id; /* within the lane */
	uint32_t caplen, len;
	uint32_t flags;
	bool lacks_flags; /* nothing is known: the option is left out (export of other files) */
	uint64_t
		id; /* counts from 1; the same packet's key everywhere; 0 leaves it out */
	uint64_t
		drops; /* lost between this and the interface's previous packet; 0 leaves it out */
	uint32_t queue;
	bool has_queue;
};

static inline size_t record_room(uint32_t caplen)
{
	return (size_t)caplen + RECORD_OVERHEAD;
}

/* Writes everything but the packet's bytes.  Returns the record's length, a multiple of 4. */
size_t record_finish(uint8_t *record, const struct record_meta *meta);

#endif
