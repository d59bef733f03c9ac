/* Sorting of indices by a 64-bit key, without comparing: a pass for each byte that is not the same in
 * all.
 *
 * Calling sequence: fill count pairs, give as many spare ones; the result is one of the two arrays.
 * Equal keys keep their order.  Threads: any, each with its own.  No allocation, no failure. */
#ifndef WEIR_ANALYZE_RADIX_H
#define WEIR_ANALYZE_RADIX_H

#include <stddef.h>
#include <stdint.h>

struct radix_pair {
	uint64_t key;
	uint32_t index;
};

struct radix_pair *radix_sort(struct radix_pair *pairs, struct radix_pair *spare,
			      size_t count);

#endif
