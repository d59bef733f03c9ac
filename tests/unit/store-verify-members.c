/* processes.jsonl: what the last lines of sessions state of it is what store_verify() holds it to, and what a session
 * that goes on begins with. */
#include "lib/verified-store.h"

static json_t *stated_file(const char *text, size_t length)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];

	CHECK_EQ(hash_once(text, length, digest), 0);
	hash_hex(digest, hex);
	return json_pack("{s:s,s:i,s:I,s:s,s:i}", "name", "processes.jsonl", "lines", 1,
			 "bytes", (json_int_t)length, "sha256", hex, "lost_lines", 0);
}

/* A session whose last line states so many bytes of processes.jsonl. */
static void session(bool is_continued, const char *lines, size_t stated)
{
	struct store_end end = { .reason = "end_of_input" };

	d.config.is_continued = is_continued;
	if (is_continued)
		CHECK_EQ(store_inherit(d.path, d.ifaces, NULL), 0);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 20, T0, 60), 0);
	write_whole(d.path, "processes.jsonl", lines, strlen(lines));
	end.members = json_pack("{s:o}", "processes", stated_file(lines, stated));
	CHECK_EQ(store_close(d.store, &end, &d.summary, NULL), 0);
}

/* A session that writes no lines of processes. */
static void session_without(bool is_continued)
{
	d.config.is_continued = is_continued;
	if (is_continued)
		CHECK_EQ(store_inherit(d.path, d.ifaces, NULL), 0);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 20, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
}

static void nobody_goes_on(const char *why)
{
	struct weir_error err = { 0 };

	d.config.is_continued = true;
	if (!driver_start(&d, &err))
		CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(err.code, WEIR_ERR_MISMATCH);
	CHECK(strstr(err.text, "'processes.jsonl' is not what its last line states") &&
	      strstr(err.text, why));
	d.config.is_continued = false;
}

/* Lines that somebody has put there between two sessions are vouched for by none. */
static void test_planted_between_sessions(void)
{
	const char *first = "{\"pid\":1}\n", *planted = "{\"pid\":1}\n{\"pid\":2}\n";
	struct weir_error err = { 0 };
	json_t *line;

	driver_init(&d);
	session(false, first, strlen(first));
	write_whole(d.path, "processes.jsonl", planted, strlen(planted));
	nobody_goes_on("it has 20 bytes, the line says 10");
	write_whole(d.path, "processes.jsonl", first, strlen(first));

	/* Who writes none states what is there. */
	session_without(true);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	line = manifest_line(d.path, "end", 1);
	CHECK_EQ(member(json_object_get(line, "processes"), "bytes"), 10);
	json_decref(line);
	write_whole(d.path, "processes.jsonl", planted, strlen(planted));
	nobody_goes_on("it has 20 bytes, the line says 10");
	take_copy();
	check_fault("'processes.jsonl' has 20 bytes, the manifest says 10");
	driver_fini(&d);

	driver_init(&d);
	session_without(false);
	write_whole(d.path, "processes.jsonl", planted, strlen(planted));
	nobody_goes_on("no line states its size and hash");
	driver_fini(&d);
}

/* As such sessions wrote it once: what was stated last holds for the whole file. */
static void test_member_that_the_last_line_does_not_state(void)
{
	const char *first = "{\"pid\":1}\n", *planted = "{\"pid\":1}\n{\"pid\":2}\n";
	struct weir_error err = { 0 };
	json_t *lines;

	driver_init(&d);
	session(false, first, strlen(first));
	session_without(true);
	take_copy();
	lines = load_lines();
	(void)json_object_del(json_array_get(lines, json_array_size(lines) - 1),
			      "processes");
	write_chained(lines);
	json_decref(lines);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	write_whole(copy, "processes.jsonl", planted, strlen(planted));
	check_fault("'processes.jsonl' has 20 bytes, the manifest says 10");
	driver_fini(&d);
}

/* Each session's last line vouches for its own part: what was changed in the part of one before is no
 * secret to the last one, which states the whole file as it was then. */
static void test_members_of_sessions_before(void)
{
	const char *first = "{\"pid\":1}\n", *both = "{\"pid\":1}\n{\"pid\":2}\n";
	const char *changed = "{\"pid\":9}\n{\"pid\":2}\n";
	struct weir_error err = { 0 };

	driver_init(&d);
	session(false, first, strlen(first));
	take_copy();
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	flip("processes.jsonl", 7);
	check_fault("'processes.jsonl' has SHA-256 ");

	/* Nobody goes on with what was changed. */
	write_whole(d.path, "processes.jsonl", changed, strlen(first));
	nobody_goes_on("it was changed");
	write_whole(d.path, "processes.jsonl", first, strlen(first));

	session(true, both, strlen(both));
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	driver_fini(&d);

	driver_init(&d);
	session(false, first, strlen(first));
	session(true, changed, strlen(changed));
	take_copy();
	check_fault("'processes.jsonl' has SHA-256 ");
	driver_fini(&d);
}

int main(void)
{
	RUN(test_planted_between_sessions);
	RUN(test_member_that_the_last_line_does_not_state);
	RUN(test_members_of_sessions_before);
	return tap_done();
}
