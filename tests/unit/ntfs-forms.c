/* What Windows hands out about files, decoded from buffers made by hand: each class of directory
 * information, streams, reparse points, rights; and every damage that a length can have. */
#include "base/bytes.h"
#include "lib/tap.h"
#include "port/ntfs_forms.h"

#include <string.h>

static uint8_t buffer[4096];
static size_t used;

static void begin(void)
{
	memset(buffer, 0, sizeof buffer);
	used = 0;
}

static void put16(size_t at, unsigned n)
{
	buffer[at] = (uint8_t)n;
	buffer[at + 1] = (uint8_t)(n >> 8);
}

static void put32(size_t at, uint32_t n)
{
	put16(at, n & 0xffff);
	put16(at + 2, n >> 16);
}

static void put64(size_t at, uint64_t n)
{
	put32(at, (uint32_t)n);
	put32(at + 4, (uint32_t)(n >> 32));
}

static size_t put_units(size_t at, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		put16(at + 2 * i, (unsigned char)text[i]);
	return 2 * n;
}

/* One entry behind the last; returns where it begins. */
static size_t entry(size_t name_at, const char *name, uint32_t attributes, uint32_t next)
{
	size_t at = used, bytes = put_units(at + name_at, name);

	put32(at, next);
	put64(at + 8, 132000000000000001);
	put64(at + 16, 132000000000000002);
	put64(at + 24, 132000000000000003);
	put64(at + 32, 132000000000000004);
	put64(at + 40, 12345);
	put64(at + 48, 16384);
	put32(at + 56, attributes);
	put32(at + 60, (uint32_t)bytes);
	used = next ? at + next : at + name_at + bytes;
	return at;
}

static void check_class(enum dir_class class, size_t name_at, size_t id_at, size_t tag_at)
{
	struct dir_form form;
	struct dir_entry e;
	size_t at;

	begin();
	at = entry(name_at, "a.txt", 0x20, 256);
	if (id_at)
		put64(at + id_at, 0x0001000000000099);
	at = entry(name_at, "junction", 0x410, 0);
	put32(at + (tag_at ? tag_at : 64), 0xA0000003);
	dir_form_init(&form, class, buffer, used);
	CHECK(dir_form_next(&form, &e));
	CHECK_STR(e.name, "a.txt");
	CHECK_EQ(e.length, 5);
	CHECK_EQ(e.id, id_at ? 0x0001000000000099 : 0);
	CHECK_EQ(e.born, 132000000000000001);
	CHECK_EQ(e.accessed, 132000000000000002);
	CHECK_EQ(e.modified, 132000000000000003);
	CHECK_EQ(e.changed, 132000000000000004);
	CHECK_EQ(e.size_bytes, 12345);
	CHECK_EQ(e.allocated_bytes, 16384);
	CHECK_EQ(e.attributes, 0x20);
	CHECK_EQ(e.reparse_tag, 0);
	CHECK(dir_form_next(&form, &e));
	CHECK_STR(e.name, "junction");
	CHECK_EQ(e.reparse_tag, 0xA0000003);
	CHECK(!dir_form_next(&form, &e));
	CHECK(!form.is_bad);
}

static void test_classes(void)
{
	check_class(DIR_FULL, 68, 0, 0);
	check_class(DIR_ID_BOTH, 104, 96, 0);
	check_class(DIR_ID_EXTD, 88, 72, 68);
	check_class(DIR_ID_EXTD_BOTH, 114, 72, 68);
}

/* Cut anywhere, what is read never lies: the same entries, then damage. */
static void test_every_cut(void)
{
	struct dir_form form;
	struct dir_entry e;
	size_t whole;

	begin();
	(void)entry(104, "first", 0, 128);
	(void)entry(104, "second", 0, 0);
	whole = used;
	for (size_t n = 0; n < whole; n++) {
		unsigned found = 0;

		dir_form_init(&form, DIR_ID_BOTH, buffer, n);
		while (dir_form_next(&form, &e))
			found++;
		CHECK_EQ(found, n >= 128 ? 1 : 0);
		CHECK_EQ(form.is_bad, n > 0);
	}
}

static bool is_refused(size_t at, uint32_t value)
{
	struct dir_form form;
	struct dir_entry e;

	begin();
	(void)entry(68, "name", 0, 0);
	put32(at, value);
	dir_form_init(&form, DIR_FULL, buffer, used);
	return !dir_form_next(&form, &e) && form.is_bad;
}

static void test_lengths_that_lie(void)
{
	CHECK(is_refused(60, 0));          /* no name */
	CHECK(is_refused(60, 7));          /* half a unit */
	CHECK(is_refused(60, 10));         /* behind the end */
	CHECK(is_refused(60, 0xffffffff)); /* far behind it */
	CHECK(is_refused(0, 4));           /* the next one within this one */
	CHECK(is_refused(0, 0xfffffff0));
}

static void test_names(void)
{
	struct dir_form form;
	struct dir_entry e;
	size_t at;

	/* 255 units of three bytes each; a surrogate without its partner. */
	begin();
	at = entry(68, "", 0, 0);
	put32(at + 60, 510);
	for (size_t i = 0; i < 255; i++)
		put16(at + 68 + 2 * i, 0x20ac);
	put16(at + 68, 0xd800);
	dir_form_init(&form, DIR_FULL, buffer, at + 68 + 510);
	CHECK(dir_form_next(&form, &e));
	CHECK_EQ(e.length, 765);
	CHECK(!memcmp(e.name, "\xed\xa0\x80\xe2\x82\xac", 6));
	/* A NUL in a name. */
	begin();
	at = entry(68, "abc", 0, 0);
	put16(at + 70, 0);
	dir_form_init(&form, DIR_FULL, buffer, used);
	CHECK(!dir_form_next(&form, &e) && form.is_bad);
}

static void test_kinds(void)
{
	CHECK_EQ(ntfs_dirent_type(0x20, 0), 8);
	CHECK_EQ(ntfs_dirent_type(0x10, 0), 4);
	CHECK_EQ(ntfs_dirent_type(0x410, 0xA0000003), 10);
	CHECK_EQ(ntfs_dirent_type(0x420, 0xA000000C), 10);
	CHECK_EQ(ntfs_dirent_type(0x420, 0x80000013), 8);
	CHECK_EQ(ntfs_dirent_type(0x410, 0), 10);
	CHECK_STR(ntfs_tag_name(0xA0000003), "mount_point");
	CHECK(!ntfs_tag_name(1));
}

static void test_times(void)
{
	struct file_time t;

	CHECK(!ntfs_time(0, &t));
	CHECK(!ntfs_time(-1, &t));
	CHECK(ntfs_time(116444736000000001, &t) && t.s == 0 && t.ns == 100);
	CHECK(ntfs_time(1, &t) && t.s == -11644473600 && t.ns == 100);
}

static void put_stream(size_t at, const char *name, uint32_t next)
{
	put32(at, next);
	put32(at + 4, (uint32_t)put_units(at + 24, name));
}

static void test_streams(void)
{
	char names[64];

	begin();
	put_stream(0, "::$DATA", 48);
	put_stream(48, ":Zone.Identifier:$DATA", 80);
	put_stream(128, ":b:$DATA", 0);
	CHECK_EQ(ntfs_stream_names(buffer, 256, "user.", names, sizeof names), 28);
	CHECK_STR(names, "user.Zone.Identifier");
	CHECK_STR(names + 21, "user.b");
	CHECK_EQ(ntfs_stream_names(buffer, 256, "user.", names, 21 + 6), WEIR_ERR_LIMIT);
	CHECK_EQ(ntfs_stream_names(buffer, 130, "user.", names, sizeof names),
		 WEIR_ERR_FORMAT);
	CHECK_EQ(ntfs_stream_names(buffer, 0, "user.", names, sizeof names), 0);
	put32(52, 1 << 20);
	CHECK_EQ(ntfs_stream_names(buffer, 256, "user.", names, sizeof names),
		 WEIR_ERR_FORMAT);
}

static void test_reparse(void)
{
	char target[64];
	uint32_t tag;
	size_t bytes;

	begin();
	put32(0, 0xA000000C);
	bytes = put_units(20, "\\??\\C:\\there");
	put16(8, 0);
	put16(10, (unsigned)bytes);
	put16(12, (unsigned)bytes);
	put16(14, (unsigned)put_units(20 + bytes, "C:\\there"));
	CHECK_EQ(ntfs_reparse_target(buffer, 80, &tag, target, sizeof target), 8);
	CHECK(!memcmp(target, "C:\\there", 8));
	CHECK_EQ(tag, 0xA000000C);
	CHECK_EQ(ntfs_reparse_target(buffer, 80, &tag, target, 2), 2);
	/* Without the one that is shown. */
	put16(14, 0);
	CHECK_EQ(ntfs_reparse_target(buffer, 80, &tag, target, sizeof target), 12);
	put16(10, 200);
	CHECK_EQ(ntfs_reparse_target(buffer, 80, &tag, target, sizeof target),
		 WEIR_ERR_FORMAT);
	put32(0, 0x80000013);
	CHECK_EQ(ntfs_reparse_target(buffer, 80, &tag, target, sizeof target), 0);
	CHECK_EQ(ntfs_reparse_target(buffer, 7, &tag, target, sizeof target),
		 WEIR_ERR_FORMAT);
}

static size_t put_sid(size_t at, unsigned count, const uint32_t *parts)
{
	buffer[at] = 1;
	buffer[at + 1] = (uint8_t)count;
	buffer[at + 7] = 5;
	for (unsigned i = 0; i < count; i++)
		put32(at + 8 + 4 * i, parts[i]);
	return 8 + 4 * count;
}

static void test_sddl(void)
{
	static const uint32_t system[] = { 18 }, admins[] = { 32, 544 };
	char text[256];

	begin();
	buffer[0] = 1;
	put16(2, 0x9404); /* self-relative, protected, inherited, a list is there */
	put32(4, 20);
	put32(8, 36);
	put32(16, 64);
	(void)put_sid(20, 1, system);
	(void)put_sid(36, 2, admins);
	put16(66, 8 + 20); /* the list's size */
	put16(68, 1);
	buffer[72] = 0;
	buffer[73] = 3;
	put16(74, 20);
	put32(76, 0x1f01ff);
	(void)put_sid(80, 1, system);
	CHECK(ntfs_sddl(buffer, 92, text, sizeof text) > 0);
	CHECK_STR(text, "O:S-1-5-18G:S-1-5-32-544D:PAI(A;OICI;0x1f01ff;;;S-1-5-18)");
	CHECK_EQ(ntfs_sddl(buffer, 92, text, 20), WEIR_ERR_LIMIT);
	for (size_t n = 0; n < 92; n++)
		CHECK_EQ(ntfs_sddl(buffer, n, text, sizeof text), WEIR_ERR_FORMAT);
	/* A list that is present and empty, and none at all. */
	put16(68, 0);
	CHECK(ntfs_sddl(buffer, 92, text, sizeof text) > 0);
	CHECK_STR(text, "O:S-1-5-18G:S-1-5-32-544D:PAI");
	put32(16, 0);
	CHECK(ntfs_sddl(buffer, 92, text, sizeof text) > 0);
	CHECK_STR(text, "O:S-1-5-18G:S-1-5-32-544D:PAINO_ACCESS_CONTROL");
	put16(2, 4);
	CHECK_EQ(ntfs_sddl(buffer, 92, text, sizeof text), WEIR_ERR_FORMAT);
}

int main(void)
{
	RUN(test_classes);
	RUN(test_every_cut);
	RUN(test_lengths_that_lie);
	RUN(test_names);
	RUN(test_kinds);
	RUN(test_times);
	RUN(test_streams);
	RUN(test_reparse);
	RUN(test_sddl);
	return tap_done();
}
