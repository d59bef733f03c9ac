/* Who may change a file, judged by descriptors made by hand: owners, each right at each place of a path, each
 * kind of entry, and damage; and the folders that a program lies in. */
#include "base/bytes.h"
#include "lib/tap.h"
#include "port/ntfs_forms.h"

#include <string.h>

enum {
	OWNER = 20,
	LIST = 48,
	ENTRIES = LIST + 8,
};

static const char *const trusted[] = { "S-1-5-18", "S-1-5-32-544", NULL };
static uint8_t buffer[512];
static size_t used;
static char why[160];

/* S-1-5-first, or S-1-5-32-second. */
static size_t put_sid(size_t at, uint32_t first, uint32_t second)
{
	buffer[at] = 1;
	buffer[at + 1] = second ? 2 : 1;
	buffer[at + 7] = 5;
	(void)put_u32le(buffer + at + 8, first);
	if (second)
		(void)put_u32le(buffer + at + 12, second);
	return second ? 16 : 12;
}

static void put_end(void)
{
	(void)put_u16le(buffer + LIST + 2, (uint16_t)(used - LIST));
}

/* Of the administrators, with a list that is empty. */
static void begin(void)
{
	memset(buffer, 0, sizeof buffer);
	buffer[0] = 1;
	(void)put_u16le(buffer + 2, 0x8004);
	(void)put_u32le(buffer + 4, OWNER);
	(void)put_u32le(buffer + 16, LIST);
	(void)put_sid(OWNER, 32, 544);
	buffer[LIST] = 2;
	used = ENTRIES;
	put_end();
}

static void add(uint8_t type, uint8_t flags, uint32_t mask, uint32_t first,
		uint32_t second)
{
	size_t at = used, n = put_sid(at + 8, first, second);

	buffer[at] = type;
	buffer[at + 1] = flags;
	(void)put_u16le(buffer + at + 2, (uint16_t)(8 + n));
	(void)put_u32le(buffer + at + 4, mask);
	used += 8 + n;
	(void)put_u16le(buffer + LIST + 4, (uint16_t)(buffer[LIST + 4] + 1U));
	put_end();
}

/* The last entry is S-1-3-0's. */
static void put_creator(void)
{
	buffer[used - 5] = 3;
	(void)put_u32le(buffer + used - 4, 0);
}

static bool is_held(enum ntfs_hold hold)
{
	why[0] = '\0';
	return ntfs_is_held(buffer, used, hold, trusted, why, sizeof why);
}

static void test_whose(void)
{
	begin();
	CHECK(is_held(NTFS_HOLD_ALL));
	add(0, 3, 0x1f01ff, 18, 0);
	add(0, 3, 0x1f01ff, 32, 544);
	CHECK(is_held(NTFS_HOLD_ALL));
	add(0, 3, 0x1200a9, 32, 545); /* users may read */
	CHECK(is_held(NTFS_HOLD_ALL));
	(void)put_sid(OWNER, 32, 545);
	CHECK(!is_held(NTFS_HOLD_ROOT));
	CHECK_STR(why, "belongs to S-1-5-32-545");
}

/* What Windows gives others by itself, and whether a place may have it. */
static void test_places(void)
{
	static const struct {
		const char *what;
		uint32_t mask;
		uint8_t flags;
		bool secret, all, above, root;
	} rows[] = {
		{ "ProgramData: users read", 0x1200a9, 3, false, true, true, true },
		{ "ProgramData: users add", 0x116, 2, false, false, true, true },
		{ "C:\\: those known add folders", 0x4, 0, false, false, true, true },
		{ "C:\\: what is made there is theirs", 0x1301bf, 11, false, true, true,
		  true },
		{ "a folder made in C:\\: may be changed", 0x1301bf, 19, false, false,
		  false, true },
		{ "full", 0x1f01ff, 3, false, false, false, false },
		{ "what is in it may be removed", 0x40, 0, false, false, false, false },
		{ "its rights may be changed", 0x40000, 0, false, false, false, false },
		{ "it may be taken", 0x80000, 0, false, false, false, false },
		{ "all, as one bit", 0x10000000, 0, false, false, false, false },
		{ "writing, as one bit", 0x40000000, 0, false, false, true, true },
		{ "its name and times may be looked at", 0x120080, 3, true, true, true,
		  true },
		{ "reading, as one bit", 0x80000000, 0, false, true, true, true },
		{ "attributes may be written", 0x100, 0, false, false, true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin();
		add(0, rows[i].flags, rows[i].mask, 11, 0);
		if (is_held(NTFS_HOLD_SECRET) != rows[i].secret ||
		    is_held(NTFS_HOLD_ALL) != rows[i].all ||
		    is_held(NTFS_HOLD_ABOVE) != rows[i].above ||
		    is_held(NTFS_HOLD_ROOT) != rows[i].root)
			CHECK_STR(rows[i].what, "judged otherwise");
		if (!rows[i].root)
			CHECK_STR(why, "may be changed by others: by S-1-5-11");
	}
}

static void test_secret(void)
{
	begin();
	add(0, 3, 0x1f01ff, 18, 0);
	add(0, 11, 0x1f01ff, 3, 0);
	put_creator();
	CHECK(is_held(NTFS_HOLD_SECRET));
	add(0, 3, 0x1200a9, 32, 545);
	CHECK(!is_held(NTFS_HOLD_SECRET));
	CHECK_STR(why, "may be read by others: by S-1-5-32-545");
	CHECK(is_held(NTFS_HOLD_ALL));
	/* Of the folder itself nobody is that. */
	begin();
	add(0, 0, 0x1f01ff, 3, 0);
	put_creator();
	CHECK(!is_held(NTFS_HOLD_SECRET));
	CHECK_STR(why, "may be changed by others: by S-1-3-0");
}

/* An entry of a kind that is not known may give anything. */
static void test_kinds(void)
{
	for (unsigned type = 0; type < 32; type++) {
		bool is_denial = type == 1 || type == 6 || type == 10 || type == 12;

		begin();
		add((uint8_t)type, 0, 0x2, 11, 0);
		CHECK_EQ(is_held(NTFS_HOLD_ALL), is_denial);
		begin();
		add((uint8_t)type, 0, 0x1200a9, 11, 0);
		CHECK(is_held(NTFS_HOLD_ALL));
	}
	/* With a condition behind the SID it is judged without. */
	begin();
	add(9, 0, 0x1f01ff, 18, 0);
	CHECK(is_held(NTFS_HOLD_ALL));
	/* Where the SID of an object's entry stands nobody looks. */
	begin();
	add(5, 0, 0x1f01ff, 18, 0);
	CHECK(!is_held(NTFS_HOLD_ALL));
	CHECK_STR(why, "may be changed by others: by an entry of type 5");
}

static void test_damage(void)
{
	begin();
	add(0, 3, 0x1f01ff, 18, 0);
	for (size_t n = 0; n < used; n++) {
		why[0] = '\0';
		CHECK(!ntfs_is_held(buffer, n, NTFS_HOLD_ALL, trusted, why, sizeof why));
		CHECK(why[0]);
	}
	CHECK(is_held(NTFS_HOLD_ALL));
	(void)put_u16le(buffer + LIST + 4, 2); /* one entry more than there are */
	CHECK(!is_held(NTFS_HOLD_ALL));
	/* No list: everybody may everything. */
	begin();
	(void)put_u16le(buffer + 2, 0x8000);
	CHECK(!is_held(NTFS_HOLD_ROOT));
	CHECK_STR(why, "may be changed by others: it has no list of rights");
	begin();
	(void)put_u32le(buffer + 16, 0);
	CHECK(!is_held(NTFS_HOLD_ROOT));
	begin();
	(void)put_u32le(buffer + 4, 0);
	CHECK(!is_held(NTFS_HOLD_ROOT));
	CHECK_STR(why, "does not tell whose it is");
	begin();
	(void)put_u16le(buffer + 2, 4); /* with pointers instead of offsets */
	CHECK(!is_held(NTFS_HOLD_ROOT));
}

static void test_folders(void)
{
	char path[] = "C:\\weir\\bin\\weir.exe";

	CHECK(ntfs_folder_of(path));
	CHECK_STR(path, "C:\\weir\\bin");
	CHECK(ntfs_folder_of(path));
	CHECK_STR(path, "C:\\weir");
	CHECK(ntfs_folder_of(path));
	CHECK_STR(path, "C:\\");
	CHECK(!ntfs_folder_of(path));
	CHECK(!ntfs_folder_of((char[]){ "\\\\server\\share\\weir.exe" }));
	CHECK(!ntfs_folder_of((char[]){ "weir.exe" }));
	CHECK(!ntfs_folder_of((char[]){ "C:weir.exe" }));
	CHECK(!ntfs_folder_of((char[]){ "C:" }));
	CHECK(!ntfs_folder_of((char[]){ "" }));
}

int main(void)
{
	RUN(test_whose);
	RUN(test_places);
	RUN(test_secret);
	RUN(test_kinds);
	RUN(test_damage);
	RUN(test_folders);
	return tap_done();
}
