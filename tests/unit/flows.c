/* Flows: one by its packets, a table of them, parts put together, and what is kept of few things. */
#include "analyze/flows.h"

#include "analyze/flow_table.h"
#include "analyze/fragments.h"
#include "analyze/opening.h"
#include "analyze/process_text.h"
#include "analyze/recent.h"
#include "base/bytes.h"
#include "lib/tap.h"
#include "store/record.h"

#include <assert.h>

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	ACK = 16
};

static uint8_t bytes[256];
static struct packet packet;
static struct headers headers;

/* Raw IPv4 from 10.0.0.from to 10.0.0.to with a transport header of n bytes. */
static uint8_t *make_ip(uint8_t protocol, uint8_t from, uint8_t to, size_t n)
{
	memset(bytes, 0, sizeof bytes);
	bytes[0] = 0x45;
	(void)put_u16be(bytes + 2, (uint16_t)(20 + n));
	bytes[9] = protocol;
	bytes[12] = bytes[16] = 10;
	bytes[15] = from;
	bytes[19] = to;
	packet = (struct packet){ .data = bytes,
				  .caplen = (uint32_t)(20 + n),
				  .len = (uint32_t)(20 + n),
				  .linktype = 101 };
	return bytes + 20;
}

static void make_tcp(uint8_t from, uint8_t to, uint8_t flags, uint32_t seq)
{
	uint8_t *t = make_ip(6, from, to, 20);

	(void)put_u32be(put_u16be(put_u16be(t, from), to), seq);
	t[12] = 0x50;
	t[13] = flags;
}

static void make_udp(uint8_t from, uint8_t to, int64_t ns)
{
	uint8_t *u = make_ip(17, from, to, 8);

	(void)put_u16be(put_u16be(put_u16be(u, from), to), 8);
	packet.ns = ns;
}

/* What the callback of the table has seen. */
struct seen {
	unsigned whole, parts;
	uint64_t packets;
	struct flow last;
};

static int remember(void *arg, const struct flow *f, bool is_part)
{
	struct seen *s = arg;

	if (is_part)
		s->parts++;
	else
		s->whole++;
	s->packets += f->side[0].packets + f->side[1].packets;
	s->last = *f;
	return 0;
}

static struct flow *add(struct flow_table *t)
{
	struct flow_packet p = { .packet = &packet, .headers = &headers };
	struct flow_key key;
	bool is_begun;
	int rc;

	headers_decode(&headers, 101, bytes, packet.caplen, packet.len);
	CHECK(flow_key_make(&key, &headers, 0, &p.side));
	return flow_table_packet(t, &key, &p, &is_begun, &rc);
}

static const char *state_after(struct flow_table *t, uint8_t from, uint8_t flags,
			       uint32_t seq)
{
	make_tcp(from, (uint8_t)(from == 1 ? 2 : 1), flags, seq);
	return flow_state_name(flow_state(add(t)));
}

static void test_states(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);

	CHECK_STR(state_after(t, 1, SYN, 1), "new");
	CHECK_STR(state_after(t, 1, SYN, 1), "new");
	CHECK_STR(state_after(t, 2, SYN | ACK, 1), "half-open");
	CHECK_STR(state_after(t, 1, ACK, 2), "established");
	CHECK_STR(state_after(t, 2, FIN | ACK, 2), "closing");
	CHECK_STR(state_after(t, 1, FIN | ACK, 2), "closed");
	CHECK_STR(state_after(t, 1, RST, 3), "closed");
	CHECK_EQ(seen.whole, 0);
	/* Its ports again: another flow, the first one is over. */
	CHECK_STR(state_after(t, 1, SYN, 900), "new");
	CHECK_EQ(seen.whole, 1);
	CHECK_EQ(seen.last.side[0].packets + seen.last.side[1].packets, 7);
	CHECK_STR(state_after(t, 2, RST | ACK, 0), "refused");
	/* The same SYN behind a refusal is another attempt. */
	CHECK_STR(state_after(t, 1, SYN, 900), "new");
	CHECK_EQ(seen.whole, 2);
	CHECK_STR(state_after(t, 2, SYN | ACK, 5), "half-open");
	CHECK_STR(state_after(t, 1, RST, 901), "reset");
	CHECK(!flow_table_finish(t));
	CHECK_EQ(seen.whole, 3);
	flow_table_free(t);
}

static void test_initiator(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);
	struct flow *f;

	make_tcp(2, 1, SYN | ACK, 1);
	f = add(t);
	CHECK_EQ(f->initiator, FLOW_BY_SYN_ACK);
	CHECK_EQ(f->key.address[f->src][3], 1);
	make_tcp(4, 3, ACK, 1);
	f = add(t);
	CHECK_EQ(f->initiator, FLOW_BY_FIRST);
	CHECK_EQ(f->key.address[f->src][3], 4);
	CHECK_EQ(f->key.port[f->src], 4);
	flow_table_free(t);
}

/* What a server had still to say to the last user of the port: the SYN behind it begins. */
static void test_left_over(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);
	struct flow *f;

	CHECK_STR(state_after(t, 2, RST, 20), "reset");
	CHECK_STR(state_after(t, 1, SYN, 900), "new");
	CHECK_EQ(seen.whole, 1);
	make_tcp(2, 1, SYN | ACK, 5);
	f = add(t);
	CHECK_EQ(f->initiator, FLOW_BY_SYN);
	CHECK_EQ(f->key.address[f->src][3], 1);
	CHECK_STR(flow_state_name(flow_state(f)), "half-open");
	/* Its answer before the SYN, and both opening at once: one flow. */
	make_tcp(4, 3, SYN | ACK, 5);
	(void)add(t);
	make_tcp(3, 4, SYN, 1);
	f = add(t);
	CHECK_EQ(f->key.address[f->src][3], 3);
	make_tcp(6, 5, SYN, 5);
	(void)add(t);
	make_tcp(5, 6, SYN, 1);
	f = add(t);
	CHECK_EQ(f->key.address[f->src][3], 6);
	CHECK_EQ(seen.whole, 1);
	flow_table_free(t);
}

static void test_ping_to_oneself(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);
	struct flow *f;

	make_ip(1, 1, 1, 8)[0] = 8;
	(void)add(t);
	make_ip(1, 1, 1, 8)[0] = 0;
	f = add(t);
	CHECK_EQ(flow_src(f)->packets, 1);
	CHECK_EQ(flow_dst(f)->packets, 1);
	CHECK_STR(flow_state_name(flow_state(f)), "answered");
	flow_table_free(t);
}

static void test_both_directions(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);
	struct flow *f;

	make_udp(1, 2, 100);
	(void)add(t);
	make_udp(2, 1, 300);
	(void)add(t);
	make_udp(2, 1, 200);
	packet.iface = 1; /* seen elsewhere too */
	f = add(t);
	CHECK_EQ(f->first_ns, 100);
	CHECK_EQ(f->last_ns, 300);
	CHECK_EQ(flow_src(f)->packets, 1);
	CHECK_EQ(flow_dst(f)->packets, 1);
	CHECK_EQ(flow_dst(f)->bytes, 28);
	CHECK_EQ(flow_dst(f)->elsewhere, 1);
	CHECK_STR(flow_state_name(flow_state(f)), "answered");
	flow_table_free(t);
}

static void set_owner(uint32_t pid, uint8_t certainty)
{
	packet.has_owner = true;
	packet.has_pid = certainty != OWNER_UNKNOWN;
	packet.pid = pid;
	packet.owner.start_ns = pid * 10000000U;
	packet.owner.certainty = certainty;
	packet.owner.method = OWNER_TUPLE;
}

static void test_owners(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);
	struct flow *f;

	make_udp(1, 2, 1);
	f = add(t);
	CHECK(!process_certainty(flow_owner(f)));
	make_udp(1, 2, 2);
	set_owner(0, OWNER_UNKNOWN);
	f = add(t);
	CHECK_STR(process_certainty(flow_owner(f)), "unknown");
	make_udp(1, 2, 3);
	set_owner(7, OWNER_WILDCARD);
	f = add(t);
	CHECK_STR(process_certainty(flow_owner(f)), "wildcard");
	CHECK_STR(process_method(flow_owner(f)), "tuple");
	make_udp(1, 2, 4);
	set_owner(8, OWNER_EXACT);
	f = add(t);
	CHECK_EQ(flow_owner(f)->pid, 8);
	/* Another one later: the first exact one stays, the other is counted. */
	make_udp(1, 2, 5);
	set_owner(9, OWNER_EXACT);
	f = add(t);
	CHECK_EQ(flow_owner(f)->pid, 8);
	CHECK_EQ(flow_other_owners(flow_src(f)), 1);
	CHECK(!flow_peer_owner(f));
	flow_table_free(t);
}

/* A table of sixteen: what it lacks room for goes as parts, and nothing is lost. */
static void test_parts(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);

	for (unsigned round = 0; round < 3; round++)
		for (uint8_t i = 1; i <= 20; i++) {
			make_udp(i, 200, round);
			CHECK(add(t) != NULL);
		}
	CHECK_EQ(flow_table_spilled(t), seen.parts);
	CHECK_EQ(seen.parts, 60 - FLOW_TABLE_LEAST);
	CHECK(!flow_table_finish(t));
	CHECK_EQ(seen.whole, FLOW_TABLE_LEAST);
	CHECK_EQ(seen.packets, 60);
	flow_table_free(t);
}

static void test_join(void)
{
	struct seen seen = { .whole = 0 };
	struct flow_table *t = flow_table_new(0, remember, &seen);
	struct flow_name name = { .text = "a", .from = FLOW_NAME_TLS };
	struct flow first, second, third;

	make_tcp(1, 2, SYN, 1);
	packet.ns = 10;
	first = *add(t);
	CHECK(!flow_table_finish(t));
	make_tcp(2, 1, SYN | ACK, 1);
	packet.ns = 20;
	second = *add(t);
	flow_add_name(&second, &name);
	flow_add_name(&second, &name);
	CHECK(!flow_table_finish(t));
	make_tcp(1, 2, SYN, 7);
	third = *add(t);
	CHECK(flow_is_part(&first, &second));
	CHECK(!flow_is_part(&first, &third));
	flow_join(&first, &second);
	CHECK_EQ(first.last_ns, 20);
	CHECK_EQ(flow_src(&first)->packets, 1);
	CHECK_EQ(flow_dst(&first)->packets, 1);
	CHECK_STR(flow_state_name(flow_state(&first)), "half-open");
	CHECK_STR(first.names[0].text, "a");
	CHECK(!first.names[1].text);
	flow_table_free(t);
}

enum {
	HOSTS = 40,
	RESULTS = 20000
};

/* Whole flows, in the order in which they ended; parts are put together as they come. */
struct results {
	struct flow flows[RESULTS];
	unsigned count;
};

static struct results in_parts, at_once;

static int keep(void *arg, const struct flow *f, bool is_part)
{
	struct results *r = arg;

	(void)is_part;
	for (unsigned i = r->count; i-- > 0;) {
		struct flow *earlier = &r->flows[i];

		if (memcmp(&earlier->key, &f->key, sizeof f->key) != 0)
			continue;
		if (!flow_is_part(earlier, f))
			break;
		flow_join(earlier, f);
		return 0;
	}
	assert(r->count < RESULTS);
	r->flows[r->count++] = *f;
	return 0;
}

static int keep_whole(void *arg, const struct flow *f, bool is_part)
{
	struct results *r = arg;

	CHECK(!is_part);
	assert(r->count < RESULTS);
	r->flows[r->count++] = *f;
	return 0;
}

static uint32_t random_state = 1;

static uint32_t below(uint32_t n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* A host and its server: few sequence numbers, two interfaces, two processes, sure and less sure. */
static void make_random(int64_t ns)
{
	static const uint8_t flags[] = { SYN, SYN | ACK, ACK, ACK, ACK, FIN | ACK, RST };
	uint8_t host = (uint8_t)(1 + below(HOSTS));
	bool is_answer = below(2);

	make_tcp(is_answer ? 200 : host, is_answer ? host : 200,
		 flags[below(sizeof flags)], below(2));
	packet.ns = ns;
	packet.iface = below(2);
	if (below(3))
		set_owner(7 + below(2), below(2) ? OWNER_EXACT : OWNER_WILDCARD);
	else
		set_owner(0, OWNER_UNKNOWN);
}

static void check_same_side(const struct flow_side *a, const struct flow_side *b)
{
	CHECK_EQ(a->packets, b->packets);
	CHECK_EQ(a->bytes, b->bytes);
	CHECK_EQ(a->elsewhere, b->elsewhere);
	CHECK_EQ(a->flags, b->flags);
	CHECK_EQ(a->iface, b->iface);
	CHECK_EQ(a->owner.pid, b->owner.pid);
	CHECK_EQ(a->owner.certainty, b->owner.certainty);
	CHECK_EQ(flow_other_owners(a), flow_other_owners(b));
}

static void check_same(const struct flow *a, const struct flow *b)
{
	CHECK_EQ(a->first_ns, b->first_ns);
	CHECK_EQ(a->last_ns, b->last_ns);
	CHECK_EQ(a->src, b->src);
	CHECK_EQ(a->initiator, b->initiator);
	CHECK_STR(flow_state_name(flow_state(a)), flow_state_name(flow_state(b)));
	check_same_side(&a->side[0], &b->side[0]);
	check_same_side(&a->side[1], &b->side[1]);
}

/* The flow of that key that began then. */
static const struct flow *find_same(const struct results *r, const struct flow *f)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->flows[i].first_ns == f->first_ns &&
		    !memcmp(&r->flows[i].key, &f->key, sizeof f->key))
			return &r->flows[i];
	return NULL;
}

/* A table of sixteen, whose parts are put together, against one with room for all. */
static void test_memory_is_no_answer(void)
{
	struct flow_table *small = flow_table_new(0, keep, &in_parts);
	struct flow_table *large = flow_table_new(1 << 20, keep_whole, &at_once);

	for (int64_t ns = 0; ns < 20000; ns++) {
		make_random(ns);
		(void)add(small);
		(void)add(large);
	}
	CHECK(!flow_table_finish(small));
	CHECK(!flow_table_finish(large));
	CHECK(flow_table_spilled(small) > 1000);
	CHECK_EQ(flow_table_spilled(large), 0);
	CHECK_EQ(in_parts.count, at_once.count);
	for (unsigned i = 0; i < at_once.count; i++) {
		const struct flow *same = find_same(&in_parts, &at_once.flows[i]);

		CHECK(same != NULL);
		if (same)
			check_same(same, &at_once.flows[i]);
	}
	flow_table_free(small);
	flow_table_free(large);
}

static void test_names_are_bounded(void)
{
	static const char *const texts[] = { "a", "b", "c", "d", "e", "f" };
	struct flow f = { .first_ns = 0 };

	for (unsigned i = 0; i < 6; i++)
		flow_add_name(&f, &(struct flow_name){ .text = texts[i] });
	CHECK_STR(f.names[FLOW_NAMES - 1].text, "d");
	CHECK_EQ(f.names_lost, 2);
}

struct gone {
	unsigned count, sum;
};

static void note_gone(void *arg, const void *key, const void *value)
{
	struct gone *g = arg;

	(void)key;
	g->count++;
	g->sum += *(const unsigned *)value;
}

static void test_recent(void)
{
	struct recent *r = recent_new(8, sizeof(uint32_t), sizeof(unsigned));
	struct gone gone = { .count = 0 };
	unsigned *value;

	recent_on_gone(r, note_gone, &gone);
	for (uint32_t i = 0; i < 8; i++) {
		value = recent_add(r, &i);
		CHECK_EQ(*value, 0);
		*value = i;
	}
	/* Looked at: 0 is not the oldest any more. */
	value = recent_find(r, &(uint32_t){ 0 });
	CHECK(value && *value == 0);
	(void)recent_add(r, &(uint32_t){ 100 });
	CHECK_EQ(gone.count, 1);
	CHECK_EQ(gone.sum, 1);
	CHECK(!recent_find(r, &(uint32_t){ 1 }));
	CHECK(recent_find(r, &(uint32_t){ 0 }));
	recent_drop(r, &(uint32_t){ 0 });
	CHECK(!recent_find(r, &(uint32_t){ 0 }));
	CHECK_EQ(recent_gone_count(r), 1);
	recent_drain(r);
	CHECK_EQ(gone.count, 8);
	CHECK(!recent_find(r, &(uint32_t){ 100 }));
	recent_free(r);
}

static void note_keys(void *arg, const void *key, const void *value)
{
	struct gone *g = arg;

	(void)value;
	g->count++;
	/* A number that depends on the order. */
	g->sum = g->sum * 31 + *(const uint32_t *)key;
}

/* What goes, and in which order, is the same however often it is done. */
static void test_recent_is_the_same(void)
{
	struct gone first = { .count = 0 };

	for (unsigned round = 0; round < 5; round++) {
		struct recent *r = recent_new(64, sizeof(uint32_t), 1);
		struct gone gone = { .count = 0 };

		recent_on_gone(r, note_keys, &gone);
		for (uint32_t i = 0; i < 500; i++)
			(void)recent_add(r, &(uint32_t){ i * i % 257 });
		recent_drain(r);
		recent_free(r);
		if (!round)
			first = gone;
		CHECK_EQ(gone.count, first.count);
		CHECK_EQ(gone.sum, first.sum);
	}
}

static void test_process_text(void)
{
	struct flow_owner o = { .pid = 7, .is_known = true, .was_sought = true };
	char room[64];
	struct line l;

	o.certainty = OWNER_EXACT;
	line_init(&l, room, sizeof room);
	CHECK(process_put(&l, &o, NULL));
	CHECK(line_length(&l) == 4 && !memcmp(room, "?[7]", 4));
	o.certainty = 200; /* from a file: no such number */
	CHECK_STR(process_certainty(&o), "unknown");
	o.method = 200;
	CHECK(!process_method(&o));
	o = (struct flow_owner){ .pid = 7 };
	line_init(&l, room, sizeof room);
	CHECK(!process_put(&l, &o, NULL));
	CHECK_EQ(line_length(&l), 0);
}

int main(void)
{
	RUN(test_states);
	RUN(test_initiator);
	RUN(test_left_over);
	RUN(test_ping_to_oneself);
	RUN(test_both_directions);
	RUN(test_owners);
	RUN(test_parts);
	RUN(test_join);
	RUN(test_memory_is_no_answer);
	RUN(test_names_are_bounded);
	RUN(test_recent);
	RUN(test_recent_is_the_same);
	RUN(test_process_text);
	return tap_done();
}
