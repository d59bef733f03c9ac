#include "agent/tim.h"
#include "base/base64.h"
#include "base/mem.h"

#include "lib/tap.h"

#include <stdint.h>

static int ask(const char *json, struct tim_request *r, struct weir_error *err)
{
	char line[2048];
	size_t n = base64_encode(line, json, strlen(json));

	return tim_parse(line, n, r, err);
}

static const char *argument(const struct tim_request *r, const char *name)
{
	return json_string_value(json_object_get(r->arguments, name));
}

static void test_requests(void)
{
	struct tim_request r;
	struct weir_error err;

	CHECK_EQ(
		ask("{\"plugin\":\"FileSystem\",\"directive\":\"getcwd\",\"arguments\":null}",
		    &r, &err),
		0);
	CHECK_EQ(r.what, TIM_GETCWD);
	CHECK_STR(r.plugin, "filesystem");
	tim_request_fini(&r);
	CHECK_EQ(ask("{\"plugin\":\"FileSystem\",\"directive\":\"listdir\"}", &r, &err),
		 0);
	CHECK_STR(argument(&r, "path"), ".");
	CHECK_STR(argument(&r, "pattern"), "*");
	CHECK(json_object_get(r.arguments, "recursive") == NULL);
	tim_request_fini(&r);
	CHECK_EQ(ask("{\"plugin\":\"FileSystem\",\"directive\":\"listdir\",\"arguments\":"
		     "{\"path\":\"/x\",\"pattern\":\"**\"}}",
		     &r, &err),
		 0);
	CHECK(json_is_true(json_object_get(r.arguments, "recursive")));
	tim_request_fini(&r);
	CHECK_EQ(ask("{\"plugin\":\"Divert\",\"directive\":\"start\",\"arguments\":{}}",
		     &r, &err),
		 0);
	CHECK_STR(argument(&r, "filter"), "true");
	CHECK_STR(argument(&r, "layout"), "files");
	CHECK_STR(argument(&r, "mode"), "divert");
	CHECK(argument(&r, "store") == NULL);
	tim_request_fini(&r);
	CHECK_EQ(ask("{\"plugin\":\"Divert\",\"directive\":\"start\",\"arguments\":"
		     "{\"filter\":\"tcp\",\"storage_directory\":\"./packets\"}}",
		     &r, &err),
		 0);
	CHECK_STR(argument(&r, "store"), "packets");
	tim_request_fini(&r);
}

static void test_refusals(void)
{
	static const char *const cases[][2] = {
		{ "{\"plugin\":\"X\",\"directive\":\"y\"}", "Plugin 'X' not found" },
		{ "{\"plugin\":\"filesystem\",\"directive\":\"getcwd\"}",
		  "Plugin 'filesystem' not found" },
		{ "{\"plugin\":\"Divert\",\"directive\":\"getcwd\"}",
		  "Unsupported directive: getcwd" },
		{ "{\"plugin\":\"Divert\"}",
		  "'plugin' and 'directive' are not both texts" },
		{ "{\"plugin\":\"Divert\",\"directive\":\"stop\",\"arguments\":[]}",
		  "'arguments' is neither an object nor null" },
		{ "{\"plugin\":\"FileSystem\",\"directive\":\"chdir\",\"arguments\":{\"path\":5}}",
		  "an argument is no text" },
		{ "[]", "the request is no object" },
	};
	struct tim_request r;
	struct weir_error err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK(ask(cases[i][0], &r, &err) != 0);
		CHECK_STR(err.text, cases[i][1]);
		tim_request_fini(&r);
	}
	CHECK(tim_parse("%%%%", 4, &r, &err) != 0);
	CHECK_STR(err.text, "the request is no base64");
	tim_request_fini(&r);
	CHECK(tim_parse("", 0, &r, &err) != 0);
	tim_request_fini(&r);
}

static void test_line_end(void)
{
	static const char json[] = "{\"plugin\":\"Divert\",\"directive\":\"stop\"}";
	struct tim_request r;
	struct weir_error err;
	char line[256];
	size_t n = base64_encode(line, json, strlen(json));

	line[n] = '\r';
	CHECK_EQ(tim_parse(line, n + 1, &r, &err), 0);
	CHECK_EQ(r.what, TIM_STOP);
	tim_request_fini(&r);
}

static void test_record(void)
{
	static const char record[] =
		"{\"record\":\"file\",\"path\":\"/a/b.tar.gz\",\"type\":\"file\",\"mode\":\"4755\","
		"\"uid\":1,\"gid\":2,\"size_bytes\":3,\"links\":4,\"inode\":5,\"device\":\"254:1\","
		"\"born_ns\":1000000001,\"modified_ns\":2500000000,\"changed_ns\":3500000000,"
		"\"accessed_ns\":4500000000}";
	json_t *from = json_loads(record, 0, NULL), *file, *mime;
	bool is_directory = true;

	file = tim_file(from, &is_directory);
	CHECK(file && !is_directory);
	CHECK_STR(json_string_value(json_object_get(file, "file_name")), "b.tar.gz");
	CHECK_STR(json_string_value(json_object_get(file, "file_parent")), "/a");
	CHECK_STR(json_string_value(json_object_get(file, "file_extension")), ".gz");
	CHECK_EQ(json_integer_value(json_object_get(file, "permissions")), 0104755);
	CHECK_EQ(json_integer_value(json_object_get(file, "device_id")), 254 * 256 + 1);
	CHECK_EQ(json_integer_value(json_object_get(file, "link_count")), 4);
	CHECK(json_real_value(json_object_get(file, "time_created")) == 3.5);
	CHECK(json_real_value(json_object_get(file, "time_last_modified")) == 2.5);
	CHECK_EQ(json_integer_value(json_object_get(file, "time_born_ns")), 1000000001);
	CHECK_EQ(json_integer_value(json_object_get(file, "time_changed_ns")),
		 3500000000);
	mime = json_object_get(file, "reported_mime_type");
	CHECK_STR(json_string_value(json_array_get(mime, 1)), "gzip");
	json_decref(file);
	json_object_set_new(from, "type", json_string("directory"));
	file = tim_file(from, &is_directory);
	CHECK(is_directory && !strcmp(json_string_value(file), "/a/b.tar.gz"));
	json_decref(file);
	json_object_set_new(from, "record", json_string("error"));
	CHECK(tim_file(from, &is_directory) == NULL);
	json_decref(from);
}

static void test_extensions(void)
{
	static const char *const cases[][2] = {
		{ ".profile", "" }, { "a.", "" },      { "a", "" },
		{ "a.b", ".b" },    { "a.b.c", ".c" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *from = json_pack("{s:s,s:s,s:s+}", "record", "file", "type",
					 "file", "path", "/", cases[i][0]);
		bool is_directory;
		json_t *file = tim_file(from, &is_directory);

		CHECK_STR(json_string_value(json_object_get(file, "file_extension")),
			  cases[i][1]);
		/* What the record does not have is null, not 0. */
		CHECK(json_is_null(json_object_get(file, "time_born_ns")));
		json_decref(file);
		json_decref(from);
	}
}

static void test_answer(void)
{
	size_t length;
	char *line = tim_encode(json_pack("{s:b}", "diverter_active", 1), &length);
	char back[64];
	size_t n;

	CHECK(line && !memchr(line, '\n', length));
	CHECK(base64_decode(line, length, back, &n));
	back[n] = '\0';
	CHECK_STR(back, "{\"diverter_active\": true}");
	mem_free(line);
}

int main(void)
{
	RUN(test_requests);
	RUN(test_refusals);
	RUN(test_line_end);
	RUN(test_record);
	RUN(test_extensions);
	RUN(test_answer);
	return tap_done();
}
