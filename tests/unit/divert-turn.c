/* A turn of the inline source's loop on a queue of the test's own: messages come through a pair of
 * sockets, and the kernel's table of queues is a file. */
#include "capture/divert_turn.h"
#include "lib/tap.h"
#include "weir/filter.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUE 263

struct bench {
	struct source source;
	struct source_config config;
	struct source_context context;
	struct producer *producer;
	struct losses losses;
	struct filter *nothing; /* what comes is counted and let go, and needs no store */
	int kernel;             /* the pair's other end */
};

static bool set_up(struct bench *b)
{
	const struct producer_config p = { .memory_bytes = 1 << 20,
					   .block_bytes = 512 * 1024 };
	struct source *s = &b->source;
	int pair[2];

	memset(b, 0, sizeof *b);
	if (producer_new(&b->producer, &p, NULL) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) ||
	    nfq_batch_init(&s->batch, NULL) ||
	    filter_compile(&b->nothing, "false", FILTER_NETWORK, 0, NULL))
		return false;
	b->context = (struct source_context){ .config = &b->config,
					      .ifaces = iface_table_new(),
					      .producer = b->producer,
					      .losses = &b->losses };
	b->kernel = pair[1];
	s->context = &b->context;
	s->filter = b->nothing;
	s->shared = port_shared_new(sizeof *s->shared);
	s->nfq = (struct nfq){ .fd = pair[0],
			       .table_fd = memfd_create("table", 0),
			       .first = QUEUE,
			       .count = 1 };
	return s->shared && b->context.ifaces;
}

static void tear_down(struct bench *b)
{
	nfq_close(&b->source.nfq);
	(void)close(b->kernel);
	nfq_batch_fini(&b->source.batch);
	port_pages_free(b->source.shared, sizeof *b->source.shared);
	producer_free(b->producer);
	iface_table_free(b->context.ifaces);
	filter_free(b->nothing);
}

static void send_packet(const struct bench *b, uint32_t id)
{
	uint8_t head[7] = { [4] = 8, [6] = NF_INET_LOCAL_OUT }, bytes[256];
	struct nl_builder m;

	put_u32be(head, id);
	nl_build(&m, bytes, sizeof bytes, 0);
	nl_begin(&m, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET, 0);
	nl_raw(&m, "\0\0\1\7", 4);
	nl_put(&m, NFQA_PACKET_HDR, head, sizeof head);
	nl_put_u32be(&m, NFQA_IFINDEX_OUTDEV, 1);
	nl_put(&m, NFQA_PAYLOAD, "E", 1);
	nl_end(&m);
	CHECK_EQ(send(b->kernel, bytes, m.length, 0), m.length);
}

static int turn(struct bench *b)
{
	return divert_turn(&b->source, false, NULL);
}

/* The pair takes no answer (its address is of another family), as the kernel takes none when it has no
 * memory; a netlink socket does. */
static void test_an_answer_that_fails(void)
{
	struct bench b;
	struct source *s = &b.source;
	int netlink, pair;

	if (!set_up(&b) || nl_open(NETLINK_NETFILTER, &netlink, NULL))
		SKIP("no netlink socket");
	send_packet(&b, 1);
	CHECK_EQ(turn(&b), 1);
	CHECK_EQ(counter_read(&s->shared->received), 1);
	CHECK_EQ(s->received_id[0], 1);
	CHECK_EQ(s->answered_id[0], 0);
	CHECK(s->is_unanswered);
	pair = s->nfq.fd;
	s->nfq.fd = netlink;
	CHECK_EQ(turn(&b), 0); /* nothing comes, and yet it is given */
	CHECK_EQ(s->answered_id[0], 1);
	CHECK(!s->is_unanswered);
	(void)close(pair);
	tear_down(&b);
}

/* The kernel's count of the queue. */
static void table(const struct bench *b, unsigned last_id)
{
	int fd = b->source.nfq.table_fd;

	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(dprintf(fd, "%d 4242 0 2 65531 0 0 %u 1\n", QUEUE, last_id) > 0);
}

static void look(struct bench *b, unsigned last_id)
{
	table(b, last_id);
	divert_report(&b->source, 0, false);
}

static uint64_t lost(const struct bench *b)
{
	return counter_read(&b->losses.packets[LOSS_FAIL_OPEN]);
}

/* Ids that were given and whose packets never came, with nothing behind them that shows it. */
static void test_a_burst_ends_in_a_full_buffer(void)
{
	struct bench b;

	if (!set_up(&b))
		SKIP("no sockets");
	send_packet(&b, 1);
	send_packet(&b, 3);
	CHECK_EQ(turn(&b), 2);
	look(&b, 3);
	CHECK_EQ(lost(&b), 1);
	look(&b, 10); /* they may be on their way */
	CHECK_EQ(lost(&b), 1);
	look(&b, 10);
	CHECK_EQ(lost(&b), 8);
	look(&b, 10);
	CHECK_EQ(lost(&b), 8);
	send_packet(&b, 12);
	CHECK_EQ(turn(&b), 1);
	look(&b, 12);
	CHECK_EQ(lost(&b), 9);
	/* What waits in the socket is none of them. */
	send_packet(&b, 13);
	look(&b, 13);
	look(&b, 13);
	CHECK_EQ(lost(&b), 9);
	CHECK_EQ(turn(&b), 1);
	look(&b, 13);
	CHECK_EQ(lost(&b), 9);
	tear_down(&b);
}

/* What the supervisor received looks missing, and hides nothing that is. */
static void test_a_burst_behind_what_was_drained(void)
{
	struct bench b;

	if (!set_up(&b))
		SKIP("no sockets");
	send_packet(&b, 1);
	CHECK_EQ(turn(&b), 1);
	counter_add(&b.source.shared->drained, 4);
	look(&b, 7);
	look(&b, 7);
	CHECK_EQ(lost(&b), 2);
	CHECK_EQ(counter_read(&b.losses.packets[LOSS_STALL]), 4);
	tear_down(&b);
}

/* Another process, which has not looked for long: the kernel's count has wrapped five times. */
static void test_ids_that_have_wrapped(void)
{
	const uint64_t wrap = UINT64_C(1) << 32;
	struct divert_account a;
	struct bench b;

	if (!set_up(&b))
		SKIP("no sockets");
	counter_set(&b.source.shared->given[0], 5 * wrap - 3);
	table(&b, 4);
	divert_account(&b.source, &a);
	CHECK_EQ(a.queued, 5 * wrap + 4);
	/* The worker's look is what the next one goes on from. */
	b.source.seen_id[0] = b.source.received_id[0] = b.source.answered_id[0] = 4;
	look(&b, 4);
	CHECK_EQ(counter_read(&b.source.shared->given[0]), 5 * wrap + 4);
	divert_account(&b.source, &a);
	CHECK_EQ(a.queued, 5 * wrap + 4);
	tear_down(&b);
}

/* One packet that the kernel queued as four; then two that the full queue let pass. */
static void test_more_ids_than_packets(void)
{
	static struct heartbeat_page page;
	struct bench b;

	if (!set_up(&b))
		SKIP("no sockets");
	b.source.heartbeat.page = &page;
	page.slots[3].matched_packets = 1;
	for (unsigned id = 1; id <= 4; id++)
		send_packet(&b, id);
	CHECK_EQ(turn(&b), 4);
	look(&b, 4);
	CHECK_EQ(counter_read(&b.source.shared->surplus),
		 0); /* some may be on their way */
	look(&b, 4);
	CHECK_EQ(counter_read(&b.source.shared->surplus), 3);
	CHECK_EQ(lost(&b), 0);
	page.slots[3].matched_packets = 3;
	look(&b, 4);
	CHECK_EQ(lost(&b), 2);
	look(&b, 4);
	CHECK_EQ(counter_read(&b.source.shared->surplus), 3);
	CHECK_EQ(lost(&b), 2);
	tear_down(&b);
}

int main(void)
{
	RUN(test_an_answer_that_fails);
	RUN(test_a_burst_ends_in_a_full_buffer);
	RUN(test_a_burst_behind_what_was_drained);
	RUN(test_ids_that_have_wrapped);
	RUN(test_more_ids_than_packets);
	return tap_done();
}
