/* Output files: whole or not at all, never over another, and failures that are not lost. */
#include "analyze/sink.h"

#include "analyze/way.h"
#include "base/bytes.h"
#include "lib/folder.h"
#include "lib/tap.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_appears_whole(void)
{
	struct sink *s = NULL;
	const char *path = folder_path("out");
	size_t length;
	char *bytes;

	CHECK_EQ(sink_open(&s, path, NULL), 0);
	/* Across several buffers, and one piece larger than the buffer. */
	for (unsigned i = 0; i < 300000; i++)
		sink_put(s, "0123456789", 10);
	memset(sink_room(s, 2000000), 'x', 2000000);
	sink_took(s, 1000000);
	sink_put(s, "end", 3);
	CHECK_EQ(sink_bytes(s), 4000003);
	CHECK(access(path, F_OK) != 0);
	CHECK_EQ(folder_count(), 1);
	CHECK_EQ(sink_close(s, NULL), 0);
	CHECK_EQ(folder_count(), 1);
	bytes = folder_read("out", &length);
	CHECK_EQ(length, 4000003);
	CHECK(!memcmp(bytes + 2999990, "0123456789xxx", 13));
	CHECK_STR(bytes + 4000000, "end");
	free(bytes);
	(void)unlink(path);
}

/* Numbers in pieces of odd sizes, past the page cache from the given piece to another. */
static void test_past_the_cache(void)
{
	const unsigned first = 20000, last = 120000, pieces = 150000;
	struct sink *s = NULL;
	uint8_t *bytes, piece[40];
	uint32_t at = 0;
	size_t length;

	CHECK_EQ(sink_open(&s, folder_path("out"), NULL), 0);
	for (unsigned i = 0; i < pieces; i++) {
		size_t numbers = 1 + i % 10;

		if (i == first)
			*sink_way(s) =
				(struct way){ .is_direct = true, .cost = { 9, 9 } };
		else if (i == last)
			way_never_direct(sink_way(s));
		for (size_t k = 0; k < numbers; k++)
			(void)put_u32le(piece + 4 * k, at++);
		sink_put(s, piece, 4 * numbers);
		/* In between a reader is served: the file ends in the middle of a page. */
		if (i == (first + last) / 2)
			sink_flush(s);
	}
	CHECK_EQ(sink_close(s, NULL), 0);
	bytes = (uint8_t *)folder_read("out", &length);
	CHECK_EQ(length, 4 * (size_t)at);
	for (uint32_t i = 0; i < at; i++)
		if (get_u32le(bytes + 4 * (size_t)i) != i) {
			CHECK_EQ(get_u32le(bytes + 4 * (size_t)i), i);
			break;
		}
	free(bytes);
	(void)unlink(folder_path("out"));
}

static void test_refuses_what_is_there(void)
{
	struct weir_error err = { .code = WEIR_OK };
	struct sink *s = NULL;

	folder_write("there", "old", 3);
	CHECK_EQ(sink_open(&s, folder_path("there"), &err), WEIR_ERR_EXISTS);
	CHECK(!s);
	/* A link to nowhere is something, too; not every system lets one be made. */
	if (symlink("nowhere", folder_path("link")))
		CHECK_EQ(errno, ENOSYS);
	else
		CHECK_EQ(sink_open(&s, folder_path("link"), &err), WEIR_ERR_EXISTS);
	CHECK_EQ(sink_open(&s, folder_path("no/folder"), &err), WEIR_ERR_ABSENT);
	(void)unlink(folder_path("there"));
	(void)unlink(folder_path("link"));
	CHECK_EQ(folder_count(), 0);
}

/* Somebody makes the file while we write: theirs stays, ours goes. */
static void test_overtaken(void)
{
	struct weir_error err = { .code = WEIR_OK };
	struct sink *s = NULL;
	char *bytes;

	CHECK_EQ(sink_open(&s, folder_path("race"), NULL), 0);
	sink_put(s, "ours", 4);
	folder_write("race", "theirs", 6);
	CHECK_EQ(sink_close(s, &err), WEIR_ERR_EXISTS);
	CHECK_EQ(folder_count(), 1);
	bytes = folder_read("race", NULL);
	CHECK_STR(bytes, "theirs");
	free(bytes);
	(void)unlink(folder_path("race"));
}

static void test_discard(void)
{
	struct sink *s = NULL;

	CHECK_EQ(sink_open(&s, folder_path("gone"), NULL), 0);
	sink_put(s, "x", 1);
	sink_flush(s);
	sink_discard(s);
	CHECK_EQ(folder_count(), 0);
	sink_discard(NULL);
}

/* /dev/full takes nothing: the failure is kept until it is asked for. */
static void test_full(void)
{
	struct weir_error err = { .code = WEIR_OK };
	struct sink *s = NULL;

	if (access("/dev/full", W_OK) != 0)
		SKIP("there is no /dev/full");
	CHECK_EQ(sink_open(&s, "/dev/full", &err), 0);
	sink_put(s, "x", 1);
	CHECK(!sink_failed(s));
	sink_flush(s);
	CHECK(sink_failed(s));
	sink_put(s, "y", 1);
	CHECK_EQ(sink_close(s, &err), WEIR_ERR_NO_SPACE);
	CHECK(strstr(err.text, "/dev/full") != NULL);
}

int main(void)
{
	folder_make();
	RUN(test_appears_whole);
	RUN(test_past_the_cache);
	RUN(test_refuses_what_is_there);
	RUN(test_overtaken);
	RUN(test_discard);
	RUN(test_full);
	folder_remove();
	return tap_done();
}
