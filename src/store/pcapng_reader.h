/* What a store needs of the pcapng form beyond weir/reader.h: where blocks are, how much of a file
 * is whole, and a packet read again from its place.
 *
 * The readers given here are those that pcapng_reader_new() made.  One thread at a time. */
#ifndef WEIR_STORE_PCAPNG_READER_H
#define WEIR_STORE_PCAPNG_READER_H

#include "store/form.h"

/* The block of the last packet delivered. */
uint64_t pcapng_reader_offset(const struct reader *r);
uint32_t pcapng_reader_length(const struct reader *r);

/* Bytes from the start that are whole, understood blocks; what follows them is damage or the end. */
uint64_t pcapng_reader_whole(const struct reader *r);

/* Sections begun so far. */
unsigned pcapng_reader_sections(const struct reader *r);

/* Interfaces of the present section, and the one with that id. */
unsigned pcapng_reader_ids(const struct reader *r);
const struct iface_info *pcapng_reader_by_id(const struct reader *r, unsigned id);

/* The packet of a block that was read before, from a copy of it (offset is for messages).  The
 * packet's pointers are into `block`.  Returns 1, or a negative code. */
int pcapng_reader_parse(struct reader *r, const uint8_t *block, size_t length,
			uint64_t offset, struct packet *p,
			struct weir_error *err) MUST_CHECK;

#endif
