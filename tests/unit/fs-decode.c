/* What stands in bytes from outside: directory entries, mount tables, ACLs, capabilities, NTFS facts,
 * account files. */
#include "base/mem.h"
#include "filesystem/acl.h"
#include "filesystem/capability.h"
#include "filesystem/dirent.h"
#include "filesystem/mounts.h"
#include "filesystem/ntfs.h"
#include "filesystem/owners.h"
#include "lib/tap.h"

#include <unistd.h>

static void test_acl(void)
{
	static const uint8_t good[] = {
		2,  0, 0, 0,                         /* version */
		1,  0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* user:: */
		2,  0, 4, 0, 0xe8, 3,    0,    0,    /* user:1000: */
		4,  0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* group:: */
		8,  0, 7, 0, 0xff, 0xff, 0xff, 0xfe, /* group:4278190079: */
		16, 0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* mask:: */
		32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* other:: */
	};
	uint8_t bad[sizeof good];
	char text[256];

	CHECK(acl_text(good, sizeof good, text, sizeof text));
	CHECK_STR(
		text,
		"user::rw-,user:1000:r--,group::r--,group:4278190079:rwx,mask::r-x,other::---");
	CHECK(!acl_text(good, sizeof good, text, 64));
	CHECK(!acl_text(good, 4, text, sizeof text));
	CHECK(!acl_text(good, sizeof good - 1, text, sizeof text));
	CHECK(!acl_text(good, 3, text, sizeof text));
	memcpy(bad, good, sizeof bad);
	bad[0] = 1;
	CHECK(!acl_text(bad, sizeof bad, text, sizeof text));
	memcpy(bad, good, sizeof bad);
	bad[4] = 3;
	CHECK(!acl_text(bad, sizeof bad, text, sizeof text));
	bad[4] = 1;
	bad[6] = 8;
	CHECK(!acl_text(bad, sizeof bad, text, sizeof text));
}

static void test_capability(void)
{
	static const uint8_t two[20] = { 1, 0, 0, 2, 0, 0x30, 0, 0 };
	static const uint8_t three[24] = { 0,    0, 0, 3, 1, 0, 0, 0, 1,    0,    0, 0,
					   0x80, 0, 0, 0, 0, 0, 0, 0, 0xa0, 0x86, 1, 0 };
	char text[CAPABILITY_TEXT];
	struct capability c;

	CHECK(capability_decode(two, sizeof two, &c));
	CHECK(c.is_effective && !c.has_root);
	capability_text(&c, text);
	CHECK_STR(text, "cap_net_admin,cap_net_raw=ep");
	CHECK(capability_decode(three, sizeof three, &c));
	CHECK_EQ(c.root, 100000);
	capability_text(&c, text);
	CHECK_STR(text, "cap_chown=ip cap_bpf=p");
	CHECK(!capability_decode(two, 19, &c));
	CHECK(!capability_decode(two, 0, &c));
	CHECK(!capability_decode(three, 20, &c));
	c = (struct capability){ .permitted = UINT64_MAX, .inheritable = UINT64_MAX };
	capability_text(&c, text);
	CHECK(strlen(text) < sizeof text && strstr(text, ",63=ip"));
}

static void test_ntfs(void)
{
	/* 2009-07-14T01:14:24.0127440Z, an old friend; zero, which is a time that is not kept. */
	static const uint8_t times[32] = {
		0x01, 0xca, 0x04, 0x20, 0x66, 0x1f, 0x7d, 0x50
	};
	static const uint8_t attributes[4] = { 0, 0, 0, 0x22 };
	struct ntfs n = { .has_times = false };

	CHECK(ntfs_decode_times(times, sizeof times, &n));
	CHECK_EQ(n.created.s, (int64_t)(0x01ca0420661f7d50 / 10000000) - 11644473600);
	CHECK_EQ(n.created.ns, 0x01ca0420661f7d50 % 10000000 * 100);
	CHECK(n.is_created_kept);
	CHECK(!n.is_modified_kept && !n.is_accessed_kept && !n.is_record_changed_kept);
	CHECK(!ntfs_decode_times(times, 31, &n));
	CHECK(ntfs_decode_attributes(attributes, 4, true, &n));
	CHECK_EQ(n.attributes, 0x22);
	CHECK(ntfs_decode_attributes(attributes, 4, false, &n));
	CHECK_EQ(n.attributes, 0x22000000);
	CHECK(!ntfs_decode_attributes(attributes, 3, true, &n));
	CHECK_STR(ntfs_attribute_name(1), "hidden");
	CHECK(!ntfs_attribute_name(31));
}

static void test_dirent(void)
{
	_Alignas(8) uint8_t b[256], *p = b;
	struct dirent_entry e;
	struct cursor c;

	p = dirent_put(p, 1, DIRENT_DIRECTORY, ".", 1);
	p = dirent_put(p, 1, DIRENT_DIRECTORY, "..", 2);
	p = dirent_put(p, 7, DIRENT_REGULAR, "...", 3);
	p = dirent_put(p, 8, DIRENT_LINK, "a\xff", 2);
	cur_init(&c, b, (size_t)(p - b));
	CHECK(dirent_next(&c, &e) && e.inode == 7 && e.length == 3 &&
	      e.type == DIRENT_REGULAR);
	CHECK(dirent_next(&c, &e) && e.inode == 8 && !strcmp(e.name, "a\xff"));
	CHECK(!dirent_next(&c, &e) && !c.is_bad);
	cur_init(&c, b, (size_t)(p - b) - 1);
	while (dirent_next(&c, &e))
		;
	CHECK(c.is_bad);
	/* A name with a slash, without an end, without bytes. */
	(void)dirent_put(b, 1, DIRENT_REGULAR, "a/b", 3);
	cur_init(&c, b, 24);
	CHECK(!dirent_next(&c, &e) && c.is_bad);
	memset(b + 19, 'x', 5);
	cur_init(&c, b, 24);
	CHECK(!dirent_next(&c, &e) && c.is_bad);
	(void)dirent_put(b, 1, DIRENT_REGULAR, "", 0);
	cur_init(&c, b, 24);
	CHECK(!dirent_next(&c, &e) && c.is_bad);
	memset(b + 16, 0, 2);
	cur_init(&c, b, 24);
	CHECK(!dirent_next(&c, &e) && c.is_bad);
}

static void test_mounts(void)
{
	static const char text[] =
		"26 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
		"30 26 0:20 / /proc rw shared:5 master:1 - proc proc rw\n"
		"31 26 0:33 / /mnt/a\\040b\\012c rw - fuse.sshfs me@host:/x\\134y rw\n"
		"nonsense\n"
		"32 26 8:1 /sub /mnt/twice rw - xfs /dev/sda1 rw\n"
		"33 32 8:2 / /mnt/twice ro - btrfs /dev/sda2 rw";
	char *copy = mem_strdup(text);
	const struct mount_row *r;
	struct mounts m;

	CHECK_EQ(mounts_parse(&m, copy, sizeof text - 1), 1);
	CHECK_EQ(m.count, 5);
	CHECK_STR(m.rows[2].point, "/mnt/a b\nc");
	CHECK_STR(m.rows[2].source, "me@host:/x\\y");
	CHECK_EQ(m.rows[2].kind, MOUNT_FUSE);
	CHECK_EQ(m.rows[1].kind, MOUNT_PSEUDO);
	r = mounts_at(&m, "/mnt/twice");
	CHECK(r && r->id == 33);
	r = mounts_over(&m, "/mnt/twice/x");
	CHECK(r && r->id == 33);
	r = mounts_over(&m, "/proceedings");
	CHECK(r && r->id == 26);
	CHECK(mounts_find(&m, 30) == &m.rows[1] && !mounts_find(&m, 99));
	CHECK_EQ(m.rows[3].dev_major, 8);
	mounts_fini(&m);
	CHECK_EQ(mount_kind_of("nfs4"), MOUNT_NETWORK);
	CHECK_EQ(mount_kind_of("fuse"), MOUNT_FUSE);
	CHECK_EQ(mount_kind_of("ext4"), MOUNT_LOCAL);
}

/* Which mounts a path can meet. */
static void test_mounts_hidden(void)
{
	/* Not in the order in which they were made; 40 and what is on it lie below 42. */
	static const char text[] = "41 40 0:41 / /a/b/c rw - tmpfs x rw\n"
				   "26 1 254:0 / / rw - ext4 x rw\n"
				   "40 26 0:40 / /a/b rw - tmpfs x rw\n"
				   "42 26 0:42 / /a rw - tmpfs x rw\n"
				   "43 42 0:43 / /a/d rw - tmpfs x rw\n"
				   "44 43 0:44 / /a/d rw - tmpfs x rw\n"
				   "45 26 0:45 / /ab rw - tmpfs x rw\n"
				   "50 26 0:50 / / rw - tmpfs x rw\n"
				   "51 50 0:51 / /ab/x rw - tmpfs x rw\n";

	static const struct {
		const char *path;
		uint64_t id;
	} over[] = {
		{ "/a", 42 },  { "/a/b", 42 },  { "/a/b/c/d", 42 }, { "/a/d/e", 44 },
		{ "/ab", 45 }, { "/ab/x", 45 }, { "/", 26 },        { "/x", 26 },
	};
	struct mounts m;

	CHECK(!mounts_parse(&m, mem_strdup(text), sizeof text - 1));
	for (size_t i = 0; i < ARRAY_LEN(over); i++) {
		const struct mount_row *r = mounts_over(&m, over[i].path);

		CHECK_EQ(r ? r->id : 0, over[i].id);
	}
	CHECK(!mounts_at(&m, "/a/b") && !mounts_at(&m, "/a/b/c"));
	CHECK(mounts_at(&m, "/a/d") == mounts_find(&m, 44));
	mounts_fini(&m);
	/* Numbers that make no sense come to an end. */
	CHECK(!mounts_parse(&m,
			    mem_strdup("1 2 0:1 / /a rw - x x rw\n"
				       "2 1 0:1 / /a rw - x x rw\n"
				       "3 3 0:1 / /a rw - x x rw\n"),
			    75));
	mounts_fini(&m);
}

static void test_owners(void)
{
	char path[] = "/tmp/weir-owners-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] =
		"root:x:0:0::/:/bin/sh\nb:x:5:5\n# no line\n:x:9:9\nlate:x:0:1\n"
		"big:x:4294967295:1\nodd:x:1x:1\n7up:x:70:1\nlast:x:3:4";
	struct owners *o;
	uint32_t id;

	CHECK(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)(sizeof text - 1));
	(void)close(fd);
	o = owners_new(path, "/nonexistent");
	CHECK(o && owners_user(o, 0) && !strcmp(owners_user(o, 0)->name, "root"));
	CHECK(owners_user(o, 5) && owners_user(o, 3) && owners_user(o, UINT32_MAX));
	CHECK(!owners_user(o, 9) && !owners_user(o, 1) && !owners_group(o, 0));
	CHECK(owners_find_user(o, "last", &id) && id == 3);
	CHECK(owners_find_user(o, "1234", &id) && id == 1234);
	CHECK(owners_find_user(o, "7up", &id) && id == 70);
	CHECK(!owners_find_user(o, "nobody-here", &id) &&
	      !owners_find_user(o, "12x", &id));
	owners_free(o);
	(void)unlink(path);
}

int main(void)
{
	RUN(test_acl);
	RUN(test_capability);
	RUN(test_ntfs);
	RUN(test_dirent);
	RUN(test_mounts);
	RUN(test_mounts_hidden);
	RUN(test_owners);
	return tap_done();
}
