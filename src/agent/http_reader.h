/* The answer to one HTTP/1.1 request (RFC 9112), read piece by piece: the controller's side.  Pure.
 *
 * Calling sequence: http_reader_init(); http_reader_feed() with whatever has come, until
 * http_reader_is_done(); where the stream ends before, http_reader_end() says whether that was too early.  Then
 * http_reader_init() again for the next one on the same connection.
 *
 * Understood is what an agent sends: a status line, headers of which only those that delimit the body
 * mean anything, a body by length, in chunks, or to the end.  Anything else is WEIR_ERR_FORMAT. */
#ifndef WEIR_AGENT_HTTP_READER_H
#define WEIR_AGENT_HTTP_READER_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_LINE_MAX = 4096,
	HTTP_HEADERS_MAX = 100,
};

enum http_state {
	HTTP_STATUS,
	HTTP_HEADER,
	HTTP_BODY,       /* `left` bytes of it, or to the end of the stream */
	HTTP_CHUNK_SIZE, /* its line */
	HTTP_CHUNK,
	HTTP_CHUNK_END, /* the empty line behind it */
	HTTP_TRAILER,
	HTTP_DONE,
};

struct http_reader {
	enum http_state state;
	int status;
	bool is_chunked, has_length;
	unsigned headers;
	uint64_t left;
	char line[HTTP_LINE_MAX];
	size_t length; /* of the line so far */
	/* A piece of the body; a negative return ends the reading with that code. */
	int (*body)(void *data, const char *bytes, size_t length);
	void *data;
};

void http_reader_init(struct http_reader *r,
		      int (*body)(void *data, const char *bytes, size_t length),
		      void *data);
/* *used says how much of it belonged to this answer. */
int http_reader_feed(struct http_reader *r, const char *bytes, size_t length,
		     size_t *used, struct weir_error *err) MUST_CHECK;
bool http_reader_is_done(const struct http_reader *r);
int http_reader_end(const struct http_reader *r, struct weir_error *err) MUST_CHECK;

#endif
