/* JSON-RPC 2.0, one message a line: the bytes a plugin writes become messages, messages become
 * lines.  Pure; the bytes are not trusted.
 *
 * Calling sequence: rpc_parse() with one line without its newline; rpc_message_fini() always, also
 * after an error.  rpc_request() and the others make a line with its newline, to be freed with
 * mem_free().
 * Errors: WEIR_ERR_FORMAT with what is wrong and where; batches are refused.
 * Facts: the JSON-RPC 2.0 specification; docs/plugin-protocol.md says what we make of it. */
#ifndef WEIR_AGENT_RPC_H
#define WEIR_AGENT_RPC_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	RPC_LINE_MAX = 1024 * 1024, /* bytes, with the newline */
	RPC_METHOD_MAX = 64,
	RPC_DEPTH_MAX = 64, /* of nested arrays and objects */
};

enum rpc_kind {
	RPC_REQUEST,
	RPC_NOTIFICATION,
	RPC_RESULT,
	RPC_ERROR
};

struct rpc_message {
	enum rpc_kind kind;
	int64_t id;         /* of all but a notification */
	const char *method; /* of a request or notification */
	json_t *params;     /* object, or NULL */
	json_t *result;     /* any */
	int64_t code;       /* of an error */
	const char *text;
	json_t *data; /* or NULL */
	json_t *root; /* owns all of them */
};

int rpc_parse(const char *line, size_t length, struct rpc_message *m,
	      struct weir_error *err) MUST_CHECK;
void rpc_message_fini(struct rpc_message *m);

/* Each borrows its JSON; NULL: without memory, or longer than RPC_LINE_MAX. */
char *rpc_request(int64_t id, const char *method, json_t *params) MUST_CHECK;
char *rpc_notification(const char *method, json_t *params) MUST_CHECK;
char *rpc_result(int64_t id, json_t *result) MUST_CHECK;
char *rpc_error(int64_t id, int code, const char *text, json_t *data) MUST_CHECK;

#endif
