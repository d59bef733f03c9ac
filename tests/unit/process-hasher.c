/* SHA-256 of executables: of what ran, or none and why. */
#include "lib/hash_file.h"

#include <utime.h>

static void test_hash(void)
{
	begin_test();
	folder_write("a", "abc", 3);
	CHECK(begin("a"));
	CHECK(facts.is_hash_pending);
	hash();
	CHECK_STR(facts.sha256, SHA256_ABC);
	CHECK_STR(facts.reason, "");
	/* The same again is not read. */
	CHECK(!begin("a"));
	CHECK(!facts.is_hash_pending);
	CHECK_STR(facts.sha256, SHA256_ABC);
	CHECK(!begin("absent"));
	CHECK(!begin("."));
	CHECK_STR(facts.reason, "not a regular file");
	folder_remove();
}

/* What ran is over, and its file was written to before there was time. */
static void test_overwritten_before(void)
{
	begin_test();
	folder_write("a", "abc", 3);
	CHECK(begin("a"));
	wait_tick();
	overwrite("a", "xyz");
	hash();
	CHECK_STR(facts.sha256, "");
	CHECK_STR(facts.reason, CHANGED);
	/* What runs from now on is the other program. */
	CHECK(begin("a"));
	hash();
	CHECK(facts.sha256[0] && strcmp(facts.sha256, SHA256_ABC) != 0);
	folder_remove();
}

/* The time of the last change can be set back; that of the last change of the inode cannot. */
static void test_time_set_back(void)
{
	struct utimbuf times = { .actime = 1700000000, .modtime = 1700000000 };

	begin_test();
	folder_write("a", "abc", 3);
	CHECK_EQ(utime(folder_path("a"), &times), 0);
	CHECK(begin("a"));
	wait_tick();
	overwrite("a", "xyz");
	CHECK_EQ(utime(folder_path("a"), &times), 0);
	hash();
	CHECK_STR(facts.sha256, "");
	CHECK_STR(facts.reason, CHANGED);
	/* Nor is the hash of what it was before that of what it is. */
	overwrite("a", "abc");
	CHECK_EQ(utime(folder_path("a"), &times), 0);
	CHECK(begin("a"));
	hash();
	CHECK_STR(facts.sha256, SHA256_ABC);
	wait_tick();
	overwrite("a", "xyz");
	CHECK_EQ(utime(folder_path("a"), &times), 0);
	CHECK(begin("a"));
	hash();
	CHECK(facts.sha256[0] && strcmp(facts.sha256, SHA256_ABC) != 0);
	folder_remove();
}

/* A file of any size holds nobody up, and what was read of one is not taken for another's. */
static void test_pieces(void)
{
	begin_test();
	folder_write("a", "abc", 3);
	folder_write("large", "abc", 3);
	enlarge("large");
	CHECK(begin("large"));
	CHECK(!hasher_read(hasher));
	hasher_put(hasher, &facts, 2, open(folder_path("a"), O_RDONLY | O_CLOEXEC));
	CHECK(!hasher_read(hasher));
	hasher_drop(hasher, 1);
	CHECK(hasher_is_waiting(hasher));
	CHECK(hasher_read(hasher));
	hasher_take(hasher, &file);
	CHECK_EQ(file.number, 2);
	hasher_hash(hasher, &facts, &file);
	CHECK_STR(facts.sha256, SHA256_ABC);
	CHECK(!hasher_is_waiting(hasher));
	folder_remove();
}

int main(void)
{
	RUN(test_hash);
	RUN(test_overwritten_before);
	RUN(test_time_set_back);
	RUN(test_pieces);
	hasher_free(hasher);
	return tap_done();
}
