/* Netlink messages: what is built is read back, what does not fit or is damaged is refused. */
#include "port/netlink.h"
#include "lib/tap.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>

static void test_round_trip(void)
{
	uint8_t bytes[256];
	struct nl_builder b;
	struct nl_message m;
	struct nl_attr a, inner;
	struct cursor c;
	char text[8];
	size_t nest;

	nl_build(&b, bytes, sizeof bytes, 41);
	nl_begin(&b, 77, NLM_F_ACK);
	nl_raw(&b, "abcd", 4);
	nl_put_text(&b, 1, "name");
	nest = nl_nest(&b, 2);
	nl_put_u16be(&b, 3, 0x1234);
	nl_put_u32be(&b, 4, 0x12345678);
	nl_unnest(&b, nest);
	nl_end(&b);
	nl_begin(&b, 78, 0);
	nl_end(&b);
	CHECK(!b.is_full);

	cur_init(&c, bytes, b.length);
	CHECK(nl_next_message(&c, &m));
	CHECK_EQ(m.type, 77);
	CHECK_EQ(m.flags, NLM_F_ACK | NLM_F_REQUEST);
	CHECK_EQ(m.sequence, 42);
	cur_skip(&m.body, 4);
	CHECK(nl_next_attr(&m.body, &a));
	nl_attr_text(&a, text, sizeof text);
	CHECK_STR(text, "name");
	CHECK(nl_next_attr(&m.body, &a));
	CHECK_EQ(a.type, 2);
	CHECK(nl_next_attr(&a.body, &inner));
	CHECK_EQ(cur_u16be(&inner.body), 0x1234);
	CHECK(nl_next_attr(&a.body, &inner));
	CHECK_EQ(cur_u32be(&inner.body), 0x12345678);
	CHECK(!nl_next_attr(&a.body, &inner));
	CHECK(!nl_next_attr(&m.body, &a));
	CHECK(!m.body.is_bad);
	CHECK(nl_next_message(&c, &m));
	CHECK_EQ(m.sequence, 43);
	CHECK(!nl_next_message(&c, &m));
	CHECK(!c.is_bad);
}

/* Every room from nothing to enough: never a byte behind the end. */
static void test_bounds_of_building(void)
{
	for (size_t room = 0; room < 80; room++) {
		uint8_t *bytes = malloc(room + 1);
		struct nl_builder b;
		size_t nest;

		if (!bytes)
			return;
		bytes[room] = 0xa5;
		nl_build(&b, bytes, room, 0);
		nl_begin(&b, 1, 0);
		nest = nl_nest(&b, 1);
		nl_put_text(&b, 2, "seventeen letters");
		nl_put_u16be(&b, 3, 1);
		nl_unnest(&b, nest);
		nl_end(&b);
		CHECK_EQ(bytes[room], 0xa5);
		CHECK(b.length <= room);
		CHECK_EQ(b.is_full, room < 16 + 4 + 24 + 8);
		free(bytes);
	}
}

static void test_too_long_attribute(void)
{
	static uint8_t bytes[80000], big[65532];
	struct nl_builder b;

	nl_build(&b, bytes, sizeof bytes, 0);
	nl_begin(&b, 1, 0);
	nl_put(&b, 1, big, 65531);
	CHECK(!b.is_full);
	nl_put(&b, 1, big, 65532);
	CHECK(b.is_full);
}

static void put_header(uint8_t *p, uint32_t length, uint16_t type)
{
	struct nlmsghdr h = { .nlmsg_len = length, .nlmsg_type = type };

	memcpy(p, &h, sizeof h);
}

static void test_damaged_lengths(void)
{
	static const uint32_t lengths[] = { 0, 1, 15, 21, 0x7fffffff, UINT32_MAX };
	uint8_t bytes[20] = { 0 };
	struct nl_message m;
	struct cursor c;

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		put_header(bytes, lengths[i], 1);
		cur_init(&c, bytes, sizeof bytes);
		CHECK(!nl_next_message(&c, &m));
		CHECK(c.is_bad);
	}
	put_header(bytes, 20, 1);
	for (size_t n = 1; n < 16; n++) {
		cur_init(&c, bytes, n);
		CHECK(!nl_next_message(&c, &m));
		CHECK(c.is_bad);
	}
}

static void test_damaged_attributes(void)
{
	static const struct {
		uint8_t bytes[8];
		size_t size;
		unsigned good;
		bool is_bad;
	} cases[] = {
		{ { 4, 0, 1, 0 }, 4, 1, false },    /* empty */
		{ { 3, 0, 1, 0 }, 4, 0, true },     /* shorter than its header */
		{ { 0, 0, 0, 0 }, 4, 0, true },     /* would never end */
		{ { 5, 0, 1, 0, 9 }, 5, 1, false }, /* padding missing at the end */
		{ { 9, 0, 1, 0, 9, 9, 9, 9 }, 8, 0, true },  /* longer than there is */
		{ { 4, 0, 1, 0, 4, 0, 2 }, 7, 1, true },     /* a cut second one */
		{ { 4, 0, 1, 0x80, 4, 0, 2 }, 4, 1, false }, /* the nested flag */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nl_attr a = { 0 };
		struct cursor c;
		unsigned good = 0;

		cur_init(&c, cases[i].bytes, cases[i].size);
		while (nl_next_attr(&c, &a)) {
			CHECK_EQ(a.type, good ? 2 : 1);
			good++;
		}
		CHECK_EQ(good, cases[i].good);
		CHECK_EQ(c.is_bad, cases[i].is_bad);
	}
}

static void test_errno(void)
{
	const int32_t codes[] = { 0, -EPERM, 5, -5000 };
	const int want[] = { 0, EPERM, EBADMSG, EBADMSG };
	struct nl_message m = { .type = NLMSG_ERROR };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		cur_init(&m.body, &codes[i], sizeof codes[i]);
		CHECK_EQ(nl_message_errno(&m), want[i]);
	}
	cur_init(&m.body, codes, 3);
	CHECK_EQ(nl_message_errno(&m), EBADMSG);
}

static void test_text_is_cut(void)
{
	struct nl_attr a = { .type = 1 };
	char text[4];

	cur_init(&a.body, "abcdef", 6);
	nl_attr_text(&a, text, sizeof text);
	CHECK_STR(text, "abc");
	cur_init(&a.body, "a\0b", 3);
	nl_attr_text(&a, text, sizeof text);
	CHECK_STR(text, "a");
	cur_init(&a.body, "", 0);
	nl_attr_text(&a, text, sizeof text);
	CHECK_STR(text, "");
}

/* The kernel answers each acknowledged message, and says which one failed. */
static void test_transact(void)
{
	uint8_t bytes[128];
	struct nl_builder b;
	uint32_t failed = 0, port = 0;
	unsigned acks = 9;
	int fd;

	CHECK_EQ(nl_open(NETLINK_ROUTE, &fd, NULL), 0);
	CHECK_EQ(nl_port_id(fd, &port), 0);
	CHECK(port != 0);
	nl_build(&b, bytes, sizeof bytes, 100);
	nl_begin(&b, NLMSG_NOOP, NLM_F_ACK);
	nl_end(&b);
	CHECK_EQ(nl_transact(fd, &b, &acks, &failed, NULL, NULL), 0);
	CHECK_EQ(acks, 1);
	nl_build(&b, bytes, 4, 0);
	nl_begin(&b, NLMSG_NOOP, 0);
	CHECK_EQ(nl_transact(fd, &b, NULL, NULL, NULL, NULL), EMSGSIZE);
	nl_build(&b, bytes, sizeof bytes, 200);
	nl_begin(&b, 0x7fff, NLM_F_ACK); /* no such request */
	nl_raw(&b, "\0\0\0\0", 4);
	nl_end(&b);
	CHECK(nl_transact(fd, &b, &acks, &failed, NULL, NULL) > 0);
	CHECK_EQ(failed, 201);
}

int main(void)
{
	RUN(test_round_trip);
	RUN(test_bounds_of_building);
	RUN(test_too_long_attribute);
	RUN(test_damaged_lengths);
	RUN(test_damaged_attributes);
	RUN(test_errno);
	RUN(test_text_is_cut);
	RUN(test_transact);
	return tap_done();
}
