/* The agent's audit log: what was written verifies, whatever is changed is found, and it goes on
 * behind a crash. */
#include "agent/audit.h"
#include "lib/folder.h"
#include "lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int dir_fd;
static struct weir_error err;

static void begin(void)
{
	folder_make();
	dir_fd = open(folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(dir_fd >= 0);
}

static void end(void)
{
	(void)close(dir_fd);
	folder_remove();
}

static struct audit *open_log(void)
{
	struct audit *a = NULL;
	json_t *start = json_pack("{s:s,s:s}", "agent", "lab", "pin", "00");

	CHECK_EQ(audit_open(&a, dir_fd, start, &err), 0);
	json_decref(start);
	return a;
}

static void add(struct audit *a, bool allowed)
{
	uint64_t seq = 0;

	CHECK_EQ(audit_write(a, "request",
			     json_pack("{s:b,s:s}", "allowed", (int)allowed, "caller",
				       "key:alice"),
			     &seq, &err),
		 0);
	CHECK(seq > 1);
}

static void write_some(unsigned n)
{
	struct audit *a = open_log();

	for (unsigned i = 0; i < n; i++)
		add(a, i % 3 != 0);
	audit_close(a);
}

static char *read_log(size_t *n)
{
	return folder_read(AUDIT_NAME, n);
}

static void write_log(const char *bytes, size_t n)
{
	folder_write(AUDIT_NAME, bytes, n);
}

static void check_fault(const char *words)
{
	struct audit_check c;

	CHECK_EQ(audit_verify(folder_name, &c, &err), WEIR_ERR_MISMATCH);
	if (!strstr(c.fault, words))
		CHECK_STR(c.fault, words);
}

static void test_good(void)
{
	struct audit_check c;
	struct stat st;

	begin();
	write_some(9);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK_EQ(c.lines, 11);
	CHECK_EQ(c.requests, 9);
	CHECK_EQ(c.refused, 3);
	CHECK(c.is_closed && c.is_whole && !c.is_live);
	CHECK(c.first_ns > 0 && c.last_ns >= c.first_ns);
	CHECK_EQ(fstatat(dir_fd, AUDIT_NAME, &st, 0), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	end();
}

static void test_goes_on(void)
{
	struct audit_check c;

	begin();
	write_some(2);
	write_some(3);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK_EQ(c.lines, 9);
	CHECK_EQ(c.requests, 5);
	end();
}

static void test_live(void)
{
	struct audit_check c;
	struct audit *a, *other = NULL;

	begin();
	a = open_log();
	CHECK_EQ(audit_open(&other, dir_fd, NULL, &err), WEIR_ERR_BUSY);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK(c.is_live && !c.is_closed);
	audit_close(a);
	end();
}

/* Each byte of a line matters, and so does each line. */
static void test_changed(void)
{
	size_t n;
	char *bytes;

	begin();
	write_some(4);
	bytes = read_log(&n);
	for (size_t at = 0; at < n; at += 37) {
		struct audit_check c;

		bytes[at] ^= 1;
		write_log(bytes, n);
		/* The last line is held by nothing but its own form. */
		if (at < n - 200)
			CHECK_EQ(audit_verify(folder_name, &c, &err), WEIR_ERR_MISMATCH);
		bytes[at] ^= 1;
	}
	free(bytes);
	end();
}

static void test_line_removed(void)
{
	size_t n, first, second;
	char *bytes;

	begin();
	write_some(4);
	bytes = read_log(&n);
	first = (size_t)(strchr(bytes, '\n') - bytes) + 1;
	second = (size_t)(strchr(bytes + first, '\n') - bytes) + 1;
	memmove(bytes + first, bytes + second, n - second);
	write_log(bytes, n - (second - first));
	check_fault("audit line 2: seq is 3");
	free(bytes);
	end();
}

static void test_cut_front(void)
{
	struct audit_check c;
	size_t n, first;
	char *bytes;

	begin();
	write_some(4);
	bytes = read_log(&n);
	first = (size_t)(strchr(bytes, '\n') - bytes) + 1;
	write_log(bytes + first, n - first);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK(!c.is_whole);
	free(bytes);
	end();
}

static void test_torn_tail(void)
{
	struct audit_check c;
	struct stat st;
	size_t n;
	char *bytes;

	begin();
	write_some(2);
	bytes = read_log(&n);
	write_log(bytes, n - 1);
	check_fault("is cut: it has no end");
	write_log(bytes, n - 9);
	check_fault("audit line 4 is no JSON object");
	write_some(1);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK_EQ(c.requests, 3);
	CHECK_EQ(fstatat(dir_fd, AUDIT_NAME ".tail", &st, 0), 0);
	CHECK(st.st_size > 0);
	free(bytes);
	end();
}

/* After a power cut a file can be as long as it was, and zeros from some place on. */
static void test_zeros_behind(void)
{
	static const size_t counts[] = { 1, AUDIT_LINE_MAX - 1, AUDIT_LINE_MAX, 200000 };
	struct audit_check c;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct stat st;
		char *bytes;
		size_t n;

		begin();
		write_some(2);
		bytes = read_log(&n);
		bytes = realloc(bytes, n + counts[i]);
		CHECK(bytes != NULL);
		memset(bytes + n, 0, counts[i]);
		write_log(bytes, n + counts[i]);
		write_some(1);
		CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
		CHECK_EQ(c.requests, 3);
		CHECK_EQ(fstatat(dir_fd, AUDIT_NAME ".tail", &st, 0), 0);
		CHECK_EQ((size_t)st.st_size, counts[i]);
		free(bytes);
		end();
	}
}

static void test_last_line_is_none(void)
{
	struct audit *a = NULL;

	begin();
	write_log("what is this\n", 13);
	CHECK_EQ(audit_open(&a, dir_fd, NULL, &err), WEIR_ERR_FORMAT);
	CHECK(!a);
	end();
}

static void test_too_long(void)
{
	char *text = calloc(1, AUDIT_LINE_MAX + 1);
	struct audit_check c;
	struct audit *a;

	begin();
	a = open_log();
	memset(text, 'x', AUDIT_LINE_MAX);
	CHECK_EQ(audit_write(a, "request", json_pack("{s:s}", "text", text), NULL, &err),
		 WEIR_ERR_LIMIT);
	add(a, true);
	audit_close(a);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK_EQ(c.requests, 1);
	free(text);
	end();
}

/* Until the log is set aside, and the new one has a line. */
static void fill(struct audit *a)
{
	char *text = calloc(1, 60001);

	memset(text, 'x', 60000);
	for (unsigned i = 0; i < AUDIT_FILE_MAX / 60000 + 2; i++)
		CHECK_EQ(audit_write(a, "note", json_pack("{s:s}", "text", text), NULL,
				     &err),
			 0);
	free(text);
}

/* A log that grew too large is set aside, and the chain goes over the seam. */
static void test_set_aside(void)
{
	struct audit_check c;
	struct audit *a;
	char name[64];

	begin();
	a = open_log();
	fill(a);
	audit_close(a);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK_EQ(c.files, 2);
	(void)snprintf(name, sizeof name, "audit-%012d.jsonl", 1);
	CHECK_EQ(faccessat(dir_fd, name, F_OK, 0), 0);
	/* Without the first half the second still agrees with itself, and says what is missing. */
	CHECK_EQ(unlinkat(dir_fd, name, 0), 0);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK(!c.is_whole);
	end();
}

/* What an agent leaves that ends right behind a rotation: no line in the new log, or none that is whole, or no new
 * log. */
static void end_behind_rotation(const char *left)
{
	begin();
	write_some(2);
	CHECK_EQ(renameat(dir_fd, AUDIT_NAME, dir_fd, "audit-000000000001.jsonl"), 0);
	if (left)
		write_log(left, strlen(left));
}

static void test_ended_behind_rotation(void)
{
	static const char *const lefts[] = { "", "{\"seq\":5,\"ty", NULL };
	struct audit_check c;

	for (size_t i = 0; i < ARRAY_LEN(lefts); i++) {
		end_behind_rotation(lefts[i]);
		write_some(2);
		CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
		CHECK_EQ(c.files, 2);
		CHECK_EQ(c.lines, 8);
		CHECK_EQ(c.requests, 4);
		CHECK(c.is_whole && c.is_closed);
		end();
	}
}

static void test_sets_aside_again(void)
{
	struct audit_check c;
	struct audit *a;

	end_behind_rotation("");
	a = open_log();
	fill(a);
	audit_close(a);
	CHECK_EQ(faccessat(dir_fd, "audit-000000000005.jsonl", F_OK, 0), 0);
	CHECK_EQ(audit_verify(folder_name, &c, &err), 0);
	CHECK_EQ(c.files, 3);
	CHECK(c.is_whole && c.is_closed);
	end();
}

/* A log set aside whose end nobody can read: what follows could not say what is before it. */
static void test_aside_is_none(void)
{
	struct audit *a = NULL;

	begin();
	folder_write("audit-000000000001.jsonl", "what is this\n", 13);
	CHECK_EQ(audit_open(&a, dir_fd, NULL, &err), WEIR_ERR_FORMAT);
	CHECK(!a && strstr(err.text, "audit-000000000001.jsonl"));
	folder_write("audit-000000000001.jsonl", "", 0);
	CHECK_EQ(audit_open(&a, dir_fd, NULL, &err), WEIR_ERR_FORMAT);
	CHECK(!a);
	end();
}

/* A store's manifest has the form and the chain of a log, whatever became of its segments. */
static void test_other_files(void)
{
	static const uint8_t pcap[] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0 };
	json_t *start = json_pack("{s:s,s:s}", "mode", "sniff", "layout", "segments");
	struct audit *a = NULL;

	begin();
	CHECK_EQ(audit_open(&a, dir_fd, start, &err), 0);
	audit_close(a);
	check_fault("it is the manifest of a store: name the store's directory");
	CHECK_EQ(unlinkat(dir_fd, AUDIT_NAME, 0), 0);
	CHECK_EQ(audit_open(&a, dir_fd, NULL, &err), 0);
	audit_close(a);
	check_fault("a start line that names no agent");
	write_log((const char *)pcap, sizeof pcap);
	check_fault("it is a capture file: there is nothing to check it against");
	json_decref(start);
	end();
}

static void test_no_members(void)
{
	struct audit *a;
	size_t before, after;

	begin();
	a = open_log();
	free(read_log(&before));
	CHECK(audit_write(a, "request", NULL, NULL, &err) != 0);
	free(read_log(&after));
	CHECK_EQ(before, after);
	audit_close(a);
	end();
}

static void test_nothing_there(void)
{
	struct audit_check c;

	begin();
	CHECK_EQ(audit_verify(folder_name, &c, &err), WEIR_ERR_ABSENT);
	write_log("", 0);
	check_fault("the audit log is empty");
	CHECK_EQ(unlinkat(dir_fd, AUDIT_NAME, 0), 0);
	if (mkfifoat(dir_fd, AUDIT_NAME, 0600))
		CHECK_EQ(errno, ENOSYS); /* a system without FIFOs */
	else
		check_fault("no regular file");
	end();
}

int main(void)
{
	RUN(test_good);
	RUN(test_goes_on);
	RUN(test_live);
	RUN(test_changed);
	RUN(test_line_removed);
	RUN(test_cut_front);
	RUN(test_torn_tail);
	RUN(test_zeros_behind);
	RUN(test_last_line_is_none);
	RUN(test_too_long);
	RUN(test_set_aside);
	RUN(test_ended_behind_rotation);
	RUN(test_sets_aside_again);
	RUN(test_aside_is_none);
	RUN(test_other_files);
	RUN(test_no_members);
	RUN(test_nothing_there);
	return tap_done();
}
