/* A listing's line from anywhere; and what our own writer makes of any name is read back exactly. */
#include "base/mem.h"
#include "filesystem/listing.h"
#include "filesystem/text.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const char *name, size_t n)
{
	char *line = mem_new(16 * n + 256, 1), *spare = mem_new(32 * n + 512, 1),
	     *p = line;
	struct listing_row r;
	size_t fault;

	assert(line && spare);
	p = TEXT_LIT(p, "{\"record\":\"file\",\"path\":\"");
	p = text_json(p, name, n);
	p = TEXT_LIT(p, "\"");
	if (!text_is_clean(name, n)) {
		p = TEXT_LIT(p, ",\"path_b64\":\"");
		p = text_base64(p, name, n);
		p = TEXT_LIT(p, "\"");
	}
	*p++ = '}';
	assert(text_is_clean(line, (size_t)(p - line)));
	assert(listing_parse(line, (size_t)(p - line), spare, NULL, &r, &fault));
	assert(r.path.length == n && (!n || !memcmp(r.path.bytes, name, n)));
	mem_free(line);
	mem_free(spare);
}

static bool is_same_text(const struct listing_text *a, const struct listing_text *b)
{
	return a->length == b->length &&
	       (!a->length || !memcmp(a->bytes, b->bytes, a->length));
}

/* Guessing from any line before gives what the same line gives without: in two halves of the input,
 * the first primes and the second is read, and the whole twice. */
static void check_guesses(const char *first, size_t n, const char *line, size_t length)
{
	struct listing_guess *guesses = mem_new(LISTING_GUESSES, sizeof *guesses);
	char *spare = mem_new(2 * (n + length) + 16, 2);
	char *other = spare + 2 * (n + length) + 16;
	struct listing_row a, b;
	size_t fault_a, fault_b;

	assert(guesses && spare);
	(void)!listing_parse(first, n, spare, guesses, &a, &fault_a);
	for (unsigned i = 0; i < 2; i++) {
		bool is_good = listing_parse(line, length, spare, guesses, &a, &fault_a);

		assert(is_good == listing_parse(line, length, other, NULL, &b, &fault_b));
		if (!is_good)
			continue;
		assert(a.kind == b.kind && a.has_time == b.has_time);
		assert(a.inode == b.inode && a.size_bytes == b.size_bytes);
		assert(is_same_text(&a.path, &b.path) && is_same_text(&a.type, &b.type));
		assert(is_same_text(&a.target, &b.target));
		for (int t = 0; t < LISTING_TIMES; t++)
			assert(a.times[t].s == b.times[t].s &&
			       a.times[t].ns == b.times[t].ns);
	}
	mem_free(guesses);
	mem_free(spare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *spare = mem_new(2 * size + 16, 1);
	struct listing_row r;
	size_t fault = 0;

	if (spare && size)
		if (listing_parse((const char *)data, size, spare, NULL, &r, &fault))
			assert(fault == size);
	assert(fault <= size);
	mem_free(spare);
	check_round_trip((const char *)data, size);
	check_guesses((const char *)data, size / 2, (const char *)data + size / 2,
		      size - size / 2);
	check_guesses((const char *)data, size, (const char *)data, size);
	return 0;
}
