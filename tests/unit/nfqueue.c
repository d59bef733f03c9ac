/* NFQUEUE messages as the kernel lays them out, whole and damaged; the table of queues; a queue. */
#include "capture/nfqueue.h"
#include "lib/tap.h"
#include "port/port.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>

static bool is_alone; /* set once by main() */

static void put_packet(struct nl_builder *b, uint32_t id, const void *payload, size_t n)
{
	const uint8_t head[7] = { 0, 0, 0, (uint8_t)id, 8, 0, NF_INET_LOCAL_IN };

	nl_begin(b, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0);
	nl_raw(b, "\0\0\1\7", 4); /* queue 263 */
	nl_put(b, NFQA_PACKET_HDR, head, sizeof head);
	nl_put_u32be(b, NFQA_IFINDEX_INDEV, 5);
	nl_put_u32be(b, NFQA_SKB_INFO, NFQA_SKB_GSO | NFQA_SKB_CSUMNOTREADY);
	nl_put_u32be(b, NFQA_CAP_LEN, 1500);
	nl_put(b, NFQA_PAYLOAD, payload, n);
	nl_end(b);
}

static void test_packet(void)
{
	uint8_t bytes[256];
	struct nl_builder b;
	struct nfq_packet p;
	struct nl_message m;
	struct cursor c;

	nl_build(&b, bytes, sizeof bytes, 0);
	put_packet(&b, 9, "payload", 7);
	cur_init(&c, bytes, b.length);
	CHECK(nl_next_message(&c, &m));
	CHECK(nfq_packet_parse(&m, &p));
	CHECK_EQ(p.id, 9);
	CHECK_EQ(p.queue, 263);
	CHECK_EQ(p.hook, NF_INET_LOCAL_IN);
	CHECK_EQ(p.in_index, 5);
	CHECK_EQ(p.out_index, 0);
	CHECK_EQ(p.caplen, 7);
	CHECK_EQ(p.len, 1500);
	CHECK(!memcmp(p.payload, "payload", 7));
	CHECK(p.is_gso && p.is_csum_not_ready);
}

/* Cut anywhere: refused or, where only whole attributes are missing, taken; never read behind. */
static void test_cut_anywhere(void)
{
	uint8_t bytes[256];
	struct nl_builder b;
	unsigned taken = 0;

	nl_build(&b, bytes, sizeof bytes, 0);
	put_packet(&b, 1, "payload!", 8);
	for (size_t n = 0; n < b.length; n++) {
		uint8_t *exact = malloc(n + 1);
		uint32_t length = (uint32_t)n;
		struct nfq_packet p;
		struct nl_message m;
		struct cursor c;

		if (!exact)
			return;
		memcpy(exact, bytes, n);
		if (n >= 4)
			memcpy(exact, &length, 4);
		cur_init(&c, exact, n);
		if (nl_next_message(&c, &m) && nfq_packet_parse(&m, &p))
			taken++;
		free(exact);
	}
	/* Behind the header, and behind each of the three attributes that follow it; the header's and
	 * those' padding count too. */
	CHECK(taken >= 4 && taken < 12);
}

static void test_not_a_packet(void)
{
	uint8_t bytes[64];
	struct nl_builder b;
	struct nfq_packet p;
	struct nl_message m;
	struct cursor c;

	nl_build(&b, bytes, sizeof bytes, 0);
	nl_begin(&b, NLMSG_ERROR, 0);
	nl_raw(&b, "\xfe\xff\xff\xff", 4);
	nl_end(&b);
	nl_begin(&b, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0);
	nl_raw(&b, "\0\0\0\1", 4); /* without a packet header */
	nl_end(&b);
	cur_init(&c, bytes, b.length);
	CHECK(nl_next_message(&c, &m));
	CHECK(!nfq_packet_parse(&m, &p));
	CHECK(nl_next_message(&c, &m));
	CHECK(!nfq_packet_parse(&m, &p));
}

/* A message as the kernel would split it: `front` bytes to the batch, the rest to data. */
static void split(struct nfq_batch *b, uint8_t *data, size_t front, const uint8_t *bytes,
		  size_t length)
{
	size_t first = front < length ? front : length;

	memset(b->memory, 0xee, NFQ_MESSAGE);
	memcpy(b->memory, bytes, first);
	memset(data, 0xdd, 256);
	memcpy(data, bytes + first, length - first);
}

/* Split anywhere: either its bytes begin at data, or it is refused and can be put together. */
static void test_split_anywhere(void)
{
	uint8_t bytes[256], data[256];
	struct nl_builder b;
	struct nfq_batch batch;
	struct nfq_packet p;
	struct nl_message m;
	struct cursor c;
	unsigned taken = 0;

	if (nfq_batch_init(&batch, NULL))
		return;
	nl_build(&b, bytes, sizeof bytes, 0);
	put_packet(&b, 7, "payload!", 8);
	for (size_t front = 0; front <= b.length + 9; front++) {
		split(&batch, data, front, bytes, b.length);
		if (nfq_packet_parse_split(&batch, front, data, b.length, &p)) {
			taken++;
			CHECK_EQ(front, b.length - 8);
			CHECK(p.payload == data && !memcmp(data, "payload!", 8));
			CHECK_EQ(p.caplen, 8);
			CHECK_EQ(p.len, 1500);
			CHECK_EQ(p.id, 7);
			continue;
		}
		nfq_join(&batch, front, data, b.length);
		c = nfq_message(&batch, 0);
		CHECK(nl_next_message(&c, &m) && nfq_packet_parse(&m, &p));
		CHECK(p.caplen == 8 && !memcmp(p.payload, "payload!", 8));
	}
	CHECK_EQ(taken, 1);
	nfq_batch_fini(&batch);
}

/* What looks like the end of a split header and is none. */
static void test_split_of_others(void)
{
	uint8_t bytes[256], data[256];
	struct nl_builder b;
	struct nfq_batch batch;
	struct nfq_packet p;
	size_t front;

	if (nfq_batch_init(&batch, NULL))
		return;
	nl_build(&b, bytes, sizeof bytes, 0);
	put_packet(&b, 7, "payload!", 8);
	front = b.length - 8;
	/* Another length than the message's own, and than the attribute's. */
	split(&batch, data, front, bytes, b.length);
	CHECK(!nfq_packet_parse_split(&batch, front, data, b.length - 4, &p));
	batch.memory[front - 4]++;
	CHECK(!nfq_packet_parse_split(&batch, front, data, b.length, &p));
	/* Another attribute, another message. */
	split(&batch, data, front, bytes, b.length);
	batch.memory[front - 2]++;
	CHECK(!nfq_packet_parse_split(&batch, front, data, b.length, &p));
	split(&batch, data, front, bytes, b.length);
	batch.memory[4]++;
	CHECK(!nfq_packet_parse_split(&batch, front, data, b.length, &p));
	/* Shorter than any header. */
	CHECK(!nfq_packet_parse_split(&batch, 16, data, 16, &p));
	nfq_batch_fini(&batch);
}

static void test_table_line(void)
{
	struct nfq_stats s;
	uint16_t queue = 0;

	CHECK(nfq_stats_parse("   77  4242    12 2 65531     3     4       99  1\n",
			      &queue, &s));
	CHECK_EQ(queue, 77);
	CHECK_EQ(s.held, 12);
	CHECK_EQ(s.dropped, 3);
	CHECK_EQ(s.user_dropped, 4);
	CHECK_EQ(s.last_id, 99);
	CHECK(!nfq_stats_parse("", &queue, &s));
	CHECK(!nfq_stats_parse("77 4242 12 2", &queue, &s));
	CHECK(!nfq_stats_parse("99999 1 1 1 1 1 1 1 1", &queue, &s));
}

/* Two listeners that want the same number get neighbours. */
static void test_free_numbers(void)
{
	const struct nfq_config c = { .count = 2,
				      .length = 10,
				      .is_fail_open = true,
				      .memory_bytes = 1 << 20,
				      .from = 300 };
	struct nfq first, second;
	struct nfq_batch batch;
	struct nfq_stats stats;
	struct weir_error err;

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nfq_open(&first, &c, &err), 0);
	CHECK_EQ(nfq_open(&second, &c, &err), 0);
	CHECK_EQ(first.first, 300);
	CHECK_EQ(second.first, 302);
	CHECK_EQ(nfq_stats(&first, 301, &stats), 0);
	CHECK_EQ(stats.held, 0);
	CHECK_EQ(nfq_stats(&first, 303, &stats), 0);
	CHECK_EQ(nfq_stats(&first, 304, &stats), WEIR_ERR_ABSENT);
	CHECK_EQ(nfq_held_by_all(&first), 0);
	CHECK_EQ(nfq_batch_init(&batch, &err), 0);
	CHECK_EQ(nfq_receive(&first, &batch, false), 0);
	CHECK_EQ(nfq_accept(&first, 300, 1), 0); /* none held: no error of ours */
	nfq_batch_fini(&batch);
	nfq_close(&first);
	nfq_close(&first);
	nfq_close(&second);
}

/* A wait shorter than what the kernel counts in is a short one: 0 would be for ever. */
static void test_a_short_wait(void)
{
	const struct nfq_config c = { .count = 1,
				      .length = 10,
				      .memory_bytes = 1 << 20,
				      .from = 400,
				      .wait_ns = 1 };
	struct timeval wait = { 0 };
	socklen_t size = sizeof wait;
	struct weir_error err;
	struct nfq q;

	if (!is_alone)
		SKIP("needs CAP_SYS_ADMIN for a network namespace");
	CHECK_EQ(nfq_open(&q, &c, &err), 0);
	CHECK_EQ(getsockopt(q.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, &size), 0);
	CHECK(wait.tv_sec == 0 && wait.tv_usec > 0);
	nfq_close(&q);
}

int main(void)
{
	is_alone = !unshare(CLONE_NEWNET);
	RUN(test_packet);
	RUN(test_cut_anywhere);
	RUN(test_not_a_packet);
	RUN(test_split_anywhere);
	RUN(test_split_of_others);
	RUN(test_table_line);
	RUN(test_free_numbers);
	RUN(test_a_short_wait);
	return tap_done();
}
