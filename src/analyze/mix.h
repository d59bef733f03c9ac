/* A hash for tables whose keys strangers choose: seeded, so that nobody can know which keys meet.
 * Pure but for mix_seed(), which differs from run to run; any thread. */
#ifndef WEIR_ANALYZE_MIX_H
#define WEIR_ANALYZE_MIX_H

#include "port/port.h"

#include <string.h>

static inline uint64_t mix_seed(void)
{
	return (uint64_t)port_realtime_ns() * 0x9e3779b97f4a7c15 | 1;
}

static inline uint64_t mix_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9fb21c651e98df25;
	return h ^ h >> 32;
}

static inline uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t word;

	for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
		memcpy(&word, p, sizeof word);
		h = mix_word(h, word);
	}
	word = n;
	memcpy(&word, p, n);
	return mix_word(mix_word(h, word), n);
}

#endif
