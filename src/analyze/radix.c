#include "analyze/radix.h"

#include "base/compiler.h"

enum {
	DIGITS = 8, /* bytes of a key */
	VALUES = 256
};

static unsigned digit_of(uint64_t key, unsigned digit)
{
	return (unsigned)(key >> (8 * digit)) & (VALUES - 1);
}

static void count_digits(const struct radix_pair *pairs, size_t count,
			 uint32_t counts[DIGITS][VALUES])
{
	for (size_t i = 0; i < count; i++)
		for (unsigned d = 0; d < DIGITS; d++)
			counts[d][digit_of(pairs[i].key, d)]++;
}

struct radix_pair *radix_sort(struct radix_pair *pairs, struct radix_pair *spare,
			      size_t count)
{
	uint32_t counts[DIGITS][VALUES] = { { 0 } };

	if (!count)
		return pairs;
	count_digits(pairs, count, counts);
	for (unsigned d = 0; d < DIGITS; d++) {
		struct radix_pair *from = pairs;
		uint32_t at = 0;

		if (counts[d][digit_of(pairs[0].key, d)] == count)
			continue;
		for (unsigned v = 0; v < VALUES; v++) {
			uint32_t n = counts[d][v];

			counts[d][v] = at;
			at += n;
		}
		for (size_t i = 0; i < count; i++)
			spare[counts[d][digit_of(from[i].key, d)]++] = from[i];
		pairs = spare;
		spare = from;
	}
	return pairs;
}
