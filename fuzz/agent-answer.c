/* Any bytes as an agent's answer: the HTTP reader fed in pieces of two sizes gives the same, and the
 * lines behind it hold their bounds. */
#include "agent/http_reader.h"
#include "agent/lines.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct lines lines;
	uint64_t bytes, sum, count;
};

static int on_line(void *data, char *line, size_t length)
{
	struct seen *s = data;

	assert(!line[length] && !memchr(line, '\n', length));
	s->count++;
	return 0;
}

static int on_body(void *data, const char *bytes, size_t length)
{
	struct seen *s = data;

	s->bytes += length;
	for (size_t i = 0; i < length; i++)
		s->sum = s->sum * 31 + (uint8_t)bytes[i];
	return lines_feed(&s->lines, bytes, length);
}

static int read_all(const uint8_t *data, size_t size, size_t piece, struct seen *s,
		    int *status)
{
	struct http_reader r;
	struct weir_error err;
	int rc = 0;

	memset(s, 0, sizeof *s);
	s->lines.line = on_line;
	s->lines.data = s;
	http_reader_init(&r, on_body, s);
	for (size_t at = 0; !rc && at < size && !http_reader_is_done(&r);) {
		size_t n = size - at < piece ? size - at : piece, used = 0;

		rc = http_reader_feed(&r, (const char *)data + at, n, &used, &err);
		assert(rc || used == n || http_reader_is_done(&r));
		at += used;
	}
	if (!rc)
		rc = http_reader_end(&r, &err);
	*status = r.status;
	lines_fini(&s->lines);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole, pieces;
	int status, again, rc = read_all(data, size, size ? size : 1, &whole, &status);

	assert(read_all(data, size, 3, &pieces, &again) == rc && again == status);
	assert(whole.sum == pieces.sum && whole.count == pieces.count);
	return 0;
}
