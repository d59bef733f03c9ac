#include "process/socket_entries.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "packet/headers.h"
#include "weir/error.h"

#include <string.h>

/* News by cookie, of sockets without a connection: their keys are too many to be visited at each.  When half of
 * the room is taken, all are visited at once. */
#define NEWS  16384 /* a power of two */
#define PORTS 65536

enum chances {
	CHANCES_CLOSED = 0,
	CHANCES_OPEN = 1,
	CHANCES_BOUND = 3, /* a listener is worth more than any connection */
};

void socket_table_free(struct socket_table *t)
{
	if (!t)
		return;
	mem_free(t->entries);
	key_index_free(&t->index);
	mem_free(t->ports);
	mem_free(t->port_bits);
	mem_free(t->news);
	mem_free(t->crowds);
	recall_free(&t->recall);
	mem_free(t);
}

size_t socket_table_bytes(size_t entries)
{
	return entries * sizeof(struct socket_entry) + key_index_bytes(entries) +
	       PORTS * sizeof(uint32_t) + PORTS / 8 + NEWS * sizeof(struct socket_news) +
	       socket_crowds_bytes() + recall_bytes();
}

int socket_table_new(struct socket_table **out, size_t entries)
{
	struct socket_table *t = mem_new(1, sizeof *t);

	*out = NULL;
	if (!t)
		return WEIR_ERR_NO_MEMORY;
	t->capacity = (uint32_t)entries;
	t->entries = mem_new(entries, sizeof *t->entries);
	t->ports = mem_new(PORTS, sizeof *t->ports);
	t->port_bits = mem_new(PORTS / 8, 1);
	t->news = mem_new(NEWS, sizeof *t->news);
	if (!t->entries || !t->ports || !t->port_bits || !t->news ||
	    key_index_new(&t->index, entries) || recall_new(&t->recall) ||
	    socket_crowds_new(t)) {
		socket_table_free(t);
		return WEIR_ERR_NO_MEMORY;
	}
	*out = t;
	return 0;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint32_t hash_of(const struct socket_key *key)
{
	uint64_t words[5], h = 0;

	_Static_assert(sizeof *key == sizeof words, "the key is hashed as words");
	memcpy(words, key, sizeof words);
	for (unsigned i = 0; i < 5; i++)
		h = mix(h, words[i]);
	return (uint32_t)(h >> 32);
}

static struct socket_entry *find_hashed(struct socket_table *t,
					const struct socket_key *key, uint32_t hash)
{
	uint32_t at;

	for (uint32_t i = key_index_first(&t->index, hash, &at); i != KEY_INDEX_NONE;
	     i = key_index_next(&t->index, hash, &at))
		if (!memcmp(&t->entries[i].key, key, sizeof *key)) {
			t->entries[i].is_used = true;
			return &t->entries[i];
		}
	return NULL;
}

struct socket_entry *socket_entry_find(struct socket_table *t,
				       const struct socket_key *key)
{
	return find_hashed(t, key, hash_of(key));
}

bool socket_key_is_bound(const struct socket_key *key)
{
	static const uint8_t zeros[16];

	return !key->remote_port && !memcmp(key->remote, zeros, sizeof zeros);
}

static void unlink_entry(struct socket_table *t, uint32_t number)
{
	struct socket_entry *e = &t->entries[number];
	unsigned port = e->key.local_port;

	socket_crowd_free(t, e);
	key_index_remove(&t->index, e->hash, number);
	if (!--t->ports[port])
		t->port_bits[port / 8] &= (uint8_t) ~(1U << port % 8);
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

void socket_entry_forget(struct socket_table *t, const struct socket_key *key)
{
	struct recall_key k;

	if (recall_key(key, &k))
		recall_forget(&t->recall, &k);
}

/* Another process has a socket with the same sides, of those without a connection, for as long as the last one:
 * nobody is named then. */
static bool is_shared(const struct socket_table *t, const struct socket_entry *e,
		      const struct socket_owner *last)
{
	if (e->is_crowded || socket_entry_was_crowded(e, last->from_ns))
		return true;
	for (const struct socket_owner *o = e->owners; o < last; o++)
		if (!socket_owner_is_same(o, last) &&
		    socket_owner_until(t, e, o) >= last->from_ns)
			return true;
	return false;
}

void socket_entry_remember(struct socket_table *t, const struct socket_entry *e)
{
	const struct socket_owner *last = e->count ? &e->owners[e->count - 1] : NULL;
	int64_t until_ns = last ? socket_owner_until(t, e, last) : 0;
	struct recall_answer answer;
	struct recall_key k;
	bool is_doubted;

	if (!recall_key(&e->key, &k))
		return;
	if (!last || !last->pid ||
	    ((e->key.protocol != PROTOCOL_TCP || last->method == OWNER_DIAG) &&
	     until_ns != INT64_MAX) ||
	    (e->key.protocol != PROTOCOL_TCP && is_shared(t, e, last))) {
		recall_forget(&t->recall, &k);
		return;
	}
	is_doubted = e->key.protocol == PROTOCOL_TCP && until_ns == INT64_MAX &&
		     last->from_ns < t->lost_ns;
	if (until_ns != INT64_MAX)
		until_ns += SOCKET_SLACK_NS;
	answer = (struct recall_answer){ .from_ns = last->from_ns,
					 .until_ns = until_ns,
					 .start_ns = last->start_ns,
					 .pid = last->pid,
					 .tid = last->tid,
					 .process = last->process,
					 .method = last->method };
	if (is_doubted)
		recall_put_doubted(&t->recall, &k, &answer);
	else
		recall_put(&t->recall, &k, &answer);
}

/* Since the last time it was asked. */
static bool was_used(struct socket_table *t, struct socket_entry *e)
{
	bool was = e->is_used;
	struct recall_key k;

	e->is_used = false;
	if (recall_key(&e->key, &k))
		was |= recall_was_used(&t->recall, &k);
	return was;
}

static bool is_closed(const struct socket_entry *e)
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
		struct socket_entry *e = &t->entries[t->hand];

		if (!is_closed(e) && was_used(t, e)) {
			e->chances = socket_key_is_bound(&e->key) ? CHANCES_BOUND
								  : CHANCES_OPEN;
		} else if (e->chances && !is_closed(e)) {
			e->chances--;
		} else {
			uint32_t number = t->hand;

			/* What is kept of a closed one stays right: it says until when. */
			if (!is_closed(e))
				socket_entry_forget(t, &e->key);
			unlink_entry(t, number);
			t->counts.evicted++;
			t->hand = (t->hand + 1) % t->capacity;
			return number;
		}
	}
}

struct socket_entry *socket_entry_find_or_add(struct socket_table *t,
					      const struct socket_key *key)
{
	uint32_t hash = hash_of(key), number, port = key->local_port;
	struct socket_entry *e = find_hashed(t, key, hash);

	if (e)
		return e;
	number = t->used < t->capacity ? t->used++ : evict(t);
	t->counts.entries = t->used;
	e = &t->entries[number];
	/* The owners behind it are several lines of the cache: none is touched before it is set. */
	e->key = *key;
	e->hash = hash;
	e->chances = CHANCES_OPEN;
	e->count = 0;
	e->crowd = 0;
	e->is_used = e->has_forgotten = false;
	e->has_missing = e->is_crowded = e->is_endless = false;
	e->crowded_ns = e->seen_ns = e->opened_ns = 0;
	key_index_put(&t->index, hash, number);
	t->ports[port]++;
	t->port_bits[port / 8] |= (uint8_t)(1U << port % 8);
	return e;
}

void socket_entry_expect(const struct socket_table *t, const struct socket_key *key)
{
	key_index_expect(&t->index, hash_of(key));
}

void socket_entry_fetch(const struct socket_table *t, const struct socket_key *key)
{
	uint32_t at, number = key_index_first(&t->index, hash_of(key), &at);
	struct recall_key k;

	/* A new one is the next of the array, or of the hand. */
	if (number != KEY_INDEX_NONE) {
		const uint8_t *entry = (const void *)&t->entries[number];

		__builtin_prefetch(entry, 1);
		__builtin_prefetch(entry + CACHE_LINE, 1);
	}
	if (recall_key(key, &k))
		__builtin_prefetch(recall_set(&t->recall, &k), 1);
}

/* Where it is, or has room.  The kernel gives cookies in turn: neighbours share a line of the cache, and lie apart from
 * the next ones, so that a look soon finds what is free. */
static struct socket_news *news_of(const struct socket_table *t, uint64_t cookie)
{
	uint64_t at = (mix(0, cookie / 2) >> 32) * 2 + cookie % 2;
	struct socket_news *n;

	do
		n = &t->news[at++ & (NEWS - 1)];
	while (n->cookie && n->cookie != cookie);
	return n;
}

static void tell_owners(struct socket_table *t)
{
	socket_crowds_settle(t);
	for (uint32_t i = 0; i < t->used; i++) {
		struct socket_entry *e = &t->entries[i];

		if (e->key.protocol == PROTOCOL_TCP)
			continue;
		for (unsigned k = 0; k < e->count; k++)
			e->owners[k].until_ns = socket_owner_until(t, e, &e->owners[k]);
	}
	for (unsigned i = 0; i < NEWS; i++)
		if (t->news[i].closed_ns > t->closings_told_ns)
			t->closings_told_ns = t->news[i].closed_ns;
	memset(t->news, 0, NEWS * sizeof *t->news);
	t->news_count = 0;
}

static struct socket_news *news_or_new(struct socket_table *t, uint64_t cookie)
{
	struct socket_news *n;

	if (t->news_count == NEWS / 2)
		tell_owners(t);
	n = news_of(t, cookie);
	t->news_count += !n->cookie;
	n->cookie = cookie;
	return n;
}

void socket_user_changed(struct socket_table *t, uint64_t cookie, int64_t ns)
{
	struct socket_news *n;

	if (!cookie)
		return;
	n = news_or_new(t, cookie);
	if (!n->changed_ns || ns < n->changed_ns)
		n->changed_ns = ns;
	if (ns > n->again_ns)
		n->again_ns = ns;
}

void socket_closing_put(struct socket_table *t, uint64_t cookie, int64_t ns)
{
	/* Of many sockets. */
	if (!cookie)
		return;
	news_or_new(t, cookie)->closed_ns = ns;
}

int64_t socket_closing_ns(const struct socket_table *t, uint64_t cookie)
{
	return news_of(t, cookie)->closed_ns;
}

void socket_table_counts(const struct socket_table *t, struct socket_table_counts *c)
{
	*c = t->counts;
}

/* Who was told of between the first change of the user and the last one is not known for longer than that. */
static int64_t user_until(const struct socket_news *n, const struct socket_owner *o)
{
	if (n->again_ns <= o->from_ns)
		return INT64_MAX;
	return n->changed_ns > o->from_ns ? n->changed_ns - 1 : o->from_ns;
}

int64_t socket_owner_until(const struct socket_table *t, const struct socket_entry *e,
			   const struct socket_owner *o)
{
	int64_t until_ns = o->until_ns, user_ns;
	const struct socket_news *n;

	if (e->key.protocol == PROTOCOL_TCP || !o->cookie)
		return until_ns;
	n = news_of(t, o->cookie);
	if (n->cookie != o->cookie)
		return until_ns;
	if (n->closed_ns && n->closed_ns >= o->from_ns && n->closed_ns < until_ns)
		until_ns = n->closed_ns;
	/* Where another was told of by the key itself, it is known better. */
	if (o->until_ns != INT64_MAX)
		return until_ns;
	user_ns = user_until(n, o);
	return user_ns < until_ns ? user_ns : until_ns;
}

void socket_table_lost(struct socket_table *t, int64_t now_ns)
{
	t->lost_ns = now_ns;
	recall_doubt_all(&t->recall, PROTOCOL_TCP);
}

struct recall *socket_table_recall(struct socket_table *t)
{
	return &t->recall;
}

const uint8_t *socket_table_ports(const struct socket_table *t)
{
	return t->port_bits;
}
