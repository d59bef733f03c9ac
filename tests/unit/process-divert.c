/* Events of WinDivert's layers and rows of IP Helper in the table of sockets: right, late, early, of
 * nobody, of addresses used again. */
#include "process/divert_event.h"
#include "process/sockets.h"

#include "base/time.h"
#include "lib/tap.h"
#include "packet/headers.h"

#define PER_S  INT64_C(10000000) /* ticks */
#define MS     NS_PER_MS
#define JITTER MS

static struct socket_table *table;

enum {
	EXACT = OWNER_EXACT * 1000,
	WILDCARD = OWNER_WILDCARD * 1000,
	LISTENER = OWNER_LISTENER * 1000,
	EARLIER = OWNER_EARLIER * 1000,
};

static void renew(void)
{
	socket_table_free(table);
	CHECK_EQ(socket_table_new(&table, 64), 0);
}

static void put_address(uint8_t out[16], uint8_t last)
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (last) {
		out[12] = 10;
		out[15] = last;
	}
}

/* 10.0.0.1:80 <-> 10.0.0.2:4000; bound ones without the remote side, as the driver has them. */
static struct windivert_address address(uint8_t event, uint8_t protocol,
					uint64_t endpoint, uint32_t pid, int64_t ns)
{
	struct windivert_address a = { .ticks = ns / 100,
				       .layer = event <= WINDIVERT_FLOW_DELETED
							? WINDIVERT_FLOW
							: WINDIVERT_SOCKET,
				       .event = event,
				       .endpoint_id = endpoint,
				       .process_id = pid,
				       .local_port = 80,
				       .protocol = protocol };

	if (event == WINDIVERT_SOCKET_BIND || event == WINDIVERT_SOCKET_LISTEN) {
		put_address(a.local_address, 0);
		return a;
	}
	put_address(a.local_address, 1);
	put_address(a.remote_address, 2);
	a.remote_port = 4000;
	return a;
}

static void put(uint8_t event, uint8_t protocol, uint64_t endpoint, uint32_t pid,
		int64_t ns)
{
	struct windivert_address a = address(event, protocol, endpoint, pid, ns);
	struct socket_event e;

	CHECK(divert_event_take(&e, &a, PER_S));
	e.start_ns = pid * UINT64_C(1000) + 7; /* not rounded */
	socket_table_event(table, &e, pid);
}

static const struct socket_owner *find(uint8_t protocol, int64_t ns, bool is_opening,
				       enum owner_certainty *certainty)
{
	struct socket_question q = { .ns = ns,
				     .jitter_ns = JITTER,
				     .is_opening = is_opening,
				     .is_ours = true,
				     .key = { .local_port = 80,
					      .remote_port = 4000,
					      .protocol = protocol,
					      .family = 4 } };

	put_address(q.key.local, 1);
	put_address(q.key.remote, 2);
	return socket_table_find(table, &q, certainty);
}

/* certainty * 1000 + pid; 0: unknown */
static int at(uint8_t protocol, int64_t ns)
{
	enum owner_certainty certainty;
	const struct socket_owner *o = find(protocol, ns, false, &certainty);

	return o ? (int)certainty * 1000 + (int)o->pid : 0;
}

static int opening_at(int64_t ns)
{
	enum owner_certainty certainty;
	const struct socket_owner *o = find(PROTOCOL_TCP, ns, true, &certainty);

	return o ? (int)certainty * 1000 + (int)o->pid : 0;
}

static void test_form(void)
{
	struct windivert_address a =
		address(WINDIVERT_SOCKET_BIND, PROTOCOL_UDP, 5, 7, 1500);
	static const uint8_t zeros[16];
	struct socket_event e;

	CHECK(divert_event_take(&e, &a, PER_S));
	CHECK_EQ(e.kind, SOCKET_BIND);
	CHECK_EQ(e.ns, 1500);
	CHECK_EQ(e.cookie, 5);
	CHECK_EQ(e.pid, 7);
	CHECK_EQ(e.method, OWNER_WINDIVERT_SOCKET);
	CHECK(!memcmp(e.local, zeros, 16) && !memcmp(e.remote, zeros, 16));
	a = address(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_TCP, 5, 7, 1500);
	CHECK(divert_event_take(&e, &a, PER_S));
	CHECK_EQ(e.kind, SOCKET_ESTABLISHED);
	CHECK_EQ(e.method, OWNER_WINDIVERT_FLOW);
	/* Its ports are type and code: no packet is told by them. */
	a.protocol = PROTOCOL_ICMP;
	CHECK(!divert_event_take(&e, &a, PER_S));
	a.protocol = PROTOCOL_TCP;
	a.layer = WINDIVERT_NETWORK;
	CHECK(!divert_event_take(&e, &a, PER_S));
	CHECK_EQ(divert_ticks_ns(INT64_MAX / 1000, 10000000),
		 INT64_MAX / 1000 / 10000000 * NS_PER_S +
			 INT64_MAX / 1000 % 10000000 * 100);
}

static void test_connection(void)
{
	enum owner_certainty certainty;
	const struct socket_owner *o;

	renew();
	put(WINDIVERT_SOCKET_CONNECT, PROTOCOL_TCP, 1, 7, 10 * MS);
	CHECK_EQ(opening_at(11 * MS), EXACT + 7);
	o = find(PROTOCOL_TCP, 12 * MS, false, &certainty);
	CHECK(o && o->method == OWNER_WINDIVERT_SOCKET);
	CHECK_EQ(o ? o->start_ns : 0, 7007);
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_TCP, 1, 7, 15 * MS);
	o = find(PROTOCOL_TCP, 16 * MS, false, &certainty);
	CHECK(o && o->method == OWNER_WINDIVERT_FLOW);
	CHECK_EQ(opening_at(11 * MS), EXACT + 7);
	put(WINDIVERT_FLOW_DELETED, PROTOCOL_TCP, 1, 7, 30 * MS);
	put(WINDIVERT_SOCKET_CLOSE, PROTOCOL_TCP, 1, 7, 31 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 29 * MS), EXACT + 7);
	CHECK_EQ(at(PROTOCOL_TCP, 40 * MS), EARLIER + 7);
	CHECK_EQ(opening_at(40 * MS), 0);
}

/* An incoming connection is told of after its first packet was seen. */
static void test_late(void)
{
	renew();
	put(WINDIVERT_SOCKET_LISTEN, PROTOCOL_TCP, 1, 7, 1 * MS);
	CHECK_EQ(opening_at(10 * MS), LISTENER + 7);
	put(WINDIVERT_SOCKET_ACCEPT, PROTOCOL_TCP, 2, 7, 12 * MS);
	CHECK_EQ(opening_at(10 * MS), EXACT + 7);
	renew();
	put(WINDIVERT_SOCKET_BIND, PROTOCOL_UDP, 1, 7, 1 * MS);
	CHECK_EQ(at(PROTOCOL_UDP, 10 * MS), WILDCARD + 7);
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_UDP, 1, 7, 10 * MS + JITTER / 2);
	CHECK_EQ(at(PROTOCOL_UDP, 10 * MS), EXACT + 7);
	/* Too late to be of that packet. */
	CHECK_EQ(at(PROTOCOL_UDP, 8 * MS), WILDCARD + 7);
}

static void test_used_again(void)
{
	renew();
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_TCP, 1, 7, 10 * MS);
	put(WINDIVERT_FLOW_DELETED, PROTOCOL_TCP, 1, 7, 20 * MS);
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_TCP, 2, 8, 30 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 15 * MS), EXACT + 7);
	CHECK_EQ(at(PROTOCOL_TCP, 25 * MS), EARLIER + 7);
	CHECK_EQ(at(PROTOCOL_TCP, 35 * MS), EXACT + 8);
	/* Just before the other one's first: whose it is nobody can tell by the clock. */
	CHECK_EQ(at(PROTOCOL_TCP, 30 * MS - JITTER / 2), EARLIER + 7);
	/* The end of the first one, told once more and late by the other handle. */
	put(WINDIVERT_SOCKET_CLOSE, PROTOCOL_TCP, 1, 7, 36 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 40 * MS), EXACT + 8);
}

/* The end of a flow of UDP is not its socket's. */
static void test_flow_of_a_socket(void)
{
	renew();
	put(WINDIVERT_SOCKET_BIND, PROTOCOL_UDP, 1, 7, 1 * MS);
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_UDP, 1, 7, 10 * MS);
	put(WINDIVERT_FLOW_DELETED, PROTOCOL_UDP, 1, 7, 20 * MS);
	CHECK_EQ(at(PROTOCOL_UDP, 15 * MS), EXACT + 7);
	CHECK_EQ(at(PROTOCOL_UDP, 25 * MS), WILDCARD + 7);
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_UDP, 1, 7, 30 * MS);
	CHECK_EQ(at(PROTOCOL_UDP, 35 * MS), EXACT + 7);
	put(WINDIVERT_SOCKET_CLOSE, PROTOCOL_UDP, 1, 7, 40 * MS);
	CHECK_EQ(at(PROTOCOL_UDP, 45 * MS), EARLIER + 7);
}

static struct socket_seed row(uint32_t pid, int64_t from, int64_t seen)
{
	struct socket_seed s = { .pid = pid,
				 .process = pid,
				 .start_ns = pid * UINT64_C(1000) + 7,
				 .from_ns = from,
				 .seen_ns = seen,
				 .method = OWNER_IPHELPER,
				 .key = { .local_port = 80,
					  .remote_port = 4000,
					  .protocol = PROTOCOL_TCP,
					  .family = 4 } };

	put_address(s.key.local, 1);
	put_address(s.key.remote, 2);
	return s;
}

static void put_row(uint32_t pid, int64_t from, int64_t seen)
{
	struct socket_seed s = row(pid, from, seen);

	socket_table_seed(table, &s);
}

static void test_row(void)
{
	enum owner_certainty certainty;
	const struct socket_owner *o;

	renew();
	put_row(7, 0, 5 * MS);
	o = find(PROTOCOL_TCP, 1 * MS, false, &certainty);
	CHECK(o && o->pid == 7 && o->method == OWNER_IPHELPER);
	CHECK_EQ(o ? o->start_ns : 0, 7007);
	CHECK_EQ(certainty, OWNER_EXACT);
	/* The same again: nothing becomes younger by that. */
	put_row(7, 5 * MS, 50 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 1 * MS), EXACT + 7);
	/* The event of its end. */
	put(WINDIVERT_SOCKET_CLOSE, PROTOCOL_TCP, 9, 7, 60 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 55 * MS), EXACT + 7);
	CHECK_EQ(at(PROTOCOL_TCP, 65 * MS), EARLIER + 7);
}

/* A row and an event of one socket are one owner; a row never takes back what an event told. */
static void test_row_and_event(void)
{
	renew();
	put_row(7, 0, 5 * MS);
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_TCP, 1, 7, 10 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 1 * MS), EXACT + 7);
	put(WINDIVERT_FLOW_DELETED, PROTOCOL_TCP, 1, 7, 20 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 25 * MS), EARLIER + 7);
	renew();
	put(WINDIVERT_FLOW_ESTABLISHED, PROTOCOL_TCP, 1, 8, 10 * MS);
	put_row(7, 0, 15 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 20 * MS), EXACT + 8);
}

/* Another process in a later list: the owner before keeps its time. */
static void test_rows_used_again(void)
{
	renew();
	put_row(7, 0, 10 * MS);
	put_row(8, 10 * MS, 20 * MS);
	socket_table_age(table, 20 * MS, 10 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 5 * MS), EXACT + 7);
	CHECK_EQ(at(PROTOCOL_TCP, 15 * MS), EXACT + 8);
	/* Gone from the list. */
	socket_table_age(table, 30 * MS, 20 * MS);
	CHECK_EQ(at(PROTOCOL_TCP, 25 * MS), EARLIER + 8);
}

int main(void)
{
	RUN(test_form);
	RUN(test_connection);
	RUN(test_late);
	RUN(test_used_again);
	RUN(test_flow_of_a_socket);
	RUN(test_row);
	RUN(test_row_and_event);
	RUN(test_rows_used_again);
	socket_table_free(table);
	return tap_done();
}
