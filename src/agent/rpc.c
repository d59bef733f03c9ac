#include "agent/rpc.h"

#include "base/mem.h"

/* jansson bounds its own recursion far above ours. */
static bool is_shallow(const json_t *value, unsigned depth)
{
	const char *name;
	json_t *inside;
	size_t at;

	if (!depth)
		return false;
	if (json_is_array(value))
		json_array_foreach(
			value, at,
			inside) if (!is_shallow(inside, depth - 1)) return false;
	if (json_is_object(value))
		json_object_foreach(
			(json_t *)(uintptr_t)value, name,
			inside) if (!is_shallow(inside, depth - 1)) return false;
	return true;
}

static json_t *load(const char *line, size_t length, struct weir_error *err)
{
	json_error_t bad;
	json_t *root;

	if (length >= RPC_LINE_MAX) {
		(void)err_set(err, WEIR_ERR_FORMAT, "a message has %zu bytes, at most %d",
			      length, RPC_LINE_MAX - 1);
		return NULL;
	}
	root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &bad);
	if (!root) {
		(void)err_set(err, WEIR_ERR_FORMAT, "no JSON at byte %d: %s",
			      bad.position, bad.text);
		return NULL;
	}
	if (is_shallow(root, RPC_DEPTH_MAX))
		return root;
	json_decref(root);
	(void)err_set(err, WEIR_ERR_FORMAT, "a message is nested deeper than %d",
		      RPC_DEPTH_MAX);
	return NULL;
}

static int read_id(struct rpc_message *m, struct weir_error *err)
{
	const json_t *id = json_object_get(m->root, "id");

	if (!json_is_integer(id))
		return err_set(err, WEIR_ERR_FORMAT, "'id' is not an integer");
	m->id = json_integer_value(id);
	return 0;
}

static int read_call(struct rpc_message *m, const json_t *method, struct weir_error *err)
{
	if (!json_is_string(method) || !json_string_length(method) ||
	    json_string_length(method) > RPC_METHOD_MAX)
		return err_set(err, WEIR_ERR_FORMAT,
			       "'method' is not a text of 1 to %d bytes", RPC_METHOD_MAX);
	m->method = json_string_value(method);
	m->params = json_object_get(m->root, "params");
	if (m->params && !json_is_object(m->params))
		return err_set(err, WEIR_ERR_FORMAT, "'params' is not an object");
	m->kind = RPC_NOTIFICATION;
	if (!json_object_get(m->root, "id"))
		return 0;
	m->kind = RPC_REQUEST;
	return read_id(m, err);
}

static int read_error(struct rpc_message *m, const json_t *error, struct weir_error *err)
{
	const json_t *code = json_object_get(error, "code"),
		     *text = json_object_get(error, "message");

	if (!json_is_integer(code) || !json_is_string(text))
		return err_set(err, WEIR_ERR_FORMAT,
			       "'error' has no integer 'code' or no text 'message'");
	m->kind = RPC_ERROR;
	m->code = json_integer_value(code);
	m->text = json_string_value(text);
	m->data = json_object_get(error, "data");
	return read_id(m, err);
}

static int read_message(struct rpc_message *m, struct weir_error *err)
{
	const json_t *version, *method, *error;

	if (!json_is_object(m->root))
		return err_set(err, WEIR_ERR_FORMAT, "a message is not an object");
	version = json_object_get(m->root, "jsonrpc");
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return err_set(err, WEIR_ERR_FORMAT, "'jsonrpc' is not \"2.0\"");
	method = json_object_get(m->root, "method");
	error = json_object_get(m->root, "error");
	m->result = json_object_get(m->root, "result");
	if (!!method + !!error + !!m->result != 1)
		return err_set(err, WEIR_ERR_FORMAT,
			       "a message has not exactly one of 'method', 'result', "
			       "'error'");
	if (method)
		return read_call(m, method, err);
	if (error)
		return read_error(m, error, err);
	m->kind = RPC_RESULT;
	return read_id(m, err);
}

int rpc_parse(const char *line, size_t length, struct rpc_message *m,
	      struct weir_error *err)
{
	*m = (struct rpc_message){ .root = load(line, length, err) };
	return m->root ? read_message(m, err) : WEIR_ERR_FORMAT;
}

void rpc_message_fini(struct rpc_message *m)
{
	json_decref(m->root);
	m->root = NULL;
}

/* Takes the message. */
static char *dump(json_t *message)
{
	size_t room = message ? json_dumpb(message, NULL, 0, JSON_COMPACT) : 0;
	char *line = room && room + 1 < RPC_LINE_MAX ? mem_new(room + 2, 1) : NULL;

	if (line && json_dumpb(message, line, room, JSON_COMPACT) == room) {
		line[room] = '\n';
	} else {
		mem_free(line);
		line = NULL;
	}
	json_decref(message);
	return line;
}

char *rpc_request(int64_t id, const char *method, json_t *params)
{
	return dump(json_pack("{s:s,s:I,s:s,s:O*}", "jsonrpc", "2.0", "id",
			      (json_int_t)id, "method", method, "params", params));
}

char *rpc_notification(const char *method, json_t *params)
{
	return dump(json_pack("{s:s,s:s,s:O*}", "jsonrpc", "2.0", "method", method,
			      "params", params));
}

char *rpc_result(int64_t id, json_t *result)
{
	return dump(json_pack("{s:s,s:I,s:O?}", "jsonrpc", "2.0", "id", (json_int_t)id,
			      "result", result));
}

char *rpc_error(int64_t id, int code, const char *text, json_t *data)
{
	return dump(json_pack("{s:s,s:I,s:{s:i,s:s,s:O*}}", "jsonrpc", "2.0", "id",
			      (json_int_t)id, "error", "code", code, "message", text,
			      "data", data));
}
