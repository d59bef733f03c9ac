/* A disk that is full: every whole record stays, what is lost is counted, and recording goes on
 * when there is room.  On a small tmpfs in a mount namespace of its own; needs root. */
#include "analyze/info.h"
#include "lib/broken-store.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

static bool mount_small(const struct driver *d, const char *size)
{
	char options[64];

	(void)snprintf(options, sizeof options, "size=%s", size);
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("weir-unit", d->dir, "tmpfs", 0, options) == 0;
}

static void unmount_small(struct driver *d)
{
	CHECK(umount(d->dir) == 0);
	driver_fini(d);
}

static void fill(const struct driver *d, size_t bytes)
{
	char path[128];
	void *zeros = calloc(1, bytes);
	int fd;

	(void)snprintf(path, sizeof path, "%s/filler", d->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(write(fd, zeros, bytes) == (ssize_t)bytes);
	(void)close(fd);
	free(zeros);
}

static bool is_suspended(const struct driver *d)
{
	return counter_read(&store_progress(d->store)->is_suspended) != 0;
}

/* Ticks until recording goes on, five seconds at most. */
static bool wait_resumed(struct driver *d)
{
	for (unsigned i = 0; i < 500 && is_suspended(d); i++) {
		store_tick(d->store, port_realtime_ns());
		(void)poll(NULL, 0, 10);
	}
	return !is_suspended(d);
}

static void suspend_and_resume(enum store_layout layout)
{
	struct driver d;
	char path[128];
	uint64_t given = 0, at_full;
	json_t *line;

	driver_init(&d);
	if (!mount_small(&d, "6m")) {
		driver_fini(&d);
		SKIP("cannot mount a tmpfs: needs root");
	}
	fill(&d, 3 * 1024 * 1024);
	d.config.layout = layout;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (; given < 10000 && !is_suspended(&d); given += 100)
		CHECK_EQ(driver_write(&d, 100, T0 + (int64_t)given * NS_PER_MS, 1400), 0);
	CHECK(is_suspended(&d));
	at_full = counter_read(&store_progress(d.store)->packets);
	CHECK(at_full > 500);
	/* Nothing is written while it lasts. */
	CHECK_EQ(driver_write(&d, 100, T0 + (int64_t)given * NS_PER_MS, 1400), 0);
	given += 100;
	CHECK_EQ(counter_read(&store_progress(d.store)->packets), at_full);
	(void)snprintf(path, sizeof path, "%s/filler", d.dir);
	CHECK(unlink(path) == 0);
	CHECK(wait_resumed(&d));
	CHECK_EQ(driver_write(&d, 100, T0 + (int64_t)given * NS_PER_MS, 1400), 0);
	given += 100;
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.packets, at_full + 100);
	CHECK_EQ(d.summary.packets + loss_total_packets(&d.summary.losses), given);
	CHECK_EQ(d.summary.losses.packets[LOSS_DISK_FULL], given - d.summary.packets);
	CHECK_EQ(d.summary.losses.bytes[LOSS_DISK_FULL],
		 1400 * (given - d.summary.packets));
	CHECK_EQ(d.summary.grade, GRADE_WITH_LOSS);
	CHECK_EQ(d.summary.segments, 2);
	CHECK_EQ(count_lines(d.path, "suspended"), 1);
	CHECK_EQ(line_member(d.path, "resumed", 0, "packets"),
		 (int64_t)(given - d.summary.packets));
	line = manifest_line(d.path, "segment", 0);
	CHECK_STR(json_string_value(json_object_get(line, "reason")), "disk_full");
	json_decref(line);
	CHECK(check_store(d.path));
	unmount_small(&d);
}

static void test_segments(void)
{
	suspend_and_resume(STORE_SEGMENTS);
}

static void test_files(void)
{
	suspend_and_resume(STORE_FILES);
}

/* It stays full to the end: the manifest's last lines have had their room reserved. */
static void test_full_to_the_end(void)
{
	struct driver d;

	driver_init(&d);
	if (!mount_small(&d, "2m")) {
		driver_fini(&d);
		SKIP("cannot mount a tmpfs: needs root");
	}
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (unsigned i = 0; i < 30; i++)
		CHECK_EQ(driver_write(&d, 100, T0 + i * NS_PER_S, 1400), 0);
	CHECK(is_suspended(&d));
	CHECK_EQ(store_disk_free(d.store), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.grade, GRADE_WITH_LOSS);
	CHECK_EQ(d.summary.packets + loss_total_packets(&d.summary.losses), 3000);
	CHECK(check_store(d.path));
	unmount_small(&d);
}

/* --keep larger than the disk: the oldest go, and recording goes on. */
static void test_keep_makes_room(void)
{
	struct driver d;

	driver_init(&d);
	if (!mount_small(&d, "8m")) {
		driver_fini(&d);
		SKIP("cannot mount a tmpfs: needs root");
	}
	d.config.rotate_bytes = 512 * 1024;
	d.config.keep_bytes = UINT64_C(1) << 30;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (unsigned i = 0; i < 150; i++) {
		CHECK_EQ(driver_write(&d, 100, T0 + i * NS_PER_S, 1400), 0);
		CHECK(!is_suspended(&d) || wait_resumed(&d));
	}
	CHECK_EQ(driver_write(&d, 1, T0 + 1000 * NS_PER_S, 1400), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.packets + loss_total_packets(&d.summary.losses), 15001);
	CHECK(count_lines(d.path, "removed") > 10);
	CHECK_EQ(d.summary.last_ns, T0 + 1000 * NS_PER_S);
	CHECK(check_store(d.path));
	unmount_small(&d);
}

/* Who asks is told that the disk is full, and not something else. */
static void check_told(struct driver *d, const char *dead)
{
	struct weir_error err = { 0 };
	json_t *info = NULL;
	const char *why;

	CHECK_EQ(store_inherit(dead, d->ifaces, &err), WEIR_ERR_NO_SPACE);
	CHECK(strstr(err.text, "cannot be repaired: ") &&
	      strstr(err.text, "No space left on device"));
	CHECK_EQ(info_gather(dead, &info, &err), 0);
	why = json_string_value(json_object_get(info, "unrepaired"));
	CHECK(why && strstr(why, "No space left on device"));
	json_decref(info);
}

/* A recorder that died on a full disk: its store cannot be repaired yet, and is read as it is. */
static void test_opened_while_full(void)
{
	struct driver d;
	struct store_view *v = NULL;
	struct weir_error err = { 0 };
	char dead[128], path[160], block[512] = { 0 };
	int fd;

	driver_init(&d);
	if (!mount_small(&d, "1m"))
		SKIP("cannot mount a tmpfs: needs root");
	make_dead(&d, dead, 5, 60);
	(void)snprintf(path, sizeof path, "%s/0000000001.pcapng", dead);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK_EQ(write(fd, "torn", 4), 4);
	(void)close(fd);
	(void)snprintf(path, sizeof path, "%s/filler", d.dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
	(void)close(fd);
	CHECK_EQ(store_open(&v, dead, &err), 0);
	if (v)
		CHECK(!v->end && !v->is_live && !v->was_repaired &&
		      v->segment_count == 1 && v->segments[0].packets == 5);
	store_view_free(v);
	CHECK_EQ(read_all(dead, true, &err), 5);
	check_told(&d, dead);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(check_repaired(dead, 5, true), 5);
	unmount_small(&d);
}

int main(void)
{
	RUN(test_segments);
	RUN(test_files);
	RUN(test_full_to_the_end);
	RUN(test_keep_makes_room);
	RUN(test_opened_while_full);
	return tap_done();
}
