/* Tables of Windows' IP Helper: each row as its class lays it out, what is of no use left out, nothing
 * read behind the end. */
#include "process/iphelper.h"

#include "base/bytes.h"
#include "base/time.h"
#include "lib/tap.h"
#include "packet/headers.h"

#include <stdlib.h>

static uint8_t table[4096];
static struct iphelper_row last;

static void keep(void *arg, const struct iphelper_row *row)
{
	unsigned *count = arg;

	last = *row;
	++*count;
}

static unsigned count_of(enum ip_table kind, size_t length)
{
	unsigned count = 0;
	int rc = iphelper_rows(kind, table, length, keep, &count);

	CHECK(rc < 0 || rc == (int)count);
	return count;
}

static void begin(uint32_t rows)
{
	memset(table, 0, sizeof table);
	memset(&last, 0xee, sizeof last);
	(void)put_u32le(table, rows);
}

/* A port as the tables have it: two bytes in network order, then rubbish. */
static void put_port(uint8_t *at, uint16_t port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
	at[2] = 0xaa;
	at[3] = 0xbb;
}

static void put_tcp(uint8_t *row, uint32_t state, uint32_t pid)
{
	(void)put_u32le(row, state);
	memcpy(row + 4, "\x0a\0\0\1", 4);
	put_port(row + 8, 443);
	memcpy(row + 12, "\x0a\0\0\2", 4);
	put_port(row + 16, 50000);
	(void)put_u32le(row + 20, pid);
}

static void test_connection(void)
{
	static const uint8_t local[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
	static const uint8_t remote[16] = { [10] = 0xff, 0xff, 10, 0, 0, 2 };

	begin(1);
	put_tcp(table + 8, 5, 4321);
	(void)put_u64le(table + 8 + 24, 132500000000000000);
	CHECK_EQ(count_of(IP_TABLE_TCP_MODULE, 8 + 160), 1);
	CHECK_EQ(last.seed.pid, 4321);
	CHECK_EQ(last.seed.method, OWNER_IPHELPER);
	CHECK_EQ(last.seed.cookie, 0);
	CHECK_EQ(last.made_filetime, 132500000000000000);
	CHECK_EQ(last.seed.key.protocol, PROTOCOL_TCP);
	CHECK_EQ(last.seed.key.family, 4);
	CHECK_EQ(last.seed.key.local_port, 443);
	CHECK_EQ(last.seed.key.remote_port, 50000);
	CHECK(!memcmp(last.seed.key.local, local, 16));
	CHECK(!memcmp(last.seed.key.remote, remote, 16));
}

static void test_listener(void)
{
	static const uint8_t any[16];

	begin(1);
	put_tcp(table + 4, 2, 7);
	memset(table + 4 + 4, 0, 4);
	/* What stands for its remote side is rubbish. */
	CHECK_EQ(count_of(IP_TABLE_TCP_PID, 4 + 24), 1);
	CHECK(!memcmp(last.seed.key.local, any, 16));
	CHECK(!memcmp(last.seed.key.remote, any, 16));
	CHECK_EQ(last.seed.key.remote_port, 0);
	CHECK_EQ(last.made_filetime, 0);
}

static void test_of_nobody(void)
{
	begin(4);
	put_tcp(table + 4, 11, 0); /* TIME_WAIT */
	put_tcp(table + 4 + 24, 1, 7);
	put_tcp(table + 4 + 48, 13, 7);
	put_tcp(table + 4 + 72, 8, 9);
	CHECK_EQ(count_of(IP_TABLE_TCP_PID, 4 + 96), 1);
	CHECK_EQ(last.seed.pid, 9);
}

static void test_tcp6(void)
{
	uint8_t *row = table + 8;

	begin(1);
	row[15] = 1;
	put_port(row + 20, 80);
	row[24] = 0x20;
	put_port(row + 44, 81);
	(void)put_u32le(row + 48, 5);
	(void)put_u32le(row + 52, 99);
	CHECK_EQ(count_of(IP_TABLE_TCP6_MODULE, 8 + 192), 1);
	CHECK_EQ(last.seed.key.family, 6);
	CHECK_EQ(last.seed.key.local[15], 1);
	CHECK_EQ(last.seed.key.remote[0], 0x20);
	CHECK_EQ(last.seed.key.local_port, 80);
	CHECK_EQ(last.seed.key.remote_port, 81);
	CHECK_EQ(last.seed.pid, 99);
	/* An IPv4 connection of an IPv6 socket. */
	memcpy(row, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
	memcpy(row + 24, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2", 16);
	CHECK_EQ(count_of(IP_TABLE_TCP6_MODULE, 8 + 192), 1);
	CHECK_EQ(last.seed.key.family, 4);
}

static void test_udp(void)
{
	begin(1);
	put_port(table + 8 + 4, 53);
	(void)put_u32le(table + 8 + 8, 77);
	(void)put_u64le(table + 8 + 16, 5);
	CHECK_EQ(count_of(IP_TABLE_UDP_MODULE, 8 + 160), 1);
	CHECK_EQ(last.seed.key.protocol, PROTOCOL_UDP);
	CHECK_EQ(last.seed.key.local_port, 53);
	CHECK_EQ(last.seed.key.remote_port, 0);
	CHECK_EQ(last.seed.pid, 77);
	CHECK_EQ(last.made_filetime, 5);
	begin(1);
	put_port(table + 8 + 20, 5353);
	(void)put_u32le(table + 8 + 24, 78);
	(void)put_u64le(table + 8 + 32, 6);
	CHECK_EQ(count_of(IP_TABLE_UDP6_MODULE, 8 + 176), 1);
	CHECK_EQ(last.seed.key.family, 6);
	CHECK_EQ(last.seed.key.local_port, 5353);
	CHECK_EQ(last.seed.pid, 78);
	CHECK_EQ(last.made_filetime, 6);
	begin(2);
	put_port(table + 4 + 4, 53);
	(void)put_u32le(table + 4 + 8, 77);
	put_port(table + 16 + 4, 54);
	(void)put_u32le(table + 16 + 8, 78);
	CHECK_EQ(count_of(IP_TABLE_UDP_PID, 4 + 24), 2);
	CHECK_EQ(last.seed.pid, 78);
}

/* The certainty of who has a datagram to the port of the last row. */
static enum owner_certainty certainty_of(struct socket_table *t)
{
	struct socket_question q = { .ns = 100 * NS_PER_S,
				     .is_ours = true,
				     .key = {
					     .local = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
					     .remote = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
					     .local_port = last.seed.key.local_port,
					     .remote_port = 9,
					     .protocol = PROTOCOL_UDP,
					     .family = 4 } };
	enum owner_certainty certainty;

	(void)socket_table_find(t, &q, &certainty);
	return certainty;
}

/* The tables number no sockets: that one of those has been closed says nothing of the others. */
static void test_not_closed(void)
{
	struct socket_event closed = { .ns = 50 * NS_PER_S,
				       .kind = SOCKET_CLOSE,
				       .family = 4,
				       .protocol = PROTOCOL_UDP,
				       .local_port = 54 };
	struct socket_table *t;

	CHECK_EQ(socket_table_new(&t, 16), 0);
	begin(1);
	put_port(table + 4 + 4, 53);
	(void)put_u32le(table + 4 + 8, 77);
	CHECK_EQ(count_of(IP_TABLE_UDP_PID, 4 + 12), 1);
	last.seed.seen_ns = 5;
	socket_table_seed(t, &last.seed);
	CHECK_EQ(certainty_of(t), OWNER_WILDCARD);
	socket_table_event(t, &closed, 0);
	CHECK_EQ(certainty_of(t), OWNER_WILDCARD);
	socket_table_free(t);
}

static void test_cut(void)
{
	unsigned count = 0;

	begin(2);
	put_tcp(table + 4, 5, 1);
	put_tcp(table + 28, 5, 2);
	CHECK_EQ(iphelper_rows(IP_TABLE_TCP_PID, table, 4 + 48, keep, &count), 2);
	for (size_t cut = 0; cut < 4 + 48; cut++) {
		/* Room of that size only, so that a step beyond it is found out. */
		uint8_t *room = malloc(cut + !cut);

		memcpy(room, table, cut);
		count = 0;
		CHECK_EQ(iphelper_rows(IP_TABLE_TCP_PID, room, cut, keep, &count),
			 WEIR_ERR_FORMAT);
		CHECK_EQ(count, cut >= 28);
		free(room);
	}
	begin(UINT32_MAX);
	CHECK_EQ(iphelper_rows(IP_TABLE_UDP6_PID, table, sizeof table, keep, &count),
		 WEIR_ERR_FORMAT);
	begin(0);
	CHECK_EQ(iphelper_rows(IP_TABLE_TCP_PID, table, 4, keep, &count), 0);
}

int main(void)
{
	RUN(test_connection);
	RUN(test_listener);
	RUN(test_of_nobody);
	RUN(test_tcp6);
	RUN(test_udp);
	RUN(test_not_closed);
	RUN(test_cut);
	return tap_done();
}
