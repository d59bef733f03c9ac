/* What a request asks for, read from its method and target (RFC 9112, 3.2.1); and its body.  Pure.
 *
 *	POST /v1/call/PLUGIN/DIRECTIVE     body: the arguments, a JSON object, or nothing
 *	GET  /v1/stream/PLUGIN/NAME        raw bytes of the directive `stream`
 *	GET  /v1/describe, /v1/status, /v1/whoami, /v1/keys   the plugin `agent`'s directives
 *	POST /v1/pair                      body: {"token":HEX,"name":TEXT}
 *
 * The answer to everything is JSON Lines, but for streams (docs/api.md). */
#ifndef WEIR_AGENT_ROUTE_H
#define WEIR_AGENT_ROUTE_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>

enum route_kind {
	ROUTE_CALL,
	ROUTE_STREAM,
	ROUTE_PAIR
};

enum {
	ROUTE_NAME = 64,
};

struct route {
	enum route_kind kind;
	char plugin[ROUTE_NAME], directive[ROUTE_NAME];
	char stream[ROUTE_NAME];
};

/* 0, or the HTTP status that says what is wrong (400, 404, 405), with *err filled. */
int route_parse(bool is_post, const char *target, struct route *r,
		struct weir_error *err) MUST_CHECK;
/* A JSON object from the body; an empty body is {}.  NULL with *err filled. */
json_t *body_parse(const void *bytes, size_t length, struct weir_error *err) MUST_CHECK;

/* The HTTP status of a failed call. */
int status_of_code(int code);
/* A word for people and programs: "refused", "arguments", ... */
const char *name_of_code(int code);

#endif
