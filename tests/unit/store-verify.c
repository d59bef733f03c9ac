/* store_verify(): a store that is as it was made passes; any one thing changed is the fault that is
 * named. */
#include "lib/verified-store.h"

#include <errno.h>

#define FIRST  "0000000001.pcapng"
#define SECOND "0000000002.pcapng"

/* Two segments and more, closed. */
static void begin(enum store_layout layout)
{
	driver_init(&d);
	d.config.layout = layout;
	d.config.rotate_bytes = layout == STORE_SEGMENTS ? 4096 : 8192;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(driver_start(&d, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(driver_write(&d, 20, T0 + i * NS_PER_S, 60), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	take_copy();
}

static void cut(const char *name, size_t less)
{
	struct bytes b = read_whole(copy, name);

	write_whole(copy, name, b.at, b.length - less);
	free(b.at);
}

static void rename_file(const char *from, const char *to)
{
	char old[400], new[400];

	(void)snprintf(old, sizeof old, "%s/%s", copy, from);
	(void)snprintf(new, sizeof new, "%s/%s", copy, to);
	CHECK_EQ(rename(old, new), 0);
}

static void remove_file(const char *name)
{
	char path[400];

	(void)snprintf(path, sizeof path, "%s/%s", copy, name);
	CHECK_EQ(unlink(path), 0);
}

/* The n-th line of the manifest (from 1): where it begins; `end` behind its newline. */
static size_t find_line(const struct bytes *b, unsigned n, size_t *end)
{
	size_t at = 0;

	for (;; n--) {
		*end = at + strcspn((const char *)b->at + at, "\n") + 1;
		if (n <= 1)
			return at;
		at = *end;
	}
}

static void replace_in_manifest(const char *what, const char *with)
{
	struct bytes b = read_whole(copy, MANIFEST);
	char *at = strstr((char *)b.at, what);

	CHECK(at != NULL && strlen(what) == strlen(with));
	if (at)
		memcpy(at, with, strlen(with));
	write_whole(copy, MANIFEST, b.at, b.length);
	free(b.at);
}

static void test_good(void)
{
	struct weir_error err;

	begin(STORE_SEGMENTS);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	CHECK_STR(check.fault, "");
	CHECK_STR(check.grade, "complete");
	CHECK_EQ(check.packets, 80);
	CHECK(check.segments >= 2);
	CHECK(check.lines > check.segments * 2);
	CHECK(!check.is_live && !check.is_repaired);
	CHECK_EQ(store_verify("/nonexistent/x", &check, &err), WEIR_ERR_ABSENT);
	driver_fini(&d);
}

static void test_segments(void)
{
	begin(STORE_SEGMENTS);
	flip(FIRST, 500);
	check_fault("segment '0000000001.pcapng' was changed: its sha256 is ");
	cut(SECOND, 4);
	check_fault("segment '0000000002.pcapng' has ");
	remove_file(FIRST);
	check_fault("segment '0000000001.pcapng' is missing");
	write_whole(copy, "0000000099.pcapng", "x", 1);
	check_fault("file '0000000099.pcapng' is in no line of the manifest");
	driver_fini(&d);
}

/* Two of one size: only the hash tells that they were exchanged. */
static void test_exchanged(void)
{
	struct bytes a, b;

	begin(STORE_SEGMENTS);
	a = read_whole(copy, FIRST);
	b = read_whole(copy, SECOND);
	CHECK_EQ(a.length, b.length);
	rename_file(FIRST, "x");
	rename_file(SECOND, FIRST);
	rename_file("x", SECOND);
	check_fault("segment '0000000001.pcapng' holds what the manifest says of "
		    "'0000000002.pcapng'");
	free(a.at);
	free(b.at);
	driver_fini(&d);
}

static void test_link_instead_of_file(void)
{
	char path[400];

	begin(STORE_SEGMENTS);
	rename_file(FIRST, "elsewhere");
	(void)snprintf(path, sizeof path, "%s/" FIRST, copy);
	if (symlink("elsewhere", path))
		CHECK_EQ(errno, ENOSYS); /* a system where none can be made */
	else
		check_fault("segment '0000000001.pcapng' is no regular file");
	driver_fini(&d);
	begin(STORE_FILES);
	rename_file("1763853215123456789.pkt", "elsewhere");
	(void)snprintf(path, sizeof path, "%s/1763853215123456789.pkt", copy);
	if (symlink("elsewhere", path))
		CHECK_EQ(errno, ENOSYS);
	else
		check_fault("segment '0000000001.list.jsonl': packet file "
			    "'1763853215123456789.pkt' is no regular file");
	driver_fini(&d);
}

/* In the place of a file of the store: what is not read, and not waited for. */
static bool put_fifo(const char *name)
{
	char path[400];

	remove_file(name);
	(void)snprintf(path, sizeof path, "%s/%s", copy, name);
	if (!mkfifoat(AT_FDCWD, path, 0600))
		return true;
	CHECK_EQ(errno, ENOSYS);
	return false;
}

static void put_directory(const char *name)
{
	char path[400];

	remove_file(name);
	(void)snprintf(path, sizeof path, "%s/%s", copy, name);
	CHECK_EQ(mkdir(path, 0700), 0);
}

static void no_reader_waits(void)
{
	struct weir_error err = { 0 };

	CHECK(read_all(copy, false, &err) < 0);
}

static void test_fifos(void)
{
	begin(STORE_SEGMENTS);
	if (put_fifo(FIRST)) {
		no_reader_waits();
		check_fault("segment '0000000001.pcapng' is no regular file");
	}
	if (put_fifo(MANIFEST)) {
		no_reader_waits();
		check_fault("manifest.jsonl is no regular file");
	}
	driver_fini(&d);
	begin(STORE_PAIRS);
	if (put_fifo("1763853215123456789.bin")) {
		no_reader_waits();
		check_fault("segment '0000000001.list.jsonl': packet file "
			    "'1763853215123456789.bin' is no regular file");
	}
	if (put_fifo("1763853215123456789.json"))
		check_fault("segment '0000000001.list.jsonl': metadata file "
			    "'1763853215123456789.json' is no regular file");
	driver_fini(&d);
}

/* Somebody's doing, and no trouble of the system's: a fault. */
static void test_directories(void)
{
	begin(STORE_SEGMENTS);
	put_directory(FIRST);
	check_fault("segment '0000000001.pcapng' is no regular file");
	driver_fini(&d);
	begin(STORE_FILES);
	put_directory("1763853215123456789.pkt");
	check_fault("segment '0000000001.list.jsonl': packet file "
		    "'1763853215123456789.pkt' is no regular file");
	driver_fini(&d);
}

static void test_every_byte_of_the_manifest(void)
{
	struct weir_error err;
	struct bytes b;
	unsigned missed = 0;

	begin(STORE_SEGMENTS);
	b = read_whole(copy, MANIFEST);
	for (size_t at = 0; at < b.length; at += 3) {
		/* Within the last line nothing is hashed; its figures are checked, its words
		 * (clocks and the like) are not. */
		if (b.length - at < 900)
			break;
		b.at[at] ^= 1;
		write_whole(copy, MANIFEST, b.at, b.length);
		b.at[at] ^= 1;
		missed += store_verify(copy, &check, &err) != WEIR_ERR_MISMATCH;
	}
	CHECK_EQ(missed, 0);
	free(b.at);
	driver_fini(&d);
}

static void test_lines(void)
{
	struct bytes b;
	size_t at, end, from;

	begin(STORE_SEGMENTS);
	replace_in_manifest("\"mode\":\"import\"", "\"mode\":\"divert\"");
	check_fault("manifest line 2: prev is not the hash of line 1: one of the two was "
		    "changed");
	replace_in_manifest("\"grade\":\"complete\"", "\"grade\":\"complexe\"");
	check_fault("manifest line ");

	b = read_whole(copy, MANIFEST); /* line 3 taken out */
	at = find_line(&b, 3, &end);
	memmove(b.at + at, b.at + end, b.length - end);
	write_whole(copy, MANIFEST, b.at, b.length - (end - at));
	free(b.at);
	check_fault(
		"manifest line 3: seq is 4: a line is missing, was added or is out of "
		"place");

	b = read_whole(copy, MANIFEST); /* the last line cut off */
	from = b.length - 1;
	while (b.at[from - 1] != '\n')
		from--;
	write_whole(copy, MANIFEST, b.at, from);
	check_fault(
		"the manifest has no last line: the recorder died, or the end was cut "
		"off");
	write_whole(copy, MANIFEST, b.at, b.length - 1);
	check_fault("manifest line ");
	write_whole(copy, MANIFEST, b.at, b.length - 20);
	check_fault("manifest line ");
	write_whole(copy, MANIFEST, b.at, 0);
	check_fault("the manifest is empty");
	free(b.at);
	remove_file(MANIFEST);
	check_fault("there is no manifest.jsonl");
	driver_fini(&d);
}

static json_t *first_of(json_t *lines, const char *type)
{
	size_t i;
	json_t *line;

	json_array_foreach(lines, i, line)
	{
		if (!strcmp(json_string_value(json_object_get(line, "type")), type))
			return line;
	}
	abort();
}

static void forge(const char *type, const char *member_name, json_t *value,
		  const char *words)
{
	json_t *lines = load_lines();

	json_object_set_new(first_of(lines, type), member_name, value);
	write_chained(lines);
	json_decref(lines);
	check_fault(words);
}

static void test_forged_figures(void)
{
	begin(STORE_SEGMENTS);
	forge("segment", "packets", json_integer(1), "manifest line ");
	forge("end", "bytes", json_integer(1), "manifest line ");
	forge("end", "first_ns", json_integer(1), "manifest line ");
	forge("end", "lost", json_integer(1), "manifest line ");
	forge("end", "grade", json_string("perfect"), "manifest line ");
	forge("segment", "interfaces", json_integer(2),
	      "segment '0000000001.pcapng': interfaces is 1, the manifest says 2");
	forge("segment", "sorted", json_false(),
	      "segment '0000000001.pcapng': sorted is 1, the manifest says 0");
	forge("segment", "file_bytes", json_integer(5),
	      "segment '0000000001.pcapng' has ");
	forge("segment", "name", json_string("0000000009.pcapng"), "manifest line ");
	forge("segment_open", "name", json_string("../x"), "manifest line ");
	forge("segment_open", "lane", json_integer(3), "manifest line ");
	forge("interface", "id", json_integer(1),
	      "manifest line 2: interface id 1 of lane 0, expected 0");
	forge("start", "format", json_integer(2), "manifest line 1: format 2 is not 1");
	forge("start", "layout", json_string("x"), "manifest line 1: an unknown layout");
	forge("start", "at_ns", json_integer(0), "manifest line 1: at ");
	forge("end", "type", json_string("stats"), "the manifest has no last line");
	driver_fini(&d);
}

static void test_forged_order(void)
{
	json_t *lines, *line;
	struct weir_error err;

	begin(STORE_SEGMENTS);
	lines = load_lines(); /* chained anew and unchanged, it is good */
	write_chained(lines);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	json_array_append(lines, first_of(lines, "interface"));
	write_chained(lines);
	check_fault("manifest line ");
	json_array_remove(lines, json_array_size(lines) - 1);
	line = json_deep_copy(first_of(lines, "segment"));
	json_array_insert_new(lines, json_array_size(lines) - 1, line);
	write_chained(lines);
	check_fault("manifest line ");
	json_decref(lines);

	lines = load_lines();
	line = json_deep_copy(first_of(lines, "start"));
	json_array_insert_new(lines, 1, line);
	write_chained(lines);
	check_fault("manifest line 2: type 'start' is for the first line only");
	json_decref(lines);

	lines = load_lines();
	json_array_remove(lines, 0);
	write_chained(lines);
	check_fault("manifest line 1: type 'interface' is not 'start'");
	json_decref(lines);
	driver_fini(&d);
}

static void test_removed(void)
{
	json_t *lines, *segment, *removed;
	struct weir_error err;

	begin(STORE_SEGMENTS);
	lines = load_lines();
	segment = first_of(lines, "segment");
	removed = json_pack("{s:s,s:O,s:O,s:O,s:O,s:O,s:O,s:O}", "type", "removed", "at",
			    json_object_get(segment, "at"), "at_ns",
			    json_object_get(segment, "at_ns"), "number",
			    json_object_get(segment, "number"), "name",
			    json_object_get(segment, "name"), "sha256",
			    json_object_get(segment, "sha256"), "packets",
			    json_object_get(segment, "packets"), "file_bytes",
			    json_object_get(segment, "file_bytes"));
	json_object_set_new(first_of(lines, "end"), "removed_segments", json_integer(1));
	json_array_insert_new(lines, json_array_size(lines) - 1, removed);
	write_chained(lines);
	check_fault("segment '0000000001.pcapng' is there, the manifest says removed");
	write_chained(lines);
	remove_file(FIRST);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	CHECK(check.packets < 80);
	CHECK(read_all(copy, false, &err) == (int)check.packets);
	json_object_set_new(removed, "sha256", json_string("00"));
	write_chained(lines);
	check_fault("manifest line ");
	json_decref(lines);
	driver_fini(&d);
}

static int remove_refused(int dir_fd, const char *name)
{
	(void)dir_fd;
	(void)name;
	errno = EPERM;
	return -1;
}

/* What could not be removed is told, and may be there. */
static void remove_errors(enum store_layout layout)
{
	struct disk disk = disk_system;
	struct weir_error err;

	driver_init(&d);
	disk.remove = remove_refused;
	d.config.layout = layout;
	d.config.rotate_bytes = 10000;
	d.config.keep_bytes = 20000;
	CHECK(driver_iface(&d, "eth0", LINKTYPE_ETHERNET) != NULL);
	CHECK_EQ(store_create_on(&d.store, &d.config, d.ifaces, &disk, NULL), 0);
	CHECK_EQ(store_begin(d.store, NULL), 0);
	CHECK_EQ(driver_write(&d, 300, T0, 100), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK(count_lines(d.path, "remove_error") > 0);
	CHECK_EQ(store_verify(d.path, &check, &err), 0);
	CHECK_STR(check.fault, "");
	driver_fini(&d);
}

static void test_remove_errors(void)
{
	remove_errors(STORE_SEGMENTS);
	remove_errors(STORE_FILES);
}

/* A store of segments has no files of packets, and no member that no line states. */
static void test_planted_files(void)
{
	static const char *const names[] = { "5.pkt", "5-1.bin", "5.json",
					     "processes.jsonl", "events.jsonl" };
	char words[100];

	begin(STORE_SEGMENTS);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		write_whole(copy, names[i], "x", 1);
		(void)snprintf(words, sizeof words,
			       "file '%s' is in no line of the manifest", names[i]);
		check_fault(words);
	}
	driver_fini(&d);
}

/* A segment that was begun and of which a repair found nothing: a file of that name was put there. */
static void test_planted_segment(void)
{
	struct weir_error err = { 0 };
	struct store_view *v;
	char dead[128];
	json_t *lines, *line;

	driver_init(&d);
	make_dead(&d, dead, 5, 60);
	(void)snprintf(copy, sizeof copy, "%s", dead);
	remove_file(FIRST);
	CHECK_EQ(store_open(&v, copy, &err), 0);
	store_view_free(v);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	write_whole(copy, FIRST, "x", 1);
	CHECK_EQ(store_verify(copy, &check, &err), WEIR_ERR_MISMATCH);
	CHECK_STR(check.fault,
		  "segment '" FIRST "' is there, and a repair found nothing of it");
	remove_file(FIRST);

	/* What the next session begins is not excused by that repair. */
	d.config.path = copy;
	d.config.is_continued = true;
	iface_table_free(d.ifaces);
	d.ifaces = iface_table_new();
	CHECK_EQ(store_inherit(copy, d.ifaces, NULL), 0);
	CHECK_EQ(driver_start(&d, &err), 0);
	CHECK_EQ(driver_close(&d, NULL), 0);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	lines = load_lines();
	line = json_deep_copy(first_of(lines, "segment_open"));
	json_object_set_new(line, "number", json_integer(2));
	json_object_set_new(line, "name", json_string(SECOND));
	json_array_insert_new(lines, json_array_size(lines) - 1, line);
	write_chained(lines);
	json_decref(lines);
	CHECK_EQ(store_verify(copy, &check, &err), WEIR_ERR_MISMATCH);
	CHECK_STR(check.fault, "segment '" SECOND
			       "' was begun, and no line says that it was finished");
	driver_fini(&d);
}

static void packet_files(enum store_layout layout, const char *suffix)
{
	struct weir_error err;
	char name[64], words[200];

	begin(layout);
	CHECK_EQ(store_verify(copy, &check, &err), 0);
	CHECK_EQ(check.packets, 80);
	(void)snprintf(name, sizeof name, "%lld%s", (long long)T0, suffix);
	flip(name, 10);
	(void)snprintf(words, sizeof words,
		       "segment '0000000001.list.jsonl': packet file '%s' has the sha256",
		       name);
	check_fault(words);
	cut(name, 1);
	(void)snprintf(
		words, sizeof words,
		"segment '0000000001.list.jsonl': packet file '%s' has 59 bytes, its "
		"line says 60",
		name);
	check_fault(words);
	remove_file(name);
	(void)snprintf(words, sizeof words,
		       "segment '0000000001.list.jsonl': cannot open packet file '%s'",
		       name);
	check_fault(words);
	(void)snprintf(name, sizeof name, "5%s", suffix);
	write_whole(copy, name, "x", 1);
	check_fault("1 packet files are in no list");
	if (layout == STORE_PAIRS) {
		write_whole(copy, "5.json", "x", 1);
		check_fault("1 metadata files are in no list");
	} else {
		write_whole(copy, "5.json", "x", 1);
		check_fault("file '5.json' is in no line of the manifest");
	}
	flip("0000000001.list.jsonl", 30);
	check_fault("segment '0000000001.list.jsonl' was changed");
	driver_fini(&d);
}

static void test_packet_files(void)
{
	packet_files(STORE_FILES, ".pkt");
	packet_files(STORE_PAIRS, ".bin");
}

static void test_metadata_of_pairs(void)
{
	char name[64];

	begin(STORE_PAIRS);
	(void)snprintf(name, sizeof name, "%lld.json", (long long)T0);
	flip(name, 40);
	check_fault("segment '0000000001.list.jsonl': metadata file ");
	remove_file(name);
	check_fault("segment '0000000001.list.jsonl': cannot open metadata file ");
	driver_fini(&d);
}

int main(void)
{
	RUN(test_good);
	RUN(test_segments);
	RUN(test_exchanged);
	RUN(test_link_instead_of_file);
	RUN(test_fifos);
	RUN(test_directories);
	RUN(test_every_byte_of_the_manifest);
	RUN(test_lines);
	RUN(test_forged_figures);
	RUN(test_forged_order);
	RUN(test_removed);
	RUN(test_remove_errors);
	RUN(test_planted_files);
	RUN(test_planted_segment);
	RUN(test_packet_files);
	RUN(test_metadata_of_pairs);
	return tap_done();
}
