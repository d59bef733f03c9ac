/* Fixed tables: processes by pid and start, what a file has still to tell of them, addresses of this
 * machine, lines of processes.jsonl. */
#include "lib/folder.h"
#include "lib/tap.h"
#include "process/addresses.h"
#include "process/form.h"
#include "process/processes.h"
#include "store/line_file.h"
#include "store/process_block.h"
#include "store/process_lines.h"
#include "store/process_set.h"
#include "store/processes.h"

#include <fcntl.h>
#include <unistd.h>

static void test_processes(void)
{
	struct process_table *t;
	const struct process *p;

	CHECK_EQ(process_table_new(&t, 4), 0);
	CHECK(!process_table_find(t, 7, 100));
	p = process_table_add(t, 7, 100);
	CHECK_EQ(p->number, 1);
	CHECK_EQ(process_table_add(t, 7, 200)->number, 2);
	/* One id, two processes. */
	CHECK_EQ(process_table_find(t, 7, 100)->number, 1);
	CHECK_EQ(process_table_find(t, 7, 200)->number, 2);
	CHECK(!process_table_find(t, 7, 300));
	CHECK_EQ(process_table_at(t, 2)->facts.start_ns, 200);
	CHECK(!process_table_at(t, 0));
	CHECK(!process_table_at(t, 3));
	CHECK_EQ(process_table_latest(t, 7)->number, 2);
	CHECK(!process_table_latest(t, 8));
	CHECK_EQ(process_table_add(t, 8, 300)->number, 3);
	CHECK_EQ(process_table_latest(t, 7)->number, 2);
	CHECK_EQ(process_table_add(t, 7, 50)->number, 4); /* by when it was added */
	CHECK_EQ(process_table_latest(t, 7)->number, 4);
	process_table_free(t);
}

static void test_each(void)
{
	struct process_table *t;
	const struct process *p = NULL;
	unsigned count = 0;

	CHECK_EQ(process_table_new(&t, 4), 0);
	CHECK(!process_table_next(t, NULL));
	for (uint32_t i = 1; i <= 6; i++)
		(void)process_table_add(t, i, i);
	while ((p = process_table_next(t, p)) != NULL) {
		CHECK(p->number > 2);
		count++;
	}
	CHECK_EQ(count, 4);
	process_table_free(t);
}

static void test_oldest_goes(void)
{
	struct process_table *t;

	CHECK_EQ(process_table_new(&t, 4), 0);
	for (uint32_t i = 1; i <= 1000; i++)
		CHECK_EQ(process_table_add(t, i, i)->number, i);
	CHECK(!process_table_find(t, 996, 996));
	CHECK(!process_table_at(t, 996));
	for (uint32_t i = 997; i <= 1000; i++)
		CHECK_EQ(process_table_find(t, i, i)->number, i);
	CHECK_EQ(process_table_evicted(t), 996);
	process_table_free(t);
}

/* Programs that nobody asks about make room before one that somebody does. */
static void test_least_used_goes(void)
{
	struct process_table *t;
	uint32_t used, i;

	CHECK_EQ(process_table_new(&t, 4), 0);
	for (i = 1; i <= 4; i++)
		(void)process_table_add(t, i, i);
	used = process_table_find(t, 2, 2)->number;
	for (; i <= 1000; i++) {
		if (i % 10 == 5)
			CHECK(process_table_at(t, used) != NULL);
		CHECK(process_table_add(t, i, i)->number != used);
	}
	CHECK_EQ(process_table_at(t, used)->facts.pid, 2);
	CHECK_EQ(process_table_latest(t, 1000)->facts.start_ns, 1000);
	CHECK_EQ(process_table_evicted(t), 996);
	/* Idle for long it goes too, and its number is nobody's. */
	for (; i <= 1100; i++)
		CHECK(process_table_add(t, i, i)->number != used);
	CHECK(!process_table_at(t, used));
	CHECK(!process_table_find(t, 2, 2));
	/* With every one used, one goes all the same. */
	for (uint32_t k = i - 4; k < i; k++)
		process_use(process_table_find(t, k, k));
	CHECK(process_table_add(t, i, i) != NULL);
	CHECK_EQ(process_table_evicted(t), 1097);
	process_table_free(t);
}

/* Known are those below `limit`; a block is its number. */
static size_t put(void *arg, uint32_t process, uint8_t *block, bool is_last)
{
	const uint32_t *limit = arg;

	if (process >= *limit && !is_last)
		return 0;
	memcpy(block, &process, sizeof process);
	return sizeof process;
}

static void test_set(void)
{
	static struct process_set s;
	struct span span = { .process_count = 3, .processes = { 5, 9, 7 } };
	uint32_t limit = 8, got;
	struct process_source source = { .put = put, .arg = &limit };

	process_set_clear(&s);
	process_set_note(&s, &span);
	process_set_note(&s, &span);
	CHECK_EQ(s.pending_count, 3);
	CHECK_EQ(process_set_cost(&s, &span), 6 * PROCESS_BLOCK_ROOM);
	process_set_begin(&s);
	CHECK_EQ(process_set_next(&s, &source, (uint8_t *)&got, false), sizeof got);
	CHECK_EQ(got, 5);
	CHECK_EQ(process_set_next(&s, &source, (uint8_t *)&got, false), sizeof got);
	CHECK_EQ(got, 7);
	CHECK_EQ(process_set_next(&s, &source, (uint8_t *)&got, false), 0);
	/* Who is not known yet is told at the end. */
	process_set_begin(&s);
	CHECK_EQ(process_set_next(&s, &source, (uint8_t *)&got, true), sizeof got);
	CHECK_EQ(got, 9);
	CHECK_EQ(process_set_next(&s, &source, (uint8_t *)&got, true), 0);
	/* Each once a file. */
	process_set_note(&s, &span);
	CHECK_EQ(s.pending_count, 0);
	process_set_clear(&s);
	process_set_note(&s, &span);
	CHECK_EQ(s.pending_count, 3);
}

static void test_set_is_bounded(void)
{
	static struct process_set s;
	struct span span = { .process_count = 1 };
	uint32_t limit = UINT32_MAX, got;
	struct process_source source = { .put = put, .arg = &limit };
	unsigned told = 0;

	process_set_clear(&s);
	for (uint32_t i = 1; i <= 5000; i++) {
		span.processes[0] = i;
		process_set_note(&s, &span);
		process_set_begin(&s);
		while (process_set_next(&s, &source, (uint8_t *)&got, false))
			told++;
	}
	CHECK_EQ(told, PROCESS_SET / 4 * 3);
}

static void test_addresses(void)
{
	static struct addresses a;
	uint8_t ours[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };
	uint8_t other[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 2 };
	uint8_t loopback[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 9 };
	uint8_t group[16] = { 0xff, 2 };
	struct weir_error err;

	memcpy(a.list[a.count++], ours, 16);
	CHECK(addresses_have(&a, ours));
	CHECK(!addresses_have(&a, other));
	CHECK(addresses_have(&a, loopback));
	CHECK(addresses_have(&a, group));
	CHECK_EQ(addresses_read(&a, &err), 0);
	CHECK(!addresses_have(&a, other));
}

static struct process_facts curl(void)
{
	return (struct process_facts){ .pid = 7,
				       .parent_pid = 1,
				       .start_ns = 1230000000,
				       .started_ns = 1700000000000000000,
				       .at_ns = 1700000000000000001,
				       .uid = 1000,
				       .has_uid = true,
				       .has_parent = true,
				       .seen = SEEN_EXEC,
				       .name = "curl",
				       .path = "/usr/bin/curl",
				       .user = "jo\xff",
				       .args_length = 5,
				       .args = { 'a', 0, 'b', 'c', 0 } };
}

static void test_line(void)
{
	struct process_facts f = curl();
	json_t *j = facts_line(&f);

	CHECK_EQ(json_integer_value(json_object_get(j, "pid")), 7);
	CHECK_EQ(json_integer_value(json_object_get(j, "start_ns")), 1230000000);
	CHECK_STR(json_string_value(json_object_get(j, "user")), "jo\\xff");
	CHECK_EQ(json_array_size(json_object_get(j, "command_line")), 2);
	CHECK_STR(
		json_string_value(json_array_get(json_object_get(j, "command_line"), 1)),
		"bc");
	CHECK(json_is_null(json_object_get(j, "sha256")));
	CHECK(json_is_string(json_object_get(j, "sha256_reason")));
	CHECK(json_is_null(json_object_get(j, "ended")));
	CHECK_STR(json_string_value(json_object_get(j, "seen")), "exec");
	json_decref(j);
}

static bool is_null(const json_t *line, const char *member)
{
	return json_is_null(json_object_get(line, member));
}

/* 0 is a user, a group and may be a parent: what was not read is none of these. */
static void test_what_was_not_read(void)
{
	static uint8_t block[PROCESS_BLOCK_MAX];
	struct process_facts f = { .pid = 7, .start_ns = 10000000, .name = "gone" };
	struct process_fact back;
	char scratch[256];
	json_t *j = facts_line(&f);
	size_t length = facts_block(&f, block);

	CHECK(is_null(j, "uid") && is_null(j, "gid") && is_null(j, "user"));
	CHECK(is_null(j, "parent_pid") && is_null(j, "parent_start_ns"));
	json_decref(j);
	CHECK(process_block_read(&back, block + 8, length - 12, scratch));
	CHECK(!back.has_uid && !back.parent_pid);
	f.has_uid = f.has_gid = f.has_parent = true;
	j = facts_line(&f);
	CHECK_EQ(json_integer_value(json_object_get(j, "uid")), 0);
	CHECK(json_is_integer(json_object_get(j, "uid")));
	CHECK(json_is_integer(json_object_get(j, "gid")));
	CHECK(json_is_integer(json_object_get(j, "parent_pid")));
	json_decref(j);
	length = facts_block(&f, block);
	CHECK(process_block_read(&back, block + 8, length - 12, scratch));
	CHECK(back.has_uid && !back.uid);
}

static void test_block(void)
{
	static uint8_t block[PROCESS_BLOCK_MAX];
	struct process_facts f = curl();
	struct process_fact back;
	char scratch[256];
	size_t length = facts_block(&f, block);

	CHECK(length <= PROCESS_BLOCK_ROOM);
	CHECK(process_block_is(block + 8, length - 12));
	CHECK(process_block_read(&back, block + 8, length - 12, scratch));
	CHECK_EQ(back.pid, 7);
	CHECK_STR(back.name, "curl");
	CHECK_EQ(back.started_ns, f.started_ns);
	/* The largest there can be. */
	memset(f.path, 'p', sizeof f.path - 1);
	f.args_length = sizeof f.args;
	CHECK(facts_block(&f, block) <= PROCESS_BLOCK_ROOM);
}

static void test_file(void)
{
	struct line_file *f;
	struct process_lines p;
	struct weir_error err;
	json_t *said;
	char hex[HASH_HEX];
	int dir, fd;

	folder_make();
	dir = open(folder_path("."), O_RDONLY | O_DIRECTORY);
	CHECK_EQ(line_file_go_on(&f, dir, STORE_PROCESSES, &err), 0);
	line_file_add_json(f, json_pack("{s:i}", "pid", 1));
	json_decref(line_file_end(f));
	/* A torn line, and a session that goes on. */
	fd = openat(dir, "processes.jsonl", O_RDWR | O_APPEND);
	CHECK_EQ(write(fd, "{\"pid\":", 7), 7);
	CHECK_EQ(process_lines_measure(&p, fd, NULL, &err), 0);
	CHECK_EQ(p.lines, 1);
	CHECK_EQ(p.bytes, p.whole + 7);
	CHECK(line_file_open(&f, dir, STORE_PROCESSES, &err) < 0);
	CHECK_EQ(line_file_go_on(&f, dir, STORE_PROCESSES, &err), 0);
	line_file_add_json(f, json_pack("{s:i}", "pid", 2));
	/* Written at once: a recorder that is killed leaves it behind. */
	CHECK_EQ(process_lines_measure(&p, fd, NULL, &err), 0);
	CHECK_EQ(p.lines, 2);
	said = line_file_end(f);
	CHECK_EQ(json_integer_value(json_object_get(said, "lines")), 2);
	CHECK_EQ(process_lines_measure(&p, fd, NULL, &err), 0);
	CHECK_EQ(p.lines, 2);
	CHECK_EQ(p.whole, p.bytes);
	CHECK_EQ(json_integer_value(json_object_get(said, "bytes")), p.bytes);
	hash_hex(p.sha256, hex);
	CHECK_STR(json_string_value(json_object_get(said, "sha256")), hex);
	json_decref(said);
	(void)close(fd);
	(void)close(dir);
	folder_remove();
}

int main(void)
{
	RUN(test_processes);
	RUN(test_oldest_goes);
	RUN(test_least_used_goes);
	RUN(test_each);
	RUN(test_set);
	RUN(test_set_is_bounded);
	RUN(test_addresses);
	RUN(test_line);
	RUN(test_what_was_not_read);
	RUN(test_block);
	RUN(test_file);
	return tap_done();
}
