/* Opening stores whose recorder died between the line that tells of a removal and the removal: the
 * repair finishes it, or says why it cannot. */
#include "lib/broken-store.h"

#include "store/again.h"

#include <errno.h>

#define SEGMENT "0000000001.pcapng"

static struct driver d;
static char dead[128], broken[160];

static void fresh(void)
{
	(void)snprintf(broken, sizeof broken, "%s/broken", d.dir);
	copy_store(dead, broken);
}

/* Says that it has removed a file, and has not: as a recorder that dies between the line and the file. */
static int remove_nothing(int dir_fd, const char *name)
{
	(void)dir_fd;
	(void)name;
	return 0;
}

static void make_dead_before_removing(enum store_layout layout, unsigned files)
{
	struct disk disk = disk_system;

	driver_init(&d);
	disk.remove = remove_nothing;
	d.config.layout = layout;
	d.config.rotate_bytes = 10000;
	d.config.keep_bytes = 20000;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(store_create_on(&d.store, &d.config, d.ifaces, &disk, NULL), 0);
	CHECK_EQ(store_begin(d.store, NULL), 0);
	/* Segments are longer where the manifest's writer is slow. */
	for (unsigned i = 0;
	     i < files || (i < 40 * files && count_lines(d.path, "removed") < 2); i++)
		CHECK_EQ(driver_write(&d, 1, T0 + i * NS_PER_S, 100), 0);
	CHECK(wait_lines(d.path, "removed", 2));
	(void)snprintf(dead, sizeof dead, "%s/dead", d.dir);
	copy_store(d.path, dead);
	CHECK_EQ(driver_close(&d, NULL), 0);
	fresh();
}

static void dead_before_removing(enum store_layout layout, unsigned files)
{
	json_t *line;
	struct store_view *v;
	struct store_check check;
	struct weir_error err = { 0 };
	const char *first = layout == STORE_SEGMENTS ? SEGMENT : "0000000001.list.jsonl";

	make_dead_before_removing(layout, files);
	CHECK(file_exists(broken, first));
	CHECK_EQ(store_open(&v, broken, &err), 0);
	CHECK(v->was_repaired);
	store_view_free(v);
	CHECK(!file_exists(broken, first));
	CHECK(!file_exists(broken, "1763853215123456789.pkt"));
	line = manifest_line(broken, "recovered", 0);
	CHECK_STR(
		json_string_value(json_object_get(
			json_array_get(json_object_get(line, "segments"), 0), "action")),
		"removed");
	json_decref(line);
	CHECK_EQ(store_verify(broken, &check, &err), 0);
	CHECK_STR(check.fault, "");
	CHECK_EQ(read_all(broken, false, &err), (int)check.packets);
	driver_fini(&d);
}

static void test_removal_is_finished(void)
{
	dead_before_removing(STORE_SEGMENTS, 400);
	dead_before_removing(STORE_FILES, 100);
}

/* What the recorder would have told of, and gone on: the store is repaired all the same. */
static void test_removal_that_cannot_be_finished(void)
{
	struct store_check check;
	struct weir_error err = { 0 };
	struct store_view *v;
	struct again a;
	int64_t died_ns;
	char path[400];
	json_t *line;

	make_dead_before_removing(STORE_SEGMENTS, 400);
	(void)snprintf(path, sizeof path, "%s/" SEGMENT, broken);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(mkdir(path, 0700), 0);
	died_ns = port_realtime_ns();
	CHECK_EQ(store_open(&v, broken, &err), 0);
	CHECK_STR(err.text, "");
	CHECK(v && v->was_repaired);
	store_view_free(v);
	line = manifest_line(broken, "remove_error", 0);
	CHECK_STR(json_string_value(json_object_get(line, "name")), SEGMENT);
	/* Windows does not say that it is a directory. */
	CHECK(member(line, "errno") == EISDIR || member(line, "errno") == EACCES);
	json_decref(line);
	CHECK_EQ(count_lines(broken, "remove_error"), 1);
	CHECK(!file_exists(broken, "0000000002.pcapng"));
	CHECK_EQ(store_verify(broken, &check, &err), 0);
	CHECK_STR(check.fault, "");
	CHECK_EQ(read_all(broken, false, &err), (int)check.packets);
	/* A line of the repair is no sign of a recorder that lives. */
	CHECK_EQ(again_open(&a, broken, &err), 0);
	CHECK(a.alive_ns < died_ns);
	again_fini(&a);
	driver_fini(&d);
}

int main(void)
{
	RUN(test_removal_is_finished);
	RUN(test_removal_that_cannot_be_finished);
	return tap_done();
}
