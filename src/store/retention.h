/* What --keep takes away: the oldest finished segments first, never an open one.
 *
 * Belongs to the ledger's thread.  Memory grows with what is kept, not with what was recorded. */
#ifndef WEIR_STORE_RETENTION_H
#define WEIR_STORE_RETENTION_H

#include "store/segment.h"
#include "store/store.h"

struct retained {
	uint32_t number;
	char name[SEGMENT_NAME];
	uint64_t packets, file_bytes,
		all_bytes; /* all: with the packet files beside it */
	int64_t last_ns;
	char sha256[HASH_HEX];
};

struct retention {
	uint64_t keep_bytes, spare_bytes; /* spare: free space that is to stay */
	int64_t keep_ns;
	struct retained *all; /* oldest first, from `first` */
	size_t first, count, capacity;
	uint64_t held_bytes;
};

void retention_init(struct retention *r, const struct store_config *config);
void retention_fini(struct retention *r);
/* Without memory the segment is simply kept for ever. */
void retention_add(struct retention *r, const struct segment_facts *f,
		   const char sha256[HASH_HEX]);
/* Why the oldest one should go now ("keep_bytes", "keep_age", "disk_full"), or NULL. */
const char *retention_reason(const struct retention *r, uint64_t open_bytes,
			     uint64_t free_bytes, int64_t now_ns);
/* The oldest, NULL where there is none; pop forgets it. */
const struct retained *retention_oldest(const struct retention *r);
void retention_pop(struct retention *r);
/* Removes its files; what could not be removed is left.  0, or why the first such was not, as an errno. */
int retention_remove(const struct disk *disk, int dir_fd, const struct retained *e,
		     enum store_layout layout) MUST_CHECK;

#endif
