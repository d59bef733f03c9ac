#include "agent/description.h"
#include "agent/plugin_file.h"
#include "agent/rpc.h"
#include "agent/schema.h"
#include "base/base64.h"
#include "base/mem.h"

#include "lib/tap.h"

#include <time.h>

static int parse(const char *line, struct rpc_message *m)
{
	struct weir_error err;

	return rpc_parse(line, strlen(line), m, &err);
}

static void test_messages(void)
{
	struct rpc_message m;

	CHECK_EQ(
		parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"call\",\"params\":{\"a\":1}}",
		      &m),
		0);
	CHECK_EQ(m.kind, RPC_REQUEST);
	CHECK_EQ(m.id, 7);
	CHECK_STR(m.method, "call");
	CHECK_EQ(json_integer_value(json_object_get(m.params, "a")), 1);
	rpc_message_fini(&m);
	CHECK_EQ(parse("{\"jsonrpc\":\"2.0\",\"method\":\"log\"}", &m), 0);
	CHECK_EQ(m.kind, RPC_NOTIFICATION);
	rpc_message_fini(&m);
	CHECK_EQ(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", &m), 0);
	CHECK_EQ(m.kind, RPC_RESULT);
	CHECK(json_is_null(m.result));
	rpc_message_fini(&m);
	CHECK_EQ(
		parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-5,\"message\":\"no\"}}",
		      &m),
		0);
	CHECK_EQ(m.kind, RPC_ERROR);
	CHECK_EQ(m.code, -5);
	CHECK_STR(m.text, "no");
	rpc_message_fini(&m);
}

static void test_garbage(void)
{
	static const char *const lines[] = {
		"",
		"x",
		"[]",
		"{}",
		"null",
		"{\"jsonrpc\":\"1.0\",\"method\":\"a\"}",
		"{\"jsonrpc\":\"2.0\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":5}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[1]}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":\"x\",\"message\":\"m\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":5}",
		"{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"method\":\"a\"}",
		"[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}]",
		"{\"jsonrpc\":\"2.0\",\"method\":\"a\"} x",
	};
	struct rpc_message m;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		CHECK_EQ(parse(lines[i], &m), WEIR_ERR_FORMAT);
		rpc_message_fini(&m);
	}
}

static void test_bounds(void)
{
	char *line = mem_new(RPC_LINE_MAX + 16, 1);
	struct rpc_message m;
	json_t *value;

	/* Deeper than allowed. */
	(void)snprintf(line, 100, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":");
	memset(line + strlen(line), '[', RPC_DEPTH_MAX);
	memset(line + strlen(line), ']', RPC_DEPTH_MAX);
	line[strlen(line)] = '}';
	CHECK_EQ(parse(line, &m), WEIR_ERR_FORMAT);
	rpc_message_fini(&m);
	/* Longer than allowed. */
	memset(line, ' ', RPC_LINE_MAX);
	CHECK_EQ(rpc_parse(line, RPC_LINE_MAX, &m, NULL), WEIR_ERR_FORMAT);
	rpc_message_fini(&m);
	memset(line, 'x', RPC_LINE_MAX);
	line[RPC_LINE_MAX] = '\0';
	value = json_string(line);
	CHECK(rpc_result(1, value) == NULL);
	json_decref(value);
	mem_free(line);
}

static void test_round_trip(void)
{
	json_t *params = json_pack("{s:s}", "text", "line\nbreak");
	char *line = rpc_request(5, "call", params);
	struct rpc_message m;

	CHECK(line && strchr(line, '\n') == line + strlen(line) - 1);
	CHECK_EQ(rpc_parse(line, strlen(line) - 1, &m, NULL), 0);
	CHECK(json_equal(m.params, params));
	rpc_message_fini(&m);
	mem_free(line);
	line = rpc_error(6, -1, "no", NULL);
	CHECK_EQ(rpc_parse(line, strlen(line) - 1, &m, NULL), 0);
	CHECK_EQ(m.id, 6);
	rpc_message_fini(&m);
	mem_free(line);
	json_decref(params);
}

/* Texts with ' for ". */
static json_t *json(const char *text)
{
	char *copy = mem_strdup(text);
	json_t *value;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	value = json_loads(copy, JSON_DECODE_ANY, NULL);
	mem_free(copy);
	return value;
}

static void test_schema(void)
{
	/* A schema, a value, what the message begins with ("": it is good). */
	static const char *const cases[][3] = {
		{ "{'type':'object'}", "{}", "" },
		{ "{'type':'object'}", "[]", "'arguments': a value of type object" },
		{ "{'type':['string','null']}", "null", "" },
		{ "{'type':['string','null']}", "5",
		  "'arguments': a value of type integer" },
		{ "{'type':'integer'}", "-3", "" },
		{ "{'type':'integer'}", "3.0",
		  "'arguments': a value of type integer is wanted, not number: "
		  "an integer has no point" },
		{ "{'type':'integer'}", "1e1", "'arguments': a value of type integer" },
		{ "{'type':['integer','null']}", "1e1",
		  "'arguments': a value of type number is not wanted" },
		{ "{'type':'number'}", "3.0", "" },
		{ "{'type':'integer'}", "3.5", "'arguments': a value of type integer" },
		{ "{'type':'integer'}", "true", "'arguments': a value of type integer" },
		{ "{'properties':{'a':{'type':'string'}}}", "{'a':1}", "'a': a value" },
		{ "{'properties':{'a':{'properties':{'b':{'minimum':5}}}}}",
		  "{'a':{'b':4}}", "'a.b': 4 is less than 5" },
		{ "{'required':['a']}", "{}", "'arguments': 'a' is missing" },
		{ "{'required':['a']}", "5", "" },
		{ "{'additionalProperties':false}", "{'x':1}",
		  "'arguments': there is no 'x'" },
		{ "{'additionalProperties':false,'properties':{'x':{}}}", "{'x':1}", "" },
		{ "{'enum':['a','b']}", "'c'", "'arguments': 'c' is none of a, b" },
		{ "{'enum':[1,null]}", "null", "" },
		{ "{'const':1}", "2", "'arguments': the value is not the one" },
		{ "{'items':{'type':'string'}}", "['a',1]", "'[1]': a value" },
		{ "{'minItems':1}", "[]", "'arguments': 0 elements, at least 1" },
		{ "{'maxItems':1}", "[1,2]", "'arguments': 2 elements, at most 1" },
		{ "{'uniqueItems':true}", "[1,2,1]", "'arguments': two elements" },
		{ "{'uniqueItems':true}", "[1,2,3,'1',1.0,true,null,'',[1],{}]", "" },
		{ "{'uniqueItems':true}", "[0.0,1,-0.0]", "'arguments': two elements" },
		{ "{'uniqueItems':true}", "[[0.0],[1],[-0.0]]",
		  "'arguments': two elements" },
		{ "{'uniqueItems':true}", "[{'a':1,'b':[2]},1,{'b':[2],'a':1}]",
		  "'arguments': two elements" },
		{ "{'uniqueItems':true}", "[{'a':1,'b':[2]},{'b':[3],'a':1}]", "" },
		{ "{'uniqueItems':false}", "[1,1]", "" },
		{ "{'minLength':2}", "'\u00e4'",
		  "'arguments': 1 characters, at least 2" },
		{ "{'maxLength':1}", "'\u00e4'", "" },
		{ "{'maximum':9007199254740992}", "9007199254740993",
		  "'arguments': 9.00719925474099e+15 is more than" },
		{ "{'exclusiveMinimum':1}", "1", "'arguments': 1 is not more than 1" },
		{ "{'exclusiveMaximum':1}", "1", "'arguments': 1 is not less than 1" },
		{ "{'minProperties':1}", "{}", "'arguments': 0 members" },
		{ "{'maxProperties':0}", "{'a':1}", "'arguments': 1 members" },
		{ "{'anyOf':[{'type':'string'},{'minimum':3}]}", "4", "" },
		{ "{'anyOf':[{'type':'string'},{'minimum':3}]}", "2",
		  "'arguments': none of" },
		{ "{'title':'t','description':'d','default':1}", "{}", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *schema = json(cases[i][0]), *value = json(cases[i][1]);
		struct weir_error err = { 0 };
		int rc = schema_validate(schema, value, &err);

		CHECK(schema && value);
		CHECK_EQ(schema_check(schema, NULL), 0);
		if ((rc != 0) != (cases[i][2][0] != '\0') ||
		    strncmp(err.text, cases[i][2], strlen(cases[i][2])) != 0)
			CHECK_STR(err.text, cases[i][2]);
		json_decref(schema);
		json_decref(value);
	}
}

/* As many small elements as a message has room for are compared while the agent waits. */
static void test_many_unique(void)
{
	json_t *schema = json("{'uniqueItems':true}"), *many = json_array();
	clock_t begin = clock();

	for (int i = 0; i < 150000; i++)
		CHECK_EQ(json_array_append_new(many, json_integer(i)), 0);
	CHECK_EQ(schema_validate(schema, many, NULL), 0);
	CHECK(json_array_set_new(many, 149999, json_integer(149998)) == 0);
	CHECK(schema_validate(schema, many, NULL) != 0);
	/* Seconds even under a sanitizer; pair by pair it was minutes. */
	CHECK((clock() - begin) / CLOCKS_PER_SEC < 5);
	json_decref(many);
	json_decref(schema);
}

static void test_schema_refused(void)
{
	static const char *const schemas[] = {
		"5",
		"{'pattern':'a'}",
		"{'$ref':'#'}",
		"{'type':'text'}",
		"{'type':[]}",
		"{'required':'a'}",
		"{'required':[1]}",
		"{'properties':[]}",
		"{'properties':{'a':{'format':'date'}}}",
		"{'items':[{}]}",
		"{'additionalProperties':{}}",
		"{'minLength':-1}",
		"{'minimum':'1'}",
		"{'anyOf':[]}",
		"{'anyOf':[5]}",
		"{'enum':{}}",
		("{'items':{'items':{'items':{'items':{'items':{'items':{'items':{'items':{'items':"
		 "{'items':{'items':{'items':{'items':{'items':{'items':{'items':{'items':{}}}}}}}}}}}}}}}}}}"),
	};

	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		json_t *schema = json(schemas[i]);

		CHECK(schema != NULL);
		CHECK_EQ(schema_check(schema, NULL) != 0, true);
		json_decref(schema);
	}
}

#define DIRECTIVE \
 "{'name':'go','summary':'s','role':'viewer','arguments':{'type':'object'}}"

static void test_description(void)
{
	static const struct {
		const char *text;
		bool is_good;
	} cases[] = {
		{ "{'protocol':1,'name':'x','summary':'s','directives':[" DIRECTIVE "]}",
		  true },
		{ "{'protocol':1,'name':'x','summary':'s','directives':[]}", true },
		{ "{'protocol':2,'name':'x','summary':'s','directives':[]}", false },
		{ "{'name':'x','summary':'s','directives':[]}", false },
		{ "{'protocol':1,'name':'x','summary':'s','directives':[" DIRECTIVE
		  "," DIRECTIVE "]}",
		  false },
		{ "{'protocol':1,'name':'x','summary':'s','directives':[{'name':'a b',"
		  "'summary':'','role':'viewer','arguments':{}}]}",
		  false },
		{ "{'protocol':1,'name':'x','summary':'s','directives':[{'name':'a',"
		  "'summary':'','role':'root','arguments':{}}]}",
		  false },
		{ "{'protocol':1,'name':'x','summary':'s','directives':[{'name':'a',"
		  "'summary':'','role':'admin','arguments':{'pattern':'x'}}]}",
		  false },
	};
	struct directive d;
	json_t *one;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *description = json(cases[i].text);
		struct weir_error err;

		CHECK(description != NULL);
		CHECK_EQ(!description_check(description, &err), cases[i].is_good);
		json_decref(description);
	}
	one = json(cases[0].text);
	CHECK(description_find(one, "go", &d));
	CHECK_EQ(d.role, ROLE_VIEWER);
	CHECK_EQ(d.timeout_s, DIRECTIVE_TIMEOUT_S);
	CHECK(!description_find(one, "stop", &d));
	json_decref(one);
}

static void test_plugin_file(void)
{
	static const char good[] =
		"{\"name\":\"hello\",\"command\":[\"/bin/x\",\"a\"],\"network\":\"all\","
		"\"writable\":[\"/tmp\"],\"allow_without\":[\"files\"],\"hang_ms\":100}";
	static const char *const bad[] = {
		"",
		"{}",
		"{\"name\":\"a\",\"command\":[]}",
		"{\"name\":\"a\",\"command\":[\"x\"]}",
		"{\"name\":\"a/b\",\"command\":[\"/x\"]}",
		"{\"name\":\"a\",\"command\":[\"/x\"],\"nonsense\":1}",
		"{\"name\":\"a\",\"command\":[\"/x\"],\"allow_without\":[\"all\"]}",
		"{\"name\":\"a\",\"command\":[\"/x\"],\"hang_ms\":1}",
		"{\"name\":\"a\",\"command\":[\"/x\"],\"memory_bytes\":1.7e10}",
	};
	struct plugin_file f;

	CHECK_EQ(plugin_file_parse(&f, good, strlen(good), NULL), 0);
	CHECK_STR(f.config.name, "hello");
	CHECK_STR(f.config.argv[1], "a");
	CHECK(f.config.argv[2] == NULL);
	CHECK_STR(f.user, "nobody");
	CHECK_EQ(f.config.sandbox.network, SANDBOX_NETWORK_ALL);
	CHECK_EQ(f.config.sandbox.optional, 1U << SANDBOX_FILES);
	CHECK_EQ(f.config.times.hang_ms, 100);
	CHECK_STR(f.config.sandbox.writable[0], "/tmp");
	plugin_file_fini(&f);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CHECK(plugin_file_parse(&f, bad[i], strlen(bad[i]), NULL) != 0);
		plugin_file_fini(&f);
	}
}

static void test_base64(void)
{
	static const char *const bad[] = { "A",    "AA",   "AAA",  "AA=A",
					   "A===", "====", "AAA*", "AAAA=",
					   "AB==", "AAB=", "A A=" };
	uint8_t bytes[256], back[300];
	char text[400];
	size_t n;

	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t length = 0; length <= sizeof bytes; length++) {
		size_t used = base64_encode(text, bytes, length);

		CHECK_EQ(used, BASE64_ROOM(length));
		CHECK(base64_decode(text, used, back, &n) && n == length &&
		      !memcmp(back, bytes, n));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!base64_decode(bad[i], strlen(bad[i]), back, &n));
}

int main(void)
{
	RUN(test_messages);
	RUN(test_garbage);
	RUN(test_bounds);
	RUN(test_round_trip);
	RUN(test_schema);
	RUN(test_many_unique);
	RUN(test_schema_refused);
	RUN(test_description);
	RUN(test_plugin_file);
	RUN(test_base64);
	return tap_done();
}
