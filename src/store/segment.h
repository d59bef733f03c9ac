/* A segment file being written: the only place that writes segments.
 *
 * Calling sequence: segment_open(), segment_append() of whole blocks, segment_close(), which hands
 * the descriptor over.  After a failed append segment_keep() cuts the file behind the last whole
 * block that was written.  One thread: the write worker.
 *
 * Two ways lead to the file.  segment_append() is a plain write and is finished when it returns.
 * Whole pages may go past the page cache instead, several at a time (flights.h), after
 * segment_direct(): the file then is larger than what it holds, with zeros at its end, because only
 * writes within a file's size can overlap.  facts.file_bytes is what is known to be written, from
 * the file's start without a gap; nothing may be appended while writes are in flight. */
#ifndef WEIR_STORE_SEGMENT_H
#define WEIR_STORE_SEGMENT_H

#include "base/hash.h"
#include "store/disk.h"
#include "store/piece.h"
#include "store/process_set.h"

#include <stdbool.h>

#define SEGMENT_NAME 32
/* More than the last span that did not fit. */
#define SEGMENT_PAD_MOST (UINT64_C(2) << 20)

/* What the manifest says of it. */
struct segment_facts {
	uint32_t number;
	char name[SEGMENT_NAME];
	unsigned lane, iface_count; /* described in it */
	uint16_t linktype;
	uint64_t packets, bytes, wire_bytes;
	uint64_t file_bytes, beside_bytes; /* its own file; packet files beside it */
	int64_t first_ns, last_ns;
	bool is_sorted, is_torn;
	bool is_direct; /* some of it went past the page cache */
	bool is_long;   /* space behind file_bytes is to be cut off */
	bool is_hashed; /* sha256 is set; else it is to be made from the file */
	uint8_t sha256[HASH_BYTES];
	const char *reason;
};

struct segment {
	const struct disk *disk;
	struct segment_facts facts;
	int fd;                 /* -1: not open */
	int direct_fd;          /* -1: none */
	bool is_direct_refused; /* for the rest of this segment */
	uint64_t allocated; /* the file's size where it is larger than what it holds */
	/* Sent and not yet landed. */
	unsigned flights;
	uint64_t pending_bytes, pending_packets;
	const char *ending; /* the reason: it is closed once nothing is in flight */
	struct hash *hash;
	bool is_adaptive;           /* gives up hashing where it is too slow */
	int64_t opened_ns, busy_ns; /* monotonic; spent writing and hashing */
	int64_t bucket;             /* of time rotation */
	struct process_set processes;
	int told_errno; /* the last write error that was reported */
};

int segment_init(struct segment *g, const struct disk *disk) MUST_CHECK;
void segment_fini(struct segment *g);
/* The facts' number, name, lane, linktype are set by the caller. */
int segment_open(struct segment *g, int dir_fd, bool is_hashed,
		 struct weir_error *err) MUST_CHECK;
int segment_append(struct segment *g, const void *bytes, size_t length, size_t *done,
		   struct weir_error *err) MUST_CHECK;
/* After a failed append: keeps the first `length` bytes of it (whole blocks). */
void segment_keep(struct segment *g, const void *bytes, size_t length);
/* The piece has been appended: counts it. */
void segment_count(struct segment *g, const struct piece *p);
/* Returns the descriptor; facts are complete but for the deferred hash. */
int segment_close(struct segment *g, const char *reason) MUST_CHECK;

/* Prepares for `need` bytes of whole pages behind its end: takes space for them, and for up to
 * `ahead` bytes at once.  False: they have to be appended. */
bool segment_direct(struct segment *g, int dir_fd, uint64_t need,
		    uint64_t ahead) MUST_CHECK;
/* Gives that up: cuts the file to what is known to be written.  Nothing is in flight. */
void segment_plain(struct segment *g);
/* Makes what is left of the space that was taken ahead a block that readers skip, where that is little
 * (SEGMENT_PAD_MOST); nothing is in flight.  Cutting it off would free it, and a file system that
 * discards what is freed may stop the whole disk for that, a third of a second here. */
int segment_pad(struct segment *g, struct weir_error *err) MUST_CHECK;
/* Hashes what is sent or appended; appending does so itself. */
void segment_hash(struct segment *g, const void *bytes, size_t length);

static inline uint64_t segment_end(const struct segment *g)
{
	return g->facts.file_bytes + g->pending_bytes;
}

static inline bool segment_is_open(const struct segment *g)
{
	return g->fd >= 0;
}

#endif
