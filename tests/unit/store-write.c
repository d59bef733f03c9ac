/* A directory store, layout segments: what is written is what was given. */
#include "lib/store-driver.h"

#define FIRST "0000000001.pcapng"

static void test_one_span(void)
{
	struct driver d;
	struct weir_error err;
	struct span *span;
	struct bytes file;
	uint8_t records[4096];
	size_t length;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, &err), 0);
	span = span_new(&d, 0, 1);
	span_add(span, 0, T0, 60);
	span_add(span, 0, T0 + 5, 61);
	length = span->length;
	memcpy(records, span->data, length);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, &err), 0);
	CHECK_EQ(d.released, 1);

	/* The records stand in the file as they stood in the span, one after the other. */
	file = read_whole(d.path, FIRST);
	CHECK(file.at && memmem(file.at, file.length, records, length));
	free(file.at);
	CHECK_EQ(walk_file(d.path, FIRST).packets, 2);
	CHECK(walk_file(d.path, FIRST).is_whole);
	CHECK_EQ(walk_file(d.path, FIRST).stats, 1);
	CHECK_EQ(d.summary.packets, 2);
	CHECK_EQ(d.summary.bytes, 121);
	CHECK_EQ(d.summary.wire_bytes, 129);
	CHECK_EQ(d.summary.first_ns, T0);
	CHECK_EQ(d.summary.last_ns, T0 + 5);
	CHECK_EQ(d.summary.grade, GRADE_COMPLETE);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_existing_path_is_refused(void)
{
	struct driver d;
	struct weir_error err = { 0 };

	driver_init(&d);
	d.config.path = d.dir;
	CHECK_EQ(store_create(&d.store, &d.config, d.ifaces, &err), WEIR_ERR_EXISTS);
	CHECK(strstr(err.text, d.dir) != NULL);
	CHECK(d.store == NULL);
	driver_fini(&d);
}

static void test_modes(void)
{
	struct driver d;
	struct stat st;
	char path[200];

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 1, T0, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(stat(d.path, &st) == 0 && (st.st_mode & 07777) == 0700);
	(void)snprintf(path, sizeof path, "%s/" FIRST, d.path);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	(void)snprintf(path, sizeof path, "%s/manifest.jsonl", d.path);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	driver_fini(&d);
}

static void test_nothing_recorded(void)
{
	struct driver d;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(d.summary.segments, 0);
	CHECK_EQ(count_lines(d.path, "interface"), 1);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_never_begun_leaves_nothing(void)
{
	struct driver d;

	if (getenv("WINEPREFIX"))
		SKIP("wine keeps the name of an open file that was removed");
	driver_init(&d);
	CHECK_EQ(store_create(&d.store, &d.config, d.ifaces, NULL), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(!file_exists(d.dir, "store"));
	driver_fini(&d);
}

static void test_start_line(void)
{
	static const char *const inputs[] = { "a.pcap", "b\xff.pcap", NULL };
	struct driver d;
	json_t *line, *list;

	driver_init(&d);
	d.config.inputs = inputs;
	d.config.case_id = "2026-7";
	d.config.rotate_bytes = 1 << 20;
	d.config.filter = "tcp";
	d.config.source = json_pack("{s:i}", "rings", 2);
	CHECK_EQ(store_create(&d.store, &d.config, d.ifaces, NULL), 0);
	CHECK_EQ(store_begin(d.store, NULL), 0);
	json_decref(d.config.source);
	CHECK_EQ(driver_close(&d, NULL), 0);
	line = manifest_line(d.path, "start", 0);
	CHECK_EQ(member(line, "format"), 1);
	CHECK_STR(json_string_value(json_object_get(line, "case")), "2026-7");
	CHECK(json_is_null(json_object_get(line, "examiner")));
	CHECK_STR(json_string_value(json_object_get(line, "filter")), "tcp");
	CHECK_EQ(member(json_object_get(line, "limits"), "rotate_bytes"), 1 << 20);
	CHECK_EQ(member(json_object_get(line, "source"), "rings"), 2);
	CHECK_EQ(member(json_object_get(line, "identity"), "pid"), getpid());
	list = json_object_get(line, "inputs");
	CHECK_STR(json_string_value(json_array_get(list, 1)), "b\\xff.pcap");
	json_decref(line);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_deferred_hash(void)
{
	struct driver d;
	json_t *line;

	driver_init(&d);
	d.config.is_hash_deferred = true;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 500, T0, 1400), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	line = manifest_line(d.path, "segment", 0);
	CHECK_STR(json_string_value(json_object_get(line, "hash")), "deferred");
	json_decref(line);
	CHECK(check_store(d.path)); /* compares the hash with the file */
	driver_fini(&d);
}

/* Two lanes at once, and an interface that appears while a segment is open. */
static void test_lanes_and_late_interface(void)
{
	struct driver d;
	struct span *span;

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK(driver_iface(&d, "tun0", LINKTYPE_RAW) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	CHECK_EQ(driver_write(&d, 3, T0, 60), 0);
	span = span_new(&d, 1, 1);
	span_add(span, 0, T0 + 1, 40);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK(driver_iface(&d, "eth1", LINKTYPE_ETHERNET) != NULL);
	span = span_new(&d, 0, 2);
	span_add(span, 1, T0 + NS_PER_S, 60);
	CHECK_EQ(store_write(d.store, span), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(walk_file(d.path, FIRST).packets, 4);
	CHECK_EQ(walk_file(d.path, FIRST).interfaces, 2);
	CHECK_EQ(walk_file(d.path, FIRST).stats, 2);
	CHECK_EQ(walk_file(d.path, "0000000002.pcapng").packets, 1);
	CHECK_EQ(line_member(d.path, "segment", 1, "linktype"), LINKTYPE_RAW);
	CHECK_EQ(count_lines(d.path, "interface"), 3);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

static void test_events_and_stats(void)
{
	struct driver d;
	struct loss_totals losses = { 0 };
	struct store_end end = { .reason = "signal", .members = json_object() };

	driver_init(&d);
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	store_event(d.store, "iface_gone", json_pack("{s:s}", "name", "eth0"));
	store_event(d.store, "bare", NULL);
	losses.packets[LOSS_KERNEL] = 7;
	store_stats(d.store, &losses);
	CHECK_EQ(driver_write(&d, 2, T0, 60), 0);
	end.losses = losses;
	json_object_set_new(end.members, "verdicts", json_integer(9));
	CHECK_EQ(store_close(d.store, &end, &d.summary, NULL), 0);
	CHECK_EQ(d.summary.grade, GRADE_WITH_LOSS);
	CHECK_EQ(count_lines(d.path, "iface_gone"), 1);
	CHECK_EQ(count_lines(d.path, "bare"), 1);
	CHECK_EQ(count_lines(d.path, "stats"), 1);
	CHECK_EQ(line_member(d.path, "end", 0, "verdicts"), 9);
	CHECK_EQ(line_member(d.path, "end", 0, "lost"), 7);
	json_t *line = manifest_line(d.path, "segment", 0);
	CHECK_EQ(member(json_object_get(json_object_get(line, "losses"), "kernel"),
			"packets"),
		 7);
	json_decref(line);
	CHECK(check_store(d.path));
	driver_fini(&d);
}

int main(void)
{
	RUN(test_one_span);
	RUN(test_existing_path_is_refused);
	RUN(test_modes);
	RUN(test_nothing_recorded);
	RUN(test_never_begun_leaves_nothing);
	RUN(test_start_line);
	RUN(test_deferred_hash);
	RUN(test_lanes_and_late_interface);
	RUN(test_events_and_stats);
	return tap_done();
}
