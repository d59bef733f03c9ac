/* Every system call that writes a store fails once, in turn: nothing hangs or is torn, each packet
 * is either in a segment that the manifest vouches for, or counted as lost. */
#include "lib/store-driver.h"

#include <errno.h>
#include <stdatomic.h>

enum {
	GIVEN = 90 /* packets */
};

/* Calls are counted by both threads; call `at` fails, or all from there on. */
static struct {
	atomic_int calls;
	int at, error;
	bool is_for_ever, is_partial;
} plan;

static bool is_struck(void)
{
	int n = atomic_fetch_add(&plan.calls, 1) + 1;
	bool is = plan.is_for_ever ? n >= plan.at : n == plan.at;

	if (is)
		errno = plan.error;
	return is;
}

static int f_make(int dir_fd, const char *name)
{
	return is_struck() ? -1 : disk_system.make(dir_fd, name);
}

static ssize_t f_write(int fd, const void *bytes, size_t length, off_t at)
{
	if (!is_struck())
		return disk_system.write(fd, bytes, length, at);
	if (plan.is_partial) {
		/* Half of it is on the disk and the rest fails. */
		ssize_t n = disk_system.write(fd, bytes, length / 2 + 1, at);

		errno = plan.error;
		return n < 0 ? n : -1;
	}
	return -1;
}

static int f_truncate(int fd, off_t length)
{
	return is_struck() ? -1 : disk_system.truncate(fd, length);
}

/* Waiting for a real disk would add nothing but time. */
static int f_sync(int fd)
{
	(void)fd;
	return is_struck() ? -1 : 0;
}

static int f_reserve(int fd, off_t at, off_t length)
{
	return is_struck() ? -1 : disk_system.reserve(fd, at, length);
}

static int f_remove(int dir_fd, const char *name)
{
	return is_struck() ? -1 : disk_system.remove(dir_fd, name);
}

static const struct disk disk_faulty = {
	.make = f_make,
	.write = f_write,
	.truncate = f_truncate,
	.sync = f_sync,
	.sync_dir = f_sync,
	.sync_all = f_sync,
	.reserve = f_reserve,
	.remove = f_remove,
};

/* What the manifest says of a segment is what the file is. */
static void check_segment(const struct driver *d, json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "name"));
	struct bytes b = read_whole(d->path, name);
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];

	CHECK_EQ(b.length, member(line, "file_bytes"));
	CHECK(b.at && hash_once(b.at, b.length, digest) == 0);
	hash_hex(digest, hex);
	CHECK_STR(json_string_value(json_object_get(line, "sha256")), hex);
	free(b.at);
	if (d->config.layout == STORE_SEGMENTS) {
		CHECK(walk_file(d->path, name).is_whole);
		CHECK_EQ(walk_file(d->path, name).packets, member(line, "packets"));
	}
}

static void check_result(struct driver *d, int rc)
{
	uint64_t stated = 0;
	json_t *line;

	CHECK_EQ(d->released, 3);
	CHECK_EQ(d->summary.packets + loss_total_packets(&d->summary.losses), GIVEN);
	if (rc || d->summary.grade == GRADE_INCOMPLETE)
		return;
	for (unsigned n = 0; (line = manifest_line(d->path, "segment", n)); n++) {
		check_segment(d, line);
		stated += (uint64_t)member(line, "packets");
		json_decref(line);
	}
	CHECK_EQ(stated, d->summary.packets);
	CHECK_EQ(count_lines(d->path, "end"), 1);
	CHECK_EQ(d->summary.grade, loss_total_packets(&d->summary.losses)
					   ? GRADE_WITH_LOSS
					   : GRADE_COMPLETE);
}

/* One session under the plan.  Returns false when the plan struck nothing any more. */
static bool session(enum store_layout layout, int at)
{
	struct driver d;
	struct weir_error err;
	int rc;

	driver_init(&d);
	d.config.layout = layout;
	d.config.rotate_bytes = 9000;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	plan.at = at;
	atomic_store(&plan.calls, 0);
	rc = store_create_on(&d.store, &d.config, d.ifaces, &disk_faulty, &err);
	if (!rc) {
		rc = store_begin(d.store, &err);
		if (rc) {
			CHECK(err.text[0] != '\0');
			CHECK_EQ(driver_close(&d, &err), 0);
		} else {
			for (unsigned i = 0; i < 3; i++)
				CHECK_EQ(driver_write(&d, GIVEN / 3, T0 + i * NS_PER_S,
						      200),
					 0);
			check_result(&d, driver_close(&d, &err));
		}
	}
	driver_fini(&d);
	return atomic_load(&plan.calls) >= at;
}

static void each_call(enum store_layout layout, int error, bool is_partial, int step)
{
	int at = 1;

	plan.error = error;
	plan.is_partial = is_partial;
	plan.is_for_ever = false;
	while (session(layout, at) && at < 5000)
		at += step;
	CHECK(at > 20);
}

static void test_segments_io_error(void)
{
	each_call(STORE_SEGMENTS, EIO, false, 1);
}

static void test_segments_io_error_in_the_middle(void)
{
	each_call(STORE_SEGMENTS, EIO, true, 1);
}

static void test_segments_no_space_in_the_middle(void)
{
	each_call(STORE_SEGMENTS, ENOSPC, true, 1);
}

static void test_files_no_space(void)
{
	each_call(STORE_FILES, ENOSPC, true, 3);
}

static void test_pairs_io_error(void)
{
	each_call(STORE_PAIRS, EIO, true, 7);
}

/* The disk dies and stays dead: the session ends, and says so. */
static void test_dead_disk(void)
{
	static const int from[] = { 8, 14, 19 };

	plan.error = EIO;
	plan.is_partial = false;
	plan.is_for_ever = true;
	for (size_t i = 0; i < ARRAY_LEN(from); i++)
		CHECK(session(STORE_SEGMENTS, from[i]));
}

int main(void)
{
	RUN(test_segments_io_error);
	RUN(test_segments_io_error_in_the_middle);
	RUN(test_segments_no_space_in_the_middle);
	RUN(test_files_no_space);
	RUN(test_pairs_io_error);
	RUN(test_dead_disk);
	return tap_done();
}
