/* The whole of a listing over what Windows hands out: structures as bytes, from a volume out of a table
 * (lib/ntfs_source.h), through the same calls as on Windows, to the lines of `weir list`. */
#include "base/bytes.h"
#include "filesystem/owners.h"
#include "filesystem/walk.h"
#include "lib/ntfs_source.h"
#include "lib/tap.h"
#include "port/port.h"

#include <sys/stat.h>

#define BORN     131000000000000001
#define ACCESSED 132000000000000002
#define MODIFIED 133000000000000003
#define CHANGED  133500000000000004
#define TIMES                       \
 {                                  \
  BORN, ACCESSED, MODIFIED, CHANGED \
 }

/* IO_REPARSE_TAG_MOUNT_POINT to C:\there, with the name that is shown. */
static const uint8_t junction[] = {
	0x03, 0, 0,   0xa0, 40,   0, 0,    0, 0,   0, 20,  0, 20,   0, 16,  0, /* head */
	'\\', 0, '?', 0,    '?',  0, '\\', 0, 'C', 0, ':', 0, '\\', 0, 't', 0,
	'h',  0, 'r', 0, /* \??\C:\thr */
	'C',  0, ':', 0,    '\\', 0, 't',  0, 'h', 0, 'e', 0, 'r',  0, 'e', 0,
};

/* Owner and group S-1-5-18, a list of rights that is there and empty. */
static const uint8_t rights[] = {
	1, 0, 4, 0x80, 20, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0,
	1, 1, 0, 0,    0,  0, 0, 5, 18, 0, 0, 0, 2, 0, 8, 0, 0,  0, 0, 0,
};

static const char *const streams[] = { "Zone.Identifier", "[ZoneTransfer]", "b", "",
				       NULL };

#define FILE_ITEM(in, called, number)                                                  \
 .parent = (in), .name = (called), .attributes = 0x20, .id = (number), .times = TIMES, \
 .links = 1, .allocated = 4096, .security = rights, .security_bytes = sizeof rights
#define FOLDER_ITEM(in, called, number)                                                \
 .parent = (in), .name = (called), .attributes = 0x10, .id = (number), .times = TIMES, \
 .links = 1, .security = rights, .security_bytes = sizeof rights

static const struct ntfs_item items[] = {
	{ FOLDER_ITEM(0, "", 0x0005000000000005), .streams = streams },
	{ FILE_ITEM(0, "plain.txt", 0x0001000000000040), .size = 7, .content = "content",
	  .streams = streams },
	{ .parent = 0,
	  .name = "junction",
	  .attributes = 0x410,
	  .tag = 0xA0000003,
	  .id = 41,
	  .times = TIMES,
	  .links = 1,
	  .reparse = junction,
	  .reparse_bytes = sizeof junction },
	{ FOLDER_ITEM(0, "folder", 42) },
	{ FILE_ITEM(3, "sub\xe5\x90\x8d.txt", 43), .size = 5000000000 },
	/* What nobody may open: the page file. */
	{ FILE_ITEM(0, "pagefile.sys", 44), .size = 1 << 20, .look_error = EBUSY,
	  .content_error = EBUSY },
	/* Held by its owner's rights. */
	{ FOLDER_ITEM(0, "System Volume Information", 45), .content_error = EACCES },
	{ .parent = 0,
	  .name = "hard.txt",
	  .attributes = 0x26,
	  .id = 0x0001000000000040,
	  .times = TIMES,
	  .links = 2,
	  .size = 7,
	  .content = "content",
	  .allocated = 4096 },
	/* A file that the system shares with others, and that is no link. */
	{ .parent = 0,
	  .name = "dedup.bin",
	  .attributes = 0x620,
	  .tag = 0x80000013,
	  .id = 46,
	  .times = { 0, 0, MODIFIED, 0 },
	  .links = 1,
	  .size = 3,
	  .content = "abc" },
};

struct text {
	char bytes[64 << 10];
	size_t used;
};

static struct text said;

static int keep(void *arg, const void *bytes, size_t length)
{
	struct text *t = arg;

	if (length > sizeof t->bytes - t->used - 1)
		return -ENOSPC;
	memcpy(t->bytes + t->used, bytes, length);
	t->used += length;
	t->bytes[t->used] = '\0';
	return 0;
}

static void world_init(struct ntfs_world *w, enum dir_class best)
{
	*w = (struct ntfs_world){
		.items = items, .count = ARRAY_LEN(items), .best = best, .per_call = 100
	};
	w->handles[0].is_open = true;
}

/* What `weir list -r --xattr --hash md5` prints of the world. */
static struct walk_result list(struct ntfs_world *w)
{
	static char path[] = "C:";
	struct volume v = { .path = path,
			    .path_length = 2,
			    .fd = -1,
			    .atime = VOLUME_NOATIME,
			    .calls = &ntfs_world_calls,
			    .state = w,
			    .is_ntfs = true,
			    .mount_id = 7 };
	struct volume *volumes[] = { &v };
	struct walk_config config = { .volumes = volumes,
				      .volume_count = 1,
				      .is_recursive = true,
				      .threads = 1,
				      .want_xattrs = true,
				      .want_targets = true,
				      .digests = 1U << DIGEST_MD5,
				      .form = &form_jsonl };
	struct walk_result result = { .end = WALK_STALLED };
	struct walk_counts now;
	struct out_sink sink;
	struct weir_error err;
	struct walk *walk;

	said.used = 0;
	said.bytes[0] = '\0';
	CHECK_EQ(ntfs_files_query(&world_source, w, 0, "", &v.meta), 0);
	CHECK(!out_sink_init(&sink, keep, &said));
	config.owners = owners_new("/nonexistent", "/nonexistent");
	config.sink = &sink;
	CHECK(!walk_start(&walk, &config, &err));
	while (!port_event_wait(walk_done(walk), 1000000))
		walk_poll(walk, &now);
	walk_finish(walk, &result);
	out_sink_fini(&sink);
	owners_free((struct owners *)(uintptr_t)config.owners);
	CHECK_EQ(w->open_count, 0);
	return result;
}

/* A line of that path has that text. */
static bool has(const char *path, const char *text)
{
	const char *line = said.bytes;
	char key[200];

	(void)snprintf(key, sizeof key, "\"path\":\"%s\"", path);
	while ((line = strstr(line, key))) {
		const char *end = strchr(line, '\n'), *found = strstr(line, text);

		if (found && end && found < end)
			return true;
		line++;
	}
	return false;
}

static void check_listing(void)
{
	CHECK(has("C:/plain.txt", "\"type\":\"file\""));
	CHECK(has("C:/plain.txt", "\"size_bytes\":7"));
	CHECK(has("C:/plain.txt", "\"allocated_bytes\":4096"));
	CHECK(has("C:/plain.txt", "\"inode\":281474976710720"));
	CHECK(has("C:/plain.txt", "\"born_ns\":1455526400000000100,"));
	CHECK(has("C:/plain.txt", "\"accessed_ns\":1555526400000000200,"));
	CHECK(has("C:/plain.txt", "\"modified_ns\":1655526400000000300,"));
	CHECK(has("C:/plain.txt", "\"changed_ns\":1705526400000000400,"));
	CHECK(has("C:/plain.txt", "\"stream_count\":2"));
	CHECK(has("C:/plain.txt", "\"record_changed_ns\":1705526400000000400"));
	/* base64 of [ZoneTransfer], and of the rights in SDDL. */
	CHECK(has("C:/plain.txt", "user.Zone.Identifier"));
	CHECK(has("C:/plain.txt", "W1pvbmVUcmFuc2Zlcl0="));
	CHECK(has("C:/plain.txt", "system.ntfs_sddl"));
	CHECK(has("C:/plain.txt", "TzpTLTEtNS0xOEc6Uy0xLTUtMThEOg=="));
	CHECK(has("C:/plain.txt", "\"md5\":\"9a0364b9e99bb480dd25e1f0284c8555\""));
	CHECK(has("C:/plain.txt", "\"sddl\":\"O:S-1-5-18G:S-1-5-18D:\""));
	CHECK(!has("C:/junction", "\"sddl\""));
	/* Named with where it leads, and not entered. */
	CHECK(has("C:/junction", "\"type\":\"link\""));
	CHECK(has("C:/junction", "C:\\\\there"));
	CHECK(strstr(said.bytes, "C:/junction/") == NULL);
	CHECK(has("C:/folder/sub\xe5\x90\x8d.txt", "\"size_bytes\":5000000000"));
	CHECK(has("C:/hard.txt", "\"links\":2"));
	CHECK(has("C:/hard.txt", "\"hidden\""));
	CHECK(has("C:/hard.txt", "\"system\""));
	/* It has content, so it is a file; a time that is not kept is not told. */
	CHECK(has("C:/dedup.bin", "\"type\":\"file\""));
	CHECK(has("C:/dedup.bin", "\"md5\":\"900150983cd24fb0d6963f7d28e17f72\""));
	CHECK(!has("C:/dedup.bin", "\"born_ns\""));
}

/* Told as their folder tells them, with what failed. */
static void check_refused(void)
{
	CHECK(has("C:/pagefile.sys", "\"size_bytes\":1048576"));
	CHECK(has("C:/pagefile.sys", "\"modified_ns\":1655526400000000300,"));
	CHECK(has("C:/pagefile.sys", "EBUSY"));
	CHECK(!has("C:/pagefile.sys", "\"links\""));
	CHECK(has("C:/System Volume Information", "\"type\":\"directory\""));
	CHECK(has("C:/System Volume Information", "EACCES"));
}

static void test_listing(void)
{
	struct ntfs_world w;

	world_init(&w, DIR_ID_EXTD_BOTH);
	CHECK_EQ(list(&w).end, WALK_COMPLETE);
	check_listing();
	check_refused();
	CHECK_EQ(w.class_asked[DIR_ID_BOTH] + w.class_asked[DIR_FULL], 0);
}

/* Windows 7, FAT, wine: the next best class, and the same lines. */
static void test_fall_backs(void)
{
	struct ntfs_world w;

	world_init(&w, DIR_ID_BOTH);
	CHECK_EQ(list(&w).end, WALK_COMPLETE);
	check_listing();
	check_refused();
	CHECK(w.class_asked[DIR_ID_BOTH] > 0);
	CHECK_EQ(w.class_asked[DIR_FULL], 0);
	/* Without ids in the entries. */
	world_init(&w, DIR_FULL);
	CHECK_EQ(list(&w).end, WALK_COMPLETE);
	check_listing();
	check_refused();
	CHECK(w.class_asked[DIR_FULL] > 0);
}

/* One entry at a time. */
static void test_small_answers(void)
{
	struct ntfs_world w;

	world_init(&w, DIR_ID_BOTH);
	w.per_call = 1;
	CHECK_EQ(list(&w).end, WALK_COMPLETE);
	check_listing();
	check_refused();
}

/* A folder whose answer is damaged is told as one that cannot be read, and nothing of it is made up. */
static void test_damage(void)
{
	static const int cuts[] = { 8, 20, 60, 100 };
	struct ntfs_world w;

	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		world_init(&w, DIR_ID_EXTD_BOTH);
		w.damage = cuts[i];
		w.per_call = 1;
		(void)list(&w);
		CHECK(strstr(said.bytes, "EBADMSG") != NULL || !said.used);
		CHECK(strstr(said.bytes, "plain") == NULL);
	}
}

static void test_every_error(void)
{
	static const int errors[] = { EACCES, EBUSY, EIO, ENOENT, ENOMEM };
	struct ntfs_item copy[ARRAY_LEN(items)];
	struct ntfs_world w;

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		memcpy(copy, items, sizeof items);
		copy[1].content_error = errors[i];
		copy[3].entries_error = errors[i];
		copy[7].look_error = errors[i];
		world_init(&w, DIR_ID_BOTH);
		w.items = copy;
		(void)list(&w);
		/* The others are told all the same. */
		CHECK(has("C:/dedup.bin", "\"size_bytes\":3"));
		CHECK(has("C:/junction", "\"type\":\"link\""));
		if (errors[i] == EACCES || errors[i] == EBUSY)
			CHECK(has("C:/hard.txt", "\"size_bytes\":7"));
	}
}

/* No call follows what leads away, whoever put it there meanwhile. */
static void test_no_following(void)
{
	struct ntfs_world w;
	char target[64];

	world_init(&w, DIR_ID_EXTD_BOTH);
	CHECK_EQ(ntfs_world_calls.open(&w, 0, "junction", FILE_OPEN_DIRECTORY), -ELOOP);
	CHECK_EQ(w.open_count, 0);
	CHECK_EQ(ntfs_world_calls.link(&w, 0, "junction", target, sizeof target), 8);
	CHECK(!memcmp(target, "C:\\there", 8));
	CHECK_EQ(ntfs_world_calls.link(&w, 0, "plain.txt", target, sizeof target),
		 -EINVAL);
}

static uint64_t be(unsigned count, const uint8_t *p)
{
	uint64_t n = 0;

	while (count--)
		n = n << 8 | *p++;
	return n;
}

static void test_attributes(void)
{
	struct ntfs_world w;
	uint8_t bytes[200];

	world_init(&w, DIR_ID_EXTD_BOTH);
	/* The order is ntfs-3g's: birth, modification, access, change. */
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "plain.txt", "system.ntfs_times_be", bytes,
					sizeof bytes),
		 32);
	CHECK_EQ(be(8, bytes), BORN);
	CHECK_EQ(be(8, bytes + 8), MODIFIED);
	CHECK_EQ(be(8, bytes + 16), ACCESSED);
	CHECK_EQ(be(8, bytes + 24), CHANGED);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "hard.txt", "system.ntfs_attrib_be", bytes,
					4),
		 4);
	CHECK_EQ(be(4, bytes), 0x26);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "hard.txt", "system.ntfs_attrib_be", bytes,
					3),
		 -ERANGE);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "plain.txt", "user.Zone.Identifier", bytes,
					14),
		 14);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "plain.txt", "user.Zone.Identifier", bytes,
					13),
		 -ERANGE);
	/* Of the listed folder itself. */
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, ".", "user.Zone.Identifier", bytes, 14),
		 14);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "", "user.Zone.Identifier", bytes, 14),
		 14);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "plain.txt", "user.none", bytes, 13),
		 -ENOENT);
	CHECK_EQ(ntfs_world_calls.xattr(&w, 0, "plain.txt", "system.other", bytes, 13),
		 -ENODATA);
	CHECK_EQ(w.open_count, 0);
}

int main(void)
{
	RUN(test_listing);
	RUN(test_fall_backs);
	RUN(test_small_answers);
	RUN(test_damage);
	RUN(test_every_error);
	RUN(test_no_following);
	RUN(test_attributes);
	return tap_done();
}
