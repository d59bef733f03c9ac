/* What is read from controllers and said to agents: targets, bodies, arguments by schema, answers. */
#include "agent/arguments.h"
#include "agent/dispatch.h"
#include "agent/http_reader.h"
#include "agent/route.h"
#include "lib/tap.h"

#include <stdlib.h>

static struct weir_error err;
static struct route r;

static void test_route(void)
{
	CHECK_EQ(route_parse(true, "/v1/call/divert/start", &r, &err), 0);
	CHECK_EQ(r.kind, ROUTE_CALL);
	CHECK_STR(r.plugin, "divert");
	CHECK_STR(r.directive, "start");
	CHECK_EQ(route_parse(false, "/v1/stream/divert/web", &r, &err), 0);
	CHECK_EQ(r.kind, ROUTE_STREAM);
	CHECK_STR(r.stream, "web");
	CHECK_EQ(route_parse(true, "/v1/pair", &r, &err), 0);
	CHECK_EQ(route_parse(false, "/v1/status", &r, &err), 0);
	CHECK_STR(r.plugin, "agent");
}

static void test_route_refused(void)
{
	static const struct {
		const char *target;
		bool is_post;
		int status;
	} all[] = {
		{ "", false, 404 },
		{ "/", false, 404 },
		{ "/v1", false, 404 },
		{ "/v2/status", false, 404 },
		{ "/v1/status/", false, 404 },
		{ "//v1/status", false, 404 },
		{ "/v1/call/a", true, 404 },
		{ "/v1/call/a/b/c", true, 404 },
		{ "/v1/call/../b", true, 404 },
		{ "/v1/call/%61/b", true, 404 },
		{ "/v1/status?x=1", false, 404 },
		{ "http://host/v1/status", false, 404 },
		{ "/v1/call/a/b", false, 405 },
		{ "/v1/status", true, 405 },
	};

	char longest[400];

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		CHECK_EQ(route_parse(all[i].is_post, all[i].target, &r, &err),
			 all[i].status);
	memset(longest, 'a', sizeof longest);
	longest[0] = '/';
	longest[399] = '\0';
	CHECK_EQ(route_parse(false, longest, &r, &err), 414);
}

static void check_body(const char *text, bool is_good)
{
	json_t *o = body_parse(text, strlen(text), &err);

	CHECK_EQ(o != NULL, is_good);
	json_decref(o);
}

static void test_body(void)
{
	check_body("", true);
	check_body("{\"a\":1}", true);
	check_body("[]", false);
	check_body("{\"a\":1,\"a\":2}", false);
	check_body("{} {}", false);
	check_body("{\"a\":\"\xff\"}", false);
	CHECK_EQ(status_of_code(CALL_REFUSED), 403);
	CHECK_EQ(status_of_code(7), 422);
	CHECK_STR(name_of_code(CALL_BUSY), "busy");
}

static void check_arguments(const char *word, const char *want)
{
	json_t *schema = json_loads(
		"{\"properties\":{\"t\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},"
		"\"f\":{\"type\":\"number\"},\"b\":{\"type\":\"boolean\"},"
		"\"l\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
		"\"o\":{\"properties\":{\"n\":{\"type\":[\"integer\",\"string\"]}},"
		"\"additionalProperties\":false}},\"additionalProperties\":false}",
		0, NULL);
	char copy[80], *words[] = { copy };
	json_t *got = NULL;
	char *text;

	(void)snprintf(copy, sizeof copy, "%s", word);
	CHECK_EQ(arguments_parse(schema, words, 1, &got, &err),
		 want ? 0 : WEIR_ERR_USAGE);
	if (want && got) {
		text = json_dumps(got, JSON_COMPACT);
		CHECK_STR(text, want);
		free(text);
	}
	CHECK(want || !got);
	json_decref(got);
	json_decref(schema);
}

static void test_arguments(void)
{
	check_arguments("t=5", "{\"t\":\"5\"}");
	check_arguments("t=a=b", "{\"t\":\"a=b\"}");
	check_arguments("n=-5", "{\"n\":-5}");
	check_arguments("f=1.5", "{\"f\":1.5}");
	check_arguments("b=true", "{\"b\":true}");
	check_arguments("l=3", "{\"l\":[3]}");
	check_arguments("o.n=3", "{\"o\":{\"n\":3}}");
	check_arguments("o.n=x", "{\"o\":{\"n\":\"x\"}}");
	check_arguments("n:=[1]", "{\"n\":[1]}");
	check_arguments("n=5x", NULL);
	check_arguments("b=yes", NULL);
	check_arguments("x=1", NULL);
	check_arguments("o.x=1", NULL);
	check_arguments("t:={", NULL);
	check_arguments("=1", NULL);
	check_arguments("t", NULL);
}

static char body[200];

static int take(void *data, const char *bytes, size_t length)
{
	(void)data;
	CHECK(strlen(body) + length < sizeof body);
	memcpy(body + strlen(body), bytes, length);
	return 0;
}

/* Fed in pieces of every size it gives the same. */
static void check_answer(const char *text, int status, const char *want)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct http_reader reader;
		size_t used;
		int rc = 0;

		memset(body, 0, sizeof body);
		http_reader_init(&reader, take, NULL);
		for (size_t at = 0; !rc && at < strlen(text); at += piece) {
			size_t left = strlen(text) - at;

			rc = http_reader_feed(&reader, text + at,
					      left < piece ? left : piece, &used, &err);
		}
		if (!rc)
			rc = http_reader_end(&reader, &err);
		CHECK_EQ(rc == 0, want != NULL);
		if (want && !rc) {
			CHECK_EQ(reader.status, status);
			CHECK_STR(body, want);
		}
	}
}

static void test_answers(void)
{
	check_answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc");
	check_answer("HTTP/1.1 404 No\nContent-Length:0\n\n", 404, "");
	check_answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
		     "3;x\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: u\r\n\r\n",
		     200, "abc0123456789");
	check_answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
		     "1\r\n\r\nx",
		     200, "x");
	check_answer("HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end");
	check_answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0, NULL);
	check_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0, NULL);
	check_answer("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, NULL);
	check_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
		     0, NULL);
	check_answer("SSH-2.0-OpenSSH_9.2\r\n", 0, NULL);
	check_answer("HTTP/1.1 200 OK\r\nno header\r\n\r\n", 0, NULL);
}

int main(void)
{
	RUN(test_route);
	RUN(test_route_refused);
	RUN(test_body);
	RUN(test_arguments);
	RUN(test_answers);
	return tap_done();
}
