#include "process/sockets.h"

#include "packet/headers.h"
#include "process/socket_entries.h"

#include <string.h>

static struct socket_owner *last_of(struct socket_entry *e, uint64_t cookie)
{
	for (unsigned i = e->count; i-- > 0;)
		if (e->owners[i].cookie == cookie)
			return &e->owners[i];
	return NULL;
}

static bool is_open(const struct socket_table *t, const struct socket_entry *e,
		    const struct socket_owner *o)
{
	return socket_owner_until(t, e, o) == INT64_MAX;
}

/* The first one is open and no longer there: it need not be asked of while all are of its process. */
static void note_missing(struct socket_table *t, struct socket_entry *e)
{
	socket_crowd_add(t, e, &e->owners[0]);
	for (unsigned i = 1; i < e->count; i++)
		if (!socket_owner_is_same(&e->owners[i], &e->owners[0]))
			e->is_crowded = true;
}

/* The oldest makes room, one that is closed if there is any. */
static void make_room(struct socket_table *t, struct socket_entry *e)
{
	unsigned victim = 0;

	while (victim < SOCKET_OWNERS - 1 && is_open(t, e, &e->owners[victim]))
		victim++;
	if (is_open(t, e, &e->owners[victim])) {
		victim = 0;
		note_missing(t, e);
	}
	e->count--;
	e->has_forgotten = true;
	memmove(&e->owners[victim], &e->owners[victim + 1],
		(e->count - victim) * sizeof e->owners[0]);
	t->counts.forgotten++;
}

static void add_owner(struct socket_table *t, struct socket_entry *e,
		      const struct socket_owner *o)
{
	unsigned at;

	if (e->count == SOCKET_OWNERS)
		make_room(t, e);
	socket_crowd_settle(t, e);
	if (e->has_missing && e->count && !socket_owner_is_same(&e->owners[0], o))
		e->is_crowded = true;
	for (at = e->count++; at && e->owners[at - 1].from_ns > o->from_ns; at--)
		e->owners[at] = e->owners[at - 1];
	e->owners[at] = *o;
}

/* The owner that it is about: the socket's by its number; where one of the two has none, the one of the
 * same process that is open. */
static struct socket_owner *owner_like(struct socket_entry *e,
				       const struct socket_owner *o)
{
	struct socket_owner *found = o->cookie ? last_of(e, o->cookie) : NULL;

	for (unsigned i = e->count; !found && i-- > 0;) {
		struct socket_owner *at = &e->owners[i];

		if ((!o->cookie || !at->cookie) && at->until_ns == INT64_MAX &&
		    socket_owner_is_same(at, o))
			found = at;
	}
	return found;
}

/* What is known of since when, and of until when if anybody was named, stays. */
static void set_owner(struct socket_table *t, struct socket_entry *e,
		      struct socket_owner *at, const struct socket_owner *o)
{
	bool is_named = at->pid != 0;

	if (e->has_missing && !socket_owner_is_same(at, o))
		e->is_crowded = true;
	at->cookie = o->cookie;
	at->pid = o->pid;
	at->tid = o->tid;
	at->start_ns = o->start_ns;
	at->process = o->process;
	at->method = o->method;
	if (!is_named)
		at->until_ns = o->until_ns;
	socket_entry_remember(t, e);
}

static void note_owner(struct socket_table *t, const struct socket_key *key,
		       const struct socket_owner *o)
{
	struct socket_entry *e = socket_entry_find_or_add(t, key);
	struct socket_owner *before = owner_like(e, o), owner = *o;

	owner.is_first = !before;
	/* It has ended: the socket was connected again, or another has used it since. */
	if (before && socket_owner_until(t, e, before) < o->from_ns) {
		owner.is_first = key->protocol == PROTOCOL_TCP ||
				 o->method == OWNER_WINDIVERT_FLOW;
		before = NULL;
	}
	if (before && !o->pid)
		return;
	if (before && (!before->pid || socket_owner_is_same(before, o))) {
		set_owner(t, e, before, o);
		return;
	}
	if (before && o->from_ns <= before->from_ns && key->protocol != PROTOCOL_TCP) {
		set_owner(t, e, before, o);
		return;
	}
	/* Of a connection the user before has at least the packet that opened it. */
	if (before && o->from_ns <= before->from_ns)
		owner.from_ns = before->from_ns + SOCKET_SLACK_NS;
	if (before && before->until_ns == INT64_MAX)
		before->until_ns = owner.from_ns - 1;
	add_owner(t, e, &owner);
	socket_entry_remember(t, e);
}

/* As it happened, not by looking afterwards. */
static bool was_told(const struct socket_owner *o)
{
	return o->method == OWNER_SOCKET || o->method == OWNER_WINDIVERT_FLOW ||
	       o->method == OWNER_WINDIVERT_SOCKET;
}

/* False: of no owner that events told of. */
static bool end_owner(struct socket_table *t, const struct socket_key *key,
		      const struct socket_owner *like)
{
	struct socket_entry *e = socket_entry_find(t, key);
	struct socket_owner *o = e ? owner_like(e, like) : NULL;

	if (o && o->until_ns == INT64_MAX) {
		o->until_ns = like->from_ns;
		socket_entry_remember(t, e);
	}
	return o && was_told(o);
}

static void close_owner(struct socket_table *t, const struct socket_key *key,
			const struct socket_owner *like)
{
	bool is_told = end_owner(t, key, like);

	/* A socket that is not TCP's may have had more keys than this. */
	if (key->protocol != PROTOCOL_TCP)
		recall_forget_all(&t->recall, key->protocol);
	else if (is_told)
		return;
	/* A snapshot of before may tell of it yet. */
	socket_closing_put(t, like->cookie, like->from_ns);
}

/* What the user before has sent to is not the new one's: that is told where it sends itself. */
static void change_user(struct socket_table *t, const struct socket_key *key,
			const struct socket_owner *user)
{
	struct socket_entry *e = socket_entry_find(t, key);
	struct socket_owner *before = e ? owner_like(e, user) : NULL;

	/* Of the key that it is told by, all changes are. */
	if (before && before->from_ns < user->from_ns &&
	    socket_owner_until(t, e, before) == INT64_MAX)
		before->until_ns = user->from_ns - 1;
	socket_user_changed(t, user->cookie, user->from_ns);
	recall_forget_all(&t->recall, key->protocol);
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

void socket_table_expect(const struct socket_table *t, const struct socket_event *events,
			 unsigned count)
{
	struct socket_key key;

	for (unsigned i = 0; i < count; i++) {
		key_of_event(&key, &events[i]);
		socket_entry_expect(t, &key);
	}
	for (unsigned i = 0; i < count; i++) {
		key_of_event(&key, &events[i]);
		socket_entry_fetch(t, &key);
	}
}

/* Which events name an owner of their addresses. */
static bool tells_owner(const struct socket_event *e, const struct socket_key *key)
{
	switch (e->kind) {
	case SOCKET_LISTEN:
	case SOCKET_ACCEPT:
		return true;
	case SOCKET_ESTABLISHED:
		return !socket_key_is_bound(key);
	case SOCKET_BIND:
		return e->protocol != PROTOCOL_TCP && e->local_port;
	case SOCKET_SEND:
		return e->pid && !socket_key_is_bound(key);
	case SOCKET_USE:
		/* A ping socket's own number is no identifier of a connection. */
		return e->local_port &&
		       (!socket_key_is_bound(key) || e->protocol == PROTOCOL_UDP);
	default:
		return false;
	}
}

/* It was accepted, and closed before anybody used it: its packets are not those of who had the addresses
 * before. */
static void note_unused(struct socket_table *t, const struct socket_key *key,
			const struct socket_owner *closed, int64_t from_ns)
{
	struct socket_owner o = *closed;

	o.from_ns = from_ns;
	note_owner(t, key, &o);
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
	if (e->kind == SOCKET_CLOSE && !e->pid && e->before_ns)
		note_unused(t, &key, &o, (int64_t)e->before_ns);
	if (e->kind == SOCKET_CLOSE)
		close_owner(t, &key, &o);
	else if (e->kind == SOCKET_FLOW_END)
		(void)end_owner(t, &key, &o);
	if (e->kind == SOCKET_USE && e->before_ns)
		o.from_ns = (int64_t)e->before_ns + 1;
	if (e->kind == SOCKET_USE && key.protocol != PROTOCOL_TCP)
		change_user(t, &key, &o);
	if (!tells_owner(e, &key))
		return;
	if (e->kind == SOCKET_ACCEPT && e->before_ns)
		o.from_ns = (int64_t)e->before_ns;
	note_owner(t, &key, &o);
}

/* Of a connection there is one owner at a time: a list that tells who made its socket knows less than
 * who told of its use. */
static bool is_told_better(const struct socket_entry *e, const struct socket_seed *s)
{
	for (unsigned i = 0; i < e->count && !s->cookie && !socket_key_is_bound(&e->key);
	     i++)
		if (was_told(&e->owners[i]) && e->owners[i].pid &&
		    e->owners[i].until_ns == INT64_MAX)
			return true;
	return false;
}

static int64_t seed_until(const struct socket_table *t, const struct socket_seed *s)
{
	int64_t closed_ns = s->cookie ? socket_closing_ns(t, s->cookie) : 0;

	if (closed_ns)
		return closed_ns;
	/* Its closing may be one of those that are no longer kept. */
	return s->cookie && s->seen_ns < t->closings_told_ns ? s->seen_ns : INT64_MAX;
}

void socket_table_seed(struct socket_table *t, const struct socket_seed *s)
{
	struct socket_entry *e = socket_entry_find_or_add(t, &s->key);
	struct socket_owner o = { .from_ns = s->from_ns,
				  .until_ns = s->until_ns ? s->until_ns : INT64_MAX,
				  .cookie = s->cookie,
				  .start_ns = socket_seed_start(s),
				  .pid = s->pid,
				  .process = s->process,
				  .method = s->method ? s->method : OWNER_DIAG,
				  .is_first = !s->until_ns,
				  .is_ipv6_only = s->is_ipv6_only };
	struct socket_owner *before = owner_like(e, &o);

	e->seen_ns = s->seen_ns;
	/* What the kernel told as it happened is better. */
	if ((before && was_told(before) && before->pid) || is_told_better(e, s))
		return;
	if (seed_until(t, s) < o.until_ns)
		o.until_ns = seed_until(t, s);
	if (before && was_told(before) && before->until_ns < o.until_ns)
		o.until_ns = before->until_ns;
	if (before && (!s->cookie || s->until_ns) && socket_owner_is_same(before, &o) &&
	    before->from_ns < o.from_ns)
		o.from_ns = before->from_ns;
	if (before)
		*before = o;
	else
		add_owner(t, e, &o);
	socket_entry_remember(t, e);
}

void socket_table_doubt(struct socket_table *t, const struct socket_question *q)
{
	struct socket_entry *e = socket_entry_find(t, &q->key);
	/* What opens a connection is not within the slack of who had it before. */
	int64_t until_ns = q->is_opening ? q->ns - 2 * SOCKET_SLACK_NS : q->ns;

	for (unsigned i = 0; e && i < e->count; i++) {
		struct socket_owner *o = &e->owners[i];

		if (!was_told(o) && o->from_ns <= q->ns && o->until_ns > until_ns)
			o->until_ns = until_ns;
	}
	if (e)
		socket_entry_remember(t, e);
}

void socket_table_age(struct socket_table *t, int64_t seen_ns, int64_t gone_ns)
{
	recall_forget_all(&t->recall, PROTOCOL_TCP);
	recall_forget_all(&t->recall, PROTOCOL_UDP);
	for (uint32_t i = 0; i < t->used; i++) {
		struct socket_entry *e = &t->entries[i];

		for (unsigned k = 0; k < e->count && e->seen_ns < seen_ns; k++)
			if (!was_told(&e->owners[k]) && e->owners[k].until_ns > seen_ns)
				e->owners[k].until_ns = gone_ns;
	}
}
