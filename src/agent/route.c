#include "agent/route.h"

#include "agent/dispatch.h"
#include "agent/grants.h"

#include <stdio.h>
#include <string.h>

enum {
	TARGET_MAX = 300,
	PARTS_MAX = 4,
};

struct parts {
	char text[TARGET_MAX + 1];
	const char *at[PARTS_MAX];
	unsigned count;
};

static int bad(struct weir_error *err, int status, const char *why)
{
	(void)err_set(err, WEIR_ERR_USAGE, "%s", why);
	return status;
}

/* "/v1/call/divert/start" in its parts.  Names need no percent-encoding, so none is understood: what
 * is written in two ways cannot be checked in one. */
static int split(const char *target, struct parts *p, struct weir_error *err)
{
	size_t length = strnlen(target, TARGET_MAX + 1);
	char *save = NULL;

	if (length > TARGET_MAX)
		return bad(err, 414, "the target is longer than 300 bytes");
	if (target[0] != '/' || strstr(target, "//") || target[length - 1] == '/')
		return bad(err, 404, "there is no such target");
	memcpy(p->text, target, length + 1);
	for (char *word = strtok_r(p->text, "/", &save); word;
	     word = strtok_r(NULL, "/", &save)) {
		if (p->count == PARTS_MAX || !is_plain_name(word, ROUTE_NAME - 1))
			return bad(err, 404, "there is no such target");
		p->at[p->count++] = word;
	}
	return 0;
}

static void set(struct route *r, enum route_kind kind, const char *plugin,
		const char *directive, const char *stream)
{
	r->kind = kind;
	(void)snprintf(r->plugin, sizeof r->plugin, "%s", plugin);
	(void)snprintf(r->directive, sizeof r->directive, "%s", directive);
	(void)snprintf(r->stream, sizeof r->stream, "%s", stream);
}

static bool is_own(const char *word)
{
	return !strcmp(word, "describe") || !strcmp(word, "status") ||
	       !strcmp(word, "whoami") || !strcmp(word, "keys");
}

int route_parse(bool is_post, const char *target, struct route *r, struct weir_error *err)
{
	struct parts p = { .count = 0 };
	int status = split(target, &p, err);
	bool wants_post = true;

	memset(r, 0, sizeof *r);
	if (status)
		return status;
	if (p.count < 2 || strcmp(p.at[0], "v1") != 0)
		return bad(err, 404, "there is no such target");
	if (p.count == 4 && !strcmp(p.at[1], "call")) {
		set(r, ROUTE_CALL, p.at[2], p.at[3], "");
	} else if (p.count == 2 && !strcmp(p.at[1], "pair")) {
		set(r, ROUTE_PAIR, "", "", "");
	} else if (p.count == 4 && !strcmp(p.at[1], "stream")) {
		set(r, ROUTE_STREAM, p.at[2], "stream", p.at[3]);
		wants_post = false;
	} else if (p.count == 2 && is_own(p.at[1])) {
		set(r, ROUTE_CALL, "agent", p.at[1], "");
		wants_post = false;
	} else {
		return bad(err, 404, "there is no such target");
	}
	if (is_post != wants_post)
		return bad(err, 405,
			   wants_post ? "this target wants POST"
				      : "this target wants GET");
	return 0;
}

json_t *body_parse(const void *bytes, size_t length, struct weir_error *err)
{
	json_error_t why;
	json_t *o;

	if (!length)
		return json_object();
	o = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &why);
	if (!o) {
		(void)err_set(err, WEIR_ERR_FORMAT,
			      "the body is no JSON: byte %d: %.150s", why.position,
			      why.text);
		return NULL;
	}
	if (json_is_object(o))
		return o;
	json_decref(o);
	(void)err_set(err, WEIR_ERR_FORMAT, "the body is no JSON object");
	return NULL;
}

static const struct {
	int code, status;
	const char *name;
} codes[] = {
	{ CALL_PARSE, 400, "parse" },
	{ CALL_INVALID, 400, "invalid" },
	{ CALL_UNKNOWN, 404, "unknown" },
	{ CALL_ARGUMENTS, 400, "arguments" },
	{ CALL_INTERNAL, 500, "internal" },
	{ CALL_FAILED, 422, "failed" },
	{ CALL_UNAVAILABLE, 503, "unavailable" },
	{ CALL_TIMEOUT, 504, "timeout" },
	{ CALL_BUSY, 429, "busy" },
	{ CALL_REFUSED, 403, "refused" },
};

int status_of_code(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].status;
	return 422;
}

const char *name_of_code(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "failed";
}
