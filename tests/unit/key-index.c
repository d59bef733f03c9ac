/* The index by hash: what was put in is found, and nothing else, whatever goes in between. */
#include "process/key_index.h"

#include "lib/tap.h"

#include <stdbool.h>

enum {
	ENTRIES = 100
};

static struct key_index x;
/* What it should hold. */
static uint32_t hashes[ENTRIES];
static bool is_in[ENTRIES];

static bool has(uint32_t hash, uint32_t number)
{
	uint32_t at, found = key_index_first(&x, hash, &at);

	while (found != KEY_INDEX_NONE && found != number)
		found = key_index_next(&x, hash, &at);
	return found == number;
}

static unsigned count(uint32_t hash)
{
	uint32_t at, found = key_index_first(&x, hash, &at);
	unsigned n = 0;

	for (; found != KEY_INDEX_NONE; n++)
		found = key_index_next(&x, hash, &at);
	return n;
}

static void renew(void)
{
	key_index_free(&x);
	CHECK_EQ(key_index_new(&x, ENTRIES), 0);
}

static void test_equal_hashes(void)
{
	renew();
	CHECK_EQ(count(7), 0);
	key_index_put(&x, 7, 1);
	key_index_put(&x, 7, 2);
	key_index_put(&x, 8, 3);
	CHECK_EQ(count(7), 2);
	CHECK(has(7, 1) && has(7, 2) && has(8, 3) && !has(8, 1));
	key_index_remove(&x, 7, 1);
	CHECK_EQ(count(7), 1);
	CHECK(has(7, 2) && has(8, 3));
}

/* The last slot's neighbour is the first one. */
static void test_round_the_end(void)
{
	uint32_t last;

	renew();
	last = x.mask;
	for (uint32_t i = 0; i < 4; i++)
		key_index_put(&x, last, i);
	key_index_put(&x, 0, 4);
	key_index_put(&x, last + 1, 5); /* the same slot, another hash */
	key_index_remove(&x, last, 0);
	for (uint32_t i = 1; i < 4; i++)
		CHECK(has(last, i));
	CHECK(has(0, 4) && has(last + 1, 5));
	CHECK(!has(last, 0) && !has(0, 5) && !has(last + 1, 4));
}

static uint32_t random32(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Full, with hashes that crowd in a few places, against a plain list. */
static void test_against_a_list(void)
{
	uint32_t state = 20261130;
	unsigned wrong = 0;

	renew();
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t n = random32(&state) % ENTRIES;

		if (is_in[n]) {
			key_index_remove(&x, hashes[n], n);
		} else {
			hashes[n] = random32(&state) % 3 * 50 + random32(&state) % 9 +
				    (random32(&state) % 2 ? x.mask + 1 : 0);
			key_index_put(&x, hashes[n], n);
		}
		is_in[n] = !is_in[n];
		for (uint32_t i = 0; i < ENTRIES; i++)
			wrong += has(hashes[i], i) != is_in[i];
	}
	CHECK_EQ(wrong, 0);
}

int main(void)
{
	RUN(test_equal_hashes);
	RUN(test_round_the_end);
	RUN(test_against_a_list);
	key_index_free(&x);
	return tap_done();
}
