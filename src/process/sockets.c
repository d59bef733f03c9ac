#include "process/sockets.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/time.h"
#include "packet/headers.h"

#include <string.h>

/* Owners of one key that are remembered. */
#define OWNERS 4
/* Closings by cookie, for sockets without a connection: their keys are too many to be visited. */
#define CLOSINGS 16384
/* The kernel's time of an event and of the packet that caused it differ by this at most. */
#define SLACK_NS (200 * NS_PER_US)
/* A connection that is accepted is told of when its handshake is done. */
#define HANDSHAKE_NS (10 * NS_PER_S)
/* Who sends without a connection is told of when the packet leaves, which an inline recorder sees before. */
#define HELD_NS (200 * NS_PER_MS)
/* How long the last owner of a bound port is told of. */
#define BOUND_EARLIER_NS (60 * NS_PER_S)
#define NOTHING          UINT32_MAX
#define PORTS            65536

enum chances {
	CHANCES_CLOSED = 0,
	CHANCES_OPEN = 1,
	CHANCES_BOUND = 3, /* a listener is worth more than any connection */
};

struct entry {
	struct socket_key key;
	uint32_t next; /* of the same bucket */
	uint8_t chances, count;
	bool is_used, has_forgotten;
	int64_t seen_ns;                    /* in the last snapshot that had it */
	struct socket_owner owners[OWNERS]; /* in order of from_ns */
};

struct closing {
	uint64_t cookie;
	int64_t ns;
};

struct socket_table {
	struct entry *entries;
	uint32_t *buckets;
	uint32_t *ports; /* entries of each local port */
	struct closing *closings;
	struct recall recall;
	uint32_t capacity, used, hand, mask;
	struct socket_table_counts counts;
};

void socket_table_free(struct socket_table *t)
{
	if (!t)
		return;
	mem_free(t->entries);
	mem_free(t->buckets);
	mem_free(t->ports);
	mem_free(t->closings);
	recall_free(&t->recall);
	mem_free(t);
}

static size_t bucket_count(size_t entries)
{
	size_t n = 64;

	while (n < entries)
		n *= 2;
	return n;
}

size_t socket_table_bytes(size_t entries)
{
	return entries * sizeof(struct entry) + bucket_count(entries) * sizeof(uint32_t) +
	       PORTS * sizeof(uint32_t) + CLOSINGS * sizeof(struct closing) +
	       recall_bytes();
}

int socket_table_new(struct socket_table **out, size_t entries)
{
	struct socket_table *t = mem_new(1, sizeof *t);
	size_t buckets = bucket_count(entries);

	*out = NULL;
	if (!t)
		return WEIR_ERR_NO_MEMORY;
	t->capacity = (uint32_t)entries;
	t->mask = (uint32_t)buckets - 1;
	t->entries = mem_new(entries, sizeof *t->entries);
	t->buckets = mem_new(buckets, sizeof *t->buckets);
	t->ports = mem_new(PORTS, sizeof *t->ports);
	t->closings = mem_new(CLOSINGS, sizeof *t->closings);
	if (!t->entries || !t->buckets || !t->ports || !t->closings ||
	    recall_new(&t->recall)) {
		socket_table_free(t);
		return WEIR_ERR_NO_MEMORY;
	}
	memset(t->buckets, 0xff, buckets * sizeof *t->buckets);
	*out = t;
	return 0;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint32_t bucket_of(const struct socket_table *t, const struct socket_key *key)
{
	uint64_t words[5], h = 0;

	_Static_assert(sizeof *key == sizeof words, "the key is hashed as words");
	memcpy(words, key, sizeof words);
	for (unsigned i = 0; i < 5; i++)
		h = mix(h, words[i]);
	return (uint32_t)(h >> 32) & t->mask;
}

static struct entry *find(struct socket_table *t, const struct socket_key *key)
{
	for (uint32_t i = t->buckets[bucket_of(t, key)]; i != NOTHING;
	     i = t->entries[i].next)
		if (!memcmp(&t->entries[i].key, key, sizeof *key)) {
			t->entries[i].is_used = true;
			return &t->entries[i];
		}
	return NULL;
}

static bool is_bound(const struct socket_key *key)
{
	static const uint8_t zeros[16];

	return !key->remote_port && !memcmp(key->remote, zeros, sizeof zeros);
}

static void unlink_entry(struct socket_table *t, uint32_t index)
{
	uint32_t *at = &t->buckets[bucket_of(t, &t->entries[index].key)];

	while (*at != index)
		at = &t->entries[*at].next;
	*at = t->entries[index].next;
	t->ports[t->entries[index].key.local_port]--;
}

static uint16_t network_order(uint16_t port)
{
	uint8_t bytes[2];

	(void)put_u16be(bytes, port);
	memcpy(&port, bytes, sizeof port);
	return port;
}

/* As its packets have it.  False: of a key whose answers are not kept. */
static bool recall_key(const struct socket_key *key, struct recall_key *out)
{
	if (key->family != 4 || !key->remote_port)
		return false;
	*out = (struct recall_key){ .protocol = key->protocol,
				    .local_port = network_order(key->local_port),
				    .remote_port = network_order(key->remote_port) };
	memcpy(&out->local, key->local + 12, 4);
	memcpy(&out->remote, key->remote + 12, 4);
	return true;
}

static void forget(struct socket_table *t, const struct socket_key *key)
{
	struct recall_key k;

	if (recall_key(key, &k))
		recall_forget(&t->recall, &k);
}

/* Since the last time it was asked. */
static bool was_used(struct socket_table *t, struct entry *e)
{
	bool was = e->is_used;
	struct recall_key k;

	e->is_used = false;
	if (recall_key(&e->key, &k))
		was |= recall_was_used(&t->recall, &k);
	return was;
}

static bool is_closed(const struct entry *e)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->owners[i].until_ns == INT64_MAX)
			return false;
	return true;
}

/* The hand goes round; what was used since its last visit, and what is open, is passed by for as
 * often as it has chances. */
static uint32_t evict(struct socket_table *t)
{
	for (;; t->hand = (t->hand + 1) % t->capacity) {
		struct entry *e = &t->entries[t->hand];

		if (!is_closed(e) && was_used(t, e)) {
			e->chances = is_bound(&e->key) ? CHANCES_BOUND : CHANCES_OPEN;
		} else if (e->chances && !is_closed(e)) {
			e->chances--;
		} else {
			uint32_t index = t->hand;

			forget(t, &e->key);
			unlink_entry(t, index);
			t->counts.evicted++;
			t->hand = (t->hand + 1) % t->capacity;
			return index;
		}
	}
}

static struct entry *find_or_add(struct socket_table *t, const struct socket_key *key)
{
	struct entry *e = find(t, key);
	uint32_t index, *bucket;

	if (e)
		return e;
	index = t->used < t->capacity ? t->used++ : evict(t);
	t->counts.entries = t->used;
	bucket = &t->buckets[bucket_of(t, key)];
	e = &t->entries[index];
	*e = (struct entry){ .key = *key, .next = *bucket, .chances = CHANCES_OPEN };
	*bucket = index;
	t->ports[key->local_port]++;
	return e;
}

static struct socket_owner *last_of(struct entry *e, uint64_t cookie)
{
	for (unsigned i = e->count; i-- > 0;)
		if (e->owners[i].cookie == cookie)
			return &e->owners[i];
	return NULL;
}

/* The oldest makes room, one that is closed if there is any. */
static void make_room(struct socket_table *t, struct entry *e)
{
	unsigned victim = 0;

	while (victim < OWNERS - 1 && e->owners[victim].until_ns == INT64_MAX)
		victim++;
	if (e->owners[victim].until_ns == INT64_MAX)
		victim = 0;
	e->count--;
	e->has_forgotten = true;
	memmove(&e->owners[victim], &e->owners[victim + 1],
		(e->count - victim) * sizeof e->owners[0]);
	t->counts.forgotten++;
}

static void add_owner(struct socket_table *t, struct entry *e,
		      const struct socket_owner *o)
{
	unsigned at;

	if (e->count == OWNERS)
		make_room(t, e);
	for (at = e->count++; at && e->owners[at - 1].from_ns > o->from_ns; at--)
		e->owners[at] = e->owners[at - 1];
	e->owners[at] = *o;
}

static bool is_same_process(const struct socket_owner *a, const struct socket_owner *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

/* The owner that it is about: the socket's by its number; where one of the two has none, the one of the
 * same process that is open. */
static struct socket_owner *owner_like(struct entry *e, const struct socket_owner *o)
{
	struct socket_owner *found = o->cookie ? last_of(e, o->cookie) : NULL;

	for (unsigned i = e->count; !found && i-- > 0;) {
		struct socket_owner *at = &e->owners[i];

		if ((!o->cookie || !at->cookie) && at->until_ns == INT64_MAX &&
		    is_same_process(at, o))
			found = at;
	}
	return found;
}

static void note_owner(struct socket_table *t, const struct socket_key *key,
		       const struct socket_owner *o)
{
	struct entry *e = find_or_add(t, key);
	struct socket_owner *before = owner_like(e, o), owner = *o;

	/* A flow of a socket that had one to the same side before: that one has ended. */
	if (before && o->method == OWNER_WINDIVERT_FLOW && before->until_ns < o->from_ns)
		before = NULL;
	if (before && !o->pid)
		return;
	forget(t, key);
	if (before && (!before->pid || is_same_process(before, o))) {
		bool is_named = before->pid != 0;

		before->cookie = o->cookie;
		before->pid = o->pid;
		before->tid = o->tid;
		before->start_ns = o->start_ns;
		before->process = o->process;
		before->method = o->method;
		if (!is_named)
			before->until_ns = o->until_ns;
		return;
	}
	owner.is_first = !before;
	if (before && before->until_ns == INT64_MAX)
		before->until_ns = o->from_ns - 1;
	add_owner(t, e, &owner);
}

static struct closing *closing_of(const struct socket_table *t, uint64_t cookie)
{
	return &t->closings[mix(0, cookie) >> 32 & (CLOSINGS - 1)];
}

static void end_owner(struct socket_table *t, const struct socket_key *key,
		      const struct socket_owner *like)
{
	struct entry *e = find(t, key);
	struct socket_owner *o = e ? owner_like(e, like) : NULL;

	if (o && o->until_ns == INT64_MAX)
		o->until_ns = like->from_ns;
	forget(t, key);
}

static void close_owner(struct socket_table *t, const struct socket_key *key,
			const struct socket_owner *like)
{
	end_owner(t, key, like);
	/* A socket that is not TCP's may have had more keys than this. */
	if (key->protocol != PROTOCOL_TCP)
		recall_forget_all(&t->recall, key->protocol);
	*closing_of(t, like->cookie) =
		(struct closing){ .cookie = like->cookie, .ns = like->from_ns };
}

static void key_of_event(struct socket_key *key, const struct socket_event *e)
{
	*key = (struct socket_key){ .local_port = e->local_port,
				    .remote_port = e->remote_port,
				    .protocol = e->protocol,
				    .family = e->family };
	memcpy(key->local, e->local, sizeof key->local);
	memcpy(key->remote, e->remote, sizeof key->remote);
}

/* Which events name an owner of their addresses. */
static bool tells_owner(const struct socket_event *e, const struct socket_key *key)
{
	switch (e->kind) {
	case SOCKET_LISTEN:
	case SOCKET_ACCEPT:
		return true;
	case SOCKET_ESTABLISHED:
		return !is_bound(key);
	case SOCKET_BIND:
		return e->protocol != PROTOCOL_TCP && e->local_port;
	case SOCKET_SEND:
		return e->pid && !is_bound(key);
	case SOCKET_USE:
		/* A ping socket's own number is no identifier of a connection. */
		return e->local_port && (!is_bound(key) || e->protocol == PROTOCOL_UDP);
	default:
		return false;
	}
}

void socket_table_event(struct socket_table *t, const struct socket_event *e,
			uint32_t process)
{
	struct socket_owner o = { .from_ns = (int64_t)e->ns,
				  .until_ns = INT64_MAX,
				  .cookie = e->cookie,
				  .start_ns = socket_event_start(e),
				  .pid = e->pid,
				  .tid = e->tid,
				  .process = process,
				  .method = e->method ? (uint8_t)e->method : OWNER_SOCKET,
				  .is_ipv6_only = e->is_ipv6_only != 0 };
	struct socket_key key;

	key_of_event(&key, e);
	if (e->kind == SOCKET_CLOSE)
		close_owner(t, &key, &o);
	else if (e->kind == SOCKET_FLOW_END)
		end_owner(t, &key, &o);
	if (!tells_owner(e, &key))
		return;
	if (e->kind == SOCKET_USE && e->before_ns)
		o.from_ns = (int64_t)e->before_ns + 1;
	note_owner(t, &key, &o);
}

/* As it happened, not by looking afterwards. */
static bool was_told(const struct socket_owner *o)
{
	return o->method == OWNER_SOCKET || o->method == OWNER_WINDIVERT_FLOW ||
	       o->method == OWNER_WINDIVERT_SOCKET;
}

/* Of a connection there is one owner at a time: a list that tells who made its socket knows less than
 * who told of its use. */
static bool is_told_better(const struct entry *e, const struct socket_seed *s)
{
	for (unsigned i = 0; i < e->count && !s->cookie && !is_bound(&e->key); i++)
		if (was_told(&e->owners[i]) && e->owners[i].pid &&
		    e->owners[i].until_ns == INT64_MAX)
			return true;
	return false;
}

void socket_table_seed(struct socket_table *t, const struct socket_seed *s)
{
	struct entry *e = find_or_add(t, &s->key);
	struct socket_owner o = { .from_ns = s->from_ns,
				  .until_ns = INT64_MAX,
				  .cookie = s->cookie,
				  .start_ns = socket_seed_start(s),
				  .pid = s->pid,
				  .process = s->process,
				  .method = s->method ? s->method : OWNER_DIAG,
				  .is_first = true,
				  .is_ipv6_only = s->is_ipv6_only };
	struct socket_owner *before = owner_like(e, &o);
	const struct closing *c = closing_of(t, s->cookie);

	forget(t, &s->key);
	e->seen_ns = s->seen_ns;
	/* What the kernel told as it happened is better. */
	if ((before && was_told(before) && before->pid) || is_told_better(e, s))
		return;
	if (s->cookie && c->cookie == s->cookie && c->ns)
		o.until_ns = c->ns;
	if (before && !s->cookie && before->from_ns < o.from_ns)
		o.from_ns = before->from_ns;
	if (before)
		*before = o;
	else
		add_owner(t, e, &o);
}

void socket_table_age(struct socket_table *t, int64_t seen_ns, int64_t gone_ns)
{
	recall_forget_all(&t->recall, PROTOCOL_TCP);
	recall_forget_all(&t->recall, PROTOCOL_UDP);
	for (uint32_t i = 0; i < t->used; i++) {
		struct entry *e = &t->entries[i];

		for (unsigned k = 0; k < e->count && e->seen_ns < seen_ns; k++)
			if (!was_told(&e->owners[k]) &&
			    e->owners[k].until_ns == INT64_MAX)
				e->owners[k].until_ns = gone_ns;
	}
}

void socket_table_counts(const struct socket_table *t, struct socket_table_counts *c)
{
	*c = t->counts;
}

/* When the owner's time was over; of a socket without a connection its closing tells. */
static int64_t until(const struct socket_table *t, const struct entry *e,
		     const struct socket_owner *o)
{
	const struct closing *c = closing_of(t, o->cookie);

	if (e->key.protocol != PROTOCOL_TCP && c->cookie == o->cookie &&
	    c->ns >= o->from_ns && c->ns < o->until_ns)
		return c->ns;
	return o->until_ns;
}

struct recall *socket_table_recall(struct socket_table *t)
{
	return &t->recall;
}

const uint32_t *socket_table_ports(const struct socket_table *t)
{
	return t->ports;
}

void socket_table_remember(struct socket_table *t, const struct socket_question *q,
			   const struct recall_key *key, const struct record_owner *owner)
{
	const struct entry *e = find(t, &q->key);
	const struct socket_owner *last = e && e->count ? &e->owners[e->count - 1] : NULL;

	/* The last one, still open: until something happens, no other answer is possible. */
	if (last && last->from_ns <= q->ns && last->pid == owner->pid &&
	    last->start_ns == owner->start_ns && until(t, e, last) == INT64_MAX)
		recall_put(&t->recall, key, last->from_ns, owner, last->process);
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
 * handshake is done; any other one behind the end of the last owner is of that earlier one. */
static const struct socket_owner *find_connected(const struct socket_table *t,
						 const struct entry *e,
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
	if (before && q->ns - SLACK_NS <= until(t, e, before))
		return answer(before, OWNER_EXACT, certainty);
	/* Within the jitter it may be of either. */
	if (after &&
	    (!before || q->is_opening || after->from_ns - q->ns <= SLACK_NS ||
	     (is_same_process(before, after) && after->from_ns - q->ns <= q->jitter_ns)))
		return answer(after, OWNER_EXACT, certainty);
	return q->is_opening ? NULL : answer(before, OWNER_EARLIER, certainty);
}

/* Sockets that share a port are told apart by nobody but the kernel. */
static const struct socket_owner *find_bound(const struct socket_table *t,
					     const struct entry *e,
					     const struct socket_question *q,
					     enum owner_certainty *certainty)
{
	bool is_tcp = e->key.protocol == PROTOCOL_TCP;
	const struct socket_owner *found = NULL, *earlier = NULL;

	for (unsigned i = 0; i < e->count; i++) {
		const struct socket_owner *o = &e->owners[i];
		int64_t end_ns = until(t, e, o);

		if (o->from_ns > q->ns + SLACK_NS ||
		    (q->key.family != e->key.family && o->is_ipv6_only))
			continue;
		if (end_ns < q->ns - SLACK_NS)
			earlier = q->ns - end_ns < BOUND_EARLIER_NS ? o : NULL;
		else if (found && !is_same_process(found, o))
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
	const struct entry *e;

	if (local)
		memcpy(key.local, local, sizeof key.local);
	e = find(t, &key);
	return e ? find_bound(t, e, q, certainty) : NULL;
}

const struct socket_owner *socket_table_find(struct socket_table *t,
					     const struct socket_question *q,
					     enum owner_certainty *certainty)
{
	const struct entry *e = find(t, &q->key);
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
