/* Builds the blocks of pcapng that stand around records: section header, interface description,
 * interface statistics (draft-ietf-opsawg-pcapng-05, sections 4.1, 4.2, 4.6).  Little endian.
 *
 * Each function writes one whole block at `out`, which has room for the stated maximum, and returns
 * its length, a multiple of 4.  Text is cut where it would not fit.  Pure; no failure. */
#ifndef WEIR_STORE_PCAPNG_H
#define WEIR_STORE_PCAPNG_H

#include "store/iface.h"

enum {
	PCAPNG_SHB = 0x0A0D0D0A,
	PCAPNG_IDB = 1,
	PCAPNG_ISB = 5,
	PCAPNG_EPB = 6
};

#define PCAPNG_SECTION_MAX   1024
#define PCAPNG_INTERFACE_MAX 1280
#define PCAPNG_STATS_MAX     76

/* Empty or NULL strings are left out. */
struct pcapng_section {
	const char *hardware, *os, *application;
};

size_t pcapng_put_section(uint8_t out[PCAPNG_SECTION_MAX],
			  const struct pcapng_section *s);
/* if_tsresol is always 9: nanoseconds. */
size_t pcapng_put_interface(uint8_t out[PCAPNG_INTERFACE_MAX],
			    const struct iface_info *info);

struct pcapng_stats {
	uint32_t iface_id;
	int64_t ns; /* when the counters were read */
	int64_t start_ns, end_ns;
	uint64_t received, dropped;
	bool has_dropped;
};

size_t pcapng_put_stats(uint8_t out[PCAPNG_STATS_MAX], const struct pcapng_stats *stats);

#endif
