/* Opening stores whose manifest is torn, short, or gone; repairs that were interrupted; the recorder
 * that lives; who may not write. */
#include "lib/broken-store.h"

#include <errno.h>
#include <sys/wait.h>

#define SEGMENT  "0000000001.pcapng"
#define MANIFEST "manifest.jsonl"

static struct driver d;
static char dead[128], broken[160];

static void fresh(void)
{
	(void)snprintf(broken, sizeof broken, "%s/broken", d.dir);
	copy_store(dead, broken);
}

static void begin(unsigned packets)
{
	driver_init(&d);
	make_dead(&d, dead, packets, 20);
	fresh();
}

static void append(const char *name, const char *text)
{
	struct bytes b = read_whole(broken, name);
	size_t n = strlen(text);
	uint8_t *all = malloc(b.length + n);

	memcpy(all, b.at, b.length);
	memcpy(all + b.length, text, n);
	write_whole(broken, name, all, b.length + n);
	free(all);
	free(b.at);
}

static void remove_file(const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof path, "%s/%s", broken, name);
	CHECK_EQ(unlink(path), 0);
}

static void test_killed(void)
{
	json_t *line;

	begin(5);
	CHECK_EQ(check_repaired(broken, 5, true), 5);
	line = manifest_line(broken, "recovered", 0);
	CHECK(line != NULL);
	json_decref(line);
	line = manifest_line(broken, "segment", 0);
	CHECK_STR(json_string_value(json_object_get(line, "reason")), "recovered");
	json_decref(line);
	line = manifest_line(broken, "end", 0);
	CHECK_STR(json_string_value(json_object_get(line, "reason")), "crash");
	CHECK(json_is_string(json_object_get(line, "missing")));
	json_decref(line);
	CHECK(check_store(broken));
	driver_fini(&d);
}

static void test_manifest_cut_anywhere(void)
{
	struct bytes b;

	begin(3);
	b = read_whole(dead, MANIFEST);
	for (size_t n = 0; n <= b.length; n += n + 200 < b.length ? 97 : 7) {
		fresh();
		write_whole(broken, MANIFEST, b.at, n);
		CHECK_EQ(check_repaired(broken, 3, true), 3);
	}
	CHECK(check_store(broken));
	free(b.at);
	driver_fini(&d);
}

static void test_zeros_behind_the_manifest(void)
{
	struct bytes b;
	char zeros[5000] = { 0 };

	begin(3);
	b = read_whole(broken, MANIFEST);
	b.at = realloc(b.at, b.length + sizeof zeros);
	memcpy(b.at + b.length, zeros, sizeof zeros);
	write_whole(broken, MANIFEST, b.at, b.length + sizeof zeros);
	free(b.at);
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	b = read_whole(broken, MANIFEST ".tail");
	CHECK_EQ(b.length, sizeof zeros);
	free(b.at);
	driver_fini(&d);
}

static void test_manifest_gone(void)
{
	begin(4);
	remove_file(MANIFEST);
	CHECK(!store_is_store(broken));
	CHECK_EQ(check_repaired(broken, 4, true), 4);
	CHECK(store_is_store(broken));
	driver_fini(&d);
}

static void test_no_store(void)
{
	struct weir_error err;
	struct store_view *v;

	begin(1);
	remove_file(MANIFEST);
	remove_file(SEGMENT);
	CHECK_EQ(store_open(&v, broken, &err), WEIR_ERR_ABSENT);
	CHECK(strstr(err.text, "it is no store: there is neither manifest.jsonl nor a "
			       "segment") != NULL);
	CHECK_EQ(read_all(broken, true, &err), WEIR_ERR_ABSENT);
	CHECK_EQ(store_open(&v, "/nonexistent/x", &err), WEIR_ERR_ABSENT);
	driver_fini(&d);
}

/* A file whose segment_open was lost, and a segment_open whose file was. */
static void test_files_and_lines_apart(void)
{
	struct weir_error err;
	struct store_check check;
	struct store_view *v;
	struct bytes b;
	json_t *line, *all;

	begin(4);
	b = read_whole(broken, SEGMENT);
	write_whole(broken, "0000000007.pcapng", b.at, b.length);
	free(b.at);
	remove_file(SEGMENT);
	CHECK_EQ(check_repaired(broken, 4, true), 4);
	CHECK_EQ(line_member(broken, "segment", 0, "number"), 7);
	line = manifest_line(broken, "recovered", 0);
	all = json_object_get(line, "segments");
	CHECK_EQ(json_array_size(all), 2);
	CHECK_STR(json_string_value(json_object_get(json_array_get(all, 0), "action")),
		  "absent");
	json_decref(line);
	CHECK_EQ(store_verify(broken, &check, &err), 0);
	CHECK_EQ(store_open(&v, broken, &err), 0);
	CHECK_EQ(v->segment_count, 1);
	store_view_free(v);
	driver_fini(&d);
}

/* The manifest knew no interface yet: the segment tells. */
static void test_interfaces_are_told(void)
{
	begin(2);
	remove_file(MANIFEST);
	CHECK_EQ(check_repaired(broken, 2, true), 2);
	CHECK_EQ(count_lines(broken, "interface"), 1);
	CHECK_EQ(line_member(broken, "interface", 0, "linktype"), LINKTYPE_ETHERNET);
	driver_fini(&d);
}

/* A repair that died after each of its steps. */
static void test_interrupted_repairs(void)
{
	struct bytes b, tail;

	begin(3);
	append(SEGMENT, "torn");
	b = read_whole(broken, SEGMENT);
	write_whole(broken, SEGMENT ".tail", "to", 2); /* the tail half kept */
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	tail = read_whole(broken, SEGMENT ".tail");
	CHECK_EQ(tail.length, 4);
	CHECK(tail.at && !memcmp(tail.at, "torn", 4));
	free(tail.at);

	fresh(); /* the segment cut, the manifest not yet written */
	write_whole(broken, SEGMENT ".tail", "torn", 4);
	write_whole(broken, MANIFEST ".new", "{\"seq\":1", 8);
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	tail = read_whole(broken, SEGMENT ".tail");
	CHECK_EQ(tail.length, 4);
	free(tail.at);
	CHECK(!file_exists(broken, MANIFEST ".new"));
	free(b.at);
	driver_fini(&d);
}

/* Two opened at the same time: one repairs, both read. */
static void test_repair_in_parallel(void)
{
	int status, failed = 0;

	begin(50);
	(void)fflush(stdout);
	for (unsigned i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct weir_error err;

			_exit(read_all(broken, true, &err) != 50);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		failed += wait(&status) < 0 || status != 0;
	CHECK_EQ(failed, 0);
	CHECK_EQ(count_lines(broken, "end"), 1);
	CHECK_EQ(count_lines(broken, "recovered"), 1);
	driver_fini(&d);
}

static void test_recorder_lives(void)
{
	static const struct store_death death = { .reason = "x" };
	struct weir_error err;
	struct store_check check;
	struct store_view *v;
	struct bytes before, after;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 6, T0, 30), 0);
	CHECK(wait_lines(d.path, "segment_open", 1));
	before = read_whole(d.path, MANIFEST);
	CHECK_EQ(store_open(&v, d.path, &err), 0);
	CHECK(v->is_live && !v->end && !v->was_repaired);
	CHECK_EQ(v->segment_count, 1);
	CHECK(v->segments[0].is_found && !v->segments[0].sha256[0]);
	CHECK_EQ(v->segments[0].packets, 6);
	store_view_free(v);
	CHECK_EQ(read_all(d.path, true, &err), 6);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	CHECK(check.is_live);
	CHECK_EQ(store_recover(d.path, &death, &err), WEIR_ERR_BUSY);
	after = read_whole(d.path, MANIFEST);
	CHECK_EQ(after.length, before.length);
	free(before.at);
	free(after.at);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(read_all(d.path, true, &err), 6);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	CHECK(!check.is_live && !check.is_repaired);
	CHECK_STR(check.grade, "complete");
	driver_fini(&d);
}

static void test_recover_with_a_reason(void)
{
	struct loss_totals extra = { 0 };
	struct store_death death = { .reason = "worker died", .losses = &extra };
	struct weir_error err;
	json_t *line;

	begin(3);
	extra.packets[LOSS_CRASH] = 7;
	extra.bytes[LOSS_CRASH] = 700;
	CHECK_EQ(store_recover(broken, &death, &err), 0);
	line = manifest_line(broken, "end", 0);
	CHECK_STR(json_string_value(json_object_get(line, "reason")), "worker died");
	CHECK_EQ(member(line, "lost"), 7);
	CHECK_EQ(member(json_object_get(json_object_get(line, "losses"), "crash"),
			"bytes"),
		 700);
	json_decref(line);
	CHECK_EQ(store_recover(broken, &death, &err), WEIR_ERR_EXISTS);
	CHECK_EQ(count_lines(broken, "end"), 1);
	CHECK(check_store(broken));
	driver_fini(&d);
}

/* The supervisor knows how many records there were: what is not in the files is counted. */
static void test_recover_counts_what_was_in_memory(void)
{
	struct loss_totals seen = { 0 };
	struct store_death death = { .reason = "killed by signal 9",
				     .losses = &seen,
				     .is_recorded_known = true };
	struct weir_error err;
	json_t *line;

	begin(3);
	death.recorded = 3 + 5;
	seen.packets[LOSS_CRASH] = 2; /* handed on by the supervisor */
	CHECK_EQ(store_recover(broken, &death, &err), 0);
	line = manifest_line(broken, "end", 0);
	CHECK_EQ(member(line, "lost"), 7);
	CHECK(strstr(json_string_value(json_object_get(line, "missing")),
		     "5 packets had been captured") != NULL);
	json_decref(line);
	CHECK(check_store(broken));
	driver_fini(&d);
}

/* As somebody who can only read: the same packets, and nothing is changed. */
static int read_as_nobody(void)
{
	struct weir_error err;
	struct store_view *v;
	int rc;

	if (setgid(65534) || setuid(65534))
		return 2;
	if (store_open(&v, broken, &err))
		return 3;
	rc = v->end || v->was_repaired || v->is_live || v->segments[0].packets != 4 ? 4
										    : 0;
	store_view_free(v);
	return rc ? rc : read_all(broken, true, &err) == 4 ? 0 : 5;
}

static void test_read_only(void)
{
	struct bytes before, after;
	char path[400];
	int status = -1;

	if (geteuid())
		SKIP("needs root, to be somebody else");
	begin(4);
	append(SEGMENT, "torn");
	before = read_whole(broken, MANIFEST);
	CHECK(!chmod(d.dir, 0755) && !chmod(broken, 0555));
	(void)snprintf(path, sizeof path, "%s/" MANIFEST, broken);
	CHECK(!chmod(path, 0444));
	(void)snprintf(path, sizeof path, "%s/" SEGMENT, broken);
	CHECK(!chmod(path, 0444));
	(void)fflush(stdout);
	if (!fork())
		_exit(read_as_nobody());
	CHECK(wait(&status) > 0);
	CHECK_EQ(WEXITSTATUS(status), 0);
	after = read_whole(broken, MANIFEST);
	CHECK_EQ(after.length, before.length);
	free(before.at);
	free(after.at);
	CHECK_EQ(check_repaired(broken, 4, true), 4);
	driver_fini(&d);
}

static void list_of_packets(enum store_layout layout, const char *suffix)
{
	char name[64];

	driver_init(&d);
	d.config.layout = layout;
	make_dead(&d, dead, 6, 40);
	fresh();
	CHECK_EQ(check_repaired(broken, 6, true), 6);
	CHECK(check_store(broken));
	fresh(); /* the last packet's file never reached the disk, its line did */
	(void)snprintf(name, sizeof name, "%lld%s", (long long)T0 + 5000, suffix);
	write_whole(broken, name, "short", 5);
	CHECK_EQ(check_repaired(broken, 5, true), 5);
	CHECK(file_exists(broken, "0000000001.list.jsonl.tail"));
	fresh(); /* its line is torn */
	append("0000000001.list.jsonl", "{\"file\":\"17638");
	CHECK_EQ(check_repaired(broken, 6, true), 6);
	driver_fini(&d);
}

static void test_layouts_of_packet_files(void)
{
	list_of_packets(STORE_FILES, ".pkt");
	list_of_packets(STORE_PAIRS, ".bin");
}

static int count_visits(void *arg, json_t *line)
{
	int *count = arg;

	(void)line;
	return ++*count == 2;
}

static void check_tail(const char *name, const char *text)
{
	struct bytes b = read_whole(broken, name);

	CHECK_STR(b.at ? (const char *)b.at : "", text);
	free(b.at);
}

static void go_on(void)
{
	d.config.path = broken;
	d.config.is_continued = true;
	iface_table_free(d.ifaces);
	d.ifaces = iface_table_new();
	CHECK_EQ(store_inherit(broken, d.ifaces, NULL), 0);
	CHECK_EQ(driver_start(&d, NULL), 0);
}

/* A store that is gone on with and breaks off again: what the first repair kept stays. */
static void test_tails_of_two_repairs(void)
{
	struct store_view *v;

	begin(4);
	append(MANIFEST, "one");
	write_whole(broken, "processes.jsonl", "{}\n{", 4);
	CHECK_EQ(store_open(&v, broken, NULL), 0);
	store_view_free(v);
	check_tail(MANIFEST ".tail", "one");
	check_tail("processes.jsonl.tail", "{");

	go_on();
	(void)snprintf(dead, sizeof dead, "%s/dead2", d.dir);
	copy_store(broken, dead);
	CHECK_EQ(driver_close(&d, NULL), 0);
	fresh();
	append(MANIFEST, "two");
	append("processes.jsonl", "[");
	CHECK_EQ(store_open(&v, broken, NULL), 0);
	CHECK(v->was_repaired);
	store_view_free(v);
	check_tail(MANIFEST ".tail", "one");
	check_tail(MANIFEST ".tail-1", "two");
	check_tail("processes.jsonl.tail", "{");
	check_tail("processes.jsonl.tail-1", "[");
	driver_fini(&d);
}

static void check_action(size_t n, const char *name, const char *action, int64_t cut)
{
	json_t *line = manifest_line(broken, "recovered", 0);
	json_t *one = json_array_get(json_object_get(line, "segments"), n);

	CHECK_STR(json_string_value(json_object_get(one, "name")), name);
	CHECK_STR(json_string_value(json_object_get(one, "action")), action);
	CHECK_EQ(member(one, "cut_bytes"), cut);
	json_decref(line);
}

static void check_missing(const char *words)
{
	json_t *line = manifest_line(broken, "end", 0);

	CHECK(strstr(json_string_value(json_object_get(line, "missing")), words) != NULL);
	json_decref(line);
}

/* A repair that had cut the lines of processes, and died before its manifest was in place. */
static void test_interrupted_behind_the_processes(void)
{
	begin(3);
	write_whole(broken, "processes.jsonl", "{}\n", 3);
	write_whole(broken, "processes.jsonl.tail", "{\"pid\"", 6);
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	check_action(1, "processes.jsonl", "cut", 6);
	check_missing("; 6 torn bytes were cut off");

	fresh(); /* not yet cut, the tail half kept */
	write_whole(broken, "processes.jsonl", "{}\n{\"pid\"", 9);
	write_whole(broken, "processes.jsonl.tail", "{\"", 2);
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	check_action(1, "processes.jsonl", "cut", 6);
	check_missing("; 6 torn bytes were cut off");
	check_tail("processes.jsonl.tail", "{\"pid\"");
	CHECK(!file_exists(broken, "processes.jsonl.tail-1"));

	fresh(); /* what is there is something else */
	write_whole(broken, "processes.jsonl", "{}\n[", 4);
	write_whole(broken, "processes.jsonl.tail", "{\"pid\"", 6);
	append(MANIFEST, "torn");
	write_whole(broken, MANIFEST ".tail", "other", 5);
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	check_action(1, "processes.jsonl", "cut", 6);
	check_action(2, "processes.jsonl", "cut", 1);
	check_tail("processes.jsonl.tail", "{\"pid\"");
	check_tail("processes.jsonl.tail-1", "[");
	check_tail(MANIFEST ".tail", "other");
	check_tail(MANIFEST ".tail-1", "torn");
	driver_fini(&d);
}

/* A repair that had set a file aside of which no line speaks, and died before its manifest was in place. */
static void test_interrupted_behind_a_file_set_aside(void)
{
	struct store_check check;
	struct weir_error err = { 0 };

	begin(3);
	write_whole(broken, "0000000002.pcapng.tail", "short", 5);
	CHECK_EQ(check_repaired(broken, 3, true), 3);
	check_action(0, "0000000002.pcapng", "set_aside", 5);
	check_missing("; 5 torn bytes were cut off");

	/* Its name is not given again: the tail of another one would take its place. */
	go_on();
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_write(&d, 1, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(line_member(broken, "segment", 1, "number"), 3);
	CHECK_EQ(store_verify(broken, &check, &err), 0);
	check_tail("0000000002.pcapng.tail", "short");
	driver_fini(&d);
}

static void test_each_line(void)
{
	struct weir_error err;
	int count = 0;

	begin(1);
	CHECK_EQ(store_manifest_each(broken, count_visits, &count, &err), 0);
	CHECK_EQ(count, 2);
	append(MANIFEST, "nonsense\n");
	count = 10;
	CHECK_EQ(store_manifest_each(broken, count_visits, &count, &err),
		 WEIR_ERR_FORMAT);
	CHECK(strstr(err.text, "is no JSON object") != NULL);
	CHECK_EQ(store_manifest_each("/nonexistent/x", count_visits, &count, &err),
		 WEIR_ERR_ABSENT);
	driver_fini(&d);
}

int main(void)
{
	RUN(test_killed);
	RUN(test_manifest_cut_anywhere);
	RUN(test_zeros_behind_the_manifest);
	RUN(test_manifest_gone);
	RUN(test_no_store);
	RUN(test_files_and_lines_apart);
	RUN(test_interfaces_are_told);
	RUN(test_interrupted_repairs);
	RUN(test_repair_in_parallel);
	RUN(test_recorder_lives);
	RUN(test_recover_with_a_reason);
	RUN(test_recover_counts_what_was_in_memory);
	RUN(test_read_only);
	RUN(test_layouts_of_packet_files);
	RUN(test_tails_of_two_repairs);
	RUN(test_interrupted_behind_the_processes);
	RUN(test_interrupted_behind_a_file_set_aside);
	RUN(test_each_line);
	return tap_done();
}
