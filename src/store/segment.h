/* A segment file being written: the only place that writes segments.  A faster writer (O_DIRECT,
 * several writes in flight) replaces this file alone.
 *
 * Calling sequence: segment_open(), segment_append() of whole blocks, segment_close(), which hands
 * the descriptor over.  After a failed append segment_keep() cuts the file behind the last whole
 * block that was written.  One thread: the write worker. */
#ifndef WEIR_STORE_SEGMENT_H
#define WEIR_STORE_SEGMENT_H

#include "base/hash.h"
#include "store/disk.h"
#include "store/piece.h"

#include <stdbool.h>

#define SEGMENT_NAME 32

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
	bool is_hashed; /* sha256 is set; else it is to be made from the file */
	uint8_t sha256[HASH_BYTES];
	const char *reason;
};

struct segment {
	const struct disk *disk;
	struct segment_facts facts;
	int fd; /* -1: not open */
	struct hash *hash;
	bool is_adaptive;           /* gives up hashing where it is too slow */
	int64_t opened_ns, busy_ns; /* monotonic; spent writing and hashing */
	int64_t bucket;             /* of time rotation */
	int told_errno;             /* the last write error that was reported */
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

static inline bool segment_is_open(const struct segment *g)
{
	return g->fd >= 0;
}

#endif
