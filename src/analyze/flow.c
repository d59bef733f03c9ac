#include "analyze/flow.h"

#include "base/compiler.h"
#include "store/record.h"

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	ACK = 16
};

/* Messages with an identifier: echo, timestamp, information, mask. */
static bool is_echo(const struct headers *h)
{
	if (h->protocol == PROTOCOL_ICMPV6)
		return h->icmp_type == 128 || h->icmp_type == 129;
	return h->icmp_type == 0 || h->icmp_type == 8 ||
	       (h->icmp_type >= 13 && h->icmp_type <= 18);
}

/* Of two messages of one echo the one that comes back. */
static bool is_reply(const struct headers *h)
{
	if (h->protocol == PROTOCOL_ICMPV6)
		return h->icmp_type == 129;
	return h->icmp_type == 0 || h->icmp_type == 14 || h->icmp_type == 16 ||
	       h->icmp_type == 18;
}

static void key_ports(struct flow_key *key, const struct headers *h, uint16_t *src,
		      uint16_t *dst)
{
	*src = *dst = 0;
	if (h->has_ports) {
		key->form = FLOW_PORTS;
		*src = h->src_port;
		*dst = h->dst_port;
	} else if (h->has_icmp && is_echo(h)) {
		key->form = FLOW_ECHO;
		*src = *dst = h->icmp_id;
	} else if (h->has_icmp) {
		key->form = FLOW_MESSAGE;
		*src = *dst = (uint16_t)(h->icmp_type << 8 | h->icmp_code);
	} else if (h->is_fragment && h->fragment_off) {
		key->form = FLOW_FRAGMENTS;
	}
}

bool flow_key_make(struct flow_key *key, const struct headers *h, size_t source,
		   unsigned *side)
{
	unsigned tags = h->link.vlan_count < LINK_VLANS ? h->link.vlan_count : LINK_VLANS;
	uint16_t src, dst;
	int order;

	if (!h->ip_version)
		return false;
	memset(key, 0, sizeof *key);
	key->ip_version = h->ip_version;
	key->protocol = h->protocol;
	key->source = (uint16_t)source;
	key->is_tagged = (uint8_t)tags;
	for (unsigned i = 0; i < tags; i++)
		key->vlan[i] = h->link.vlan[i];
	key_ports(key, h, &src, &dst);
	order = memcmp(h->src, h->dst, sizeof h->src);
	*side = order > 0 || (!order && src > dst);
	/* To oneself only the message tells the ends apart. */
	if (!order && key->form == FLOW_ECHO)
		*side = is_reply(h);
	memcpy(key->address[*side], h->src, sizeof h->src);
	memcpy(key->address[!*side], h->dst, sizeof h->dst);
	key->port[*side] = src;
	key->port[!*side] = dst;
	return true;
}

static bool is_syn(const struct headers *h)
{
	return h->has_tcp && (h->tcp_flags & (SYN | ACK)) == SYN;
}

static bool is_syn_ack(const struct headers *h)
{
	return h->has_tcp && (h->tcp_flags & (SYN | ACK)) == (SYN | ACK);
}

void flow_begin(struct flow *f, const struct flow_key *key, const struct flow_packet *p)
{
	memset(f, 0, sizeof *f);
	f->key = *key;
	f->first_ns = f->last_ns = p->packet->ns;
	f->src = (uint8_t)p->side;
	if (is_syn(p->headers)) {
		f->initiator = FLOW_BY_SYN;
	} else if (is_syn_ack(p->headers)) {
		f->initiator = FLOW_BY_SYN_ACK;
		f->src = !p->side;
	}
}

bool flow_is_opening(const struct flow_packet *p)
{
	return is_syn(p->headers);
}

static bool is_done(const struct flow *f)
{
	enum flow_state state = flow_state(f);

	return state == FLOW_CLOSED || state == FLOW_RESET || state == FLOW_REFUSED;
}

/* Whether a SYN of that number from that side begins another connection.  Where the other end alone
 * has sent, it may have answered before the SYN was seen, or opened at the same time: then it said
 * so.  Anything else of it is left over from an earlier connection. */
static bool is_begun_by(const struct flow *f, unsigned side, uint32_t seq)
{
	const struct flow_side *sender = &f->side[side];

	if (!sender->packets)
		return f->initiator == FLOW_BY_FIRST;
	return !sender->has_syn || sender->syn_seq != seq || is_done(f);
}

bool flow_is_over(const struct flow *f, const struct flow_packet *p)
{
	return is_syn(p->headers) && is_begun_by(f, p->side, p->headers->tcp_seq);
}

/* A surer owner takes the place of one that is less sure (a listener's that of the process that
 * has accepted); between two that are both sure the first stays. */
static bool is_surer(const struct flow_owner *a, const struct flow_owner *b)
{
	if (a->is_known != b->is_known)
		return a->is_known;
	return a->is_known && a->certainty == OWNER_EXACT &&
	       b->certainty != OWNER_EXACT && b->was_sought;
}

static bool is_other(const struct flow_owner *a, const struct flow_owner *b)
{
	return a->is_known && b->is_known &&
	       (a->pid != b->pid || a->start_ns != b->start_ns);
}

static void count_exact(struct flow_side *s, const struct flow_owner *o, uint64_t packets)
{
	if (!packets)
		return;
	if (!is_other(o, &s->owner)) {
		s->exact += packets;
	} else if (!s->other_exact || !is_other(o, &s->other)) {
		s->other = *o;
		s->other_exact += packets;
	} else {
		s->further_exact += packets;
	}
}

uint64_t flow_other_owners(const struct flow_side *s)
{
	return s->other_exact + s->further_exact;
}

static void add_owner(struct flow_side *s, const struct packet *p)
{
	struct flow_owner o = { .start_ns = p->owner.start_ns,
				.pid = p->pid,
				.method = p->owner.method,
				.certainty = p->owner.certainty,
				.is_known = p->has_pid,
				.was_sought = p->has_owner };
	bool was_sought = s->owner.was_sought || o.was_sought;

	if (is_surer(&o, &s->owner))
		s->owner = o;
	if (o.is_known && o.certainty == OWNER_EXACT)
		count_exact(s, &o, 1);
	s->owner.was_sought = was_sought;
}

static void add_tcp(struct flow_side *s, const struct headers *h)
{
	s->flags |= (uint8_t)h->tcp_flags;
	if (is_syn(h) && !s->has_syn) {
		s->has_syn = true;
		s->syn_seq = h->tcp_seq;
	}
	s->has_syn_ack |= is_syn_ack(h);
}

static void widen(struct flow *f, int64_t first_ns, int64_t last_ns)
{
	if (first_ns < f->first_ns)
		f->first_ns = first_ns;
	if (last_ns > f->last_ns)
		f->last_ns = last_ns;
}

/* Where the interface's packets of that side count; NULL: nowhere, it is the third one. */
static struct flow_side *seen_on(struct flow *f, unsigned side, unsigned iface,
				 uint8_t direction)
{
	struct flow_side *s = &f->side[side];

	if (s->packets && s->iface != iface)
		s = &f->second[side];
	if (!s->packets) {
		s->iface = iface;
		s->direction = direction;
	}
	return s->iface == iface ? s : NULL;
}

void flow_add(struct flow *f, const struct flow_packet *p)
{
	const struct packet *packet = p->packet;
	struct flow_side *s = seen_on(f, p->side, packet->iface, (uint8_t)p->direction);

	widen(f, packet->ns, packet->ns);
	if (s != &f->side[p->side])
		f->side[p->side].elsewhere++;
	if (!s)
		return;
	s->packets++;
	s->bytes += packet->len;
	if (packet->has_pid || packet->has_owner)
		add_owner(s, packet);
	if (p->headers->has_tcp)
		add_tcp(s, p->headers);
}

void flow_add_pieces(struct flow *f, unsigned side, const struct flow_pieces *pieces)
{
	struct flow_side *s = seen_on(f, side, pieces->iface, pieces->direction);

	widen(f, pieces->first_ns, pieces->last_ns);
	f->side[side].elsewhere += pieces->elsewhere;
	if (s != &f->side[side])
		f->side[side].elsewhere += pieces->packets;
	if (!s)
		return;
	s->packets += pieces->packets;
	s->bytes += pieces->bytes;
}

bool flow_is_part(const struct flow *earlier, const struct flow *later)
{
	return later->initiator != FLOW_BY_SYN ||
	       !is_begun_by(earlier, later->src, flow_src(later)->syn_seq);
}

static void join_owners(struct flow_side *s, const struct flow_side *later)
{
	bool was_sought = s->owner.was_sought || later->owner.was_sought;

	if (is_surer(&later->owner, &s->owner))
		s->owner = later->owner;
	s->owner.was_sought = was_sought;
	count_exact(s, &later->owner, later->exact);
	count_exact(s, &later->other, later->other_exact);
	s->further_exact += later->further_exact;
}

static void join_side(struct flow_side *s, const struct flow_side *later)
{
	s->packets += later->packets;
	s->bytes += later->bytes;
	s->flags |= later->flags;
	if (!s->has_syn)
		s->syn_seq = later->syn_seq;
	s->has_syn |= later->has_syn;
	s->has_syn_ack |= later->has_syn_ack;
	join_owners(s, later);
}

/* The later part had not seen on which interface the earlier one counts. */
static void join_sides(struct flow_side *s, const struct flow_side *first,
		       const struct flow_side *second)
{
	const struct flow_side *same = first->iface == s->iface ? first : second;

	if (!first->packets)
		return;
	if (!s->packets) {
		*s = *first;
		return;
	}
	s->elsewhere += first->packets + first->elsewhere;
	if (!same->packets || same->iface != s->iface)
		return;
	s->elsewhere -= same->packets;
	join_side(s, same);
}

void flow_join(struct flow *f, const struct flow *later)
{
	widen(f, later->first_ns, later->last_ns);
	for (unsigned i = 0; i < 2; i++)
		join_sides(&f->side[i], &later->side[i], &later->second[i]);
	for (unsigned i = 0; i < FLOW_NAMES && later->names[i].text; i++)
		/* What a flow was called before it began is looked up when it begins: the later
		 * part asked at another time. */
		if (later->names[i].from != FLOW_NAME_DNS)
			flow_add_name(f, &later->names[i]);
}

void flow_add_name(struct flow *f, const struct flow_name *name)
{
	for (unsigned i = 0; i < FLOW_NAMES; i++) {
		if (!f->names[i].text) {
			f->names[i] = *name;
			return;
		}
		if (f->names[i].from == name->from &&
		    !strcmp(f->names[i].text, name->text))
			return;
	}
	if (f->names_lost < UINT8_MAX)
		f->names_lost++;
}

/* Both ends are on the machine where both send outwards: each direction then has its own process. */
static bool is_within(const struct flow *f)
{
	return f->side[0].direction == LINK_DIRECTION_OUT &&
	       f->side[1].direction == LINK_DIRECTION_OUT;
}

const struct flow_owner *flow_owner(const struct flow *f)
{
	const struct flow_owner *src = &flow_src(f)->owner, *dst = &flow_dst(f)->owner;

	if (is_within(f))
		return src->is_known ? src : dst;
	if (!src->is_known && !dst->is_known)
		return src->was_sought ? src : dst;
	return is_surer(dst, src) ? dst : src;
}

const struct flow_owner *flow_peer_owner(const struct flow *f)
{
	const struct flow_owner *src = &flow_src(f)->owner, *dst = &flow_dst(f)->owner;

	return is_within(f) && is_other(src, dst) ? dst : NULL;
}

static enum flow_state tcp_state(const struct flow_side *src, const struct flow_side *dst)
{
	bool has_answer = dst->has_syn_ack || (dst->flags & ~RST) != 0;

	if (src->flags & dst->flags & FIN)
		return FLOW_CLOSED;
	if ((dst->flags & RST) && src->has_syn && !dst->has_syn_ack &&
	    !(src->flags & ACK))
		return FLOW_REFUSED;
	if ((src->flags | dst->flags) & RST)
		return FLOW_RESET;
	if ((src->flags | dst->flags) & FIN)
		return FLOW_CLOSING;
	if (src->has_syn && !has_answer && !(src->flags & ACK))
		return FLOW_NEW;
	if (dst->has_syn_ack && !(src->flags & ACK))
		return FLOW_HALF_OPEN;
	return FLOW_ESTABLISHED;
}

enum flow_state flow_state(const struct flow *f)
{
	const struct flow_side *src = flow_src(f), *dst = flow_dst(f);

	if (f->key.protocol == PROTOCOL_TCP && f->key.form == FLOW_PORTS)
		return tcp_state(src, dst);
	return src->packets && dst->packets ? FLOW_ANSWERED : FLOW_ONE_WAY;
}

const char *flow_state_name(enum flow_state state)
{
	static const char *const names[] = {
		[FLOW_ONE_WAY] = "one-way",
		[FLOW_ANSWERED] = "answered",
		[FLOW_NEW] = "new",
		[FLOW_REFUSED] = "refused",
		[FLOW_HALF_OPEN] = "half-open",
		[FLOW_ESTABLISHED] = "established",
		[FLOW_CLOSING] = "closing",
		[FLOW_CLOSED] = "closed",
		[FLOW_RESET] = "reset",
	};

	return names[state];
}

const char *flow_initiator_name(enum flow_initiator initiator)
{
	static const char *const names[] = { "first-packet", "syn", "syn-ack" };

	return names[initiator];
}

const char *flow_name_from_name(enum flow_name_from from)
{
	static const char *const names[] = { "dns", "tls", "http", "quic" };

	return names[from];
}
