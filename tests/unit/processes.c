/* Processes: the right one for an id, a start and a time; blocks and lines that are odd. */
#include "store/processes.h"

#include "base/bytes.h"
#include "lib/build.h"
#include "lib/tap.h"
#include "store/process_block.h"
#include "weir/reader.h"

#include <stdlib.h>
#include <unistd.h>

static struct processes *load(const char *text)
{
	struct processes *p = processes_new();

	CHECK(p != NULL);
	CHECK(!processes_load(p, byte_source_memory(text, strlen(text)), NULL));
	return p;
}

static const char *name_of(const struct processes *p, uint32_t pid, uint64_t start,
			   int64_t ns)
{
	const struct process_fact *f = processes_find(p, pid, start, ns);

	return f && f->name ? f->name : "-";
}

static void test_id_and_start(void)
{
	struct processes *p = load(
		"{\"pid\":7,\"start_ns\":100,\"started_ns\":1000,\"name\":\"first\"}\n"
		"{\"pid\":7,\"start_ns\":300,\"started_ns\":900000000,\"name\":\"again\"}\n"
		"{\"pid\":16391,\"start_ns\":5,\"name\":\"same bucket\"}\n");

	CHECK_STR(name_of(p, 7, 100, 5000), "first");
	CHECK_STR(name_of(p, 7, 300, 5000), "again");
	CHECK_STR(name_of(p, 7, 200, 5000), "-");
	CHECK_STR(name_of(p, 8, 100, 5000), "-");
	CHECK_STR(name_of(p, 16391, 5, 0), "same bucket");
	/* Without the start: who had started last at that time. */
	CHECK_STR(name_of(p, 7, 0, 5000), "first");
	CHECK_STR(name_of(p, 7, 0, 900000000), "again");
	CHECK_STR(name_of(p, 7, 0, -20000000), "-");
	processes_free(p);
}

static void test_exec(void)
{
	struct processes *p =
		load("{\"pid\":7,\"start_ns\":100,\"at_ns\":2000,\"name\":\"sh\"}\n"
		     "{\"pid\":7,\"start_ns\":100,\"at_ns\":3000,\"name\":\"curl\"}\n");

	CHECK_STR(name_of(p, 7, 100, 1000), "sh");
	CHECK_STR(name_of(p, 7, 100, 2999), "sh");
	CHECK_STR(name_of(p, 7, 100, 3000), "curl");
	CHECK_STR(name_of(p, 7, 100, 9000), "curl");
	processes_free(p);
}

static void test_members(void)
{
	struct processes *p = load(
		"{\"pid\":7,\"start_ns\":100,\"started_ns\":5,\"name\":\"a\",\"path\":\"/b\","
		"\"command_line\":[\"b\",\"\",\"-x\"],\"parent_pid\":1,\"uid\":0,\"user\":\"root\","
		"\"cgroup\":\"/c\",\"container\":null,\"netns\":4026531840,\"ended_ns\":null}\n");
	const struct process_fact *f = processes_find(p, 7, 100, 50);

	CHECK(f != NULL);
	if (f) {
		CHECK_STR(f->path, "/b");
		CHECK_EQ(f->command_line_length, 6);
		CHECK(!memcmp(f->command_line, "b\0\0-x", 6));
		CHECK_EQ(f->parent_pid, 1);
		CHECK(f->has_uid && !f->uid && !f->has_gid);
		CHECK_STR(f->user, "root");
		CHECK(!f->container);
		CHECK_EQ(f->netns, 4026531840);
		CHECK_EQ(f->ended_ns, 0);
	}
	processes_free(p);
}

static void test_odd_lines(void)
{
	struct processes *p =
		load("{\"pid\":-1}\n{\"pid\":4294967296}\n{}\n[]\nx\n{\"pid\":7,"
		     "\"name\":3,\"command_line\":[1,\"\"]}\n{\"pid\":8");

	CHECK_EQ(processes_counts(p)->facts, 1);
	CHECK_EQ(processes_counts(p)->bad_lines, 6);
	CHECK_STR(name_of(p, 7, 0, 0), "-");
	processes_free(p);
}

static void test_bound(void)
{
	struct processes *p = processes_new();
	struct process_fact f = { .pid = 1, .name = "x" };

	for (unsigned i = 0; i < PROCESSES_PER_PID + 10; i++) {
		f.start_ns = i + 1;
		(void)processes_add(p, &f);
	}
	CHECK_EQ(processes_counts(p)->facts, PROCESSES_PER_PID);
	CHECK_EQ(processes_counts(p)->dropped, 10);
	/* The same again says nothing new. */
	f.start_ns = 1;
	CHECK(!processes_add(p, &f));
	CHECK_EQ(processes_counts(p)->dropped, 10);
	CHECK(!processes_at(p, PROCESSES_PER_PID));
	processes_free(p);
}

static const struct process_fact whole = { .pid = 4711,
					   .parent_pid = 1,
					   .started_ns = 1763853215000000000,
					   .uid = 1000,
					   .has_uid = true,
					   .name = "curl",
					   .path = "/usr/bin/curl",
					   .user = "ann",
					   .command_line = "curl\0-s",
					   .command_line_length = 8 };

static void test_block(void)
{
	static uint8_t block[PROCESS_BLOCK_MAX];
	static char scratch[PROCESS_BLOCK_MAX];
	size_t n = process_block_put(block, &whole);
	struct process_fact f;

	CHECK_EQ(n % 4, 0);
	CHECK_EQ(block[4] | block[5] << 8, n);
	CHECK(process_block_is(block + 8, n - 12));
	CHECK(process_block_read(&f, block + 8, n - 12, scratch));
	CHECK_EQ(f.pid, 4711);
	CHECK_EQ(f.parent_pid, 1);
	CHECK_EQ(f.started_ns, whole.started_ns);
	CHECK_EQ(f.uid, 1000);
	CHECK_STR(f.name, "curl");
	CHECK_STR(f.path, "/usr/bin/curl");
	CHECK_STR(f.user, "ann");
	CHECK_EQ(f.command_line_length, 8);
	CHECK(!memcmp(f.command_line, "curl\0-s", 8));
	/* Cut anywhere: never more than is there, never more than the scratch. */
	for (size_t cut = 0; cut < n - 12; cut++)
		if (process_block_is(block + 8, cut))
			(void)process_block_read(&f, block + 8, cut, scratch);
	CHECK(!process_block_is(block + 8, 15));
	CHECK(!process_block_read(&f, block + 8, n - 12 - 10, scratch));
}

static void test_long_texts(void)
{
	static uint8_t block[PROCESS_BLOCK_MAX];
	static char scratch[PROCESS_BLOCK_MAX], longest[70000];
	struct process_fact f = whole, got;
	size_t n;

	memset(longest, 'x', sizeof longest - 1);
	f.name = f.path = f.user = f.command_line = longest;
	f.command_line_length = sizeof longest;
	n = process_block_put(block, &f);
	CHECK(n <= PROCESS_BLOCK_MAX);
	CHECK(process_block_read(&got, block + 8, n - 12, scratch));
	CHECK_EQ(strlen(got.name), PROCESS_TEXT_MAX);
	CHECK_EQ(got.command_line_length, PROCESS_ARGUMENTS_MAX + 1);
}

static struct build file;

static void put_owned_packet(uint64_t ns, uint32_t pid, uint64_t start)
{
	uint8_t owner[12] = { 1, 1 };

	ng_packet_begin(&file, 0, ns, 20, 20);
	ng_option_n(&file, 8, (uint64_t)9 << 32 | pid, 8);
	(void)put_u64le(owner + 4, start);
	ng_option(&file, 0x8101, owner, sizeof owner);
	ng_option(&file, 0, NULL, 0);
	ng_end(&file);
}

static const char *next_name(struct reader *r, struct packet *p)
{
	const struct process_fact *f;

	CHECK_EQ(reader_next(r, p, NULL), 1);
	f = reader_process(r, p);
	return f ? f->name : "-";
}

/* The block stands behind the packet that it explains, which knows it all the same. */
static void test_in_a_file(void)
{
	char path[] = "/tmp/weir-processes-XXXXXX";
	int fd = mkstemp(path);
	struct reader *r = NULL;
	struct packet p;

	ng_section(&file);
	ng_iface(&file, 101, 0, 9);
	put_owned_packet(1763853215000000001, 4711, 30000000);
	file.length += process_block_put(file.bytes + file.length, &whole);
	put_owned_packet(1763853215000000002, 4711, 30000000);
	put_owned_packet(1763853215000000003, 4712, 0);
	CHECK_EQ(write(fd, file.bytes, file.length), (ssize_t)file.length);
	CHECK(!reader_open(&r, path, NULL));
	CHECK_STR(next_name(r, &p), "curl");
	CHECK_EQ(p.ns, 1763853215000000001);
	CHECK(p.has_pid && p.pid == 4711 && p.tid == 9 && p.has_owner);
	CHECK_EQ(p.owner.start_ns, 30000000);
	CHECK_EQ(p.owner.certainty, 1);
	CHECK_EQ(p.data[19], 19);
	CHECK_STR(next_name(r, &p), "curl");
	CHECK_STR(next_name(r, &p), "-");
	CHECK_EQ(reader_next(r, &p, NULL), 0);
	reader_free(r);
	(void)close(fd);
	(void)unlink(path);
}

int main(void)
{
	RUN(test_id_and_start);
	RUN(test_exec);
	RUN(test_members);
	RUN(test_odd_lines);
	RUN(test_bound);
	RUN(test_block);
	RUN(test_long_texts);
	RUN(test_in_a_file);
	return tap_done();
}
