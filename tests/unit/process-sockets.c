/* The table of addresses and their owners: what is known when, and what is not said. */
#include "lib/socket_events.h"

static void test_connection(void)
{
	renew(16);
	CHECK_EQ(at(5 * MS), 0);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	CHECK_EQ(opening_at(10 * MS), EXACT + 7);
	CHECK_EQ(at(20 * MS), EXACT + 7);
	put(event(SOCKET_CLOSE, 1, 7, 30 * MS));
	CHECK_EQ(at(29 * MS), EXACT + 7);
	CHECK_EQ(at(31 * MS), EARLIER + 7);
	CHECK_EQ(opening_at(31 * MS), 0);
}

static int connecting_at(int64_t ns)
{
	struct socket_question q = question(PROTOCOL_TCP, ns);

	q.is_opening = q.is_connecting = true;
	return ask(&q);
}

/* What opens a connection where one is open since long is not of that: its end was lost. */
static void test_lost_end(void)
{
	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	CHECK_EQ(connecting_at(10 * MS), EXACT + 7);
	/* Sent again. */
	CHECK_EQ(connecting_at(130 * NS_PER_S), EXACT + 7);
	/* The other side's proves nothing. */
	CHECK_EQ(opening_at(200 * NS_PER_S), EXACT + 7);
	CHECK_EQ(at(210 * NS_PER_S), EXACT + 7);
	CHECK_EQ(connecting_at(200 * NS_PER_S), 0);
	CHECK_EQ(at(210 * NS_PER_S), 0);
	CHECK_EQ(at(190 * NS_PER_S), EXACT + 7);
	put(event(SOCKET_SEND, 2, 8, 200 * NS_PER_S + 10));
	CHECK_EQ(connecting_at(200 * NS_PER_S), EXACT + 8);
	CHECK_EQ(at(210 * NS_PER_S), EXACT + 8);
	/* Told of before the packet is asked about. */
	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	put(event(SOCKET_SEND, 2, 8, 200 * NS_PER_S + 10));
	CHECK_EQ(connecting_at(200 * NS_PER_S), EXACT + 8);
}

static void test_owner_has_the_start(void)
{
	enum owner_certainty certainty;
	struct socket_question q = question(PROTOCOL_TCP, 20 * MS);
	const struct socket_owner *o;

	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	o = socket_table_find(table, &q, &certainty);
	CHECK(o != NULL);
	CHECK_EQ(o->start_ns, 7 * NS_PER_S);
	CHECK_EQ(o->method, OWNER_SOCKET);
	CHECK_EQ(o->process, 7);
}

static void test_addresses_used_again(void)
{
	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	put(event(SOCKET_CLOSE, 1, 7, 30 * MS));
	put(event(SOCKET_SEND, 2, 8, 50 * MS));
	CHECK_EQ(at(20 * MS), EXACT + 7);
	CHECK_EQ(at(40 * MS), EARLIER + 7);
	CHECK_EQ(at(50 * MS), EXACT + 8);
	/* The closing of the first one, told late, is not the second one's. */
	put(event(SOCKET_CLOSE, 1, 7, 60 * MS));
	CHECK_EQ(at(70 * MS), EXACT + 8);
}

/* One socket that was refused, and connects from the same port again. */
static void test_connected_again(void)
{
	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	put(event(SOCKET_CLOSE, 1, 7, 20 * MS));
	put(event(SOCKET_SEND, 1, 7, 50 * MS));
	CHECK_EQ(opening_at(50 * MS - 50 * NS_PER_US), EXACT + 7);
	CHECK_EQ(at(60 * MS), EXACT + 7);
	CHECK_EQ(at(15 * MS), EXACT + 7);
	CHECK_EQ(at(30 * MS), EARLIER + 7);
	put(event(SOCKET_CLOSE, 1, 7, 70 * MS));
	CHECK_EQ(at(80 * MS), EARLIER + 7);
}

static void test_accepted(void)
{
	renew(16);
	put_bound(SOCKET_LISTEN, PROTOCOL_TCP, 1, 7, 1 * MS);
	CHECK_EQ(opening_at(10 * MS), LISTENER + 7);
	put(event(SOCKET_ESTABLISHED, 2, 0, 11 * MS));
	CHECK_EQ(at(12 * MS), LISTENER + 7);
	put(event(SOCKET_ACCEPT, 2, 9, 20 * MS));
	/* The child that took it is the one, for the handshake too. */
	CHECK_EQ(opening_at(10 * MS), EXACT + 9);
	CHECK_EQ(at(12 * MS), EXACT + 9);
	CHECK_EQ(at(30 * MS), EXACT + 9);
}

/* Told with the first use alone: that says since when it is so. */
static void test_accepted_in_brief(void)
{
	renew(16);
	put_bound(SOCKET_LISTEN, PROTOCOL_TCP, 1, 7, 1 * MS);
	CHECK_EQ(opening_at(10 * MS), LISTENER + 7);
	CHECK_EQ(at(12 * MS), LISTENER + 7);
	put(since(event(SOCKET_ACCEPT, 2, 9, 20 * MS), 11 * MS));
	CHECK_EQ(opening_at(10 * MS), EXACT + 9);
	CHECK_EQ(at(12 * MS), EXACT + 9);
	put(event(SOCKET_CLOSE, 2, 9, 30 * MS));
	CHECK_EQ(at(40 * MS), EARLIER + 9);
	/* Opened anew, by somebody who is not known yet: no longer the earlier one's. */
	CHECK_EQ(opening_at(50 * MS), LISTENER + 7);
	CHECK_EQ(at(40 * MS), EARLIER + 9);
	CHECK_EQ(at(52 * MS), LISTENER + 7);
	put(since(event(SOCKET_ACCEPT, 3, 8, 60 * MS), 51 * MS));
	CHECK_EQ(opening_at(50 * MS), EXACT + 8);
	CHECK_EQ(at(52 * MS), EXACT + 8);
	CHECK_EQ(at(20 * MS), EXACT + 9);
}

/* Accepted and never used: nobody's, and not who had the addresses before. */
static void test_accepted_and_unused(void)
{
	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	put(event(SOCKET_CLOSE, 1, 7, 20 * MS));
	CHECK_EQ(at(50 * MS), EARLIER + 7);
	put(since(event(SOCKET_CLOSE, 2, 0, 60 * MS), 40 * MS));
	CHECK_EQ(at(50 * MS), 0);
	CHECK_EQ(at(15 * MS), EXACT + 7);
	CHECK_EQ(at(70 * MS), 0);
}

/* That events are fetched ahead changes nothing of what they do. */
static void test_expected(void)
{
	struct socket_event events[3] = { event(SOCKET_SEND, 1, 7, 10 * MS),
					  event(SOCKET_CLOSE, 1, 7, 30 * MS),
					  event(SOCKET_SEND, 2, 8, 50 * MS) };

	renew(16);
	socket_table_expect(table, events, 3);
	CHECK_EQ(at(50 * MS), 0);
	for (unsigned i = 0; i < 3; i++)
		put(events[i]);
	socket_table_expect(table, events, 3);
	CHECK_EQ(at(20 * MS), EXACT + 7);
	CHECK_EQ(at(50 * MS), EXACT + 8);
}

static void test_handed_over(void)
{
	struct socket_event e = event(SOCKET_USE, 1, 8, 40 * MS);

	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	e.before_ns = (uint64_t)(20 * MS);
	put(e);
	CHECK_EQ(at(19 * MS), EXACT + 7);
	CHECK_EQ(at(20 * MS), EXACT + 7);
	/* Sent within the call that the event ended. */
	CHECK_EQ(at(39 * MS), EXACT + 8);
	CHECK_EQ(at(50 * MS), EXACT + 8);
}

/* Who made the connection did no more than that, and was seen at it last before its first packet was. */
static void test_inherited(void)
{
	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	put(since(event(SOCKET_USE, 1, 8, 50 * MS), 9 * MS));
	CHECK_EQ(opening_at(10 * MS), EXACT + 7);
	CHECK_EQ(at(11 * MS), EXACT + 8);
	CHECK_EQ(at(60 * MS), EXACT + 8);
	put(event(SOCKET_CLOSE, 1, 8, 70 * MS));
	CHECK_EQ(at(80 * MS), EARLIER + 8);
	/* Without a connection it was the new one's from the start. */
	renew(16);
	put(datagram(SOCKET_SEND, 1, 7, 10 * MS));
	put(since(datagram(SOCKET_USE, 1, 8, 50 * MS), 9 * MS));
	CHECK_EQ(datagram_at(60 * MS), EXACT + 8);
}

static void test_pid_used_again(void)
{
	struct socket_event e = event(SOCKET_SEND, 2, 7, 50 * MS);
	struct socket_question q = question(PROTOCOL_TCP, 60 * MS);
	enum owner_certainty certainty;
	const struct socket_owner *o;

	renew(16);
	put(event(SOCKET_SEND, 1, 7, 10 * MS));
	put(event(SOCKET_CLOSE, 1, 7, 30 * MS));
	e.start_ns = 40 * (uint64_t)NS_PER_S;
	put(e);
	o = socket_table_find(table, &q, &certainty);
	CHECK(o && o->start_ns == 40 * (uint64_t)NS_PER_S);
	q.ns = 20 * MS;
	o = socket_table_find(table, &q, &certainty);
	CHECK(o && o->start_ns == 7 * (uint64_t)NS_PER_S);
}

static void test_datagrams(void)
{
	struct socket_event e = event(SOCKET_SEND, 1, 7, 20 * MS);

	renew(16);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	CHECK_EQ(datagram_at(5 * MS), 0);
	CHECK_EQ(datagram_at(15 * MS), WILDCARD + 7);
	e.protocol = PROTOCOL_UDP;
	put(e);
	CHECK_EQ(datagram_at(25 * MS), EXACT + 7);
	put_bound(SOCKET_CLOSE, PROTOCOL_UDP, 1, 7, 30 * MS);
	CHECK_EQ(datagram_at(35 * MS), EARLIER + 7);
}

static void test_shared_port_is_unknown(void)
{
	renew(16);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 2, 8, 10 * MS);
	CHECK_EQ(datagram_at(15 * MS), 0);
	put_bound(SOCKET_CLOSE, PROTOCOL_UDP, 1, 7, 20 * MS);
	CHECK_EQ(datagram_at(25 * MS), WILDCARD + 8);
}

/* A server that was started again has what comes from where the one before had answered to. */
static void test_restarted_server(void)
{
	renew(16);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	put(datagram(SOCKET_SEND, 1, 7, 11 * MS));
	put_bound(SOCKET_CLOSE, PROTOCOL_UDP, 1, 7, 20 * MS);
	CHECK_EQ(datagram_at(25 * MS), EARLIER + 7);
	CHECK_EQ(datagram_at(70 * NS_PER_S), 0);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 2, 8, 30 * MS);
	CHECK_EQ(datagram_at(15 * MS), EXACT + 7);
	CHECK_EQ(datagram_at(25 * MS), EARLIER + 7);
	CHECK_EQ(datagram_at(40 * MS), WILDCARD + 8);
	put(datagram(SOCKET_SEND, 2, 8, 50 * MS));
	CHECK_EQ(datagram_at(60 * MS), EXACT + 8);
	/* Two are there now: neither is named, nor the one before. */
	renew(16);
	put(datagram(SOCKET_SEND, 1, 7, 11 * MS));
	put(datagram(SOCKET_CLOSE, 1, 7, 20 * MS));
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 2, 8, 30 * MS);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 3, 9, 30 * MS);
	CHECK_EQ(datagram_at(40 * MS), 0);
}

static void put_at_address(uint8_t kind, uint64_t cookie, uint32_t pid, int64_t ns)
{
	struct socket_event e = datagram(kind, cookie, pid, ns);

	e.remote_port = 0;
	put_address(e.remote, "");
	put(e);
}

/* What is bound to an address is asked before what is bound to any, and says who has it, that it is not known, or
 * nothing. */
static void test_bound_to_an_address(void)
{
	renew(16);
	put_at_address(SOCKET_BIND, 1, 7, 10 * MS);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 3, 9, 10 * MS);
	CHECK_EQ(datagram_at(20 * MS), WILDCARD + 7);
	put_at_address(SOCKET_BIND, 2, 8, 10 * MS);
	CHECK_EQ(datagram_at(20 * MS), 0);
	put_at_address(SOCKET_CLOSE, 1, 7, 30 * MS);
	put_at_address(SOCKET_CLOSE, 2, 8, 35 * MS);
	CHECK_EQ(datagram_at(40 * MS), WILDCARD + 9);
	put_bound(SOCKET_CLOSE, PROTOCOL_UDP, 3, 9, 32 * MS);
	CHECK_EQ(datagram_at(40 * MS), EARLIER + 8);
	CHECK_EQ(datagram_at(70 * NS_PER_S), 0);
	/* Of a socket that several hold. */
	renew(16);
	put_at_address(SOCKET_BIND, 1, 0, 10 * MS);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 3, 9, 10 * MS);
	CHECK_EQ(datagram_at(20 * MS), 0);
}

/* Two sockets may have both sides in common: whose a packet is nobody tells. */
static void test_shared_sides_are_unknown(void)
{
	renew(16);
	put(datagram(SOCKET_SEND, 1, 7, 10 * MS));
	CHECK_EQ(datagram_at(15 * MS), EXACT + 7);
	put(datagram(SOCKET_SEND, 2, 8, 20 * MS));
	CHECK_EQ(datagram_at(15 * MS), EXACT + 7);
	CHECK_EQ(datagram_at(30 * MS), 0);
	/* Not even where only one of them is bound to the port. */
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 3, 9, 5 * MS);
	CHECK_EQ(datagram_at(30 * MS), 0);
	put(datagram(SOCKET_CLOSE, 2, 8, 40 * MS));
	CHECK_EQ(datagram_at(30 * MS), 0);
	CHECK_EQ(datagram_at(50 * MS), EXACT + 7);
	/* Two of one process are that process's. */
	put(datagram(SOCKET_SEND, 4, 7, 60 * MS));
	CHECK_EQ(datagram_at(70 * MS), EXACT + 7);
}

/* However many are closed after it, a socket without a connection does not come back to life. */
static void test_many_closings(void)
{
	struct socket_event e = datagram(SOCKET_CLOSE, 1, 7, 20 * MS);

	renew(16);
	put(datagram(SOCKET_SEND, 1, 7, 10 * MS));
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	/* Known by another key than those that it had. */
	e.remote_port = 4001;
	put(e);
	CHECK_EQ(datagram_at(30 * MS), EARLIER + 7);
	close_others(PROTOCOL_TCP, 40000);
	CHECK_EQ(datagram_at(30 * MS), EARLIER + 7);
	close_others(PROTOCOL_UDP, 40000);
	CHECK_EQ(datagram_at(30 * MS), EARLIER + 7);
	CHECK_EQ(datagram_at(15 * MS), EXACT + 7);
	/* And one that lives on lives on. */
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 2, 8, 40 * MS);
	put(datagram(SOCKET_SEND, 2, 8, 40 * MS));
	close_others(PROTOCOL_UDP, 40000);
	CHECK_EQ(datagram_at(50 * MS), EXACT + 8);
}

/* A server that forked: what one has sent to is not the other's, nor the first one's for ever. */
static void test_datagrams_of_a_forked_server(void)
{
	struct socket_event use = datagram(SOCKET_USE, 1, 8, 30 * MS);

	use.remote_port = 0;
	put_address(use.local, "");
	put_address(use.remote, "");
	renew(16);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	put(datagram(SOCKET_SEND, 1, 7, 11 * MS));
	CHECK_EQ(datagram_at(40 * MS), EXACT + 7);
	put(since(use, 20 * MS));
	CHECK_EQ(datagram_at(15 * MS), EXACT + 7);
	CHECK_EQ(datagram_at(40 * MS), WILDCARD + 8);
	/* And back, which leaves it open who is asked of between the changes. */
	use.pid = use.tid = 7;
	use.start_ns = 7 * (uint64_t)NS_PER_S + 7;
	use.ns = (uint64_t)(60 * MS);
	put(since(use, 50 * MS));
	CHECK_EQ(datagram_at(40 * MS), WILDCARD + 8);
	CHECK_EQ(datagram_at(70 * MS), WILDCARD + 7);
	close_others(PROTOCOL_UDP, 10000);
	CHECK_EQ(datagram_at(15 * MS), EXACT + 7);
	CHECK_EQ(datagram_at(70 * MS), WILDCARD + 7);
	put(datagram(SOCKET_SEND, 1, 7, 80 * MS));
	CHECK_EQ(datagram_at(90 * MS), EXACT + 7);
	CHECK_EQ(datagram_at(70 * MS), WILDCARD + 7);
	/* Nobody was known before: the port is the user's from then on. */
	renew(16);
	use.ns = (uint64_t)(30 * MS);
	put(use);
	put(datagram(SOCKET_SEND, 1, 7, 31 * MS));
	CHECK_EQ(datagram_at(40 * MS), EXACT + 7);
}

static void test_addresses_of_others(void)
{
	struct socket_question q = question(PROTOCOL_UDP, 15 * MS);

	renew(16);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	q.is_ours = false;
	CHECK_EQ(ask(&q), 0);
}

static void test_ipv6_hears_ipv4(void)
{
	struct socket_event e = event(SOCKET_LISTEN, 1, 7, 10 * MS);

	renew(16);
	e.family = 6;
	e.remote_port = 0;
	put_address(e.local, "");
	put_address(e.remote, "");
	put(e);
	CHECK_EQ(opening_at(20 * MS), LISTENER + 7);
	renew(16);
	e.is_ipv6_only = 1;
	put(e);
	CHECK_EQ(opening_at(20 * MS), 0);
}

static struct socket_seed seed(uint64_t cookie, uint32_t pid)
{
	struct socket_question q = question(PROTOCOL_TCP, 0);

	return (struct socket_seed){ .key = q.key,
				     .cookie = cookie,
				     .pid = pid,
				     .start_ns = pid * (uint64_t)NS_PER_S,
				     .process = pid };
}

static void test_older_connection(void)
{
	struct socket_seed s = seed(1, 7);
	struct socket_event e = event(SOCKET_USE, 1, 8, 50 * MS);

	renew(16);
	socket_table_seed(table, &s);
	CHECK_EQ(at(10 * MS), EXACT + 7);
	put(e);
	CHECK_EQ(at(49 * MS), EXACT + 7);
	CHECK_EQ(at(51 * MS), EXACT + 8);
}

static void test_events_beat_snapshots(void)
{
	struct socket_seed s = seed(1, 7);

	renew(16);
	put(event(SOCKET_SEND, 1, 8, 10 * MS));
	socket_table_seed(table, &s);
	CHECK_EQ(at(20 * MS), EXACT + 8);
	/* Held by several: nobody is named until one uses it. */
	renew(16);
	s.pid = 0;
	socket_table_seed(table, &s);
	CHECK_EQ(at(20 * MS), 0);
	put(event(SOCKET_USE, 1, 8, 30 * MS));
	CHECK_EQ(at(40 * MS), EXACT + 8);
}

/* Closed between the snapshot and its being told, with or without owners that events tell of, and however many
 * others are. */
static void test_closed_since_the_snapshot(void)
{
	struct socket_seed s = seed(1, 7);

	s.seen_ns = 20 * MS;
	renew(16);
	put(event(SOCKET_CLOSE, 1, 0, 25 * MS));
	socket_table_seed(table, &s);
	CHECK_EQ(at(22 * MS), EXACT + 7);
	CHECK_EQ(at(30 * MS), EARLIER + 7);
	renew(16);
	put(event(SOCKET_ESTABLISHED, 1, 0, 15 * MS));
	put(event(SOCKET_CLOSE, 1, 0, 25 * MS));
	socket_table_seed(table, &s);
	CHECK_EQ(at(30 * MS), EARLIER + 7);
	renew(16);
	socket_table_seed(table, &s);
	put(event(SOCKET_CLOSE, 1, 0, 25 * MS));
	socket_table_seed(table, &s);
	CHECK_EQ(at(30 * MS), EARLIER + 7);
	renew(16);
	put(event(SOCKET_CLOSE, 1, 0, 25 * MS));
	close_others(PROTOCOL_UDP, 40000);
	socket_table_seed(table, &s);
	CHECK_EQ(at(19 * MS), EXACT + 7);
	CHECK_EQ(at(30 * MS), EARLIER + 7);
}

static void test_snapshots_alone(void)
{
	struct socket_seed s = seed(1, 7);

	renew(16);
	s.seen_ns = 10 * MS;
	socket_table_seed(table, &s);
	socket_table_age(table, 20 * MS, 15 * MS);
	CHECK_EQ(at(14 * MS), EXACT + 7);
	CHECK_EQ(at(20 * MS), EARLIER + 7);
	s = seed(2, 8);
	s.from_ns = 30 * MS;
	socket_table_seed(table, &s);
	CHECK_EQ(at(20 * MS), EARLIER + 7);
	CHECK_EQ(at(31 * MS), EXACT + 8);
}

/* As it is taken where there are no events: believed from 20 to 50 ms. */
static struct socket_seed doubtful(uint64_t cookie, uint32_t pid)
{
	struct socket_seed s = seed(cookie, pid);

	s.from_ns = 20 * MS;
	s.seen_ns = 10 * MS;
	s.until_ns = 50 * MS;
	return s;
}

static void doubt(int64_t ns, bool is_opening)
{
	struct socket_question q = question(PROTOCOL_TCP, ns);

	q.is_opening = is_opening;
	socket_table_doubt(table, &q);
}

static void test_believed_for_a_time(void)
{
	struct socket_seed s = doubtful(1, 7);

	renew(16);
	socket_table_seed(table, &s);
	/* Before the look was over it may have been another's. */
	CHECK_EQ(at(15 * MS), 0);
	CHECK_EQ(opening_at(15 * MS), 0);
	CHECK_EQ(at(21 * MS), EXACT + 7);
	CHECK_EQ(at(49 * MS), EXACT + 7);
	CHECK_EQ(at(60 * MS), EARLIER + 7);
	/* Seen again: it has been so all along. */
	s.from_ns = 70 * MS;
	s.seen_ns = 65 * MS;
	s.until_ns = 100 * MS;
	socket_table_seed(table, &s);
	CHECK_EQ(at(21 * MS), EXACT + 7);
	CHECK_EQ(at(60 * MS), EXACT + 7);
	CHECK_EQ(at(110 * MS), EARLIER + 7);
	/* Not seen any more. */
	socket_table_age(table, 90 * MS, 65 * MS);
	CHECK_EQ(at(64 * MS), EXACT + 7);
	CHECK_EQ(at(80 * MS), EARLIER + 7);
}

static void test_doubt(void)
{
	struct socket_seed s = doubtful(1, 7);

	renew(16);
	doubt(30 * MS, true);
	socket_table_seed(table, &s);
	/* Of a connection before. */
	doubt(15 * MS, false);
	CHECK_EQ(at(30 * MS), EXACT + 7);
	doubt(30 * MS, true);
	CHECK_EQ(at(29 * MS), EXACT + 7);
	CHECK_EQ(opening_at(30 * MS), 0);
	CHECK_EQ(at(31 * MS), 0);
	/* The last packet is still the one's who had it. */
	renew(16);
	socket_table_seed(table, &s);
	doubt(30 * MS, false);
	CHECK_EQ(at(30 * MS), EXACT + 7);
	CHECK_EQ(at(31 * MS), EARLIER + 7);
	/* It was seen after the end all the same: one of two directions. */
	s.from_ns = 40 * MS;
	s.until_ns = 60 * MS;
	socket_table_seed(table, &s);
	CHECK_EQ(at(31 * MS), EXACT + 7);
	/* What was told as it happened is not doubted. */
	renew(16);
	put(event(SOCKET_SEND, 1, 8, 10 * MS));
	doubt(30 * MS, true);
	CHECK_EQ(at(31 * MS), EXACT + 8);
}

static void test_flood(void)
{
	struct socket_table_counts c;
	struct socket_event e = event(SOCKET_SEND, 1, 7, 10 * MS);

	renew(1000);
	put_bound(SOCKET_LISTEN, PROTOCOL_TCP, 1, 9, 1 * MS);
	put(e);
	for (uint32_t i = 0; i < 1000000; i++) {
		memcpy(e.remote + 8, &i, sizeof i);
		e.cookie = i + 10;
		put(e);
		/* One that is in use is kept. */
		if (i % 500 == 0)
			CHECK_EQ(at(20 * MS), EXACT + 7);
	}
	socket_table_counts(table, &c);
	CHECK_EQ(c.entries, 1000);
	CHECK_EQ(c.evicted, 1000000 + 2 - 1000);
	CHECK_EQ(at(20 * MS), EXACT + 7);
}

static bool is_used(unsigned port)
{
	return socket_table_ports(table)[port / 8] >> port % 8 & 1;
}

/* A port that nothing has is told without a question; what goes takes its port with it. */
static void test_ports(void)
{
	struct socket_event e = event(SOCKET_ESTABLISHED, 1, 7, 10 * MS);

	renew(2);
	CHECK(!is_used(80));
	put(e);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 2, 7, 10 * MS);
	CHECK(is_used(80));
	CHECK(!is_used(81) && !is_used(4000));
	for (unsigned i = 0; i < 3; i++) {
		e.cookie = 10 + i;
		e.local_port = (uint16_t)(100 + i);
		put(e);
	}
	CHECK_EQ(is_used(80) + is_used(100) + is_used(101) + is_used(102), 2);
	CHECK(is_used(102));
}

static void test_many_owners_of_one_key(void)
{
	struct socket_table_counts c;

	renew(16);
	for (uint32_t i = 1; i <= 100; i++) {
		put(event(SOCKET_SEND, i, i, i * 10 * MS));
		put(event(SOCKET_CLOSE, i, i, (i * 10 + 5) * MS));
	}
	CHECK_EQ(at(1001 * MS), EXACT + 100);
	CHECK_EQ(at(991 * MS), EXACT + 99);
	CHECK_EQ(at(1007 * MS), EARLIER + 100);
	/* Long forgotten: nobody is named. */
	CHECK(at(11 * MS) != EXACT + 97);
	socket_table_counts(table, &c);
	CHECK_EQ(c.entries, 1);
	CHECK_EQ(c.forgotten, 96);
}

/* An inline recorder has a packet before it leaves, and only then the kernel tells whose it is. */
static void test_held_datagram(void)
{
	struct socket_question q = question(PROTOCOL_UDP, 10 * MS);
	struct socket_event e = event(SOCKET_SEND, 1, 7, 60 * MS);

	renew(16);
	e.protocol = PROTOCOL_UDP;
	put(e);
	CHECK_EQ(ask(&q), 0);
	q.is_held = true;
	CHECK_EQ(ask(&q), EXACT + 7);
	q.ns = 60 * MS - 201 * MS;
	CHECK_EQ(ask(&q), 0);
	/* One that has the same sides may have sent it, too. */
	e.ns = 5 * MS;
	e.cookie = 2;
	e.pid = 6;
	put(e);
	q.ns = 10 * MS;
	CHECK_EQ(ask(&q), 0);
	q.is_held = false;
	CHECK_EQ(ask(&q), EXACT + 6);
}

int main(void)
{
	RUN(test_held_datagram);
	RUN(test_connection);
	RUN(test_lost_end);
	RUN(test_owner_has_the_start);
	RUN(test_addresses_used_again);
	RUN(test_connected_again);
	RUN(test_accepted);
	RUN(test_accepted_in_brief);
	RUN(test_accepted_and_unused);
	RUN(test_expected);
	RUN(test_handed_over);
	RUN(test_inherited);
	RUN(test_pid_used_again);
	RUN(test_datagrams);
	RUN(test_shared_port_is_unknown);
	RUN(test_restarted_server);
	RUN(test_bound_to_an_address);
	RUN(test_shared_sides_are_unknown);
	RUN(test_many_closings);
	RUN(test_datagrams_of_a_forked_server);
	RUN(test_addresses_of_others);
	RUN(test_ipv6_hears_ipv4);
	RUN(test_older_connection);
	RUN(test_events_beat_snapshots);
	RUN(test_closed_since_the_snapshot);
	RUN(test_snapshots_alone);
	RUN(test_believed_for_a_time);
	RUN(test_doubt);
	RUN(test_flood);
	RUN(test_ports);
	RUN(test_many_owners_of_one_key);
	socket_table_free(table);
	return tap_done();
}
