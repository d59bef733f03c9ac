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
	struct record_owner owner = { .pid = 7, .certainty = OWNER_EXACT },
			    other = { .pid = 8 };
	struct recall_key key = key_of(packet, true);
	const struct recall_slot *s;
	struct recall r;

	CHECK(!recall_new(&r));
	/* Nothing is known at first. */
	CHECK(!recall_find(&r, &key, 5));
	recall_put(&r, &key, 5, &owner, 3);
	s = recall_find(&r, &key, 5);
	/* What was put is found. */
	CHECK(s && s->owner.pid == 7 && s->process == 3);
	/* Not for what came before it. */
	CHECK(!recall_find(&r, &key, 4));
	recall_put(&r, &key, 5, &other, 4);
	s = recall_find(&r, &key, 9);
	/* A later answer takes its place. */
	CHECK(s && s->owner.pid == 8);
	/* Use is told once. */
	CHECK(recall_was_used(&r, &key) && !recall_was_used(&r, &key));
	recall_forget_all(&r, PROTOCOL_UDP);
	/* UDP's are forgotten: TCP's stay. */
	CHECK(recall_find(&r, &key, 9));
	recall_forget_all(&r, PROTOCOL_TCP);
	/* All of TCP are forgotten. */
	CHECK(!recall_find(&r, &key, 9));
	recall_put(&r, &key, 5, &owner, 3);
	recall_forget(&r, &key);
	/* One is forgotten. */
	CHECK(!recall_find(&r, &key, 9));
	recall_free(&r);
}

/* More than there is room for: bounded, and what is in use stays. */
static void test_full(void)
{
	struct record_owner owner = { .pid = 7, .certainty = OWNER_EXACT };
	struct recall_key used = key_of(packet, true), key = used;
	unsigned kept = 0, count = 10 * RECALL_SETS * RECALL_WAYS;
	struct recall r;

	CHECK(!recall_new(&r));
	recall_put(&r, &used, 0, &owner, 1);
	for (uint32_t i = 0; i < count; i++) {
		key.remote = 0x12345600 + i;
		recall_put(&r, &key, 0, &owner, i);
		kept += recall_find(&r, &used, 1) != NULL;
	}
	/* What is asked for all the time is mostly there. */
	CHECK(kept > count / 2);
	for (uint32_t i = kept = 0; i < count; i++) {
		const struct recall_slot *s;

		key.remote = 0x12345600 + i;
		s = recall_find(&r, &key, 1);
		kept += s != NULL && s->process == i;
		if (s && s->process != i)
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
				  .protocol = PROTOCOL_TCP,
				  .local_port = 80,
				  .remote_port = 4000 };

	e.local[10] = e.local[11] = e.remote[10] = e.remote[11] = 0xff;
	memcpy(e.local + 12, packet + 12, 4);
	memcpy(e.remote + 12, packet + 16, 4);
	return e;
}

static void put(struct socket_event e)
{
	socket_table_event(table, &e, e.pid);
}

/* Asks the table and keeps the answer, as for a packet; the pid. */
static uint32_t ask(int64_t ns)
{
	struct socket_event e = event(0, 0, 0, 0);
	struct socket_question q = { .ns = ns,
				     .key = { .local_port = 80,
					      .remote_port = 4000,
					      .protocol = PROTOCOL_TCP,
					      .family = 4 } };
	struct recall_key key = key_of(packet, true);
	enum owner_certainty certainty;
	const struct socket_owner *o;
	struct record_owner owner;

	memcpy(q.key.local, e.local, 16);
	memcpy(q.key.remote, e.remote, 16);
	o = socket_table_find(table, &q, &certainty);
	if (!o)
		return 0;
	owner = (struct record_owner){ .pid = o->pid,
				       .start_ns = o->start_ns,
				       .certainty = (uint8_t)certainty };
	if (certainty == OWNER_EXACT)
		socket_table_remember(table, &q, &key, &owner);
	return owner.pid;
}

/* The pid that is kept; 0: none. */
static uint32_t recalled(int64_t ns)
{
	struct recall_key key = key_of(packet, true);
	const struct recall_slot *s = recall_find(socket_table_recall(table), &key, ns);

	return s ? s->owner.pid : 0;
}

static void test_table(void)
{
	CHECK(!socket_table_new(&table, 64));
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	/* An event alone keeps nothing. */
	CHECK(!recalled(11 * MS));
	/* The owner of an open connection is kept. */
	CHECK(ask(11 * MS) == 7 && recalled(12 * MS) == 7);
	put(event(SOCKET_USE, 1, 8, 20 * MS));
	/* Another user: it is asked for again. */
	CHECK(!recalled(21 * MS));
	/* And the new one is kept. */
	CHECK(ask(21 * MS) == 8 && recalled(21 * MS) == 8);
	/* An answer for an earlier packet is not kept. */
	CHECK(ask(12 * MS) == 7 && recalled(21 * MS) == 8);
	/* Nor is the new one given for it. */
	CHECK(!recalled(12 * MS));
	put(event(SOCKET_CLOSE, 1, 8, 30 * MS));
	/* Closed: it is asked for again. */
	CHECK(!recalled(31 * MS));
	/* What is closed is not kept. */
	CHECK(ask(30 * MS) == 8 && !recalled(30 * MS));
	put(event(SOCKET_SEND, 2, 9, 40 * MS));
	/* The next owner of the addresses is. */
	CHECK(ask(41 * MS) == 9 && recalled(41 * MS) == 9);
	for (uint16_t port = 5000; port < 6000; port++) {
		struct socket_event e = event(SOCKET_SEND, port, 5, 50 * MS);

		e.remote_port = port;
		put(e);
		(void)recalled(50 * MS);
	}
	/* A connection that is only recalled is not put out by a thousand others. */
	CHECK(recalled(51 * MS) == 9 && ask(51 * MS) == 9);
	socket_table_age(table, 0, 0);
	/* A snapshot may say otherwise. */
	CHECK(!recalled(51 * MS));
	socket_table_free(table);
}

int main(void)
{
	RUN(test_keys);
	RUN(test_slots);
	RUN(test_full);
	RUN(test_table);
	return tap_done();
}
