/* A run of whole blocks within a span, with what a segment's line says of it: spans are cut where a
 * segment ends.  The blocks are our own (record.h), so their lengths are trusted.  Pure. */
#ifndef WEIR_STORE_PIECE_H
#define WEIR_STORE_PIECE_H

#include "store/span.h"

#include <stddef.h>

struct piece {
	const uint8_t *data;
	size_t length;
	uint64_t packets, bytes, wire_bytes;
	int64_t first_ns, last_ns; /* smallest and largest; 0, 0 without packets */
	bool is_sorted;
};

/* One block; `ns` and the lengths are set where it is a record. */
struct block {
	uint32_t type, length;
	bool is_record;
	uint32_t iface_id, caplen, wire_length;
	int64_t ns;
};

void block_read(struct block *b, const uint8_t *data);
/* A record at or after until_ns; INT64_MAX is no limit, since a packet can have that time. */
bool block_is_late(const struct block *b, int64_t until_ns);

/* The longest run at the start of data[0..length) that costs at most `room` (each block its
 * length and `extra`) and has no record that is late for until_ns. */
struct piece_limits {
	uint64_t room;
	uint32_t extra;
	int64_t until_ns;
	bool is_one_allowed; /* the first block is taken whatever it costs */
};

void piece_cut(struct piece *p, const uint8_t *data, size_t length,
	       const struct piece_limits *limits);
/* The same without limits but the length: whole blocks within it. */
void piece_scan(struct piece *p, const uint8_t *data, size_t length);
/* A whole span, without looking at it. */
void piece_of_span(struct piece *p, const struct span *span);
/* Raises counts[interface id] for each record. */
void piece_count(const struct piece *p, uint64_t *counts, unsigned count);

#endif
