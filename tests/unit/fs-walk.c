/* The engine over a recording: what it asks, what it tells, and every failure of every call. */
#include "base/mem.h"
#include "filesystem/replay.h"
#include "filesystem/walk.h"
#include "lib/tap.h"

#include <errno.h>
#include <sys/stat.h>

#define META(kind, ino)                                                                \
 {                                                                                     \
  .have = 0xfff, .mode = (kind), .inode = (ino), .links = 1, .mtime = { 5, 6 },        \
  .atime = { 7, 8 }, .ctime = { 9, 10 }, .btime = { 1, 2 }, .attributes_known = 0x2030 \
 }

struct text {
	char bytes[256 << 10];
	size_t used;
	int error;
};

static int keep(void *arg, const void *bytes, size_t length)
{
	struct text *t = arg;

	if (t->error)
		return -t->error;
	if (length > sizeof t->bytes - t->used - 1)
		return -ENOSPC;
	memcpy(t->bytes + t->used, bytes, length);
	t->used += length;
	t->bytes[t->used] = '\0';
	return 0;
}

static struct text said;

/* Of the volume that the next run lists. */
static bool is_inode_proof;

/* Lists the recording with what config asks for beyond the defaults. */
static struct walk_result run(struct replay *r, struct walk_config config)
{
	static char path[] = "/r";
	struct volume v, *volumes[] = { &v };
	struct owners *owners = owners_new("/nonexistent", "/nonexistent");
	struct walk_result result = { .end = WALK_STALLED };
	struct walk_counts now;
	struct out_sink sink;
	struct weir_error err;
	struct walk *w;

	said.used = 0;
	said.bytes[0] = '\0';
	replay_volume(r, &v, path, VOLUME_DETACHED);
	v.is_inode_proof = is_inode_proof;
	CHECK(!out_sink_init(&sink, keep, &said));
	config.volumes = volumes;
	config.volume_count = 1;
	config.owners = owners;
	config.sink = &sink;
	config.form = config.form ? config.form : &form_jsonl;
	config.threads = config.threads ? config.threads : 1;
	CHECK(!walk_start(&w, &config, &err));
	while (!port_event_wait(walk_done(w), 1000000))
		walk_poll(w, &now);
	walk_finish(w, &result);
	out_sink_fini(&sink);
	owners_free(owners);
	CHECK_EQ(r->open_count, 0);
	return result;
}

static bool has(const char *text)
{
	return strstr(said.bytes, text) != NULL;
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < said.used; i++)
		n += said.bytes[i] == '\n';
	return n;
}

static const char *const xattrs[] = { "user.a", "b", NULL };

static const struct replay_entry tree[] = {
	{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
	{ .parent = 0, .name = "etc", .meta = META(S_IFDIR | 0755, 3) },
	{ .parent = 0, .name = "var", .meta = META(S_IFDIR | 0755, 4) },
	{ .parent = 1,
	  .name = "a.conf",
	  .meta = META(S_IFREG | 0644, 5),
	  .content = "abc",
	  .length = 3,
	  .xattrs = xattrs },
	{ .parent = 1,
	  .name = "link",
	  .meta = META(S_IFLNK | 0777, 6),
	  .target = "a.conf" },
	{ .parent = 2, .name = "log", .meta = META(S_IFDIR | 0755, 7) },
	{ .parent = 5,
	  .name = "b.log",
	  .meta = META(S_IFREG | 0600, 8),
	  .is_type_hidden = true },
	{ .parent = 2, .name = "pipe", .meta = META(S_IFIFO | 0600, 9) },
};

static void test_all(void)
{
	struct walk_config c = { .is_recursive = true,
				 .threads = 3,
				 .want_xattrs = true,
				 .want_flags = true,
				 .digests = 1U << DIGEST_SHA256 };
	struct replay r;
	struct walk_result result;

	CHECK(!replay_init(&r, tree, ARRAY_LEN(tree)));
	result = run(&r, c);
	CHECK_EQ(result.end, WALK_COMPLETE);
	CHECK_EQ(result.counts.written, 8);
	CHECK_EQ(lines(), 8);
	CHECK_EQ(result.counts.directories_read, 4);
	CHECK(has("\"path\":\"/r/var/log/b.log\""));
	CHECK(has("\"target\":\"a.conf\""));
	CHECK(has("\"name\":\"user.a\",\"size_bytes\":1,\"value_b64\":\"Yg==\""));
	CHECK(has("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	CHECK(has("\"born_ns\":1000000002,\"born\":\"1970-01-01T00:00:01.000000002Z\""));
	CHECK(has("\"mount_id\":7"));
	replay_fini(&r);
}

static void test_not_recursive(void)
{
	struct replay r;
	struct walk_result result;

	CHECK(!replay_init(&r, tree, ARRAY_LEN(tree)));
	result = run(&r, (struct walk_config){ .threads = 1 });
	CHECK_EQ(result.counts.written, 3);
	CHECK_EQ(result.counts.depth_cut, 0);
	CHECK_EQ(r.opens, 1);
	result = run(&r, (struct walk_config){ .is_recursive = true, .max_depth = 2 });
	CHECK_EQ(result.counts.written, 7);
	CHECK_EQ(result.counts.depth_cut, 1);
	replay_fini(&r);
}

/* Directories that cannot match are never opened, files that do not match never queried. */
static void test_pattern_prunes(void)
{
	struct pattern *p;
	struct replay r;
	struct walk_result result;

	CHECK(!pattern_parse(&p, "etc/*.conf", false, NULL));
	CHECK(!replay_init(&r, tree, ARRAY_LEN(tree)));
	result = run(&r, (struct walk_config){ .pattern = p });
	CHECK_EQ(result.counts.written, 1);
	CHECK(has("\"path\":\"/r/etc/a.conf\""));
	CHECK_EQ(r.opens, 2);
	CHECK_EQ(r.queries, 1);
	pattern_free(p);
	CHECK(!pattern_parse(&p, "var/**/*.log", false, NULL));
	r.opens = 0;
	result = run(&r, (struct walk_config){ .pattern = p });
	CHECK_EQ(result.counts.written, 1);
	CHECK_EQ(r.opens, 3);
	pattern_free(p);
	replay_fini(&r);
}

/* What each failing call leaves behind: a record with the reason, and the rest of the tree. */
static void test_failures(void)
{
	static const struct {
		struct replay_entry bad;
		const char *want;
		int error;
		unsigned written;
	} rows[] = {
		{ { .parent = 0,
		    .name = "d",
		    .meta = META(S_IFDIR, 20),
		    .open_error = EACCES },
		  "{\"record\":\"error\",\"path\":\"/r/d\",\"error\":\"EACCES\",\"error_call\":\"open\"}",
		  EACCES,
		  3 },
		{ { .parent = 0,
		    .name = "d",
		    .meta = META(S_IFDIR, 20),
		    .entries_error = EIO },
		  "\"path\":\"/r/d\",\"error\":\"EIO\",\"error_call\":\"entries\"",
		  EIO,
		  3 },
		{ { .parent = 0,
		    .name = "d",
		    .meta = META(S_IFDIR, 20),
		    .open_inode = 99 },
		  "\"path\":\"/r/d\",\"error\":\"ESTALE\"",
		  ESTALE,
		  3 },
		{ { .parent = 0,
		    .name = "f",
		    .meta = META(S_IFREG, 21),
		    .query_error = ENOENT },
		  "\"path\":\"/r/f\",\"type\":\"file\",\"inode\":21,\"error\":\"ENOENT\"",
		  0,
		  3 },
		{ { .parent = 0,
		    .name = "f",
		    .meta = META(S_IFREG, 21),
		    .query_error = EACCES },
		  "\"error\":\"EACCES\",\"error_call\":\"query\"",
		  EACCES,
		  3 },
		{ { .parent = 0,
		    .name = "l",
		    .meta = META(S_IFLNK, 22),
		    .link_error = EIO },
		  "\"missing\":{\"target\":\"EIO\"}",
		  0,
		  3 },
		{ { .parent = 0,
		    .name = "f",
		    .meta = META(S_IFREG, 21),
		    .read_error = EIO },
		  "\"missing\":{\"hash\":\"EIO\"}",
		  EIO,
		  3 },
		{ { .parent = 0,
		    .name = "f",
		    .meta = META(S_IFREG, 21),
		    .open_error = ETXTBSY },
		  "\"missing\":{\"hash\":\"ETXTBSY\"}",
		  ETXTBSY,
		  3 },
		{ { .parent = 0,
		    .name = "f",
		    .meta = META(S_IFREG, 21),
		    .open_inode = 77 },
		  "\"missing\":{\"hash\":\"exchanged_while_listing\"}",
		  ESTALE,
		  3 },
		{ { .parent = 0,
		    .name = "f",
		    .meta = META(S_IFREG, 21),
		    .xattr_error = EOPNOTSUPP },
		  "\"missing\":{\"xattrs\":\"not_kept_by_file_system\"}",
		  0,
		  3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct replay_entry entries[] = {
			{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
			rows[i].bad,
			{ .parent = 0, .name = "good", .meta = META(S_IFREG | 0644, 3) },
		};
		struct replay r;
		struct walk_result result;
		struct walk_config c = { .is_recursive = true,
					 .want_xattrs = true,
					 .digests = 1U << DIGEST_MD5 };

		CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
		result = run(&r, c);
		CHECK_EQ(result.counts.written, rows[i].written);
		CHECK(has(rows[i].want));
		if (!has(rows[i].want))
			printf("# wanted: %s\n", rows[i].want);
		CHECK(has("\"path\":\"/r/good\""));
		if (rows[i].error)
			CHECK_EQ(result.counts.errors[rows[i].error], 1);
		replay_fini(&r);
	}
}

/* Not the inode's own time: another mount, not entered, even where the table of mounts is silent. */
static void test_mount_root(void)
{
	struct replay_entry entries[] = {
		{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
		{ .parent = 0, .name = "mnt", .meta = META(S_IFDIR | 0755, 2) },
		{ .parent = 1, .name = "inside", .meta = META(S_IFREG | 0755, 3) },
	};
	struct replay r;
	struct walk_result result;

	entries[1].meta.attributes = FILE_ATTR_MOUNT_ROOT;
	CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
	result = run(&r, (struct walk_config){ .is_recursive = true });
	CHECK_EQ(result.counts.written, 2);
	CHECK_EQ(r.opens, 1);
	replay_fini(&r);
}

/* Where an inode number is proof, the entry "." says which directory was opened, for nothing; where
 * it is missing or says another, the handle is asked. */
static void test_identity_by_self(void)
{
	struct replay_entry entries[] = {
		{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
		{ .parent = 0, .name = "d", .meta = META(S_IFDIR | 0755, 3) },
		{ .parent = 1, .name = "f", .meta = META(S_IFREG | 0644, 4) },
	};
	struct walk_config c = { .is_recursive = true };
	struct walk_result result;
	struct replay r;

	CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
	result = run(&r, c);
	CHECK_EQ(r.queries, 3); /* the two entries, and the opened directory */
	is_inode_proof = true;
	r.queries = 0;
	result = run(&r, c);
	CHECK_EQ(r.queries, 2);
	CHECK_EQ(result.counts.written, 3);
	entries[1].is_self_hidden = true;
	r.queries = 0;
	result = run(&r, c);
	CHECK_EQ(r.queries, 3);
	CHECK_EQ(result.counts.written, 3);
	entries[1].is_self_hidden = false;
	entries[1].open_inode = 99;
	result = run(&r, c);
	CHECK_EQ(result.counts.written, 2);
	CHECK_EQ(result.counts.raced, 1);
	CHECK(has("\"path\":\"/r/d\",\"error\":\"ESTALE\""));
	is_inode_proof = false;
	replay_fini(&r);
}

/* Large files wait for a thread without a directory; what comes out is the same. */
static void test_large_files_later(void)
{
	static char bytes[3 << 20];
	struct replay_entry entries[] = {
		{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
		{ .parent = 0, .name = "d", .meta = META(S_IFDIR | 0755, 3) },
		{ .parent = 1, .name = "a", .meta = META(S_IFREG, 4), .content = bytes },
		{ .parent = 1, .name = "b", .meta = META(S_IFREG, 5), .content = bytes },
		{ .parent = 0, .name = "c", .meta = META(S_IFREG, 6), .content = bytes },
		{ .parent = 0,
		  .name = "gone",
		  .meta = META(S_IFREG, 7),
		  .content = bytes },
	};
	struct walk_config c = { .is_recursive = true, .digests = 1U << DIGEST_SHA256 };
	struct walk_result result;
	struct replay r;

	for (unsigned i = 2; i < 6; i++)
		entries[i].length = entries[i].meta.size_bytes =
			(size_t)(1 << 20) + i * 1000;
	entries[5].open_error = EIO;
	for (c.threads = 1; c.threads <= 4; c.threads++) {
		CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
		result = run(&r, c);
		CHECK_EQ(result.counts.written, 6);
		CHECK_EQ(result.counts.hashed_files, 3);
		CHECK_EQ(result.counts.hashed_bytes, 3 * (1 << 20) + 9000);
		CHECK_EQ(result.counts.errors[EIO], 1);
		CHECK(has("\"path\":\"/r/d/a\""));
		CHECK(has("\"missing\":{\"hash\":\"EIO\"}"));
		replay_fini(&r);
	}
	/* What waits counts when it is written: never more than asked for. */
	c.threads = 3;
	c.max_entries = 4;
	CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
	result = run(&r, c);
	CHECK_EQ(lines(), 4);
	CHECK_EQ(result.end, WALK_MAX_ENTRIES);
	replay_fini(&r);
}

/* Where an inode number is proof a small file is hashed in an open, a read, a query of the handle and
 * a close; whatever is unusual goes the long way and is told as ever. */
static void test_small_files_quick(void)
{
	struct replay_entry entries[] = {
		{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
		{ .parent = 0,
		  .name = "f",
		  .meta = META(S_IFREG, 4),
		  .content = "abc",
		  .length = 3 },
	};
	struct walk_config c = { .is_recursive = true, .digests = 1U << DIGEST_SHA256 };
	struct replay r;

	entries[1].meta.size_bytes = 3;
	is_inode_proof = true;
	CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
	(void)run(&r, c);
	CHECK_EQ(r.queries, 1);
	CHECK_EQ(r.reads, 1);
	CHECK(has("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	CHECK(has("\"size_bytes\":3,"));
	/* Touched just now: the query before, too. */
	entries[1].meta.ctime.s = INT64_C(1) << 40;
	r.queries = 0;
	(void)run(&r, c);
	CHECK(r.queries > 2);
	CHECK(has("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	/* Shorter than it says. */
	entries[1].meta.ctime.s = 9;
	entries[1].meta.size_bytes = 4;
	(void)run(&r, c);
	CHECK(has("\"changed_while_read\":true"));
	entries[1].read_error = EIO;
	(void)run(&r, c);
	CHECK(has("\"missing\":{\"hash\":\"EIO\"}"));
	is_inode_proof = false;
	replay_fini(&r);
}

static void test_limits(void)
{
	struct replay r;
	struct walk_result result;

	CHECK(!replay_init(&r, tree, ARRAY_LEN(tree)));
	result = run(&r, (struct walk_config){ .is_recursive = true, .max_entries = 3 });
	CHECK_EQ(result.end, WALK_MAX_ENTRIES);
	CHECK_EQ(lines(), 3);
	said.error = ENOSPC;
	result = run(&r, (struct walk_config){ .is_recursive = true });
	CHECK_EQ(result.end, WALK_OUTPUT);
	CHECK_EQ(result.output_error, -ENOSPC);
	said.error = 0;
	replay_fini(&r);
}

static void test_absent_times(void)
{
	struct replay_entry entries[] = {
		{ .name = "", .meta = META(S_IFDIR | 0755, 2) },
		{ .parent = 0, .name = "nobirth", .meta = META(S_IFREG | 0644, 3) },
	};
	struct replay r;

	entries[1].meta.have = 0x7ff;
	CHECK(!replay_init(&r, entries, ARRAY_LEN(entries)));
	(void)run(&r, (struct walk_config){ .is_recursive = true });
	CHECK(has("\"missing\":{\"born\":\"not_kept_by_file_system\"}"));
	entries[1].meta.have = 0xfff;
	entries[1].meta.btime = (struct file_time){ 0, 0 };
	(void)run(&r, (struct walk_config){ .is_recursive = true });
	CHECK(has("\"missing\":{\"born\":\"never_set_on_disk\"}"));
	CHECK(!has("\"born_ns\":0,"));
	entries[1].meta.btime = (struct file_time){ -1, 999999999 };
	(void)run(&r, (struct walk_config){ .is_recursive = true });
	CHECK(has("\"born_ns\":-1,\"born\":\"1969-12-31T23:59:59.999999999Z\""));
	replay_fini(&r);
}

int main(void)
{
	RUN(test_all);
	RUN(test_not_recursive);
	RUN(test_pattern_prunes);
	RUN(test_failures);
	RUN(test_mount_root);
	RUN(test_identity_by_self);
	RUN(test_large_files_later);
	RUN(test_small_files_quick);
	RUN(test_limits);
	RUN(test_absent_times);
	return tap_done();
}
