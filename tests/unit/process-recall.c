/* Answers kept by a packet's own bytes: the same as the table of sockets would give, and gone as soon as
 * that would answer otherwise. */
#include "base/time.h"
#include "lib/tap.h"
#include "packet/headers.h"
#include "process/sockets.h"

#include <string.h>

#define MS NS_PER_MS

/* 10.0.0.1:80 to 10.0.0.2:4000, TCP. */
static const uint8_t packet[RECALL_BYTES] = { 0x45, 0, 0, 40, 0,  0,  0x40, 0,
					      64,   6, 0, 0,  10, 0,  0,    1,
					      10,   0, 0, 2,  0,  80, 15,   160 };

static struct socket_table *table;
static uint8_t protocol = PROTOCOL_TCP;

static struct recall_key key_of(const uint8_t *ip, bool is_out)
{
	struct recall_key key = { 0 };

	CHECK(recall_key_of(&key, ip, RECALL_BYTES, is_out));
	return key;
}

static bool has_key(unsigned at, uint8_t value, size_t caplen)
{
	struct recall_key key;
	uint8_t ip[RECALL_BYTES];

	memcpy(ip, packet, sizeof ip);
	ip[at] = value;
	return recall_key_of(&key, ip, caplen, true);
}

static void test_keys(void)
{
	uint8_t back[RECALL_BYTES];
	struct recall_key out = key_of(packet, true), in;

	memcpy(back, packet, sizeof back);
	memcpy(back + 12, packet + 16, 4);
	memcpy(back + 16, packet + 12, 4);
	memcpy(back + 20, packet + 22, 2);
	memcpy(back + 22, packet + 20, 2);
	in = key_of(back, false);
	/* Both directions have one key. */
	CHECK(!memcmp(&out, &in, sizeof in));
	in = key_of(packet, false);
	/* The other end has another one. */
	CHECK(memcmp(&out, &in, sizeof in) != 0);
	/* Cut before the ports' end: none. */
	CHECK(!has_key(0, 0x45, RECALL_BYTES - 1));
	/* With options: none. */
	CHECK(!has_key(0, 0x46, RECALL_BYTES));
	/* Not IPv4: none. */
	CHECK(!has_key(0, 0x65, RECALL_BYTES));
	/* A first fragment: none. */
	CHECK(!has_key(6, 0x20, RECALL_BYTES));
	/* A later fragment: none. */
	CHECK(!has_key(7, 1, RECALL_BYTES));
	/* Not to be fragmented: one. */
	CHECK(has_key(6, 0x40, RECALL_BYTES));
	/* ICMP: none. */
	CHECK(!has_key(9, PROTOCOL_ICMP, RECALL_BYTES));
	/* UDP: one. */
	CHECK(has_key(9, PROTOCOL_UDP, RECALL_BYTES));
	/* A length without room for ports: none. */
	CHECK(!has_key(3, 27, RECALL_BYTES));
}

static void test_slots(void)
{
	struct recall_answer owner = { .from_ns = 5,
				       .until_ns = 9,
				       .pid = 7,
				       .process = 3 },
			     other = { .from_ns = 5, .until_ns = 9, .pid = 8 };
	struct recall_key key = key_of(packet, true);
	const struct recall_slot *s;
	struct recall r;

	CHECK(!recall_new(&r));
	/* Nothing is known at first. */
	CHECK(!recall_find(&r, &key, 5));
	recall_put(&r, &key, &owner);
	s = recall_find(&r, &key, 5);
	/* What was put is found. */
	CHECK(s && s->answer.pid == 7 && s->answer.process == 3);
	/* Not for what came before it, or after. */
	CHECK(!recall_find(&r, &key, 4) && !recall_find(&r, &key, 10));
	recall_put(&r, &key, &other);
	s = recall_find(&r, &key, 9);
	/* A later answer takes its place. */
	CHECK(s && s->answer.pid == 8);
	/* Use is told once. */
	CHECK(recall_was_used(&r, &key) && !recall_was_used(&r, &key));
	recall_forget_all(&r, PROTOCOL_UDP);
	/* UDP's are forgotten: TCP's stay. */
	CHECK(recall_find(&r, &key, 9));
	recall_forget_all(&r, PROTOCOL_TCP);
	/* All of TCP are forgotten. */
	CHECK(!recall_find(&r, &key, 9));
	recall_put(&r, &key, &owner);
	recall_forget(&r, &key);
	/* One is forgotten. */
	CHECK(!recall_find(&r, &key, 9));
	recall_free(&r);
}

/* More than there is room for: bounded, and what is in use stays. */
static void test_full(void)
{
	struct recall_answer owner = { .until_ns = INT64_MAX, .pid = 7 };
	struct recall_key used = key_of(packet, true), key = used;
	unsigned kept = 0, count = 10 * RECALL_SETS * RECALL_WAYS;
	struct recall r;

	CHECK(!recall_new(&r));
	recall_put(&r, &used, &owner);
	for (uint32_t i = 0; i < count; i++) {
		key.remote = 0x12345600 + i;
		owner.process = i;
		recall_put(&r, &key, &owner);
		kept += recall_find(&r, &used, 1) != NULL;
	}
	/* What is asked for all the time is mostly there. */
	CHECK(kept > count / 2);
	for (uint32_t i = kept = 0; i < count; i++) {
		const struct recall_slot *s;

		key.remote = 0x12345600 + i;
		s = recall_find(&r, &key, 1);
		kept += s != NULL && s->answer.process == i;
		if (s && s->answer.process != i)
			kept = count;
	}
	/* No more are kept than there is room. */
	CHECK(kept <= RECALL_SETS * RECALL_WAYS);
	/* Most of the room is used. */
	CHECK(kept > RECALL_SETS);
	recall_free(&r);
}

static struct socket_event event(uint8_t kind, uint64_t cookie, uint32_t pid, int64_t ns)
{
	struct socket_event e = { .ns = (uint64_t)ns,
				  .cookie = cookie,
				  .pid = pid,
				  .start_ns = pid * (uint64_t)NS_PER_S,
				  .kind = kind,
				  .family = 4,
				  .protocol = protocol,
				  .local_port = 80,
				  .remote_port = 4000 };

	e.local[10] = e.local[11] = e.remote[10] = e.remote[11] = 0xff;
	memcpy(e.local + 12, packet + 12, 4);
	memcpy(e.remote + 12, packet + 16, 4);
	return e;
}

/* Its connection, as a packet that found nothing asks for it. */
static void remember(void)
{
	struct socket_event e = event(0, 0, 0, 0);
	struct socket_key key = {
		.local_port = 80, .remote_port = 4000, .protocol = protocol, .family = 4
	};

	memcpy(key.local, e.local, 16);
	memcpy(key.remote, e.remote, 16);
	socket_table_remember(table, &key);
}

static void put(struct socket_event e)
{
	socket_table_event(table, &e, e.pid);
}

/* Asks the table, not what is kept; the pid. */
static uint32_t ask(int64_t ns)
{
	struct socket_event e = event(0, 0, 0, 0);
	struct socket_question q = { .ns = ns,
				     .key = { .local_port = 80,
					      .remote_port = 4000,
					      .protocol = protocol,
					      .family = 4 } };
	enum owner_certainty certainty;
	const struct socket_owner *o;

	memcpy(q.key.local, e.local, 16);
	memcpy(q.key.remote, e.remote, 16);
	o = socket_table_find(table, &q, &certainty);
	return o && certainty == OWNER_EXACT ? o->pid : 0;
}

/* The pid that is kept; 0: none. */
static uint32_t recalled(int64_t ns)
{
	struct recall_key key = key_of(packet, true);
	const struct recall_slot *s;

	key.protocol = protocol;
	s = recall_find(socket_table_recall(table), &key, ns);

	return s ? s->answer.pid : 0;
}

/* The same of what is doubted, too: for a packet that opens no connection. */
static uint32_t doubted(int64_t ns)
{
	struct recall_key key = key_of(packet, true);
	const struct recall_slot *s;

	key.protocol = protocol;
	s = recall_find_doubted(socket_table_recall(table), &key, ns);
	return s ? s->answer.pid : 0;
}

/* What is kept is what the table says, at all times around the events. */
static bool agrees(void)
{
	for (int64_t ns = 0; ns < 60 * MS; ns += MS / 10) {
		uint32_t kept = recalled(ns), half_kept = doubted(ns);

		if ((kept && kept != ask(ns)) || (half_kept && half_kept != ask(ns)))
			return false;
	}
	return true;
}

static void test_table(void)
{
	CHECK(!socket_table_new(&table, 64));
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	/* An event keeps the owner that it tells of. */
	CHECK(recalled(11 * MS) == 7 && !recalled(9 * MS) && agrees());
	put(event(SOCKET_USE, 1, 8, 20 * MS));
	/* Another user takes its place, and is not given for what came before. */
	CHECK(recalled(21 * MS) == 8 && !recalled(12 * MS) && agrees());
	CHECK(ask(12 * MS) == 7);
	put(event(SOCKET_CLOSE, 1, 8, 30 * MS));
	/* Closed: kept for what came until then. */
	CHECK(recalled(30 * MS) == 8 && !recalled(31 * MS) && agrees());
	put(event(SOCKET_SEND, 2, 9, 40 * MS));
	/* The next owner of the addresses is. */
	CHECK(recalled(41 * MS) == 9 && !recalled(39 * MS) && agrees());
	/* Told late, of a time before: the last one stays. */
	put(event(SOCKET_SEND, 3, 6, 35 * MS));
	CHECK(recalled(41 * MS) == 9 && agrees());
	put(event(SOCKET_CLOSE, 3, 6, 38 * MS));
	CHECK(recalled(41 * MS) == 9 && agrees());
	for (uint16_t port = 5000; port < 6000; port++) {
		struct socket_event e = event(SOCKET_SEND, port, 5, 50 * MS);

		e.remote_port = port;
		put(e);
		(void)recalled(50 * MS);
	}
	/* A connection that is only recalled is not put out by a thousand others. */
	CHECK(recalled(51 * MS) == 9 && ask(51 * MS) == 9);
	/* What was put out by others is kept again when it is asked for. */
	recall_forget_all(socket_table_recall(table), PROTOCOL_TCP);
	CHECK(!recalled(51 * MS));
	socket_table_remember(table, &(struct socket_key){ 0 });
	CHECK(!recalled(51 * MS));
	remember();
	CHECK(recalled(51 * MS) == 9);
	socket_table_lost(table, 52 * MS);
	/* After a loss what is older is doubted: whether it was kept before, or is kept again. */
	CHECK(!recalled(51 * MS) && doubted(51 * MS) == 9 && ask(51 * MS) == 9);
	recall_forget_all(socket_table_recall(table), PROTOCOL_TCP);
	CHECK(!doubted(51 * MS));
	remember();
	CHECK(!recalled(51 * MS) && doubted(51 * MS) == 9);
	put(event(SOCKET_SEND, 4, 6, 53 * MS));
	CHECK(recalled(54 * MS) == 6 && agrees());
	socket_table_lost(table, 55 * MS);
	put(event(SOCKET_CLOSE, 4, 6, 56 * MS));
	/* What is told since is not. */
	CHECK(recalled(55 * MS) == 6 && !doubted(57 * MS) && agrees());
	socket_table_age(table, 0, 0);
	/* A snapshot may say otherwise. */
	CHECK(!recalled(51 * MS) && !doubted(51 * MS));
	socket_table_free(table);
}

/* A socket without a connection has none that another packet could open: a loss changes nothing. */
static void test_lost_of_datagrams(void)
{
	protocol = PROTOCOL_UDP;
	CHECK(!socket_table_new(&table, 64));
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	socket_table_lost(table, 20 * MS);
	CHECK(recalled(30 * MS) == 7 && ask(30 * MS) == 7);
	recall_forget_all(socket_table_recall(table), PROTOCOL_UDP);
	remember();
	CHECK(recalled(30 * MS) == 7);
	socket_table_free(table);
	protocol = PROTOCOL_TCP;
}

/* Found by looking, and believed for a time: each packet is asked about, for it may be the end of it. */
static void test_believed_for_a_time(void)
{
	struct socket_event e = event(0, 0, 0, 0);
	struct socket_seed s = { .key = { .local_port = 80,
					  .remote_port = 4000,
					  .protocol = PROTOCOL_TCP,
					  .family = 4 },
				 .cookie = 1,
				 .pid = 7,
				 .process = 7,
				 .from_ns = 10 * MS };

	memcpy(s.key.local, e.local, 16);
	memcpy(s.key.remote, e.remote, 16);
	CHECK(!socket_table_new(&table, 64));
	socket_table_seed(table, &s);
	CHECK(recalled(11 * MS) == 7);
	s.until_ns = 50 * MS;
	socket_table_seed(table, &s);
	CHECK(!recalled(11 * MS) && ask(11 * MS) == 7);
	remember();
	CHECK(!recalled(11 * MS));
	socket_table_free(table);
}

static uint32_t random_below(uint32_t *state, uint32_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % n;
}

/* Events of one connection's addresses in any order: several sockets and processes, times that go back. */
static struct socket_event random_event(uint32_t *state)
{
	static const uint8_t kinds[] = { SOCKET_SEND, SOCKET_ACCEPT, SOCKET_USE,
					 SOCKET_CLOSE, SOCKET_ESTABLISHED };
	uint8_t kind = kinds[random_below(state, sizeof kinds)];
	uint64_t cookie = 1 + random_below(state, 5);
	uint32_t pid = random_below(state, 4);
	int64_t ns = (1 + random_below(state, 58)) * MS;
	struct socket_event e = event(kind, cookie, pid, ns);

	if (random_below(state, 2))
		e.before_ns = (uint64_t)(ns - random_below(state, (uint32_t)ns));
	return e;
}

/* Whatever is told, nothing is kept that the table would not say. */
static unsigned random_events(void)
{
	uint32_t state = 20261201;
	unsigned wrong = 0, kept = 0;

	for (unsigned run = 0; run < 1500; run++) {
		if (socket_table_new(&table, 8))
			wrong++;
		for (unsigned i = 0; i < 12; i++) {
			put(random_event(&state));
			if (!random_below(&state, 4))
				remember();
			if (!random_below(&state, 8))
				socket_table_lost(table, random_below(&state, 60) * MS);
			for (int64_t ns = 0; ns < 60 * MS; ns += MS / 2) {
				uint32_t pid = recalled(ns);

				kept += pid != 0;
				if (!pid)
					pid = doubted(ns);
				wrong += pid && pid != ask(ns);
			}
		}
		socket_table_free(table);
	}
	CHECK_EQ(wrong, 0);
	return kept;
}

static void test_random_events(void)
{
	/* And much is kept. */
	CHECK(random_events() > 100000);
}

static void test_random_datagrams(void)
{
	protocol = PROTOCOL_UDP;
	CHECK(random_events() > 10000);
	protocol = PROTOCOL_TCP;
}

int main(void)
{
	RUN(test_keys);
	RUN(test_slots);
	RUN(test_full);
	RUN(test_table);
	RUN(test_lost_of_datagrams);
	RUN(test_believed_for_a_time);
	RUN(test_random_events);
	RUN(test_random_datagrams);
	return tap_done();
}
