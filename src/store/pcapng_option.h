/* A pcapng block's body and its options, walked with a bounded cursor
 * (draft-ietf-opsawg-pcapng-05, sections 3.1 and 3.5).
 *
 *	while ((rc = pcapng_option(&c, block, &o, err)) > 0)
 *		... o.code, o.value, o.length ...
 *
 * Values point into the block.  Nothing is kept. */
#ifndef WEIR_STORE_PCAPNG_OPTION_H
#define WEIR_STORE_PCAPNG_OPTION_H

#include "base/cursor.h"
#include "weir/error.h"

struct pcapng_block {
	uint32_t type, length;
	uint64_t offset;     /* in the file, for messages */
	const uint8_t *body; /* behind type and length */
	bool is_big;
};

struct pcapng_option {
	uint16_t code, length;
	const uint8_t *value;
};

/* A block's body without its last length: length - 12 bytes. */
static inline void pcapng_body(const struct pcapng_block *b, struct cursor *c)
{
	cur_init(c, b->body, b->length - 12);
}

/* 1: *o is the next option; 0: no more; negative: it does not fit the block. */
int pcapng_option(struct cursor *c, const struct pcapng_block *b, struct pcapng_option *o,
		  struct weir_error *err);

/* 0 where the option has `want` bytes; else the message. */
int pcapng_option_length(const struct pcapng_block *b, const struct pcapng_option *o,
			 uint16_t want, struct weir_error *err);

#endif
