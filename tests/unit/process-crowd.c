/* More sockets on one key than the table remembers owners of it. */
#include "lib/socket_events.h"

/* More sockets than one key remembers: one that is no longer there may have the packet. */
static void test_crowded_port(void)
{
	renew(16);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 1, 7, 10 * MS);
	for (unsigned i = 2; i < 6; i++)
		put_bound(SOCKET_BIND, PROTOCOL_UDP, i, 8, 11 * MS);
	CHECK_EQ(datagram_at(20 * MS), 0);
	for (unsigned i = 2; i < 6; i++)
		put_bound(SOCKET_CLOSE, PROTOCOL_UDP, i, 8, 30 * MS);
	CHECK_EQ(datagram_at(40 * MS), 0);
	/* All of one process are that process's, until another comes. */
	renew(16);
	for (unsigned i = 1; i < 9; i++)
		put_bound(SOCKET_LISTEN, PROTOCOL_TCP, i, 7, 10 * MS);
	CHECK_EQ(opening_at(20 * MS), LISTENER + 7);
	for (unsigned i = 3; i < 9; i++)
		put_bound(SOCKET_CLOSE, PROTOCOL_TCP, i, 7, 30 * MS);
	put_bound(SOCKET_LISTEN, PROTOCOL_TCP, 9, 8, 40 * MS);
	CHECK_EQ(opening_at(50 * MS), 0);
	/* What is closed goes first. */
	renew(16);
	for (unsigned i = 1; i < 9; i++) {
		put_bound(SOCKET_BIND, PROTOCOL_UDP, i, i, i * 10 * MS);
		put_bound(SOCKET_CLOSE, PROTOCOL_UDP, i, i, (i * 10 + 5) * MS);
	}
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 9, 9, 90 * MS);
	CHECK_EQ(datagram_at(95 * MS), WILDCARD + 9);
	/* The same with a remote side. */
	renew(16);
	put(datagram(SOCKET_SEND, 1, 7, 10 * MS));
	for (unsigned i = 2; i < 6; i++)
		put(datagram(SOCKET_SEND, i, 8, 11 * MS));
	CHECK_EQ(datagram_at(20 * MS), 0);
}

/* Who is not among a port's owners any more is waited for, and no longer than until it is closed. */
static void test_crowd_goes(void)
{
	struct socket_event e;

	renew(16);
	for (unsigned i = 1; i < 7; i++)
		put_bound(SOCKET_BIND, PROTOCOL_UDP, i, i, (10 + i) * MS);
	for (unsigned i = 3; i < 7; i++)
		put_bound(SOCKET_CLOSE, PROTOCOL_UDP, i, i, (20 + i) * MS);
	put_bound(SOCKET_BIND, PROTOCOL_UDP, 7, 7, 30 * MS);
	CHECK_EQ(datagram_at(40 * MS), 0);
	put_bound(SOCKET_CLOSE, PROTOCOL_UDP, 1, 1, 50 * MS);
	CHECK_EQ(datagram_at(60 * MS), 0);
	/* The last one was connected meanwhile: its closing is told by another key. */
	e = datagram(SOCKET_CLOSE, 2, 2, 70 * MS);
	put(e);
	CHECK_EQ(datagram_at(60 * MS), 0);
	CHECK_EQ(datagram_at(80 * MS), WILDCARD + 7);
	/* Who went before the last of them was not the last one there. */
	put_bound(SOCKET_CLOSE, PROTOCOL_UDP, 7, 7, 90 * MS);
	CHECK_EQ(datagram_at(95 * MS), EARLIER + 7);
	renew(16);
	for (unsigned i = 1; i < 6; i++)
		put_bound(SOCKET_BIND, PROTOCOL_UDP, i, i, (10 + i) * MS);
	for (unsigned i = 5; i > 0; i--)
		put_bound(SOCKET_CLOSE, PROTOCOL_UDP, i, i, (30 - i) * MS);
	CHECK_EQ(datagram_at(40 * MS), 0);
	/* However many others are closed meanwhile. */
	renew(16);
	for (unsigned i = 1; i < 7; i++)
		put_bound(SOCKET_LISTEN, PROTOCOL_TCP, i, i, 10 * MS);
	for (unsigned i = 1; i < 6; i++)
		put_bound(SOCKET_CLOSE, PROTOCOL_TCP, i, i, 20 * MS);
	CHECK_EQ(opening_at(15 * MS), 0);
	close_others(PROTOCOL_UDP, 40000);
	CHECK_EQ(opening_at(30 * MS), LISTENER + 6);
	/* It listens again: its first closing was not its end. */
	put_bound(SOCKET_LISTEN, PROTOCOL_TCP, 1, 1, 40 * MS);
	for (unsigned i = 11; i < 15; i++)
		put_bound(SOCKET_LISTEN, PROTOCOL_TCP, i, 6, 40 * MS);
	CHECK_EQ(opening_at(50 * MS), 0);
}

/* More than are kept: nobody is named, as long as the key is. */
static void test_crowd_without_end(void)
{
	renew(16);
	for (unsigned i = 1; i < 200; i++)
		put_bound(SOCKET_BIND, PROTOCOL_UDP, i, i, 10 * MS);
	for (unsigned i = 1; i < 199; i++)
		put_bound(SOCKET_CLOSE, PROTOCOL_UDP, i, i, 20 * MS);
	CHECK_EQ(datagram_at(30 * MS), 0);
	/* Keys that go give back what they had. */
	renew(2);
	for (uint16_t port = 1; port < 1000; port++) {
		struct socket_event e = datagram(SOCKET_BIND, 0, 0, 10 * MS);

		e.remote_port = 0;
		e.local_port = port;
		put_address(e.remote, "");
		for (unsigned i = 0; i < 6; i++) {
			e.cookie = port * 10U + i;
			e.pid = e.tid = i + 1;
			put(e);
		}
	}
	for (unsigned i = 1; i < 7; i++)
		put_bound(SOCKET_BIND, PROTOCOL_UDP, i, i, 10 * MS);
	for (unsigned i = 1; i < 6; i++)
		put_bound(SOCKET_CLOSE, PROTOCOL_UDP, i, i, 20 * MS);
	CHECK_EQ(datagram_at(30 * MS), WILDCARD + 6);
}

int main(void)
{
	RUN(test_crowded_port);
	RUN(test_crowd_goes);
	RUN(test_crowd_without_end);
	socket_table_free(table);
	return tap_done();
}
