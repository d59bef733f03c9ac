#include "analyze/fragments.h"

#include "analyze/facts.h"
#include "analyze/recent.h"
#include "base/mem.h"

/* What the pieces of one packet share (RFC 791, section 3.2; RFC 8200, section 4.5: the pieces of IPv6
 * may each name another protocol, and there it stays 0); zeroed before it is filled in. */
struct whole_key {
	uint8_t src[16], dst[16];
	uint32_t id;
	uint16_t source;
	uint8_t ip_version, protocol;
};

struct whole {
	bool is_known; /* the first piece was there */
	bool has_ports;
	uint8_t protocol;
	uint16_t src_port, dst_port;
	struct headers first; /* of a piece that is held, for its key */
	struct flow_pieces held;
};

struct fragments {
	struct recent *wholes;
	fragments_fn *found;
	void *arg;
};

static void give_up(void *arg, const void *key, const void *value)
{
	const struct fragments *f = arg;
	const struct whole_key *k = key;
	const struct whole *w = value;
	struct flow_key flow;
	unsigned side;

	if (!w->held.packets || !flow_key_make(&flow, &w->first, k->source, &side))
		return;
	f->found(f->arg, &flow, side, &w->held);
}

struct fragments *fragments_new(fragments_fn *found, void *arg)
{
	struct fragments *f = mem_new(1, sizeof *f);

	if (!f)
		return NULL;
	f->found = found;
	f->arg = arg;
	f->wholes =
		recent_new(FRAGMENTS_MAX, sizeof(struct whole_key), sizeof(struct whole));
	if (!f->wholes) {
		mem_free(f);
		return NULL;
	}
	recent_on_gone(f->wholes, give_up, f);
	return f;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	recent_free(f->wholes);
	mem_free(f);
}

static void make_key(struct whole_key *key, const struct headers *h, size_t source)
{
	memset(key, 0, sizeof *key);
	memcpy(key->src, h->src, sizeof key->src);
	memcpy(key->dst, h->dst, sizeof key->dst);
	key->id = h->fragment_id;
	key->source = (uint16_t)source;
	key->ip_version = h->ip_version;
	key->protocol = h->ip_version == 4 ? h->protocol : 0;
}

static void hold(struct whole *w, const struct packet *p, const struct headers *h)
{
	if (!w->held.packets) {
		w->first = *h;
		w->held.first_ns = w->held.last_ns = p->ns;
		w->held.iface = p->iface;
		w->held.direction = (uint8_t)facts_direction(p, &h->link);
	}
	if (p->ns < w->held.first_ns)
		w->held.first_ns = p->ns;
	if (p->ns > w->held.last_ns)
		w->held.last_ns = p->ns;
	if (p->iface != w->held.iface) {
		w->held.elsewhere++;
		return;
	}
	w->held.packets++;
	w->held.bytes += p->len;
}

bool fragments_packet(struct fragments *f, const struct packet *p, struct headers *h,
		      size_t source)
{
	struct whole_key key;
	struct whole *w;

	make_key(&key, h, source);
	w = recent_add(f->wholes, &key);
	if (!h->fragment_off) {
		w->is_known = true;
		w->protocol = h->protocol;
		w->has_ports = h->has_ports;
		w->src_port = h->src_port;
		w->dst_port = h->dst_port;
		if (h->has_icmp) /* its later pieces are found by what the key says */
			w->first = *h;
		return true;
	}
	if (!w->is_known) {
		hold(w, p, h);
		return false;
	}
	/* From here on it is as the whole packet, which need not have ports. */
	h->is_fragment = false;
	h->protocol = w->protocol;
	h->has_ports = w->has_ports;
	h->src_port = w->src_port;
	h->dst_port = w->dst_port;
	h->has_icmp = w->first.has_icmp;
	h->icmp_type = w->first.icmp_type;
	h->icmp_code = w->first.icmp_code;
	h->icmp_id = w->first.icmp_id;
	return true;
}

void fragments_release(struct fragments *f, const struct headers *h, size_t source)
{
	struct flow_key flow;
	struct whole_key key;
	struct whole *w;
	unsigned side;

	make_key(&key, h, source);
	w = recent_find(f->wholes, &key);
	if (!w || !w->held.packets || !flow_key_make(&flow, h, source, &side))
		return;
	f->found(f->arg, &flow, side, &w->held);
	memset(&w->held, 0, sizeof w->held);
}

void fragments_drain(struct fragments *f)
{
	recent_drain(f->wholes);
}
