/* A process as the store tells of it: a line of processes.jsonl (docs/store-format.md), a block of a
 * segment.  Pure but for the memory of JSON. */
#ifndef WEIR_PROCESS_FORM_H
#define WEIR_PROCESS_FORM_H

#include "process/facts.h"

#include <jansson.h>

/* A new reference; NULL without memory. */
json_t *facts_line(const struct process_facts *f);
/* PROCESS_BLOCK_MAX bytes (store/process_block.h) are enough; the block's length. */
size_t facts_block(const struct process_facts *f, uint8_t *out);

#endif
