#include "process/sockets.h"

#include "base/time.h"
#include "packet/headers.h"
#include "process/socket_entries.h"

#include <string.h>

/* A connection that is accepted is told of when its handshake is done. */
#define HANDSHAKE_NS (10 * NS_PER_S)
/* Who sends without a connection is told of when the packet leaves, which an inline recorder sees before. */
#define HELD_NS (200 * NS_PER_MS)
/* How long the last owner of a bound port is told of. */
#define BOUND_EARLIER_NS (60 * NS_PER_S)

void socket_table_remember(struct socket_table *t, const struct socket_key *key)
{
	const struct socket_entry *e = socket_entry_find(t, key);

	if (e)
		socket_entry_remember(t, e);
}

static const struct socket_owner *answer(const struct socket_owner *o,
					 enum owner_certainty certainty,
					 enum owner_certainty *out)
{
	if (!o || !o->pid)
		return NULL;
	*out = certainty;
	return o;
}

/* How long after its first packet an owner may be told of. */
static int64_t most_ahead(const struct socket_question *q)
{
	if (q->key.protocol == PROTOCOL_TCP)
		return HANDSHAKE_NS;
	return q->is_held ? HELD_NS : q->jitter_ns - 1;
}

/*	owners:   ...--[ before ]----------[ after ]--...
 *	                        ^ the packet
 * A packet that opens a connection is of the next owner, which the kernel tells of only when the
 * handshake is done, of an accepted one when it is used; any other one behind the end of the last owner is of
 * that earlier one, unless the connection was opened anew since. */
static const struct socket_owner *find_connected(const struct socket_table *t,
						 struct socket_entry *e,
						 const struct socket_question *q,
						 enum owner_certainty *certainty)
{
	const struct socket_owner *before = NULL, *after = NULL;

	for (unsigned i = 0; i < e->count && !after; i++) {
		if (e->owners[i].from_ns <= q->ns)
			before = &e->owners[i];
		else
			after = &e->owners[i];
	}
	if (after && (!after->is_first || after->from_ns - q->ns > most_ahead(q) ||
		      (!before && e->has_forgotten)))
		after = NULL;
	if (before && q->ns - SOCKET_SLACK_NS <= socket_owner_until(t, e, before))
		return answer(before, OWNER_EXACT, certainty);
	/* Within the jitter it may be of either. */
	if (after &&
	    (!before || q->is_opening || after->from_ns - q->ns <= SOCKET_SLACK_NS ||
	     (socket_owner_is_same(before, after) &&
	      after->from_ns - q->ns <= q->jitter_ns)))
		return answer(after, OWNER_EXACT, certainty);
	if (q->is_opening)
		e->opened_ns = q->ns;
	if (!before ||
	    (e->opened_ns <= q->ns && e->opened_ns > socket_owner_until(t, e, before)))
		return NULL;
	return answer(before, OWNER_EARLIER, certainty);
}

/* Sockets that share a port are told apart by nobody but the kernel. */
static const struct socket_owner *find_bound(const struct socket_table *t,
					     const struct socket_entry *e,
					     const struct socket_question *q,
					     enum owner_certainty *certainty)
{
	bool is_tcp = e->key.protocol == PROTOCOL_TCP;
	const struct socket_owner *found = NULL, *earlier = NULL;

	for (unsigned i = 0; i < e->count; i++) {
		const struct socket_owner *o = &e->owners[i];
		int64_t end_ns = socket_owner_until(t, e, o);

		if (o->from_ns > q->ns + SOCKET_SLACK_NS ||
		    (q->key.family != e->key.family && o->is_ipv6_only))
			continue;
		if (end_ns < q->ns - SOCKET_SLACK_NS)
			earlier = q->ns - end_ns < BOUND_EARLIER_NS ? o : NULL;
		else if (found && !socket_owner_is_same(found, o))
			return NULL;
		else
			found = o;
	}
	if (found)
		return answer(found, is_tcp ? OWNER_LISTENER : OWNER_WILDCARD, certainty);
	return is_tcp ? NULL : answer(earlier, OWNER_EARLIER, certainty);
}

static const struct socket_owner *ask_bound(struct socket_table *t,
					    const struct socket_question *q,
					    const uint8_t *local, uint8_t family,
					    enum owner_certainty *certainty)
{
	struct socket_key key = { .local_port = q->key.local_port,
				  .protocol = q->key.protocol,
				  .family = family };
	const struct socket_entry *e;

	if (local)
		memcpy(key.local, local, sizeof key.local);
	e = socket_entry_find(t, &key);
	return e ? find_bound(t, e, q, certainty) : NULL;
}

const struct socket_owner *socket_table_find(struct socket_table *t,
					     const struct socket_question *q,
					     enum owner_certainty *certainty)
{
	struct socket_entry *e = socket_entry_find(t, &q->key);
	const struct socket_owner *o;

	*certainty = OWNER_UNKNOWN;
	o = e ? find_connected(t, e, q, certainty) : NULL;
	if (o || !q->key.local_port || q->key.protocol == PROTOCOL_ICMP ||
	    q->key.protocol == PROTOCOL_ICMPV6)
		return o;
	o = ask_bound(t, q, q->key.local, q->key.family, certainty);
	if (!o && q->is_ours)
		o = ask_bound(t, q, NULL, q->key.family, certainty);
	/* A socket of IPv6 hears IPv4 too, where it is not told otherwise. */
	if (!o && q->is_ours && q->key.family == 4)
		o = ask_bound(t, q, NULL, 6, certainty);
	return o;
}
