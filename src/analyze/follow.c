#include "analyze/follow.h"

#include "analyze/facts.h"
#include "analyze/fragments.h"
#include "analyze/host_names.h"
#include "analyze/opening.h"
#include "base/mem.h"
#include "store/iface.h"

#define TEXTS_BYTES ((size_t)64 << 20)

struct follow {
	const struct merge *merge;
	struct text_pool *texts;
	struct flow_table *table;
	struct fragments *fragments;
	struct host_names *names;
	struct openings *openings;
	uint64_t others;
	int failed; /* in a callback that cannot say so */
};

static int let_go(void *arg, const struct flow *flow, bool is_part)
{
	(void)arg;
	(void)flow;
	(void)is_part;
	return 0;
}

/* Pieces that were held until their flow was known; one that never was gets a flow of its own. */
static void take_pieces(void *arg, const struct flow_key *key, unsigned side,
			const struct flow_pieces *pieces)
{
	struct follow *f = arg;
	struct flow *flow = flow_table_find(f->table, key);
	const struct headers none = { .ip_version = key->ip_version };
	const struct packet packet = { .ns = pieces->first_ns, .iface = pieces->iface };
	struct flow_packet p = { .packet = &packet,
				 .headers = &none,
				 .side = side,
				 .direction = pieces->direction };
	bool is_begun;
	int rc;

	if (!flow) {
		flow = flow_table_packet(f->table, key, &p, &is_begun, &rc);
		if (!flow) {
			f->failed = rc;
			return;
		}
		flow->side[side].packets--; /* it is one of the pieces */
	}
	flow_add_pieces(flow, side, pieces);
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	flow_table_free(f->table);
	fragments_free(f->fragments);
	host_names_free(f->names);
	openings_free(f->openings);
	text_pool_free(f->texts);
	mem_free(f);
}

struct follow *follow_new(const struct merge *m, size_t table_bytes, flow_done_fn *done,
			  void *arg)
{
	struct follow *f = mem_new(1, sizeof *f);

	if (!f)
		return NULL;
	f->merge = m;
	f->texts = text_pool_new(TEXTS_BYTES);
	f->table = flow_table_new(table_bytes, done ? done : let_go, arg);
	f->fragments = fragments_new(take_pieces, f);
	f->names = f->texts ? host_names_new(m, f->texts) : NULL;
	f->openings = openings_new();
	if (f->texts && f->table && f->fragments && f->names && f->openings)
		return f;
	follow_free(f);
	return NULL;
}

/* What the other end was called when the flow began. */
static void name_ends(struct follow *f, struct flow *flow, size_t source)
{
	const struct flow_key *k = &flow->key;

	for (unsigned i = 0; i < 2; i++) {
		unsigned client = i ? !flow->src : flow->src;
		struct host_question q = { .source = source,
					   .ip_version = k->ip_version,
					   .client = k->address[client],
					   .address = k->address[!client] };
		struct flow_name name;

		if (host_names_find(f->names, &q, &name))
			flow_add_name(flow, &name);
	}
}

static void name_opening(struct follow *f, struct flow *flow, const struct flow_packet *p)
{
	struct server_name found;
	struct flow_name name;
	uint8_t from;

	if (!openings_packet(f->openings, flow, p, &found, &from))
		return;
	memset(&name, 0, sizeof name);
	name.text = text_pool_keep(f->texts, found.text, found.length);
	name.ns = p->packet->ns;
	name.from = from;
	if (name.text)
		flow_add_name(flow, &name);
	else if (flow->names_lost < UINT8_MAX)
		flow->names_lost++;
}

static int count_packet(struct follow *f, const struct packet *p, struct headers *h,
			size_t source, const struct flow **counted)
{
	struct flow_packet fp = { .packet = p, .headers = h };
	struct flow_key key;
	struct flow *flow;
	bool is_begun;
	int rc;

	if (h->is_fragment && h->ip_version &&
	    !fragments_packet(f->fragments, p, h, source))
		return f->failed;
	if (!flow_key_make(&key, h, source, &fp.side)) {
		f->others++;
		return 0;
	}
	fp.direction = facts_direction(p, &h->link);
	flow = flow_table_packet(f->table, &key, &fp, &is_begun, &rc);
	if (!flow)
		return rc;
	if (is_begun)
		name_ends(f, flow, source);
	if (h->has_tcp)
		name_opening(f, flow, &fp);
	if (h->is_fragment && !h->fragment_off)
		fragments_release(f->fragments, h, source);
	*counted = flow;
	return f->failed;
}

int follow_packet(struct follow *f, const struct packet *p, bool is_wanted,
		  const struct flow **flow)
{
	size_t source = merge_iface_source(f->merge, p->iface);
	struct headers h;

	*flow = NULL;
	headers_decode(&h, merge_iface(f->merge, p->iface)->linktype, p->data, p->caplen,
		       p->len);
	host_names_packet(f->names, p, &h, source);
	return is_wanted ? count_packet(f, p, &h, source, flow) : 0;
}

int follow_finish(struct follow *f)
{
	fragments_drain(f->fragments);
	return f->failed ? f->failed : flow_table_finish(f->table);
}

void follow_count(const struct follow *f, struct follow_counts *counts)
{
	struct host_names_counts names;

	host_names_count(f->names, &names);
	counts->others = f->others;
	counts->parts = flow_table_spilled(f->table);
	counts->given_up = openings_given_up(f->openings);
	counts->names_gone = names.gone + names.lost;
}
