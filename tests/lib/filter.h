/* For the filter's tests: hex to bytes, and a filter's verdict in one call. */
#ifndef TESTS_FILTER_H
#define TESTS_FILTER_H

#include "weir/filter.h"

#include <stdlib.h>
#include <string.h>

static inline size_t hex_bytes(const char *hex, uint8_t *bytes, size_t max)
{
	size_t n = 0;
	char pair[3] = { 0 };

	for (; hex[0] && hex[1] && n < max; hex += 2) {
		memcpy(pair, hex, 2);
		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return n;
}

/* 1, 0, negative: cannot be judged; -99: does not compile. */
static inline int verdict(const char *text, enum filter_layer layer, unsigned flags,
			  const struct filter_input *in)
{
	struct filter *f;
	int v;

	if (filter_compile(&f, text, layer, flags, NULL))
		return -99;
	v = filter_match(f, in);
	filter_free(f);
	return v;
}

#endif
