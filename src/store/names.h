/* The names of a store's files (docs/store-format.md, section 1).  Pure. */
#ifndef WEIR_STORE_NAMES_H
#define WEIR_STORE_NAMES_H

#include <stdint.h>

enum name_kind {
	NAME_OTHER,    /* nothing of ours */
	NAME_SEGMENT,  /* 0000000001.pcapng */
	NAME_LIST,     /* 0000000001.list.jsonl */
	NAME_PACKET,   /* <ns>.pkt, <ns>-1.pkt, <ns>.bin */
	NAME_METADATA, /* <ns>.json */
};

enum name_kind name_kind(const char *name);

/* The number in the name of a segment or list; 0 for other names. */
uint32_t name_number(const char *name);

#endif
