#include "analyze/socket_life.h"

#include "analyze/recent.h"
#include "base/mem.h"
#include "packet/headers.h"
#include "store/record.h"

enum {
	NONE = -1,
	SCAN_MOST = 256 /* remote sides looked at for one that is known */
};

/* What is known of a socket, by cookie. */
struct known_socket {
	struct socket_event
		held;  /* while is_held; of one that is_existing, for its user */
	int32_t flows; /* the newest of its remote sides + 1; 0: none */
	uint32_t flow_count;
	bool is_connecting, is_established, is_held;
	bool is_existing; /* begun before the recorder */
};

struct known_flow {
	int32_t next; /* + 1; of the free list too */
	uint16_t remote_port, local_port;
	uint8_t remote[16], local[16];
	bool is_existing;
};

/* A key of `listeners`; zeroed before it is filled in. */
struct listener_key {
	uint8_t local[16];
	uint32_t netns;
	uint16_t port;
	uint8_t protocol, zero;
};

struct held {
	uint64_t cookie, due_ns;
};

struct life {
	bool is_flow; /* the layer */
	life_fn *on;
	void *arg;
	struct recent *sockets, *listeners;
	struct known_flow *flows;
	int32_t free_flows; /* + 1 */
	struct held held[LIFE_HELD];
	size_t held_first, held_count;
	uint64_t forgotten;
};

static void free_flows(struct life *l, struct known_socket *s)
{
	while (s->flows) {
		int32_t i = s->flows - 1;

		s->flows = l->flows[i].next;
		l->flows[i].next = l->free_flows;
		l->free_flows = i + 1;
	}
}

static void forget_socket(void *arg, const void *key, const void *value)
{
	struct life *l = arg;
	struct known_socket s = *(const struct known_socket *)value;

	(void)key;
	free_flows(l, &s);
	l->forgotten++;
}

struct life *life_new(enum filter_layer layer, life_fn *on, void *arg)
{
	struct life *l = mem_new(1, sizeof *l);

	if (!l)
		return NULL;
	l->is_flow = layer == FILTER_FLOW;
	l->on = on;
	l->arg = arg;
	l->sockets =
		recent_new(LIFE_SOCKETS, sizeof(uint64_t), sizeof(struct known_socket));
	l->listeners = recent_new(LIFE_LISTENERS, sizeof(struct listener_key),
				  sizeof(struct socket_event));
	l->flows = mem_new(LIFE_FLOWS, sizeof *l->flows);
	if (!l->sockets || !l->listeners || !l->flows) {
		life_free(l);
		return NULL;
	}
	recent_on_gone(l->sockets, forget_socket, l);
	for (int32_t i = 0; i < LIFE_FLOWS; i++)
		l->flows[i].next = i + 1 < LIFE_FLOWS ? i + 2 : 0;
	l->free_flows = 1;
	return l;
}

void life_free(struct life *l)
{
	if (!l)
		return;
	recent_free(l->sockets);
	recent_free(l->listeners);
	mem_free(l->flows);
	mem_free(l);
}

uint64_t life_forgotten(const struct life *l)
{
	return l->forgotten;
}

static bool is_zero(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return !memcmp(address, zero, sizeof zero);
}

static bool is_loopback(const struct socket_event *e)
{
	static const uint8_t one[16] = { [15] = 1 };
	const uint8_t *a = is_zero(e->remote) ? e->local : e->remote;

	if (e->family == 4 ? a[12] == 127 : !memcmp(a, one, sizeof one))
		return true;
	return !is_zero(a) && !memcmp(e->local, e->remote, 16);
}

/* IPv4's "any" is ::ffff:0.0.0.0 on the local side; a remote side that there is not is zeros. */
static void set_any(struct socket_event *e)
{
	if (e->family == 4 && is_zero(e->local))
		e->local[10] = e->local[11] = 0xff;
}

static void tell(struct life *l, uint8_t kind, const struct socket_event *e,
		 const struct life_event *like)
{
	struct life_event out = like ? *like : (struct life_event){ .is_outbound = true };

	out.socket = *e;
	out.kind = kind;
	if (!like)
		out.certainty = e->pid ? OWNER_EXACT : OWNER_UNKNOWN;
	if (kind == LIFE_BIND || kind == LIFE_LISTEN) {
		memset(out.socket.remote, 0, sizeof out.socket.remote);
		out.socket.remote_port = 0;
	}
	set_any(&out.socket);
	out.is_loopback = is_loopback(e);
	l->on(l->arg, &out);
}

static struct socket_event *find_listener_at(struct life *l, const struct socket_event *e,
					     const uint8_t local[16])
{
	struct listener_key key;

	memset(&key, 0, sizeof key);
	memcpy(key.local, local, sizeof key.local);
	key.netns = e->netns;
	key.port = e->local_port;
	key.protocol = e->protocol;
	return recent_find(l->listeners, &key);
}

static const struct socket_event *find_listener(struct life *l,
						const struct socket_event *e)
{
	static const uint8_t any[16];
	const struct socket_event *found = find_listener_at(l, e, e->local);

	return found ? found : find_listener_at(l, e, any);
}

static void note_listener(struct life *l, const struct socket_event *e)
{
	struct listener_key key;
	struct socket_event *listener;

	memset(&key, 0, sizeof key);
	memcpy(key.local, e->local, sizeof key.local);
	key.netns = e->netns;
	key.port = e->local_port;
	key.protocol = e->protocol;
	listener = recent_add(l->listeners, &key);
	*listener = *e;
}

static void take_user(struct socket_event *e, const struct socket_event *from)
{
	e->pid = from->pid;
	e->tid = from->tid;
	e->uid = from->uid;
	e->start_ns = from->start_ns;
	memcpy(e->comm, from->comm, sizeof e->comm);
}

/* A connection that came in, by the process that uses it, else by who listens. */
static void tell_incoming(struct life *l, const struct socket_event *e,
			  const struct socket_event *user)
{
	const struct socket_event *listener = find_listener(l, e);
	struct life_event like = { .certainty = OWNER_UNKNOWN };
	struct socket_event out = *e;

	if (listener)
		like.parent_cookie = listener->cookie;
	if (user && user->pid) {
		take_user(&out, user);
		like.certainty = OWNER_EXACT;
	} else if (listener && listener->pid) {
		take_user(&out, listener);
		like.certainty = OWNER_LISTENER;
	}
	tell(l, l->is_flow ? LIFE_ESTABLISHED : LIFE_ACCEPT, &out, &like);
}

static void let_go(struct life *l, struct known_socket *s,
		   const struct socket_event *user)
{
	s->is_held = false;
	tell_incoming(l, &s->held, user);
}

static void pop_held(struct life *l)
{
	uint64_t cookie = l->held[l->held_first].cookie;
	struct known_socket *s = recent_find(l->sockets, &cookie);

	l->held_first = (l->held_first + 1) % LIFE_HELD;
	l->held_count--;
	if (s && s->is_held)
		let_go(l, s, NULL);
}

void life_tick(struct life *l, uint64_t now_ns)
{
	while (l->held_count && l->held[l->held_first].due_ns <= now_ns)
		pop_held(l);
}

void life_finish(struct life *l)
{
	while (l->held_count)
		pop_held(l);
}

static void hold(struct life *l, struct known_socket *s, const struct socket_event *e)
{
	if (l->held_count == LIFE_HELD)
		pop_held(l);
	s->held = *e;
	s->is_held = true;
	l->held[(l->held_first + l->held_count++) % LIFE_HELD] =
		(struct held){ .cookie = e->cookie, .due_ns = e->ns + LIFE_HOLD_NS };
}

static void take_established(struct life *l, struct known_socket *s,
			     const struct socket_event *e)
{
	s->is_established = true;
	if (!s->is_connecting && !e->pid)
		hold(l, s, e);
	else if (l->is_flow)
		tell(l, LIFE_ESTABLISHED, e, NULL);
}

static bool is_known_flow(const struct life *l, const struct known_socket *s,
			  const struct socket_event *e)
{
	int32_t i = s->flows;

	for (unsigned n = 0; i && n < SCAN_MOST; n++, i = l->flows[i - 1].next)
		if (l->flows[i - 1].remote_port == e->remote_port &&
		    !memcmp(l->flows[i - 1].remote, e->remote, 16))
			return true;
	return false;
}

static void add_flow(struct life *l, struct known_socket *s, const struct socket_event *e,
		     bool is_existing)
{
	struct known_flow *f;
	int32_t i = l->free_flows;

	s->flow_count++;
	if (!i) {
		l->forgotten++;
		return;
	}
	f = &l->flows[i - 1];
	l->free_flows = f->next;
	f->next = s->flows;
	s->flows = i;
	f->is_existing = is_existing;
	f->remote_port = e->remote_port;
	f->local_port = e->local_port;
	memcpy(f->remote, e->remote, sizeof f->remote);
	memcpy(f->local, e->local, sizeof f->local);
}

/* The first packet to a remote side: a flow of a socket that knows no connections. */
static void take_send(struct life *l, struct known_socket *s,
		      const struct socket_event *e)
{
	if (!l->is_flow || e->protocol == PROTOCOL_TCP || is_known_flow(l, s, e))
		return;
	/* The kernel's own: errors, answers to pings. */
	if (!e->pid && (e->protocol == PROTOCOL_ICMP || e->protocol == PROTOCOL_ICMPV6))
		return;
	tell(l, LIFE_ESTABLISHED, e, NULL);
	add_flow(l, s, e, false);
}

static void tell_deleted_flows(struct life *l, struct known_socket *s,
			       const struct socket_event *e)
{
	struct life_event like = { .certainty = e->pid ? OWNER_EXACT : OWNER_UNKNOWN,
				   .is_outbound = true,
				   .has_counts = s->flow_count == 1 };
	struct socket_event out = *e;

	for (int32_t i = s->flows; i; i = l->flows[i - 1].next) {
		const struct known_flow *f = &l->flows[i - 1];

		memcpy(out.remote, f->remote, sizeof out.remote);
		memcpy(out.local, f->local, sizeof out.local);
		out.remote_port = f->remote_port;
		out.local_port = f->local_port;
		like.is_begin_unseen = f->is_existing;
		tell(l, LIFE_DELETED, &out, &like);
	}
	free_flows(l, s);
}

/* A connection's end.  One that never came to be has none; of one that nothing is known of the
 * beginning was before ours. */
static void tell_deleted_connection(struct life *l, const struct known_socket *s,
				    const struct socket_event *e)
{
	struct life_event like = { .certainty = e->pid ? OWNER_EXACT : OWNER_UNKNOWN,
				   .has_counts = true };

	if (is_zero(e->remote) || (s && !s->is_established))
		return;
	like.is_outbound = !s || s->is_connecting;
	like.is_begin_unseen = !s || s->is_existing;
	tell(l, LIFE_DELETED, e, &like);
}

static void take_close(struct life *l, struct known_socket *s,
		       const struct socket_event *e)
{
	struct socket_event out = *e;

	if (s && s->is_held)
		let_go(l, s, e);
	if (s && s->is_existing && !e->pid)
		take_user(&out, &s->held);
	if (!l->is_flow)
		tell(l, LIFE_CLOSE, &out, NULL);
	else if (e->protocol == PROTOCOL_TCP)
		tell_deleted_connection(l, s, &out);
	else if (s)
		tell_deleted_flows(l, s, &out);
	if (!s)
		return;
	free_flows(l, s);
	recent_drop(l->sockets, &e->cookie);
}

static const uint8_t plain_kinds[] = { [SOCKET_BIND] = LIFE_BIND,
				       [SOCKET_CONNECT] = LIFE_CONNECT,
				       [SOCKET_LISTEN] = LIFE_LISTEN };

/* What only one layer tells, as it comes. */
static void tell_plain(struct life *l, const struct socket_event *e)
{
	if (!l->is_flow)
		tell(l, plain_kinds[e->kind], e, NULL);
}

void life_take(struct life *l, const struct socket_event *e)
{
	struct known_socket *s = e->kind == SOCKET_CLOSE || e->kind == SOCKET_ACCEPT ||
						 e->kind == SOCKET_USE
					 ? recent_find(l->sockets, &e->cookie)
					 : recent_add(l->sockets, &e->cookie);

	life_tick(l, e->ns);
	switch (e->kind) {
	case SOCKET_CONNECT:
		s->is_connecting = true;
		tell_plain(l, e);
		break;
	case SOCKET_LISTEN:
		note_listener(l, e);
		tell_plain(l, e);
		break;
	case SOCKET_BIND:
		tell_plain(l, e);
		break;
	case SOCKET_ESTABLISHED:
		take_established(l, s, e);
		break;
	case SOCKET_ACCEPT:
	case SOCKET_USE:
		if (s && s->is_held)
			let_go(l, s, e);
		else if (s && s->is_existing)
			take_user(&s->held, e);
		break;
	case SOCKET_SEND:
		take_send(l, s, e);
		break;
	case SOCKET_CLOSE:
		take_close(l, s, e);
		break;
	default:
		break;
	}
}

/* Where its port is listened at it came in: that is all there is to tell it by. */
static void tell_existing_connection(struct life *l, struct known_socket *s,
				     const struct socket_event *e,
				     struct life_event *like)
{
	const struct socket_event *listener =
		e->protocol == PROTOCOL_TCP ? find_listener(l, e) : NULL;

	s->is_established = true;
	s->is_connecting = like->is_outbound = !listener;
	like->parent_cookie = listener ? listener->cookie : 0;
	if (l->is_flow && e->protocol != PROTOCOL_TCP) {
		if (is_known_flow(l, s, e))
			return;
		add_flow(l, s, e, true);
	}
	tell(l,
	     l->is_flow ? LIFE_ESTABLISHED
	     : listener ? LIFE_ACCEPT
			: LIFE_CONNECT,
	     e, like);
}

void life_exists(struct life *l, const struct socket_event *e)
{
	struct known_socket *s = recent_add(l->sockets, &e->cookie);
	struct life_event like = { .certainty = e->pid ? OWNER_EXACT : OWNER_UNKNOWN,
				   .is_outbound = true,
				   .is_existing = true };

	s->is_existing = true;
	s->held = *e;
	if (e->kind == SOCKET_LISTEN)
		note_listener(l, e);
	if (e->kind == SOCKET_CONNECT)
		s->is_connecting = true;
	if (e->kind == SOCKET_ESTABLISHED)
		tell_existing_connection(l, s, e, &like);
	else if (!l->is_flow)
		tell(l, plain_kinds[e->kind], e, &like);
}

const char *life_event_name(unsigned kind)
{
	static const char *const names[] = { "ESTABLISHED", "DELETED", "BIND", "CONNECT",
					     "LISTEN",      "ACCEPT",  "CLOSE" };

	return kind >= LIFE_ESTABLISHED && kind <= LIFE_CLOSE
		       ? names[kind - LIFE_ESTABLISHED]
		       : "unknown";
}

void life_filter_input(struct filter_input *in, const struct life_event *e, int64_t ns)
{
	const struct socket_event *s = &e->socket;
	struct filter_address *a = &in->address;

	memset(in, 0, sizeof *in);
	in->has_time = true;
	in->time_ns = ns;
	a->timestamp = e->has_ticks ? e->ticks : ns;
	a->event = e->kind;
	a->is_outbound = e->is_outbound;
	a->is_loopback = e->is_loopback;
	a->is_ipv6 = s->family == 6;
	a->endpoint_id = s->cookie;
	a->parent_endpoint_id = e->parent_cookie;
	a->process_id = s->pid;
	memcpy(a->local_address, s->local, sizeof a->local_address);
	memcpy(a->remote_address, s->remote, sizeof a->remote_address);
	a->local_port = s->local_port;
	a->remote_port = s->remote_port;
	a->protocol = s->protocol;
	if (s->pid)
		in->process_name = e->process_name ? e->process_name
				   : s->comm[0]    ? s->comm
						   : NULL;
}
