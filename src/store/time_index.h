/* The order of time of a segment whose records are not in it: 16 bytes a packet.
 *
 * Calling sequence: zero the struct, time_index_add() for each packet, time_index_sort(), then read
 * entries[0..count).  Equal times keep the order of the file.  Owns its memory. */
#ifndef WEIR_STORE_TIME_INDEX_H
#define WEIR_STORE_TIME_INDEX_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stddef.h>
#include <stdint.h>

struct time_entry {
	int64_t ns;
	uint64_t offset; /* of the record or line in its file */
};

struct time_index {
	struct time_entry *entries;
	size_t count, room;
};

int time_index_add(struct time_index *x, int64_t ns, uint64_t offset,
		   struct weir_error *err) MUST_CHECK;
void time_index_sort(struct time_index *x);
void time_index_fini(struct time_index *x);

#endif
