/* 128-bit unsigned integers: an IPv6 address, and every constant of the language, is one. */
#ifndef WEIR_FILTER_WIDE_H
#define WEIR_FILTER_WIDE_H

#include <stdint.h>

__extension__ typedef unsigned __int128 u128;

#define WIDE(high, low) ((u128)(high) << 64 | (u128)(low))
#define WIDE_MAX        WIDE(UINT64_MAX, UINT64_MAX)

/* The largest integer of so many bits, 1 to 128. */
static inline u128 wide_of_bits(unsigned bits)
{
	return WIDE_MAX >> (128 - bits);
}

static inline uint64_t wide_high(u128 v)
{
	return (uint64_t)(v >> 64);
}

static inline uint64_t wide_low(u128 v)
{
	return (uint64_t)v;
}

#endif
