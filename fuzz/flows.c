/* Packets into flows: each is a byte of time, two of length, then that many bytes of raw IP.  Every
 * packet is in exactly one flow or in none, in whatever memory. */
#include "analyze/flow_table.h"
#include "analyze/fragments.h"
#include "analyze/opening.h"
#include "base/cursor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct flow_table *table;
	uint64_t packets;
};

static int count(void *arg, const struct flow *f, bool is_part)
{
	struct seen *s = arg;

	(void)is_part;
	assert(f->first_ns <= f->last_ns);
	assert(flow_state_name(flow_state(f)));
	s->packets += f->side[0].packets + f->side[1].packets;
	return 0;
}

static void release(void *arg, const struct flow_key *key, unsigned side,
		    const struct flow_pieces *pieces)
{
	struct seen *s = arg;

	(void)key;
	(void)side;
	s->packets += pieces->packets;
}

/* 1 where the packet is one that counts. */
static unsigned take(struct seen *s, struct fragments *fragments, struct openings *o,
		     const struct packet *p)
{
	struct headers h;
	struct flow_packet fp = { .packet = p, .headers = &h };
	struct server_name name;
	struct flow_key key;
	struct flow *f;
	uint8_t from;
	bool is_begun;
	int rc;

	headers_decode(&h, 101, p->data, p->caplen, p->len);
	if (!h.ip_version)
		return 0;
	if (h.is_fragment && !fragments_packet(fragments, p, &h, 0))
		return 1;
	assert(flow_key_make(&key, &h, 0, &fp.side));
	f = flow_table_packet(s->table, &key, &fp, &is_begun, &rc);
	assert(f && !rc);
	if (h.has_tcp && openings_packet(o, f, &fp, &name, &from))
		assert(name.length < SERVER_NAME_TEXT);
	if (h.is_fragment && !h.fragment_off)
		fragments_release(fragments, &h, 0);
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { .packets = 0 };
	struct fragments *fragments = fragments_new(release, &s);
	struct openings *o = openings_new();
	uint64_t wanted = 0;
	struct cursor c;

	s.table = flow_table_new(0, count, &s);
	cur_init(&c, data, size);
	while (s.table && fragments && o && cur_left(&c) > 3) {
		struct packet p = { .ns = cur_u8(&c), .linktype = 101 };

		p.len = cur_u16be(&c);
		p.caplen = p.len < cur_left(&c) ? p.len : (uint32_t)cur_left(&c);
		p.data = cur_bytes(&c, p.caplen);
		wanted += take(&s, fragments, o, &p);
	}
	if (fragments)
		fragments_drain(fragments);
	assert(!s.table || !flow_table_finish(s.table));
	assert(s.packets == wanted);
	flow_table_free(s.table);
	fragments_free(fragments);
	openings_free(o);
	return 0;
}
