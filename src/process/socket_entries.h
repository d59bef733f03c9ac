/* What the table of sockets holds: entries by key, each with its last owners; the oldest unused one makes room.
 * Within process/ only: sockets.c fills it, socket_find.c asks it.
 * Pure; no allocation after _new(); one thread. */
#ifndef WEIR_PROCESS_SOCKET_ENTRIES_H
#define WEIR_PROCESS_SOCKET_ENTRIES_H

#include "base/time.h"
#include "process/key_index.h"
#include "process/sockets.h"

/* The kernel's time of an event and of the packet that caused it differ by this at most. */
#define SOCKET_SLACK_NS (200 * NS_PER_US)
/* Owners of one key that are remembered. */
#define SOCKET_OWNERS 4

/* Its head and its first owner are two lines of the cache. */
struct socket_entry {
	struct socket_key key;
	uint32_t hash; /* of the key */
	uint8_t chances, count;
	uint8_t crowd; /* 0: none */
	bool is_used       : 1;
	bool has_forgotten : 1;
	bool has_missing   : 1; /* an open owner made room, and is open still */
	bool is_crowded : 1; /* and may be of another process than those that are there */
	bool is_endless : 1; /* when it goes will not be known */
	int64_t crowded_ns;  /* when the last of them that went did; 0: none has */
	int64_t seen_ns;     /* in the last snapshot that had it */
	int64_t opened_ns; /* when a packet opened a connection of nobody that is known */
	struct socket_owner
		owners[SOCKET_OWNERS]; /* in order of from_ns; `count` are set */
};

struct socket_crowd;

/* What is known of a socket without a connection, which may have many keys. */
struct socket_news {
	uint64_t cookie;   /* 0: free */
	int64_t closed_ns; /* 0: not known */
	int64_t changed_ns,
		again_ns; /* the first change of its user, and the last; 0: none */
};

struct socket_table {
	struct socket_entry *entries;
	struct key_index index;
	uint32_t *ports;          /* entries of each local port */
	uint8_t *port_bits;       /* those that have any */
	struct socket_news *news; /* since the owners were told of those before */
	unsigned news_count;
	struct socket_crowd *crowds;
	int64_t closings_told_ns; /* the last one that owners were told of; 0: none */
	struct recall recall;
	uint32_t capacity, used, hand;
	int64_t lost_ns; /* of events up to then some are missing; 0: none is */
	struct socket_table_counts counts;
};

bool socket_key_is_bound(const struct socket_key *key);

/* NULL: there is none. */
struct socket_entry *socket_entry_find(struct socket_table *t,
				       const struct socket_key *key);
/* A new one has no owners. */
struct socket_entry *socket_entry_find_or_add(struct socket_table *t,
					      const struct socket_key *key);
/* What is answered for it may have changed: its last owner's packets need not ask the table. */
void socket_entry_remember(struct socket_table *t, const struct socket_entry *e);
void socket_entry_forget(struct socket_table *t, const struct socket_key *key);
/* It will be looked for soon: the first fetches where it is, the second, later, what is there. */
void socket_entry_expect(const struct socket_table *t, const struct socket_key *key);
void socket_entry_fetch(const struct socket_table *t, const struct socket_key *key);

/* Another process has used it from then on. */
void socket_user_changed(struct socket_table *t, uint64_t cookie, int64_t ns);
void socket_closing_put(struct socket_table *t, uint64_t cookie, int64_t ns);
/* 0: it is not known. */
int64_t socket_closing_ns(const struct socket_table *t, uint64_t cookie);
/* When the owner's time was over; of a socket without a connection its closing tells, and another's use of it. */
int64_t socket_owner_until(const struct socket_table *t, const struct socket_entry *e,
			   const struct socket_owner *o);

/* socket_crowd.c: owners that are open and had to make room. */
int socket_crowds_new(struct socket_table *t) MUST_CHECK;
size_t socket_crowds_bytes(void);
void socket_crowd_add(struct socket_table *t, struct socket_entry *e,
		      const struct socket_owner *o);
void socket_crowd_free(struct socket_table *t, struct socket_entry *e);
/* Takes off who is closed by now, of one key, and of all: before closings are forgotten. */
void socket_crowd_settle(struct socket_table *t, struct socket_entry *e);
void socket_crowds_settle(struct socket_table *t);
/* Whose a packet of then is cannot be said: one that is not among the owners may have it. */
bool socket_entry_is_crowded(struct socket_table *t, struct socket_entry *e, int64_t ns);

/* The same of who is closed since. */
static inline bool socket_entry_was_crowded(const struct socket_entry *e, int64_t ns)
{
	return e->crowded_ns && ns <= e->crowded_ns + SOCKET_SLACK_NS;
}

static inline bool socket_owner_is_same(const struct socket_owner *a,
					const struct socket_owner *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

#endif
