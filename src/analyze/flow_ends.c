#include "analyze/flow_ends.h"

#include "base/mem.h"
#include "port/port.h"

enum {
	SLOTS = 262144
};

struct flow_ends {
	struct flow_end *slots; /* packets 0: empty; open addressing */
	size_t count;
	uint64_t seed, others;
	flow_end_fn *found;
	void *arg;
};

struct flow_ends *flow_ends_new(flow_end_fn *found, void *arg)
{
	struct flow_ends *f = mem_new(1, sizeof *f);

	if (!f)
		return NULL;
	f->slots = mem_new(SLOTS, sizeof *f->slots);
	if (!f->slots) {
		mem_free(f);
		return NULL;
	}
	f->found = found;
	f->arg = arg;
	/* So that whoever sends the packets cannot choose which slots they meet in. */
	f->seed = (uint64_t)port_realtime_ns() * 0x9e3779b97f4a7c15 | 1;
	return f;
}

void flow_ends_free(struct flow_ends *f)
{
	if (!f)
		return;
	mem_free(f->slots);
	mem_free(f);
}

uint64_t flow_ends_others(const struct flow_ends *f)
{
	return f->others;
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ b[i]) * 0x100000001b3;
		h ^= h >> 29;
	}
	return h;
}

/* The same for both directions. */
static uint64_t hash(const struct flow_ends *f, const struct flow_end *e)
{
	uint64_t a = mix(f->seed, e->src, 16), b = mix(f->seed, e->dst, 16);

	a = mix(a, &e->src_port, 2);
	b = mix(b, &e->dst_port, 2);
	a += b;
	return mix(a, &e->protocol, 1);
}

static bool is_same(const struct flow_end *a, const struct flow_end *b)
{
	if (a->protocol != b->protocol || a->ip_version != b->ip_version)
		return false;
	if (a->src_port == b->src_port && a->dst_port == b->dst_port &&
	    !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16))
		return true;
	return a->src_port == b->dst_port && a->dst_port == b->src_port &&
	       !memcmp(a->src, b->dst, 16) && !memcmp(a->dst, b->src, 16);
}

int flow_ends_finish(struct flow_ends *f)
{
	int rc = 0;

	for (size_t i = 0; i < SLOTS && !rc; i++)
		if (f->slots[i].packets)
			rc = f->found(f->arg, &f->slots[i]);
	memset(f->slots, 0, SLOTS * sizeof *f->slots);
	f->count = 0;
	return rc;
}

int flow_ends_packet(struct flow_ends *f, const struct packet *p)
{
	struct headers h;
	struct flow_end e, *slot;
	size_t i;
	int rc = 0;

	headers_decode(&h, p->linktype, p->data, p->caplen, p->len);
	if (!h.ip_version) {
		f->others++;
		return 0;
	}
	if (f->count >= FLOW_ENDS_MAX)
		rc = flow_ends_finish(f);
	memset(&e, 0, sizeof e);
	e.ip_version = h.ip_version;
	e.protocol = h.protocol;
	e.src_port = h.src_port;
	e.dst_port = h.dst_port;
	memcpy(e.src, h.src, sizeof e.src);
	memcpy(e.dst, h.dst, sizeof e.dst);
	for (i = (size_t)(hash(f, &e) % SLOTS); f->slots[i].packets; i = (i + 1) % SLOTS)
		if (is_same(&f->slots[i], &e))
			break;
	slot = &f->slots[i];
	if (!slot->packets) {
		*slot = e;
		slot->first_ns = slot->last_ns = p->ns;
		f->count++;
	}
	if (p->ns < slot->first_ns)
		slot->first_ns = p->ns;
	if (p->ns > slot->last_ns)
		slot->last_ns = p->ns;
	slot->packets++;
	slot->bytes += p->len;
	if (p->has_pid && !slot->pid)
		slot->pid = p->pid;
	return rc;
}
