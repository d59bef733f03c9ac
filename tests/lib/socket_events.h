/* One table of addresses and owners, events that are told to it, and what it answers: one connection and one
 * port, seen from here. */
#ifndef TESTS_SOCKET_EVENTS_H
#define TESTS_SOCKET_EVENTS_H

#include "base/time.h"
#include "lib/tap.h"
#include "packet/headers.h"
#include "process/sockets.h"

#define MS NS_PER_MS

static struct socket_table *table;

static inline void put_address(uint8_t out[16], const char *last)
{
	memset(out, 0, 16);
	if (!*last)
		return;
	out[10] = out[11] = 0xff;
	memcpy(out + 12, last, 4);
}

/* An event of process `pid`, which started at pid * 1 s; "" is any address. */
static inline struct socket_event event(uint8_t kind, uint64_t cookie, uint32_t pid,
					int64_t ns)
{
	struct socket_event e = { .ns = (uint64_t)ns,
				  .cookie = cookie,
				  .pid = pid,
				  .tid = pid,
				  .start_ns = pid * (uint64_t)NS_PER_S + 7,
				  .kind = kind,
				  .family = 4,
				  .protocol = PROTOCOL_TCP,
				  .local_port = 80,
				  .remote_port = 4000 };

	put_address(e.local, "\x0a\0\0\1");
	put_address(e.remote, "\x0a\0\0\2");
	return e;
}

static inline void put(struct socket_event e)
{
	socket_table_event(table, &e, e.pid);
}

static inline void put_bound(uint8_t kind, uint8_t protocol, uint64_t cookie,
			     uint32_t pid, int64_t ns)
{
	struct socket_event e = event(kind, cookie, pid, ns);

	e.protocol = protocol;
	e.remote_port = 0;
	put_address(e.local, "");
	put_address(e.remote, "");
	put(e);
}

static inline struct socket_question question(uint8_t protocol, int64_t ns)
{
	struct socket_event e = event(0, 0, 0, 0);
	struct socket_question q = { .ns = ns,
				     .is_ours = true,
				     .key = { .local_port = e.local_port,
					      .remote_port = e.remote_port,
					      .protocol = protocol,
					      .family = 4 } };

	memcpy(q.key.local, e.local, 16);
	memcpy(q.key.remote, e.remote, 16);
	return q;
}

/* certainty * 1000 + pid */
static inline int ask(const struct socket_question *q)
{
	enum owner_certainty certainty;
	const struct socket_owner *o = socket_table_find(table, q, &certainty);

	if (!o)
		return certainty == OWNER_UNKNOWN ? 0 : -1;
	return (int)certainty * 1000 + (int)o->pid;
}

static inline int at(int64_t ns)
{
	struct socket_question q = question(PROTOCOL_TCP, ns);

	return ask(&q);
}

static inline int opening_at(int64_t ns)
{
	struct socket_question q = question(PROTOCOL_TCP, ns);

	q.is_opening = true;
	return ask(&q);
}

static inline int datagram_at(int64_t ns)
{
	struct socket_question q = question(PROTOCOL_UDP, ns);

	return ask(&q);
}

static inline void renew(size_t entries)
{
	socket_table_free(table);
	CHECK_EQ(socket_table_new(&table, entries), 0);
}

enum {
	EXACT = OWNER_EXACT * 1000,
	WILDCARD = OWNER_WILDCARD * 1000,
	LISTENER = OWNER_LISTENER * 1000,
	EARLIER = OWNER_EARLIER * 1000,
};

static inline struct socket_event since(struct socket_event e, int64_t before_ns)
{
	e.before_ns = (uint64_t)before_ns;
	return e;
}

static inline struct socket_event datagram(uint8_t kind, uint64_t cookie, uint32_t pid,
					   int64_t ns)
{
	struct socket_event e = event(kind, cookie, pid, ns);

	e.protocol = PROTOCOL_UDP;
	return e;
}

/* Sockets of others that come and go, of a port of their own. */
static inline void close_others(uint8_t protocol, uint64_t count)
{
	struct socket_event e = event(SOCKET_CLOSE, 0, 9, 25 * MS);

	e.protocol = protocol;
	e.local_port = 9;
	for (e.cookie = 100; e.cookie < 100 + count; e.cookie++)
		put(e);
}

#endif
