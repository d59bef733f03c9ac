/* What was answered lately, by a packet's own bytes: most packets are of a connection whose owner is
 * known and has not changed, and for them one look here takes the place of decoding the headers and of
 * asking the table of sockets.
 *
 * Only what is certain is kept: the exact owner of an IPv4 TCP or UDP connection, from a time on and until
 * another.  Whoever changes what would be answered puts in the new answer, or recall_forget(), before the next
 * question.
 *
 * Where closings may be missing an answer is doubted: it is for who makes sure that the packet opens no
 * connection.
 *
 * Calling sequence: recall_new(); an event: recall_put() or recall_forget(); a packet: recall_key_of(),
 * recall_find(), else recall_find_doubted().
 * Pure; no allocation after _new(); one thread.  Times are CLOCK_BOOTTIME in ns.
 * Facts: RFC 791 section 3.1, RFC 768, RFC 9293 section 3.1. */
#ifndef WEIR_PROCESS_RECALL_H
#define WEIR_PROCESS_RECALL_H

#include "base/compiler.h"
#include "store/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* As the packet has them, in network order: two words that are made in registers. */
struct recall_key {
	uint32_t local, remote;
	uint16_t local_port, remote_port;
	uint32_t protocol;
};

struct recall_answer {
	int64_t from_ns, until_ns; /* a packet at either of them is of it */
	uint64_t start_ns;
	uint32_t pid, tid; /* these, and method, as in struct record_owner */
	uint32_t process;  /* as socket_owner has it */
	uint8_t method;
};

/* A line of the processor's cache. */
struct recall_slot {
	struct recall_key key;
	struct recall_answer answer;
	uint32_t generation; /* see struct recall; before the oldest: nothing */
	bool is_used;
};

/* Of TCP, and of UDP: what was put in the present generation is certain, what is of one since the oldest is
 * doubted. */
struct recall_life {
	uint32_t present, oldest;
};

struct recall {
	struct recall_slot *slots; /* the first line within `memory` */
	void *memory;
	struct recall_life lives[2]; /* of TCP and of UDP */
	bool has_doubted;            /* or had */
};

int recall_new(struct recall *r) MUST_CHECK;
void recall_free(struct recall *r);
size_t recall_bytes(void);

/* In the place of what was not found lately. */
void recall_put(struct recall *r, const struct recall_key *key,
		const struct recall_answer *answer);
void recall_put_doubted(struct recall *r, const struct recall_key *key,
			const struct recall_answer *answer);
void recall_forget(struct recall *r, const struct recall_key *key);
void recall_forget_all(struct recall *r, uint8_t protocol);
/* All that is kept now. */
void recall_doubt_all(struct recall *r, uint8_t protocol);
/* Of what is doubted; NULL: nothing is kept of it. */
struct recall_slot *recall_find_doubted(const struct recall *r,
					const struct recall_key *key, int64_t ns);
/* Whether it was found since this was last asked. */
bool recall_was_used(struct recall *r, const struct recall_key *key);

enum {
	RECALL_WAYS = 2,
	RECALL_SETS = 8192, /* a power of two */
	RECALL_ETHERNET = 14,
	RECALL_BYTES = 28, /* of an IPv4 packet that is looked at */
	RECALL_FLAGS = 33  /* where TCP's are */
};

/* False: not a packet that is kept here.  ip: the IPv4 header. */
static inline bool recall_key_of(struct recall_key *key, const uint8_t *ip, size_t caplen,
				 bool is_out)
{
	uint32_t src, dst;
	uint16_t src_port, dst_port;

	/* No options, no fragment, a length that has room for the ports. */
	if (caplen < RECALL_BYTES || ip[0] != 0x45 || (ip[6] & 0x3f) || ip[7] ||
	    (!ip[2] && ip[3] < RECALL_BYTES) || (ip[9] != 6 && ip[9] != 17))
		return false;
	memcpy(&src, ip + 12, sizeof src);
	memcpy(&dst, ip + 16, sizeof dst);
	memcpy(&src_port, ip + 20, sizeof src_port);
	memcpy(&dst_port, ip + 22, sizeof dst_port);
	*key = (struct recall_key){ .local = is_out ? src : dst,
				    .remote = is_out ? dst : src,
				    .local_port = is_out ? src_port : dst_port,
				    .remote_port = is_out ? dst_port : src_port,
				    .protocol = ip[9] };
	return true;
}

/* The same for both directions: so it can be asked for before it is known which one it is. */
static inline struct recall_slot *recall_set(const struct recall *r,
					     const struct recall_key *key)
{
	uint64_t addresses =
		(uint64_t)(key->local + key->remote) << 32 | (key->local ^ key->remote);
	uint64_t ports = (uint64_t)(key->local_port + key->remote_port) << 16 |
			 (key->local_port ^ key->remote_port);
	uint64_t h = (addresses ^ key->protocol) * UINT64_C(0x9e3779b97f4a7c15) + ports;

	h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return &r->slots[(size_t)(h >> 40 & (RECALL_SETS - 1)) * RECALL_WAYS];
}

static inline uint32_t recall_generation(const struct recall *r, uint32_t protocol)
{
	return r->lives[protocol != 6].present;
}

static inline bool recall_has_key(const struct recall_slot *s,
				  const struct recall_key *key)
{
	return s->key.local == key->local && s->key.remote == key->remote &&
	       s->key.local_port == key->local_port &&
	       s->key.remote_port == key->remote_port && s->key.protocol == key->protocol;
}

static inline bool recall_is(const struct recall *r, const struct recall_slot *s,
			     const struct recall_key *key)
{
	return recall_has_key(s, key) &&
	       s->generation == recall_generation(r, key->protocol);
}

/* NULL: nothing that is certain is kept of it. */
static inline struct recall_slot *recall_find(const struct recall *r,
					      const struct recall_key *key, int64_t ns)
{
	struct recall_slot *s = recall_set(r, key);

	for (unsigned i = 0; i < RECALL_WAYS; i++, s++)
		if (LIKELY(recall_is(r, s, key))) {
			s->is_used = true;
			return ns >= s->answer.from_ns && ns <= s->answer.until_ns ? s
										   : NULL;
		}
	return NULL;
}

#endif
