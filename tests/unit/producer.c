/* The capture queue: records as the format says, seals, losses, the count limit, two threads. */
#include "capture/producer.h"
#include "base/bytes.h"
#include "base/time.h"
#include "lib/tap.h"

static struct port_event wake;
static struct iface_table *table;

static struct iface *add_iface(const char *name, uint16_t linktype)
{
	struct iface_info info = { .linktype = linktype };

	(void)snprintf(info.name, sizeof info.name, "%s", name);
	return iface_add(table, &info, NULL);
}

static struct producer *make(struct producer_config c)
{
	struct producer *p = NULL;

	if (!c.memory_bytes)
		c.memory_bytes = 4 << 20;
	c.block_bytes = 512 * 1024;
	c.wake_writer = &wake;
	CHECK(!producer_new(&p, &c, NULL));
	return p;
}

/* The options of a process stand only where attribution was at work. */
static void test_owner(void)
{
	struct record_meta m = { .caplen = 4,
				 .len = 4,
				 .has_owner = true,
				 .owner = { .pid = 77,
					    .tid = 78,
					    .start_ns = 0x0102030405060708,
					    .method = OWNER_COOKIE,
					    .certainty = OWNER_EXACT } };
	uint8_t r[RECORD_OVERHEAD + 4] = { 0 };

	CHECK_EQ(record_finish(r, &m), 32 + 8 + 12 + 16 + 4 + 4);
	CHECK_EQ(get_u32le(r + 40), 8 | 8 << 16); /* process and thread id */
	CHECK_EQ(get_u32le(r + 44), 77);
	CHECK_EQ(get_u32le(r + 48), 78);
	CHECK_EQ(get_u32le(r + 52), RECORD_OPT_OWNER | 12 << 16);
	CHECK_EQ(get_u32le(r + 56), OWNER_COOKIE | OWNER_EXACT << 8);
	CHECK(get_u64le(r + 60) == m.owner.start_ns);
	CHECK_EQ(get_u32le(r + 68), 0);
	m.owner = (struct record_owner){ .pid = 77 };
	CHECK_EQ(record_finish(r, &m), 32 + 8 + 16 + 4 + 4);
	CHECK_EQ(get_u32le(r + 40), RECORD_OPT_OWNER | 12 << 16);
	CHECK_EQ(get_u32le(r + 44), 0);
}

static void test_record(void)
{
	struct producer *p = make((struct producer_config){ .number = 2 });
	struct record_meta m = { .ns = 0x0123456789abcdef,
				 .flags = RECORD_OUTBOUND,
				 .drops = 7 };
	struct span *span;
	const uint8_t *r;

	CHECK(producer_put(p, iface_at(table, 1), (const uint8_t *)"hello", 5, 9, &m));
	CHECK(producer_take(p) == NULL);
	producer_flush(p, 0, true);
	span = producer_take(p);
	CHECK(span && span->packets == 1 && span->bytes == 5 && span->wire_bytes == 9);
	CHECK(span->iface_count == 2 && span->lane == 0 && span->first_ns == m.ns);
	r = span->data;
	CHECK_EQ(span->length, 28 + 8 + 8 + 12 + 12 + 4 + 4);
	CHECK_EQ(get_u32le(r), 6);
	CHECK_EQ(get_u32le(r + 4), span->length);
	CHECK_EQ(get_u32le(r + 8), 1);
	CHECK_EQ(get_u32le(r + 12), 0x01234567);
	CHECK_EQ(get_u32le(r + 16), 0x89abcdef);
	CHECK_EQ(get_u32le(r + 20), 5);
	CHECK_EQ(get_u32le(r + 24), 9);
	CHECK(!memcmp(r + 28, "hello\0\0\0", 8));
	CHECK_EQ(get_u32le(r + 36), 2 | 4 << 16); /* flags, 4 bytes */
	CHECK_EQ(get_u32le(r + 40), RECORD_OUTBOUND);
	CHECK_EQ(get_u32le(r + 44), 5 | 8 << 16); /* packet id */
	CHECK(get_u64le(r + 48) == ((uint64_t)2 << 48 | 1));
	CHECK_EQ(get_u32le(r + 56), 4 | 8 << 16); /* drop count */
	CHECK_EQ(get_u64le(r + 60), 7);
	CHECK_EQ(get_u32le(r + 68), 0);
	CHECK_EQ(get_u32le(r + 72), span->length);
	span->release(span);
	producer_free(p);
}

static void test_full_is_counted(void)
{
	struct producer *p = make((struct producer_config){ .memory_bytes = 2 << 20 });
	static const uint8_t bytes[1000];
	struct record_meta m = { .ns = 1 };
	unsigned used, most, all, made = 0, spans = 0;
	struct span *span;
	uint64_t packets = 0;

	while (producer_put(p, iface_at(table, 0), bytes, sizeof bytes, 1400, &m))
		made++;
	producer_fill(p, &used, &most, &all);
	CHECK(used == 4 && most == 4 && all == 4);
	CHECK_EQ(counter_read(&producer_losses(p)->packets[LOSS_QUEUE_FULL]), 1);
	CHECK_EQ(counter_read(&producer_losses(p)->bytes[LOSS_QUEUE_FULL]), 1400);
	producer_flush(p, 0, true);
	while ((span = producer_take(p)) != NULL) {
		packets += span->packets;
		spans++;
		span->release(span);
	}
	CHECK_EQ(packets, made);
	CHECK_EQ(spans, 4);
	CHECK(producer_put(p, iface_at(table, 0), bytes, sizeof bytes, 1400, &m));
	producer_free(p);
}

/* The block that came back last is the next: the others are no longer in the processor's cache. */
static void test_last_back_is_next(void)
{
	struct producer *p = make((struct producer_config){ .memory_bytes = 4 << 20 });
	static const uint8_t bytes[1000];
	struct record_meta m = { .ns = 1 };
	struct span *span, *spans[3];
	unsigned used, most, all, n = 0;

	while (n < 3) {
		CHECK(producer_put(p, iface_at(table, 0), bytes, sizeof bytes, 1000, &m));
		producer_flush(p, 0, true);
		spans[n++] = producer_take(p);
		CHECK(spans[n - 1] != NULL);
	}
	spans[1]->release(spans[1]);
	spans[2]->release(spans[2]);
	spans[0]->release(spans[0]);
	producer_fill(p, &used, &most, &all);
	CHECK(used == 0 && most == 3);
	while (n--) {
		CHECK(producer_put(p, iface_at(table, 0), bytes, sizeof bytes, 1000, &m));
		producer_flush(p, 0, true);
		span = producer_take(p);
		CHECK(span == spans[n == 2 ? 0 : n == 1 ? 2 : 1]);
	}
	producer_fill(p, &used, &most, &all);
	CHECK(used == 3 && most == 3);
	for (n = 0; n < 3; n++)
		spans[n]->release(spans[n]);
	producer_free(p);
}

/* A place is where the next record's bytes will be, whatever of it is used; asking counts nothing. */
static void test_place(void)
{
	struct producer *p = make((struct producer_config){ .memory_bytes = 1 });
	struct iface *iface = iface_at(table, 0);
	struct record_meta m = { .ns = 1 };
	uint8_t *at = producer_place(p, iface, 70000), *next;
	unsigned placed = 0;

	CHECK(at && producer_place(p, iface, 70000) == at);
	memcpy(at, "straight", 8);
	CHECK(producer_reserve(p, iface, 8, 9) == at);
	producer_commit(p, &m);
	CHECK(!memcmp(at, "straight", 8));
	next = producer_place(p, iface, 70000);
	CHECK(next && next != at);
	/* A block that has no room for so much is handed over, until there is none. */
	for (; (at = producer_place(p, iface, 70000)) != NULL; placed++) {
		CHECK(producer_reserve(p, iface, 70000, 70000) == at);
		producer_commit(p, &m);
	}
	CHECK(placed >= 4 * 6 && placed <= 4 * 7);
	CHECK_EQ(counter_read(&producer_losses(p)->packets[LOSS_QUEUE_FULL]), 0);
	CHECK(producer_take(p) != NULL);
	producer_free(p);
}

static void test_flush_by_age(void)
{
	struct producer *p = make((struct producer_config){ 0 });
	struct record_meta m = { .ns = 1 };
	struct span *span;

	CHECK(producer_put(p, iface_at(table, 0), (const uint8_t *)"x", 1, 1, &m));
	producer_flush(p, 1000, false);
	producer_flush(p, 1000 + 39 * NS_PER_MS, false);
	CHECK(producer_take(p) == NULL);
	producer_flush(p, 1000 + 40 * NS_PER_MS, false);
	span = producer_take(p);
	CHECK(span != NULL);
	span->release(span);
	producer_flush(p, 9 * NS_PER_S, true);
	CHECK(producer_take(p) == NULL);
	producer_free(p);
}

static void test_lanes_and_limit(void)
{
	struct producer *p = make((struct producer_config){ .count_limit = 3 });
	struct record_meta m = { .ns = 5 };
	struct iface *raw = iface_at(table, 2);
	struct span *a, *b;

	CHECK(raw->lane == 1 && raw->id == 0);
	CHECK(producer_put(p, iface_at(table, 0), (const uint8_t *)"x", 1, 1, &m));
	CHECK(producer_put(p, raw, (const uint8_t *)"y", 1, 1, &m));
	m.ns = 4;
	CHECK(producer_put(p, raw, (const uint8_t *)"z", 1, 1, &m));
	CHECK(producer_is_done(p));
	CHECK(!producer_put(p, raw, (const uint8_t *)"!", 1, 1, &m));
	CHECK_EQ(counter_read(&producer_losses(p)->packets[LOSS_QUEUE_FULL]), 0);
	producer_flush(p, 0, true);
	a = producer_take(p);
	b = producer_take(p);
	CHECK(a && b && a->lane == 0 && b->lane == 1 && a->packets == 1 &&
	      b->packets == 2);
	CHECK(a->is_sorted && !b->is_sorted && b->first_ns == 4 && b->last_ns == 5);
	a->release(a);
	b->release(b);
	producer_free(p);
}

struct consumer {
	struct producer *p;
	struct counter stop;
	uint64_t packets, bytes;
};

static void *consume(void *arg)
{
	struct consumer *c = arg;
	bool last = false;

	for (;;) {
		struct span *span = producer_take(c->p);

		if (span) {
			c->packets += span->packets;
			c->bytes += span->bytes;
			span->release(span);
		} else if (last) {
			return NULL;
		} else {
			last = counter_read(&c->stop) != 0;
		}
	}
}

/* A blocking producer and a writer: nothing is lost, whatever the interleaving. */
static void test_threads(void)
{
	struct producer *p = make(
		(struct producer_config){ .memory_bytes = 2 << 20, .is_blocking = true });
	struct consumer c = { .p = p };
	struct port_thread *t;
	struct record_meta m = { .ns = 1 };
	static const uint8_t bytes[1500];
	uint64_t sum = 0;

	CHECK(!port_thread_start(&t, "consume", consume, &c, NULL));
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t n = i * 7 % 1500;

		CHECK(producer_put(p, iface_at(table, 0), bytes, n, n, &m));
		sum += n;
	}
	producer_flush(p, 0, true);
	atomic_store(&c.stop.value, 1);
	port_thread_join(t);
	CHECK_EQ(c.packets, 20000);
	CHECK_EQ(c.bytes, sum);
	producer_free(p);
}

int main(void)
{
	table = iface_table_new();
	if (!table || port_event_init(&wake, NULL) ||
	    !add_iface("a", LINKTYPE_ETHERNET) || !add_iface("b", LINKTYPE_ETHERNET) ||
	    !add_iface("c", LINKTYPE_RAW))
		return 1;
	RUN(test_record);
	RUN(test_owner);
	RUN(test_full_is_counted);
	RUN(test_last_back_is_next);
	RUN(test_place);
	RUN(test_flush_by_age);
	RUN(test_lanes_and_limit);
	RUN(test_threads);
	iface_table_free(table);
	port_event_fini(&wake);
	return tap_done();
}
