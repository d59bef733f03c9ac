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

int main(void)
{
	RUN(test_crowded_port);
	socket_table_free(table);
	return tap_done();
}
