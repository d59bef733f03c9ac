/* The estimate of what a driver's queue dropped, against a queue that is simulated: limits in
 * packets, bytes and time, arrivals by a clock, and a reader that stalls, is slow, or is not. */
#include "capture/driver_loss.h"
#include "lib/tap.h"

#define HZ          INT64_C(10000000)
#define MS          (HZ / 1000)
#define ROOM        40000
#define BATCH       255
#define LIMIT       1000
#define TIME_MS     500
#define LIMIT_BYTES (4U << 20)

/* The driver's queue, by the specification: the oldest packets go where a limit is passed, and those
 * that are too old, when one is put in and when they are read. */
static struct {
	int64_t ticks[ROOM];
	uint32_t bytes[ROOM];
	uint64_t first, end, size, dropped;
	int64_t now, next;
	int64_t interval;
	uint32_t packet_bytes;
} queue;

static struct driver_loss loss;

static void drop_first(void)
{
	queue.size -= queue.bytes[queue.first++ % ROOM];
	queue.dropped++;
}

static void expire(void)
{
	while (queue.first < queue.end &&
	       queue.now - queue.ticks[queue.first % ROOM] > TIME_MS * MS)
		drop_first();
}

/* Time goes on; packets come meanwhile. */
static void pass(int64_t ticks)
{
	int64_t until = queue.now + ticks;

	while (queue.interval && queue.next <= until) {
		queue.now = queue.next;
		queue.next += queue.interval;
		expire();
		queue.ticks[queue.end % ROOM] = queue.now;
		queue.bytes[queue.end++ % ROOM] = queue.packet_bytes;
		queue.size += queue.packet_bytes;
		while (queue.end - queue.first > LIMIT || queue.size > LIMIT_BYTES)
			drop_first();
	}
	queue.now = until;
}

/* A call that brings what there is, `cost` ticks a packet to deal with it. */
static void receive(int64_t cost)
{
	uint64_t n = 0;

	driver_loss_call(&loss, queue.now);
	expire();
	if (queue.first == queue.end && queue.interval)
		pass(queue.next - queue.now);
	driver_loss_return(&loss, queue.now);
	for (; queue.first < queue.end && n < BATCH; n++, queue.first++) {
		driver_loss_packet(&loss, queue.ticks[queue.first % ROOM],
				   queue.bytes[queue.first % ROOM]);
		queue.size -= queue.bytes[queue.first % ROOM];
	}
	pass((int64_t)n * cost);
}

static void begin(int64_t interval, uint32_t bytes)
{
	const struct driver_limits limits = {
		.packets = LIMIT, .bytes = LIMIT_BYTES, .time_ms = TIME_MS, .slack = 0
	};

	memset(&queue, 0, sizeof queue);
	queue.now = 1000000;
	queue.interval = interval;
	queue.next = queue.now + interval;
	queue.packet_bytes = bytes;
	driver_loss_init(&loss, &limits, HZ, queue.now);
}

static void run(unsigned calls, int64_t cost)
{
	for (unsigned i = 0; i < calls; i++)
		receive(cost);
}

/* Everything out, so that the last marks are known. */
static void end(void)
{
	run(20, 0);
	driver_loss_finish(&loss);
}

/* Within a part of the truth. */
static void check_near(uint64_t got, uint64_t want, unsigned per_cent)
{
	uint64_t off = got > want ? got - want : want - got;

	if (off * 100 > want * per_cent)
		printf("# estimated %" PRIu64 ", true %" PRIu64 "\n", got, want);
	CHECK(off * 100 <= want * per_cent);
}

static uint64_t sum_of_gaps(enum driver_gap_why why)
{
	struct driver_gap g;
	uint64_t sum = 0;

	while (driver_loss_take(&loss, &g)) {
		CHECK(g.packets >= 1);
		CHECK(g.from_ticks <= g.to_ticks);
		CHECK_EQ(g.why, why);
		sum += g.packets;
	}
	return sum;
}

static void test_no_loss(void)
{
	begin(HZ / 10000, 1000);
	run(2000, HZ / 100000);
	end();
	CHECK_EQ(queue.dropped, 0);
	CHECK_EQ(loss.estimated, 0);
	CHECK_EQ(loss.gap_total, 0);
}

/* Slow, but the queue holds it. */
static void test_backlog_without_loss(void)
{
	begin(HZ / 10000, 1000);
	run(100, HZ / 100000);
	pass(90 * MS); /* 900 packets of 1000 */
	run(100, HZ / 100000);
	end();
	CHECK_EQ(queue.dropped, 0);
	CHECK_EQ(loss.estimated, 0);
	CHECK(loss.most_packets >= 900);
}

static void test_one_stall(void)
{
	begin(HZ / 10000, 1000);
	run(100, HZ / 100000);
	pass(300 * MS); /* 3000 packets, 2000 too many */
	run(100, HZ / 100000);
	end();
	CHECK(queue.dropped >= 1900);
	check_near(loss.estimated, queue.dropped, 5);
	check_near(sum_of_gaps(DRIVER_GAP_PACKETS), queue.dropped, 5);
}

/* Calls that bring nothing while the queue is full see the gap that the next one sees: it counts once. */
static void test_calls_for_nothing(void)
{
	begin(HZ / 10000, 1000);
	run(100, HZ / 100000);
	pass(250 * MS);
	for (unsigned i = 0; i < 5; i++) {
		driver_loss_call(&loss, queue.now);
		pass(9 * MS);
		driver_loss_return(&loss, queue.now);
		pass(1 * MS);
	}
	run(100, HZ / 100000);
	end();
	CHECK(queue.dropped >= 1900);
	CHECK_EQ(loss.gap_total, 1);
	check_near(sum_of_gaps(DRIVER_GAP_PACKETS), queue.dropped, 5);
}

/* The reader takes 20 us a packet, they come each 10 us. */
static void test_overload(void)
{
	begin(HZ / 100000, 1000);
	run(1000, HZ / 50000);
	queue.interval = 0;
	end();
	CHECK(queue.dropped > 100000);
	check_near(loss.estimated, queue.dropped, 10);
}

static void test_large_packets(void)
{
	begin(HZ / 1000, 60000);
	run(100, HZ / 100000);
	pass(200 * MS); /* 12 MB of 4 */
	run(100, HZ / 100000);
	end();
	CHECK(queue.dropped > 100);
	check_near(loss.estimated, queue.dropped, 10);
	(void)sum_of_gaps(DRIVER_GAP_BYTES);
}

static void test_too_old(void)
{
	begin(HZ / 1000, 100);
	run(100, HZ / 100000);
	pass(900 * MS); /* 900 packets, the first 400 are too old */
	run(100, HZ / 100000);
	end();
	CHECK(queue.dropped > 300);
	check_near(loss.estimated, queue.dropped, 10);
	(void)sum_of_gaps(DRIVER_GAP_TIME);
}

/* Away for longer than packets are kept, and hardly any come: one at least is assumed. */
static void test_away_without_packets(void)
{
	begin(60 * HZ, 100);
	run(3, 0);
	pass(20 * HZ);
	end();
	CHECK(loss.estimated >= 1);
	CHECK_EQ(loss.gap_total, 1);
	CHECK(loss.most_away >= 20 * HZ);
}

/* An idle reader waits inside of the call. */
static void test_idle_is_no_loss(void)
{
	begin(60 * HZ, 100);
	run(30, 0);
	end();
	CHECK_EQ(loss.estimated, 0);
}

/* More gaps than there is room for are added to the last one. */
static void test_many_gaps(void)
{
	begin(HZ / 10000, 100);
	for (unsigned i = 0; i < 3 * DRIVER_GAPS; i++) {
		run(20, HZ / 100000);
		pass(200 * MS);
	}
	run(20, HZ / 100000);
	end();
	CHECK_EQ(loss.gap_count, DRIVER_GAPS);
	CHECK_EQ(sum_of_gaps(DRIVER_GAP_PACKETS), loss.estimated);
	check_near(loss.estimated, queue.dropped, 5);
}

int main(void)
{
	RUN(test_no_loss);
	RUN(test_backlog_without_loss);
	RUN(test_one_stall);
	RUN(test_calls_for_nothing);
	RUN(test_overload);
	RUN(test_large_packets);
	RUN(test_too_old);
	RUN(test_away_without_packets);
	RUN(test_idle_is_no_loss);
	RUN(test_many_gaps);
	return tap_done();
}
