#include "process/sockets.h"

#include "base/time.h"
#include "packet/headers.h"
#include "process/socket_entries.h"

#include <string.h>

/* A connection that is accepted is told of when its handshake is done. */
#define HANDSHAKE_NS (10 * NS_PER_S)
/* Who sends without a connection is told of when the packet leaves, which an inline recorder sees before. */
#define HELD_NS (200 * NS_PER_MS)
/* A connection that is being made is tried for two minutes and some seconds. */
#define CONNECTING_NS (180 * NS_PER_S)
/* How long the last owner of what has no connection is told of. */
#define DATAGRAM_EARLIER_NS (60 * NS_PER_S)

void socket_table_remember(struct socket_table *t, const struct socket_key *key)
{
	const struct socket_entry *e = socket_entry_find(t, key);

	if (e)
		socket_entry_remember(t, e);
}

/* What a key tells. */
enum look {
	LOOK_NOTHING, /* another may tell more */
	LOOK_FOUND,
	LOOK_SHARED, /* several have it: nobody is named */
};

struct found {
	const struct socket_owner *owner;
	enum owner_certainty certainty;
	/* Without a connection, who was there before: where nobody is. */
	const struct socket_owner *earlier;
	int64_t earlier_ns; /* until when */
};

static enum look answer(struct found *f, const struct socket_owner *o,
			enum owner_certainty certainty)
{
	if (!o || !o->pid)
		return LOOK_NOTHING;
	*f = (struct found){ .owner = o, .certainty = certainty };
	return LOOK_FOUND;
}

/* Of several the one that ended last, unless one that is not there may have been later. */
static void note_earlier(const struct socket_table *t, struct found *f,
			 const struct socket_question *q, const struct socket_entry *e,
			 const struct socket_owner *o)
{
	int64_t end_ns = socket_owner_until(t, e, o);

	if (end_ns < e->crowded_ns || q->key.protocol == PROTOCOL_TCP ||
	    q->ns - end_ns >= DATAGRAM_EARLIER_NS ||
	    (f->earlier && f->earlier_ns >= end_ns))
		return;
	f->earlier = o;
	f->earlier_ns = end_ns;
}

/* How long after its first packet an owner may be told of. */
static int64_t most_ahead(const struct socket_question *q)
{
	if (q->key.protocol == PROTOCOL_TCP)
		return HANDSHAKE_NS;
	return q->is_held ? HELD_NS : q->jitter_ns - 1;
}

/* Of a connection the last owner that began.  Sockets without one may have both sides in common: of those the one
 * that was open last, and nobody tells whose a packet is while those of several processes are open. */
static const struct socket_owner *find_before(const struct socket_table *t,
					      const struct socket_entry *e,
					      const struct socket_question *q,
					      bool *is_shared)
{
	bool is_tcp = e->key.protocol == PROTOCOL_TCP;
	const struct socket_owner *found = NULL;
	int64_t found_ns = 0;

	for (unsigned i = 0; i < e->count && e->owners[i].from_ns <= q->ns; i++) {
		const struct socket_owner *o = &e->owners[i];
		int64_t last_ns = socket_owner_until(t, e, o);

		if (last_ns > q->ns)
			last_ns = q->ns;
		if (found && !is_tcp && last_ns < found_ns)
			continue;
		if (found && !is_tcp && found_ns == q->ns &&
		    !socket_owner_is_same(found, o))
			*is_shared = true;
		found = o;
		found_ns = last_ns;
	}
	return found;
}

static const struct socket_owner *find_after(const struct socket_entry *e,
					     const struct socket_question *q)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->owners[i].from_ns > q->ns)
			return &e->owners[i];
	return NULL;
}

/* This side opens no connection where it has one: the end of that was not told of. */
static void end_replaced(struct socket_table *t, struct socket_entry *e,
			 const struct socket_question *q, struct socket_owner *o)
{
	int64_t known_ns = o->from_ns > e->seen_ns ? o->from_ns : e->seen_ns;

	if (o->until_ns != INT64_MAX || q->ns - known_ns < CONNECTING_NS)
		return;
	o->until_ns = q->ns - SOCKET_SLACK_NS - 1;
	socket_entry_remember(t, e);
}

/*	owners:   ...--[ before ]----------[ after ]--...
 *	                        ^ the packet
 * A packet that opens a connection is of the next owner, which the kernel tells of only when the
 * handshake is done, of an accepted one when it is used; any other one behind the end of the last owner is of
 * that earlier one, unless the connection was opened anew since. */
static enum look find_connected(struct socket_table *t, struct socket_entry *e,
				const struct socket_question *q, struct found *f)
{
	bool is_tcp = e->key.protocol == PROTOCOL_TCP, is_shared = false;
	const struct socket_owner *before = find_before(t, e, q, &is_shared);
	const struct socket_owner *after = find_after(e, q);

	if (before && q->is_connecting)
		end_replaced(t, e, q, &e->owners[before - e->owners]);
	if (!is_tcp && socket_entry_is_crowded(t, e, q->ns))
		return LOOK_SHARED;
	if (after && (!after->is_first || after->from_ns - q->ns > most_ahead(q) ||
		      (!before && e->has_forgotten)))
		after = NULL;
	if (before && q->ns - SOCKET_SLACK_NS <= socket_owner_until(t, e, before)) {
		/* It may be the first packet of the other socket, too. */
		if (!is_tcp && after && !socket_owner_is_same(before, after))
			is_shared = true;
		return is_shared ? LOOK_SHARED : answer(f, before, OWNER_EXACT);
	}
	/* Within the jitter it may be of either. */
	if (after &&
	    (!before || q->is_opening || after->from_ns - q->ns <= SOCKET_SLACK_NS ||
	     (socket_owner_is_same(before, after) &&
	      after->from_ns - q->ns <= q->jitter_ns)))
		return answer(f, after, OWNER_EXACT);
	if (q->is_opening)
		e->opened_ns = q->ns;
	if (!before ||
	    (e->opened_ns <= q->ns && e->opened_ns > socket_owner_until(t, e, before)))
		return LOOK_NOTHING;
	if (is_tcp)
		return answer(f, before, OWNER_EARLIER);
	note_earlier(t, f, q, e, before);
	return LOOK_NOTHING;
}

/* Sockets that share a port are told apart by nobody but the kernel. */
static enum look find_bound(struct socket_table *t, struct socket_entry *e,
			    const struct socket_question *q, struct found *f)
{
	bool is_tcp = e->key.protocol == PROTOCOL_TCP;
	const struct socket_owner *found = NULL;

	if (socket_entry_is_crowded(t, e, q->ns))
		return LOOK_SHARED;
	for (unsigned i = 0; i < e->count; i++) {
		const struct socket_owner *o = &e->owners[i];
		int64_t end_ns = socket_owner_until(t, e, o);

		if (o->from_ns > q->ns + SOCKET_SLACK_NS ||
		    (q->key.family != e->key.family && o->is_ipv6_only))
			continue;
		if (end_ns < q->ns - SOCKET_SLACK_NS)
			note_earlier(t, f, q, e, o);
		else if (found && !socket_owner_is_same(found, o))
			return LOOK_SHARED;
		else
			found = o;
	}
	if (!found)
		return LOOK_NOTHING;
	/* Several hold it, and none has used it yet. */
	if (!found->pid)
		return LOOK_SHARED;
	return answer(f, found, is_tcp ? OWNER_LISTENER : OWNER_WILDCARD);
}

static enum look ask_bound(struct socket_table *t, const struct socket_question *q,
			   const uint8_t *local, uint8_t family, struct found *f)
{
	struct socket_key key = { .local_port = q->key.local_port,
				  .protocol = q->key.protocol,
				  .family = family };
	struct socket_entry *e;

	if (local)
		memcpy(key.local, local, sizeof key.local);
	e = socket_entry_find(t, &key);
	return e ? find_bound(t, e, q, f) : LOOK_NOTHING;
}

static enum look ask_all_bound(struct socket_table *t, const struct socket_question *q,
			       struct found *f)
{
	enum look look = ask_bound(t, q, q->key.local, q->key.family, f);

	if (look == LOOK_NOTHING && q->is_ours)
		look = ask_bound(t, q, NULL, q->key.family, f);
	/* A socket of IPv6 hears IPv4 too, where it is not told otherwise. */
	if (look == LOOK_NOTHING && q->is_ours && q->key.family == 4)
		look = ask_bound(t, q, NULL, 6, f);
	return look;
}

static bool has_bound(const struct socket_key *key)
{
	return key->local_port && key->protocol != PROTOCOL_ICMP &&
	       key->protocol != PROTOCOL_ICMPV6;
}

const struct socket_owner *socket_table_find(struct socket_table *t,
					     const struct socket_question *q,
					     enum owner_certainty *certainty)
{
	struct socket_entry *e = socket_entry_find(t, &q->key);
	struct found f = { .certainty = OWNER_UNKNOWN };
	enum look look = e ? find_connected(t, e, q, &f) : LOOK_NOTHING;

	if (look == LOOK_NOTHING && has_bound(&q->key))
		look = ask_all_bound(t, q, &f);
	if (look == LOOK_NOTHING)
		(void)answer(&f, f.earlier, OWNER_EARLIER);
	*certainty = f.certainty;
	return f.owner;
}
