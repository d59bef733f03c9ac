/* A batch of packets back to back, cut by their own headers: IPv4, IPv6, a jumbogram, and all that
 * cannot be cut, which stays whole. */
#include "base/bytes.h"
#include "capture/packet_cut.h"
#include "lib/tap.h"

static uint8_t bytes[1 << 18];
static uint32_t used;

static void put4(uint32_t length)
{
	memset(bytes + used, 0x41, length);
	bytes[used] = 0x45;
	(void)put_u16be(bytes + used + 2, (uint16_t)length);
	used += length;
}

static void put6(uint32_t length, uint8_t next)
{
	memset(bytes + used, 0x61, length);
	bytes[used] = 0x60;
	(void)put_u16be(bytes + used + 4, (uint16_t)(length - 40));
	bytes[used + 6] = next;
	used += length;
}

/* With a hop-by-hop header of eight bytes that holds the length. */
static void put_jumbo(uint32_t length)
{
	put6(length, 0);
	(void)put_u16be(bytes + used - length + 4, 0);
	(void)put_u32be(bytes + used - length + 40, 0x3b00c204);
	(void)put_u32be(bytes + used - length + 44, length - 40);
}

/* The pieces' lengths, each checked to begin where the one before ended. */
static struct packet_cut check_cut(unsigned count, const uint32_t *lengths,
				   unsigned pieces)
{
	struct packet_piece p;
	struct packet_cut c;
	uint32_t at = 0;
	unsigned n = 0;

	packet_cut_init(&c, bytes, used, count);
	while (packet_cut_next(&c, &p)) {
		CHECK(n < pieces);
		if (n < pieces)
			CHECK_EQ(p.length, lengths[n]);
		CHECK(p.bytes == bytes + at);
		at += p.length;
		n++;
	}
	CHECK_EQ(n, pieces);
	CHECK_EQ(at, used);
	return c;
}

static void test_mixed(void)
{
	const uint32_t lengths[] = { 20, 1500, 60, 40, 70000, 65535 };
	struct packet_cut c;

	used = 0;
	put4(20);
	put4(1500);
	put6(60, 17);
	put6(40, 59);
	put_jumbo(70000);
	put4(65535);
	c = check_cut(6, lengths, 6);
	CHECK_EQ(c.uncut, 0);
}

/* What the header of the last one says does not matter: the driver said where it ends. */
static void test_last_is_the_rest(void)
{
	const uint32_t lengths[] = { 20, 100 };

	used = 0;
	put4(20);
	put4(100);
	(void)put_u16be(bytes + 22, 0); /* left to the card */
	CHECK_EQ(check_cut(2, lengths, 2).uncut, 0);
	(void)put_u16be(bytes + 22, 4000);
	CHECK_EQ(check_cut(2, lengths, 2).uncut, 0);
	bytes[20] = 0;
	CHECK_EQ(check_cut(2, lengths, 2).uncut, 0);
}

static void test_uncut(void)
{
	const uint32_t lengths[] = { 20, 180 };

	used = 0;
	put4(20);
	put4(100);
	put4(80);
	for (unsigned i = 0; i < 5; i++) {
		struct packet_cut c;

		bytes[20] = 0x45;
		(void)put_u16be(bytes + 22, 100);
		if (i == 0)
			(void)put_u16be(bytes + 22, 0);
		else if (i == 1)
			(void)put_u16be(bytes + 22, 181);
		else if (i == 2)
			(void)put_u16be(bytes + 22, 19);
		else if (i == 3)
			bytes[20] = 0x5f;
		else
			bytes[20] = 0x65; /* a payload of 100 << 8 ... */
		c = check_cut(3, lengths, 2);
		CHECK_EQ(c.uncut, 1);
		CHECK_EQ(c.index, 3);
	}
}

static void test_addresses_without_bytes(void)
{
	const uint32_t lengths[] = { 20 };

	used = 0;
	put4(20);
	CHECK_EQ(check_cut(3, lengths, 1).uncut, 2);
	used = 0;
	CHECK_EQ(check_cut(2, lengths, 0).uncut, 2);
	CHECK_EQ(check_cut(0, lengths, 0).uncut, 0);
}

static void test_bytes_without_address(void)
{
	struct packet_piece p;
	struct packet_cut c;

	used = 0;
	put4(20);
	packet_cut_init(&c, bytes, used, 0);
	CHECK(packet_cut_next(&c, &p));
	CHECK_EQ(p.length, 20);
	CHECK_EQ(p.count, 0);
	CHECK(!packet_cut_next(&c, &p));
}

static void test_stated(void)
{
	used = 0;
	put_jumbo(70000);
	CHECK_EQ(packet_stated_length(bytes, used), 70000);
	/* Its header is not whole, the option is short, the length could be said without it. */
	CHECK_EQ(packet_stated_length(bytes, 47), 0);
	bytes[43] = 3;
	CHECK_EQ(packet_stated_length(bytes, used), 0);
	bytes[43] = 4;
	(void)put_u32be(bytes + 44, 65535);
	CHECK_EQ(packet_stated_length(bytes, used), 0);
	(void)put_u32be(bytes + 44, UINT32_MAX);
	CHECK_EQ(packet_stated_length(bytes, used), UINT64_C(4294967335));
	CHECK_EQ(packet_stated_length(bytes, 0), 0);
	CHECK_EQ(packet_stated_length(bytes, 39), 0);
	used = 0;
	put4(20);
	CHECK_EQ(packet_stated_length(bytes, 20), 20);
	CHECK_EQ(packet_stated_length(bytes, 19), 0);
}

int main(void)
{
	RUN(test_mixed);
	RUN(test_last_is_the_rest);
	RUN(test_uncut);
	RUN(test_addresses_without_bytes);
	RUN(test_bytes_without_address);
	RUN(test_stated);
	return tap_done();
}
