/* One record in every form, byte for byte; selections; hints. */
#include "base/mem.h"
#include "filesystem/form.h"
#include "filesystem/hints.h"
#include "filesystem/select.h"
#include "filesystem/volume.h"
#include "lib/tap.h"

#include <sys/stat.h>
#include <unistd.h>

static char said[8192];

static int keep(void *arg, const void *bytes, size_t length)
{
	(void)arg;
	memcpy(said, bytes, length);
	said[length] = '\0';
	return 0;
}

static const char *write_form(const struct form *form, const struct record *r,
			      const char *absent)
{
	static char none[] = "/nonexistent";
	struct owners *owners = owners_new(none, none);
	struct form_state *s = mem_new(1, sizeof *s);
	struct out_sink sink;
	struct out o;

	said[0] = '\0';
	CHECK(s && owners && !out_sink_init(&sink, keep, NULL) && !out_init(&o, &sink));
	form_state_init(s, owners);
	s->absent = absent;
	form->file(s, &o, r);
	out_flush(&o);
	out_fini(&o);
	out_sink_fini(&sink);
	owners_free(owners);
	mem_free(s);
	return said;
}

static const struct volume volume = { .mount_id = 3 };

static struct record sample(const char *path, uint32_t mode)
{
	return (struct record){
		.volume = &volume,
		.path = path,
		.length = strlen(path),
		.has_meta = true,
		.meta = { .have = 0x7ff,
			  .mode = mode,
			  .uid = 1,
			  .gid = 2,
			  .links = 1,
			  .inode = 9,
			  .size_bytes = 10,
			  .blocks = 8,
			  .block_size = 4096,
			  .dev_major = 8,
			  .dev_minor = 1,
			  .mtime = { 100, 5 },
			  .atime = { -157766400, 500000000 },
			  .ctime = { 15032385535, 0 },
			  .btime = { 50, 0 } },
	};
}

static void test_body(void)
{
	struct record r = sample("/a|b%\n\xff\\", S_IFREG | 0644);

	CHECK_STR(
		write_form(&form_body, &r, "0"),
		"0|/a%7Cb%25\\x0a\\xff\\|9|r/rrw-r--r--|1|2|10|-157766400|100|15032385535|0\n");
	CHECK_STR(
		write_form(&form_body, &r, "-1"),
		"0|/a%7Cb%25\\x0a\\xff\\|9|r/rrw-r--r--|1|2|10|-157766400|100|15032385535|-1\n");
	CHECK_STR(write_form(&form_plaso, &r, "0"),
		  "0|/a\\|b%\\x0a\\xff\\\\|9|r/rrw-r--r--|1|2|10|-157766399.500000000|"
		  "100.000000005|15032385535|0\n");
	r = sample("/s", S_IFSOCK | 0755);
	CHECK_STR(write_form(&form_body, &r, "0"),
		  "0|/s|9|s/hrwxr-xr-x|1|2|10|-157766400|100|15032385535|0\n");
	r = sample("/l", S_IFLNK | 0777);
	r.target = "x|y";
	r.target_length = 3;
	CHECK_STR(write_form(&form_body, &r, "0"),
		  "0|/l -> x%7Cy|9|l/lrwxrwxrwx|1|2|10|-157766400|100|15032385535|0\n");
	r = (struct record){ .volume = &volume,
			     .path = "/gone",
			     .length = 5,
			     .dirent_type = 8,
			     .dirent_inode = 4 };
	CHECK_STR(write_form(&form_body, &r, "0"),
		  "0|/gone|4|r/r---------|0|0|0|0|0|0|0\n");
}

static void test_jsonl(void)
{
	struct record r = sample("/a\xff", S_IFCHR | 0620);

	r.meta.rdev_major = 4;
	r.meta.rdev_minor = 64;
	r.meta.attributes = 0x14;
	r.meta.attributes_known = 0x10;
	record_missing(&r, "hash", 13, NULL);
	CHECK_STR(
		write_form(&form_jsonl, &r, "0"),
		"{\"record\":\"file\",\"path\":\"/a\xef\xbf\xbd\",\"path_b64\":\"L2H/\",\"type\":"
		"\"char_device\",\"mode\":\"0620\",\"permissions\":\"crw--w----\",\"uid\":1,\"gid\":2,"
		"\"size_bytes\":10,\"allocated_bytes\":4096,\"block_bytes\":4096,\"links\":1,"
		"\"inode\":9,\"device\":\"8:1\",\"special_device\":\"4:64\",\"mount_id\":3,"
		"\"modified_ns\":100000000005,\"modified\":\"1970-01-01T00:01:40.000000005Z\","
		"\"changed_ns\":15032385535000000000,\"changed\":\"2446-05-10T22:38:55.000000000Z\","
		"\"accessed_ns\":-157766399500000000,\"accessed\":\"1965-01-01T00:00:00.500000000Z\","
		"\"attributes\":[\"immutable\"],\"attributes_known\":[\"immutable\"],"
		"\"missing\":{\"hash\":\"EACCES\"}}\n");
}

static void test_csv(void)
{
	struct record r = sample("/a,\"b\n", S_IFREG | 0600);

	CHECK_STR(write_form(&form_csv, &r, "0"),
		  "\"/a,\"\"b\\x0a\",,file,0600,-rw-------,1,,2,,10,4096,1,9,8:1,3,,"
		  "1970-01-01T00:01:40.000000005Z,2446-05-10T22:38:55.000000000Z,"
		  "1965-01-01T00:00:00.500000000Z,,false,,,,,,,,,,\n");
	r.has_meta = false;
	r.error = 2;
	CHECK_STR(write_form(&form_csv, &r, "0"),
		  "\"/a,\"\"b\\x0a\",,unknown,,,,,,,,,,,,,,,,,,,,,,,,,,,,ENOENT\n");
}

static void test_csv_columns(void)
{
	struct record r = sample("/a", S_IFREG | 0600);
	unsigned head = 0, row = 0, bare = 0;

	for (const char *p = form_csv.head; *p; p++)
		head += *p == ',';
	for (const char *p = write_form(&form_csv, &r, "0"); *p; p++)
		row += *p == ',';
	r.has_meta = false;
	for (const char *p = write_form(&form_csv, &r, "0"); *p; p++)
		bare += *p == ',';
	CHECK_EQ(row, head);
	CHECK_EQ(bare, head);
}

static void test_table(void)
{
	struct record r = sample("/a\x1b", S_IFREG | 0600);

	CHECK_STR(
		write_form(&form_table, &r, "0"),
		"-rw------- 1        2                 10 1970-01-01T00:01:40Z /a\\x1b\n");
}

static void test_select(void)
{
	struct record f = sample("/f", S_IFREG | 0600), d = sample("/d", S_IFDIR | 0700);
	struct selection s = { .types = 0 };
	struct weir_error err;

	CHECK(!select_parse_types(&s, "f,link", &err));
	CHECK(select_entry(&s, &f) && !select_entry(&s, &d));
	CHECK_EQ(select_parse_types(&s, "f,x", &err), WEIR_ERR_USAGE);
	s = (struct selection){ .types = 0 };
	CHECK(!select_parse_size(&s, "10..", &err) && select_entry(&s, &f));
	CHECK(!select_parse_size(&s, "..9", &err) && !select_entry(&s, &f));
	CHECK(!select_parse_size(&s, "10", &err) && select_entry(&s, &f));
	CHECK_EQ(select_parse_size(&s, "x..", &err), WEIR_ERR_USAGE);
	s = (struct selection){ .types = 0 };
	CHECK(!select_parse_time(&s, SELECT_ACCESSED, "..1966-01-01", &err));
	CHECK(select_entry(&s, &f));
	/* A time that there is not is in no range. */
	CHECK(!select_parse_time(&s, SELECT_BORN, "1900-01-01..", &err));
	CHECK(!select_entry(&s, &f));
	CHECK_EQ(select_parse_time(&s, SELECT_BORN, "1900-01-01", &err), WEIR_ERR_USAGE);
	f.has_meta = false;
	CHECK(!select_entry(&s, &f));
}

static void test_known(void)
{
	char path[] = "/tmp/weir-known-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] =
		"# comment\n900150983cd24fb0d6963f7d28e17f72  abc\nshort 12\n";
	static const uint8_t abc[16] = { 0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0,
					 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72 };
	struct digests d = { .kinds = 1U << DIGEST_MD5 };
	struct selection s = { .types = 0 };
	struct weir_error err;

	CHECK(fd >= 0 && write(fd, text, sizeof text - 1) > 0);
	(void)close(fd);
	CHECK(!select_load_known(&s, path, true, &err));
	CHECK_EQ(s.known_kinds, 1U << DIGEST_MD5);
	memcpy(d.value[DIGEST_MD5], abc, sizeof abc);
	CHECK(select_digests(&s, &d) && !select_digests(&s, NULL));
	d.value[DIGEST_MD5][15]++;
	CHECK(!select_digests(&s, &d));
	s.want_known = false;
	CHECK(select_digests(&s, &d));
	select_fini(&s);
	CHECK_EQ(select_load_known(&s, "/dev/null", true, &err), WEIR_ERR_FORMAT);
	select_fini(&s);
	(void)unlink(path);
}

static unsigned hints_for(struct neighbours *n, struct file_meta m, const char *name)
{
	struct hint_findings f = { .bits = 0 };

	hints_of(n, &m, name, strlen(name), &f);
	return f.bits;
}

static int count_bytes(void *arg, const void *bytes, size_t length)
{
	(void)bytes;
	*(size_t *)arg += length;
	return 0;
}

/* The same finding weighs nothing where all neighbours have it, and all it can where none has. */
static void test_hints_scored(void)
{
	struct file_meta round = { .have = 0xfff,
				   .mode = S_IFREG | 0644,
				   .btime = { 1000, 5 },
				   .mtime = { 1500, 0 },
				   .atime = { 2000, 3 },
				   .ctime = { 2000, 6 } };
	struct neighbours *n = mem_new(1, sizeof *n);
	struct hint_findings f = { .bits = 0 };
	struct out_sink sink;
	size_t length = 0;
	struct out o;
	char *p;

	CHECK(n != NULL);
	CHECK(!out_sink_init(&sink, count_bytes, &length));
	CHECK(!out_init(&o, &sink));
	for (unsigned others = 0; others <= 10; others += 5) {
		hints_begin(n, (struct file_time){ 5000, 0 });
		hints_finish(n);
		for (unsigned i = 0; i < 11; i++) {
			struct file_meta m = round;

			/* The first is the one looked at. */
			m.mtime.ns = i <= others ? 0 : 100 + i;
			hints_weigh(n, &m);
		}
		hints_of(n, &round, "x", 1, &f);
		CHECK_EQ(f.bits, HINT_ROUND_TIME);
		CHECK_EQ(f.share[1], others * 10);
		p = out_begin(&o, 10);
		p = hints_json(&o, p, &f);
		CHECK(p != NULL);
		*p = '\0';
		CHECK(strstr(o.data, others == 0   ? "\"weight_percent\":40,"
				     : others == 5 ? "\"weight_percent\":20,"
						   : "\"weight_percent\":0,") != NULL);
	}
	out_fini(&o);
	out_sink_fini(&sink);
	mem_free(n);
}

static void test_hints(void)
{
	struct file_meta m = { .have = 0xfff,
			       .mode = S_IFREG | 0644,
			       .inode = 50,
			       .btime = { 1000, 5 },
			       .mtime = { 2000, 6 },
			       .atime = { 3000, 7 },
			       .ctime = { 2000, 6 } };
	struct neighbours *n = mem_new(1, sizeof *n);
	struct file_meta other = m;

	CHECK(n != NULL);
	hints_begin(n, (struct file_time){ 5000, 0 });
	for (unsigned i = 40; i < 61; i++) {
		other.inode = i;
		other.mtime.ns = 100 + i;
		other.btime.s = i == 50 ? 1000 : 100000000;
		hints_add(n, &other);
	}
	hints_finish(n);
	CHECK_EQ(hints_for(n, m, "x") & ~(unsigned)HINT_BORN_ODD, 0);
	CHECK(hints_for(n, m, "x") & HINT_BORN_ODD);
	other = m;
	other.mtime = (struct file_time){ 500, 0 };
	CHECK((hints_for(n, other, "x") & (HINT_COPIED | HINT_ROUND_TIME)) ==
	      (HINT_COPIED | HINT_ROUND_TIME));
	other = m;
	other.ctime.s = 900;
	CHECK(hints_for(n, other, "x") & HINT_BORN_AFTER_CHANGED);
	CHECK(hints_for(n, other, "x") & HINT_MODIFIED_AFTER_CHANGED);
	other = m;
	other.mtime.s = 9999;
	CHECK(hints_for(n, other, "x") & HINT_FUTURE);
	other = m;
	other.mtime.ns = 141;
	hints_begin(n, (struct file_time){ 5000, 0 });
	hints_add(n, &other);
	hints_add(n, &other);
	hints_finish(n);
	CHECK(hints_for(n, other, "x") & HINT_SHARED_TIME);
	CHECK(!(hints_for(n, m, "x") & HINT_SHARED_TIME));
	CHECK(hints_for(n, m, "\xe2\x80\xaegpj.exe") & HINT_NAME_DECEPTIVE);
	CHECK(hints_for(n, m, "trailing ") & HINT_NAME_DECEPTIVE);
	mem_free(n);
}

int main(void)
{
	RUN(test_body);
	RUN(test_jsonl);
	RUN(test_csv);
	RUN(test_csv_columns);
	RUN(test_table);
	RUN(test_select);
	RUN(test_known);
	RUN(test_hints);
	RUN(test_hints_scored);
	return tap_done();
}
