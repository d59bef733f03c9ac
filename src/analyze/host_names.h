/* What addresses were called when: from the DNS answers in a recording.
 *
 * A name belongs to the client that asked for it: an address may be called differently by two.  A
 * client is an address of the recorded machine (its interfaces' addresses as the source describes
 * them, and loopback addresses, are one client: a lookup over IPv4 leads to a connection over
 * IPv6, a stub resolver is asked on 127.0.0.53), or an address by itself.
 * An answer is asked for where its question was seen from the same client and port with the same
 * id and name; one that is not is marked, and never takes the place of one that is.
 *
 * Calling sequence: host_names_new(); in order of time host_names_packet() for every packet, wanted
 * or not, and host_names_find() when a flow begins: the name that was resolved last.
 * Ownership: texts are kept in the caller's pool.  Threads: one owner.  Memory: fixed:
 * HOST_NAMES_MAX addresses, HOST_NAMES_ASKED open questions; the least recently used goes, and is
 * counted.
 * DNS is what has port 53, over UDP, and over TCP those messages of a segment that lie within it.  Names of
 * multicast DNS are not taken: nobody is told who asked. */
#ifndef WEIR_ANALYZE_HOST_NAMES_H
#define WEIR_ANALYZE_HOST_NAMES_H

#include "analyze/flow.h"
#include "base/compiler.h"
#include "store/text_pool.h"

enum {
	HOST_NAMES_MAX = 131072,
	HOST_NAMES_ASKED = 8192
};

struct host_names;

struct host_names *host_names_new(const struct merge *m,
				  struct text_pool *texts) MUST_CHECK;
void host_names_free(struct host_names *n);
void host_names_packet(struct host_names *n, const struct packet *p,
		       const struct headers *h, size_t source);

/* What `client` was last told that the address is called; false where it was told nothing. */
struct host_question {
	size_t source;
	uint8_t ip_version;
	const uint8_t *client, *address; /* 16 bytes, 4 in use for IPv4 */
};

bool host_names_find(struct host_names *n, const struct host_question *q,
		     struct flow_name *name);

struct host_names_counts {
	uint64_t answers; /* addresses that were given a name */
	uint64_t unasked; /* of them, those whose question was not seen */
	uint64_t gone;    /* names that went to make room for others */
	uint64_t lost;    /* names that found no room among the texts */
};

void host_names_count(const struct host_names *n, struct host_names_counts *counts);

#endif
