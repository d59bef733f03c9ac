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
 (RECORD_DATA + 3 + 8 + 12 + 12 + 8 + 12 + 16 + 4 + 4) /* the most, with padding */
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

/* The owner option, of the range for local use: u8 method, u8 certainty, u16 zero, u64 start of the
 * process (ns of CLOCK_BOOTTIME, rounded down to 10 ms as /proc can tell it; 0: not known).  A
 * process is (pid, start): a pid alone is used again.  Where the certainty is OWNER_UNKNOWN there
 * is no option 8. */
#define RECORD_OPT_OWNER 0x8101

/* Fills a record up to where the next one begins: zeros, of the range for local use. */
#define RECORD_OPT_FILL 0x8100

/* How a packet's socket was found. */
enum owner_method {
	OWNER_NO_METHOD,
	OWNER_SOCKET, /* the kernel named the socket's owner as it happened (eBPF) */
	OWNER_COOKIE, /* socket cookie */
	OWNER_TUPLE,  /* addresses and ports within the network namespace */
	OWNER_DIAG,   /* sock_diag, inode and /proc/PID/fd */
	OWNER_PROC,   /* /proc/net alone */
	OWNER_WINDIVERT_FLOW, /* an event of WinDivert's FLOW layer, of these addresses and ports */
	OWNER_WINDIVERT_SOCKET, /* the same of its SOCKET layer */
	OWNER_IPHELPER,         /* a row of a table of Windows' IP Helper */
};

enum owner_certainty {
	OWNER_UNKNOWN,
	OWNER_EXACT,
	OWNER_WILDCARD, /* a socket bound to the local port, not connected */
	OWNER_LISTENER, /* who listens there; the connection's own process is not known (yet) */
	OWNER_EARLIER, /* who had the tuple before; it is closed */
};

struct record_owner {
	uint32_t pid, tid; /* tid 0: not known */
	uint64_t start_ns; /* CLOCK_BOOTTIME */
	uint8_t method, certainty;
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
	bool has_owner; /* attribution was at work, whatever it found */
	struct record_owner owner;
};

static inline size_t record_room(uint32_t caplen)
{
	return (size_t)caplen + RECORD_OVERHEAD;
}

/* Writes everything but the packet's bytes.  Returns the record's length, a multiple of 4. */
size_t record_finish(uint8_t *record, const struct record_meta *meta);
/* The length that record_finish() would give it. */
size_t record_length(const struct record_meta *meta);
/* The same, made longer by `fill` bytes, a multiple of 4 below 64 KiB. */
size_t record_finish_filled(uint8_t *record, const struct record_meta *meta, size_t fill);

/* Leaves the first `caplen` bytes of a record's packet, where it has more.  Returns the record's length. */
size_t record_cut(uint8_t *record, uint32_t caplen);

/* Of a record that was made with an owner of any certainty but unknown: puts in another one.
 * Returns the record's length, which is smaller where the new one is unknown. */
size_t record_set_owner(uint8_t *record, const struct record_owner *owner);

#endif
