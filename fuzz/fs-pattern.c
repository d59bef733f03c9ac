/* A pattern up to the first newline, then a path: matching ends, and a state of 0 never matches. */
#include "base/mem.h"
#include "filesystem/pattern.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t length = newline ? (size_t)(newline - data) : size;
	char *text = mem_new(length + 1, 1);
	struct pattern *p = NULL;
	uint64_t state;
	bool is_match;

	if (!text)
		return 0;
	if (length)
		memcpy(text, data, length);
	if (!pattern_parse(&p, text, size & 1, NULL)) {
		state = pattern_start(p);
		assert(state);
		for (size_t i = length + 1; i < size; i += 255) {
			size_t n = size - i < 255 ? size - i : 255;

			state = pattern_step(p, state, (const char *)data + i, n,
					     &is_match);
		}
		assert(!pattern_step(p, 0, "x", 1, &is_match) && !is_match);
	}
	pattern_free(p);
	mem_free(text);
	return 0;
}
