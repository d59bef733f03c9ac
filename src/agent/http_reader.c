#include "agent/http_reader.h"

#include <string.h>
#include <strings.h>

void http_reader_init(struct http_reader *r,
		      int (*body)(void *data, const char *bytes, size_t length),
		      void *data)
{
	memset(r, 0, sizeof *r);
	r->body = body;
	r->data = data;
}

bool http_reader_is_done(const struct http_reader *r)
{
	return r->state == HTTP_DONE;
}

static int bad(struct weir_error *err, const char *what)
{
	return err_set(err, WEIR_ERR_FORMAT, "the answer is no HTTP: %s", what);
}

/* Digits of a base up to 16, and nothing else. */
static bool read_number(const char *text, size_t length, unsigned base, uint64_t *value)
{
	static const char digits[] = "0123456789abcdef";

	*value = 0;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		const char *p;

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		p = c ? strchr(digits, c) : NULL;
		if (!p || (unsigned)(p - digits) >= base || *value > UINT64_MAX >> 5)
			return false;
		*value = *value * base + (unsigned)(p - digits);
	}
	return length > 0;
}

static int take_status(struct http_reader *r, struct weir_error *err)
{
	uint64_t status;

	if (r->length < 12 || memcmp(r->line, "HTTP/1.", 7) != 0 || r->line[8] != ' ' ||
	    !read_number(r->line + 9, 3, 10, &status) || status < 100)
		return bad(err, "a status line without its form");
	r->status = (int)status;
	r->state = HTTP_HEADER;
	return 0;
}

/* 1xx answers precede the real one. */
static void end_headers(struct http_reader *r)
{
	r->headers = 0;
	if (r->status < 200) {
		r->state = HTTP_STATUS;
		return;
	}
	if (r->status == 204 || r->status == 304 ||
	    (r->has_length && !r->left && !r->is_chunked))
		r->state = HTTP_DONE;
	else
		r->state = r->is_chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
}

static int take_header(struct http_reader *r, struct weir_error *err)
{
	const char *colon = memchr(r->line, ':', r->length), *value;
	size_t name, rest;

	if (!r->length) {
		end_headers(r);
		return 0;
	}
	if (!colon || ++r->headers > HTTP_HEADERS_MAX)
		return bad(err, "a header without its form, or too many");
	name = (size_t)(colon - r->line);
	value = colon + 1;
	rest = r->length - name - 1;
	while (rest && (*value == ' ' || *value == '\t')) {
		value++;
		rest--;
	}
	while (rest && (value[rest - 1] == ' ' || value[rest - 1] == '\t'))
		rest--;
	if (name == 14 && !strncasecmp(r->line, "content-length", 14)) {
		if (r->has_length || !read_number(value, rest, 10, &r->left))
			return bad(err, "a length without its form");
		r->has_length = true;
	} else if (name == 17 && !strncasecmp(r->line, "transfer-encoding", 17)) {
		if (rest != 7 || strncasecmp(value, "chunked", 7) != 0)
			return bad(err, "a transfer encoding that is not chunked");
		r->is_chunked = true;
	}
	return 0;
}

static int take_chunk_size(struct http_reader *r, struct weir_error *err)
{
	const char *semicolon = memchr(r->line, ';', r->length);
	size_t n = semicolon ? (size_t)(semicolon - r->line) : r->length;

	if (!read_number(r->line, n, 16, &r->left))
		return bad(err, "a chunk without its size");
	r->state = r->left ? HTTP_CHUNK : HTTP_TRAILER;
	return 0;
}

static int take_line(struct http_reader *r, struct weir_error *err)
{
	switch (r->state) {
	case HTTP_STATUS:
		return take_status(r, err);
	case HTTP_HEADER:
		return take_header(r, err);
	case HTTP_CHUNK_SIZE:
		return take_chunk_size(r, err);
	case HTTP_CHUNK_END:
		r->state = HTTP_CHUNK_SIZE;
		return r->length ? bad(err, "a chunk longer than its size") : 0;
	case HTTP_TRAILER:
		if (!r->length)
			r->state = HTTP_DONE;
		return ++r->headers > HTTP_HEADERS_MAX ? bad(err, "too many trailers")
						       : 0;
	case HTTP_BODY:
	case HTTP_CHUNK:
	case HTTP_DONE:
		break;
	}
	return 0;
}

/* A byte of a line; lines end by LF, a CR before it is no part of them. */
static int feed_line(struct http_reader *r, char c, struct weir_error *err)
{
	int rc;

	if (c != '\n') {
		if (r->length == HTTP_LINE_MAX)
			return bad(err, "a line longer than 4096 bytes");
		r->line[r->length++] = c;
		return 0;
	}
	if (r->length && r->line[r->length - 1] == '\r')
		r->length--;
	rc = take_line(r, err);
	r->length = 0;
	return rc;
}

static int feed_body(struct http_reader *r, const char *bytes, size_t length,
		     size_t *used)
{
	bool is_bounded = r->is_chunked || r->has_length;
	size_t n = is_bounded && r->left < length ? (size_t)r->left : length;
	int rc = r->body ? r->body(r->data, bytes, n) : 0;

	*used = n;
	if (rc || !is_bounded)
		return rc;
	r->left -= n;
	if (!r->left)
		r->state = r->is_chunked ? HTTP_CHUNK_END : HTTP_DONE;
	return 0;
}

int http_reader_feed(struct http_reader *r, const char *bytes, size_t length,
		     size_t *used, struct weir_error *err)
{
	int rc = 0;

	*used = 0;
	while (!rc && *used < length && r->state != HTTP_DONE) {
		size_t n = 1;

		if (r->state == HTTP_BODY || r->state == HTTP_CHUNK)
			rc = feed_body(r, bytes + *used, length - *used, &n);
		else
			rc = feed_line(r, bytes[*used], err);
		*used += n;
	}
	return rc;
}

int http_reader_end(const struct http_reader *r, struct weir_error *err)
{
	if (r->state == HTTP_DONE ||
	    (r->state == HTTP_BODY && !r->has_length && !r->is_chunked))
		return 0;
	return err_set(err, WEIR_ERR_CLOSED,
		       "the agent closed the connection before its "
		       "answer was whole");
}
