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
	assert(listing_parse(line, (size_t)(p - line), spare, &r, &fault));
	assert(r.path.length == n && (!n || !memcmp(r.path.bytes, name, n)));
	mem_free(line);
	mem_free(spare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *spare = mem_new(2 * size + 16, 1);
	struct listing_row r;
	size_t fault = 0;

	if (spare && size)
		if (listing_parse((const char *)data, size, spare, &r, &fault))
			assert(fault == size);
	assert(fault <= size);
	mem_free(spare);
	check_round_trip((const char *)data, size);
	return 0;
}
