/* Cursor, byte order, errors, hash, the queue of pointers. */
#include "base/cursor.h"
#include "base/hash.h"
#include "base/spsc.h"
#include "lib/tap.h"
#include "port/port.h"
#include "weir/error.h"

#include <errno.h>

static void test_cursor(void)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	struct cursor c;

	cur_init(&c, bytes, sizeof bytes);
	CHECK_EQ(cur_u8(&c), 1);
	CHECK_EQ(cur_u16be(&c), 0x0203);
	CHECK_EQ(cur_u32le(&c), 0x07060504);
	CHECK_EQ(cur_left(&c), 2);
	CHECK_EQ(cur_u32be(&c), 0);
	CHECK(c.is_bad);
	/* A failed read moves nothing; the flag stays. */
	CHECK_EQ(cur_left(&c), 2);
	CHECK_EQ(cur_u16le(&c), 0x0908);
	CHECK(c.is_bad);
	cur_init(&c, bytes, 8);
	CHECK(cur_u64be(&c) == 0x0102030405060708u && !c.is_bad);
	CHECK(cur_bytes(&c, 1) == NULL && c.is_bad);
	cur_init(&c, bytes, 8);
	CHECK(cur_bytes(&c, SIZE_MAX) == NULL && c.is_bad);
}

static void test_put(void)
{
	uint8_t b[8];

	CHECK(put_u64le(b, 0x0102030405060708u) == b + 8 && b[0] == 8 && b[7] == 1);
	CHECK(get_u64le(b) == 0x0102030405060708u && get_u64be(b) == 0x0807060504030201u);
	CHECK(put_u32be(b, 0x01020304) == b + 4 && b[0] == 1 &&
	      get_u32be(b) == 0x01020304);
	CHECK(put_u16be(b, 0x0102) == b + 2 && get_u16be(b) == 0x0102 &&
	      get_u16le(b) == 0x0201);
}

static void test_errors(void)
{
	struct weir_error e;
	char longer[600];

	CHECK_EQ(err_set(&e, WEIR_ERR_FORMAT, "length %d is odd", 7), WEIR_ERR_FORMAT);
	CHECK_EQ(err_prefix(&e, "cannot read '%s'", "x"), WEIR_ERR_FORMAT);
	CHECK_STR(e.text, "cannot read 'x': length 7 is odd");
	errno = ENOSPC;
	CHECK_EQ(err_sys(&e, "cannot write"), WEIR_ERR_NO_SPACE);
	CHECK_STR(e.text, "cannot write: No space left on device");
	CHECK_EQ(e.sys, ENOSPC);
	CHECK_EQ(err_set(NULL, WEIR_ERR_LIMIT, "x"), WEIR_ERR_LIMIT);
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	CHECK_EQ(err_set(&e, WEIR_ERR_LIMIT, "%s", longer), WEIR_ERR_LIMIT);
	CHECK_EQ(strlen(e.text), WEIR_ERROR_TEXT - 1);
	CHECK_STR(err_name(WEIR_ERR_MISMATCH), "mismatch");
	CHECK_STR(err_name((enum weir_err) - 99), "unknown");
}

/* FIPS 180-4's own example, and the empty message. */
static void test_hash(void)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX];
	struct hash *h = hash_new();

	CHECK(h && !hash_update(h, "a", 1) && !hash_update(h, "bc", 2) &&
	      !hash_finish(h, digest));
	hash_hex(digest, hex);
	CHECK_STR(hex,
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CHECK(!hash_finish(h, digest));
	hash_hex(digest, hex);
	CHECK_STR(hex,
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	CHECK(!hash_once("abc", 3, digest) && digest[0] == 0xba);
	hash_free(h);
}

enum {
	ITEMS = 200000
};

static void *produce(void *arg)
{
	struct spsc *q = arg;
	static char base[ITEMS + 1];

	for (size_t i = 1; i <= ITEMS; i++)
		while (!spsc_push(q, base + i))
			continue;
	return base;
}

static void test_queue_between_threads(void)
{
	struct spsc q;
	struct port_thread *t;
	char *last = NULL;
	size_t got = 0;
	bool in_order = true;

	CHECK(!spsc_init(&q, 100));
	CHECK_EQ(q.mask, 127);
	CHECK(!port_thread_start(&t, "produce", produce, &q, NULL));
	while (got < ITEMS) {
		char *item = spsc_pop(&q);

		if (!item)
			continue;
		in_order &= !last || item == last + 1;
		last = item;
		got++;
	}
	port_thread_join(t);
	CHECK(in_order);
	CHECK_EQ(spsc_count(&q), 0);
	CHECK(spsc_pop(&q) == NULL);
	spsc_fini(&q);
}

int main(void)
{
	RUN(test_cursor);
	RUN(test_put);
	RUN(test_errors);
	RUN(test_hash);
	RUN(test_queue_between_threads);
	return tap_done();
}
