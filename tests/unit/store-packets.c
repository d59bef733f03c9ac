/* Layouts files and pairs: one file a packet, named by its capture time, and a list beside them. */
#include "lib/store-driver.h"

#define STEM "1763853215123456789"
#define LIST "0000000001.list.jsonl"

static void start(struct driver *d, enum store_layout layout)
{
	driver_init(d);
	d->config.layout = layout;
	CHECK(driver_iface(d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(d, NULL), 0);
}

/* Three packets of one time: none is lost, the names tell them apart in order. */
static void test_equal_times(void)
{
	static const char *const names[] = { STEM ".pkt", STEM "-1.pkt", STEM "-2.pkt" };
	struct driver d;
	struct span *span;

	start(&d, STORE_FILES);
	span = span_new(&d, 0, 1);
	for (unsigned i = 0; i < 3; i++)
		span_add(span, 0, T0, 60 + i);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct bytes b = read_whole(d.path, names[i]);

		CHECK_EQ(b.length, 60 + i);
		CHECK(b.length && b.at[0] == i + 1 && b.at[b.length - 1] == i + 1);
		free(b.at);
	}
	CHECK_EQ(d.summary.packets, 3);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* The same time again after another one: what is there is never overwritten. */
static void test_time_comes_back(void)
{
	struct driver d;
	struct bytes b;

	start(&d, STORE_FILES);
	CHECK_EQ(driver_write(&d, 1, T0, 60), 0);
	CHECK_EQ(driver_write(&d, 1, T0 + 1, 60), 0);
	CHECK_EQ(driver_write(&d, 1, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	b = read_whole(d.path, STEM ".pkt");
	CHECK(b.length == 60 && b.at[0] == 1);
	free(b.at);
	b = read_whole(d.path, STEM "-1.pkt");
	CHECK(b.length == 60 && b.at[0] == 3);
	free(b.at);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static unsigned made;

static int make_counted(int dir_fd, const char *name)
{
	made++;
	return disk_system.make(dir_fd, name);
}

/* Times that come in turn: no name is tried that is known to be there. */
static void test_times_in_turn(void)
{
	struct disk disk = disk_system;
	struct driver d;
	struct span *span;

	driver_init(&d);
	disk.make = make_counted;
	d.config.layout = STORE_FILES;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(store_create_on(&d.store, &d.config, d.ifaces, &disk, NULL), 0);
	CHECK_EQ(store_begin(d.store, NULL), 0);
	span = span_new(&d, 0, 1);
	for (unsigned i = 0; i < 300; i++)
		span_add(span, 0, T0 + i % 3, 10);
	made = 0;
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(made, 301); /* and the list */
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(file_exists(d.path, STEM "-99.pkt"));
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_list_line(void)
{
	struct driver d;
	struct bytes b;
	json_t *line;

	start(&d, STORE_FILES);
	CHECK_EQ(driver_write(&d, 1, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	b = read_whole(d.path, LIST);
	line = json_loadb((char *)b.at, b.length, 0, NULL);
	CHECK_STR(json_string_value(json_object_get(line, "file")), STEM ".pkt");
	CHECK_EQ(member(line, "ns"), T0);
	CHECK_EQ(member(line, "bytes"), 60);
	CHECK_EQ(member(line, "wire_bytes"), 64);
	CHECK_EQ(member(line, "linktype"), LINKTYPE_ETHERNET);
	CHECK_EQ(member(line, "interface"), 0);
	CHECK_EQ(member(line, "flags"), RECORD_OUTBOUND);
	CHECK_EQ(member(line, "packet_id"), 1);
	CHECK(!json_object_get(line, "drops"));
	json_decref(line);
	free(b.at);
	driver_fini(&d);
}

static void test_pairs(void)
{
	struct driver d;
	struct bytes list, side;

	start(&d, STORE_PAIRS);
	CHECK_EQ(driver_write(&d, 2, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	list = read_whole(d.path, LIST);
	side = read_whole(d.path, STEM ".json");
	CHECK(side.length && side.length < list.length &&
	      !memcmp(side.at, list.at, side.length));
	CHECK(file_exists(d.path, STEM ".bin"));
	CHECK(!file_exists(d.path, STEM ".pkt"));
	free(list.at);
	free(side.at);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

/* More than a batch of lines, several lists, the oldest removed with all of its packets. */
static void test_rotation_and_keep(enum store_layout layout)
{
	struct driver d;
	unsigned files = 0;
	DIR *dir;
	struct dirent *e;

	driver_init(&d);
	d.config.layout = layout;
	d.config.rotate_bytes = 50000;
	d.config.keep_bytes = 150000;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(driver_write(&d, 150, T0 + i * NS_PER_S, 200), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.packets, 1200);
	CHECK(count_lines(d.path, "removed") > 3);
	CHECK(!file_exists(d.path, STEM ".pkt") && !file_exists(d.path, STEM ".bin"));
	dir = opendir(d.path);
	while ((e = readdir(dir)) != NULL)
		files += strncmp(e->d_name, "17638", 5) == 0;
	(void)closedir(dir);
	CHECK(files > 0 && files < 1200);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_files_rotation_and_keep(void)
{
	test_rotation_and_keep(STORE_FILES);
}

static void test_pairs_rotation_and_keep(void)
{
	test_rotation_and_keep(STORE_PAIRS);
}

int main(void)
{
	RUN(test_equal_times);
	RUN(test_time_comes_back);
	RUN(test_times_in_turn);
	RUN(test_list_line);
	RUN(test_pairs);
	RUN(test_files_rotation_and_keep);
	RUN(test_pairs_rotation_and_keep);
	return tap_done();
}
