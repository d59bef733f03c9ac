/* A store that is gone on with: the grade of its sessions beside the one that the gap leaves, and a
 * session that could not begin, which leaves the store as it was. */
#include "lib/store-driver.h"

#include "store/again.h"
#include "store/verify.h"

#include <errno.h>

#define MANIFEST  "manifest.jsonl"
#define PROCESSES "processes.jsonl"

static struct driver d;
static struct bytes before, before_processes;

/* Which call of the disk fails: the n-th, 0: none. */
static struct {
	int calls, at;
} plan;

static int strike(void)
{
	if (++plan.calls != plan.at)
		return 0;
	errno = EIO;
	return -1;
}

static int f_truncate(int fd, off_t length)
{
	return strike() ? -1 : disk_system.truncate(fd, length);
}

static int f_sync(int fd)
{
	(void)fd;
	return strike();
}

static int f_remove(int dir_fd, const char *name)
{
	return strike() ? -1 : disk_system.remove(dir_fd, name);
}

static int start_on(const struct disk *disk)
{
	int rc;

	iface_table_free(d.ifaces);
	d.ifaces = iface_table_new();
	d.config.is_continued = true;
	CHECK_EQ(store_inherit(d.path, d.ifaces, NULL), 0);
	rc = store_create_on(&d.store, &d.config, d.ifaces, disk, NULL);
	CHECK_EQ(rc, 0);
	return rc ? rc : store_begin(d.store, NULL);
}

static int close_with(struct store_end *end)
{
	loss_total_add(&end->losses, store_losses(d.store));
	return store_close(d.store, end, &d.summary, NULL);
}

static void first_session(bool is_incomplete)
{
	struct store_end end = { .reason = "request", .is_incomplete = is_incomplete };

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 5, T0, 100), 0);
	CHECK_EQ(close_with(&end), 0);
	CHECK_EQ(d.summary.sessions, d.summary.grade);
}

/* Another one of five packets, of which `lost` more are lost. */
static void session(uint64_t lost)
{
	struct store_end end = { .reason = "request" };

	end.losses.packets[LOSS_KERNEL] = lost;
	CHECK_EQ(start_on(&disk_system), 0);
	CHECK_EQ(driver_write(&d, 5, T0 + NS_PER_S, 100), 0);
	CHECK_EQ(close_with(&end), 0);
	CHECK_EQ(d.summary.grade, GRADE_INCOMPLETE);
	CHECK(d.summary.is_continued);
}

static void check_sessions(enum store_grade grade, unsigned line)
{
	struct store_check check;
	json_t *end = manifest_line(d.path, "end", line);

	CHECK_EQ(d.summary.sessions, grade);
	CHECK_STR(json_string_value(json_object_get(end, "sessions_grade")),
		  grade_name(grade));
	CHECK_STR(json_string_value(json_object_get(end, "grade")), "incomplete");
	json_decref(end);
	CHECK_EQ(store_verify(d.path, &check, NULL), 0);
	CHECK_STR(check.fault, "");
}

/* The gap is told by the grade; that nothing else is wrong by the other. */
static void test_sessions(void)
{
	first_session(false);
	session(0);
	check_sessions(GRADE_COMPLETE, 1);
	session(0);
	check_sessions(GRADE_COMPLETE, 2);
	session(3);
	check_sessions(GRADE_WITH_LOSS, 3);
	session(0);
	check_sessions(GRADE_WITH_LOSS, 4);
	driver_fini(&d);
	first_session(true);
	session(0);
	check_sessions(GRADE_INCOMPLETE, 1);
	driver_fini(&d);
}

static void put_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", d.path, name);
	f = fopen(path, "w");
	CHECK(f && fputs(text, f) >= 0);
	if (f)
		CHECK_EQ(fclose(f), 0);
}

static void remember(void)
{
	before = read_whole(d.path, MANIFEST);
	before_processes = read_whole(d.path, PROCESSES);
}

static void check_file_is(const char *name, struct bytes *was)
{
	struct bytes is = read_whole(d.path, name);

	CHECK_EQ(is.length, was->length);
	CHECK(is.length == was->length &&
	      (!is.length || !memcmp(is.at, was->at, is.length)));
	CHECK_EQ(is.at == NULL, was->at == NULL);
	free(is.at);
	free(was->at);
	was->at = NULL;
}

static void check_as_it_was(void)
{
	check_file_is(MANIFEST, &before);
	check_file_is(PROCESSES, &before_processes);
}

/* Of the store's own words nothing is left, nor of the processes that it has told of. */
static void test_not_begun(void)
{
	struct store_end end = { .reason = "error",
				 .is_incomplete = true,
				 .has_not_begun = true };
	struct store_end again = end;

	first_session(false);
	remember();
	CHECK_EQ(start_on(&disk_system), 0);
	store_event(d.store, "mark", NULL);
	put_file(PROCESSES, "{}\n");
	CHECK_EQ(close_with(&end), 0);
	CHECK(d.summary.is_as_it_was);
	CHECK_EQ(d.summary.grade, GRADE_COMPLETE);
	check_as_it_was();
	/* And it can be gone on with. */
	session(0);
	check_sessions(GRADE_COMPLETE, 1);
	remember();
	CHECK_EQ(start_on(&disk_system), 0);
	CHECK_EQ(close_with(&again), 0);
	CHECK(d.summary.is_as_it_was);
	CHECK_EQ(d.summary.grade, GRADE_INCOMPLETE);
	CHECK_EQ(d.summary.sessions, GRADE_COMPLETE);
	check_as_it_was();
	driver_fini(&d);
}

/* What was lost or recorded is told, whatever failed. */
static void test_begun_after_all(void)
{
	struct store_end lost = { .reason = "error", .has_not_begun = true };
	struct store_end written = { .reason = "error", .has_not_begun = true };

	first_session(false);
	lost.losses.packets[LOSS_KERNEL] = 1;
	CHECK_EQ(start_on(&disk_system), 0);
	CHECK_EQ(close_with(&lost), 0);
	CHECK(!d.summary.is_as_it_was);
	CHECK_EQ(count_lines(d.path, "continued"), 1);
	CHECK_EQ(start_on(&disk_system), 0);
	CHECK_EQ(driver_write(&d, 5, T0, 100), 0);
	CHECK_EQ(close_with(&written), 0);
	CHECK(!d.summary.is_as_it_was);
	CHECK_EQ(count_lines(d.path, "continued"), 2);
	driver_fini(&d);
}

/* The disk fails at one call after the other: the store is as it was, or says what happened; it never
 * is left without its end, nor with a file that its last line does not state. */
static void test_failing_disk(void)
{
	struct disk disk = disk_system;
	unsigned left = 0;
	bool was_struck = true;

	disk.truncate = f_truncate;
	disk.sync = disk.sync_dir = f_sync;
	disk.remove = f_remove;
	for (int at = 1; was_struck; at++) {
		struct store_end end = { .reason = "error", .has_not_begun = true };
		struct store_check check;
		struct again a;

		first_session(false);
		remember();
		plan.calls = plan.at = 0;
		CHECK_EQ(store_inherit(d.path, d.ifaces, NULL), 0);
		plan.at = at;
		if (!start_on(&disk)) {
			put_file(PROCESSES, "{}\n");
			end.members = json_pack(
				"{s:{s:s,s:i,s:s}}", "processes", "name", PROCESSES,
				"bytes", 3, "sha256",
				"ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356");
		}
		(void)!close_with(&end);
		was_struck = plan.calls >= at;
		if (d.summary.is_as_it_was) {
			check_as_it_was();
			left++;
		} else {
			free(before.at);
			free(before_processes.at);
		}
		/* A repair may be needed; then it is one that can be done. */
		CHECK_EQ(store_inherit(d.path, d.ifaces, NULL), 0);
		CHECK_EQ(again_open(&a, d.path, NULL), 0);
		again_fini(&a);
		CHECK_EQ(store_verify(d.path, &check, NULL), 0);
		driver_fini(&d);
	}
	CHECK(left > 2);
}

int main(void)
{
	RUN(test_sessions);
	RUN(test_not_begun);
	RUN(test_begun_after_all);
	RUN(test_failing_disk);
	return tap_done();
}
