/* Which process had which addresses and ports when: a fixed table that events and snapshots fill and
 * packets ask.
 *
 * A key with a remote side is a connection (or what a socket without one has sent to); a key without
 * is a socket that listens or is bound.  Each remembers its last owners with the times from which
 * and until which they were it, so that a packet may be asked about later than it came, and addresses
 * that are used again do not inherit an owner.
 *
 * Calling sequence: socket_table_new(), then socket_table_event() for each event in the order of
 * the feed, socket_table_seed() for each socket of a snapshot, socket_table_find() a packet.
 * Pure: no clock, no system call; no allocation after _new().  One thread.
 * Full: the entry unused for longest goes, closed ones first; `evicted` counts them, and their
 * packets are unknown from then on.
 * Times are of the clock of the events, CLOCK_BOOTTIME on Linux, in ns. */
#ifndef WEIR_PROCESS_SOCKETS_H
#define WEIR_PROCESS_SOCKETS_H

#include "base/compiler.h"
#include "process/events.h"
#include "process/recall.h"
#include "store/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; all zeros: any.  Ports in host order; of an
 * ICMP echo the identifier is the local port. */
struct socket_key {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint8_t protocol, family;
	uint16_t zero;
};

struct socket_question {
	struct socket_key key;
	int64_t ns;        /* when the packet came */
	int64_t jitter_ns; /* the event that the packet caused may seem so much later */
	bool is_held; /* it leaves by an inline recorder: the kernel tells of its sender later */
	bool is_opening;    /* TCP with SYN: of a connection that begins */
	bool is_connecting; /* and it is the local side that begins it */
	bool is_ours; /* the local address is this machine's (or multicast): a socket bound to any
			  * address may be the one */
};

struct socket_owner {
	int64_t from_ns, until_ns; /* INT64_MAX: still */
	uint64_t cookie;
	uint64_t start_ns; /* of the process, as in a record's owner option */
	uint32_t pid, tid; /* pid 0: nobody is known */
	uint32_t process;  /* what the caller knows it by */
	uint8_t method;    /* enum owner_method */
	bool is_first;     /* of its socket: what came before it is its own too */
	bool is_ipv6_only;
};

struct socket_table;

int socket_table_new(struct socket_table **t, size_t entries) MUST_CHECK;
void socket_table_free(struct socket_table *t);
size_t socket_table_bytes(size_t entries);

/* process: see struct socket_owner. */
void socket_table_event(struct socket_table *t, const struct socket_event *e,
			uint32_t process);
/* That these events are next: what they need is fetched while others are at work. */
void socket_table_expect(const struct socket_table *t, const struct socket_event *events,
			 unsigned count);

/* A socket found by looking, at a time.  With pid 0 several processes have it open.
 * cookie 0: the system numbers no sockets there; an event's socket of the same process and key is
 * the same one. */
struct socket_seed {
	struct socket_key key;
	uint64_t cookie, start_ns;
	uint32_t pid, process;
	int64_t from_ns; /* since when it may have been so; 0: for ever */
	int64_t seen_ns; /* when the snapshot was taken */
	/* Until when that is believed; 0: for ever.  What is believed for a time only is not believed of the
	 * time before from_ns either. */
	int64_t until_ns;
	uint8_t state; /* the kernel's number, TCP's */
	bool is_ipv6_only;
	uint8_t method; /* enum owner_method; 0: sock_diag, whose starts need rounding */
};

/* As records have it. */
static inline uint64_t socket_seed_start(const struct socket_seed *s)
{
	return s->method ? s->start_ns : PROCESS_START(s->start_ns);
}

void socket_table_seed(struct socket_table *t, const struct socket_seed *seed);
/* A connection begins (before it is asked about) or ends with this packet: who had the key before, if he was found
 * by looking, may have it no longer. */
void socket_table_doubt(struct socket_table *t, const struct socket_question *q);
/* Snapshots instead of events: sockets found by looking that none has seen since `seen_ns` are
 * closed at `gone_ns`. */
void socket_table_age(struct socket_table *t, int64_t seen_ns, int64_t gone_ns);

/* Events up to now are missing: a closing may be among them.  Of the connections that are open since, a packet that
 * opens one must be asked for. */
void socket_table_lost(struct socket_table *t, int64_t now_ns);

/* The owner, lent until the next call; NULL with OWNER_UNKNOWN. */
const struct socket_owner *socket_table_find(struct socket_table *t,
					     const struct socket_question *q,
					     enum owner_certainty *certainty);

/* Answers that need not be asked for again: the table takes back what changes.  Lent. */
struct recall *socket_table_recall(struct socket_table *t);
/* One bit a local port, in host order, the lowest of a byte first; lent for as long as the table.  0: no key
 * has it, and no packet of TCP or UDP to or from that port has an owner. */
const uint8_t *socket_table_ports(const struct socket_table *t);
/* Keeps what is known of the key there again: other answers may have taken its place. */
void socket_table_remember(struct socket_table *t, const struct socket_key *key);

struct socket_table_counts {
	uint64_t entries, evicted;
	uint64_t forgotten; /* owners that had to make room for later ones of one key */
};

void socket_table_counts(const struct socket_table *t, struct socket_table_counts *c);

#endif
