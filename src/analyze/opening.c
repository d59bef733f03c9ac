#include "analyze/opening.h"

#include "analyze/recent.h"
#include "base/mem.h"
#include "packet/http_head.h"
#include "packet/tls_hello.h"

enum {
	KEPT = 16384, /* bytes of a connection that are looked at */
	TCP_SYN = 2
};

/* Values of flow.start. */
enum {
	START_NOTHING, /* no bytes seen yet */
	START_COLLECTING,
	START_HTTP, /* each further request may name a host */
	START_DONE
};

struct buffer {
	uint32_t whole; /* bytes from the first on that are there */
	uint8_t has[KEPT / 8];
	uint8_t bytes[KEPT];
};

/* A segment's captured part. */
struct segment {
	const uint8_t *bytes;
	uint32_t length, seq;
};

struct openings {
	struct recent *buffers;
	uint8_t *scratch;
	uint64_t given_up;
};

/* Of a connection whose first byte never came nothing was to be had. */
static void count_given_up(void *arg, const void *key, const void *value)
{
	struct openings *o = arg;
	const struct buffer *b = value;

	(void)key;
	o->given_up += b->whole > 0;
}

struct openings *openings_new(void)
{
	struct openings *o = mem_new(1, sizeof *o);

	if (!o)
		return NULL;
	o->buffers = recent_new(OPENINGS, sizeof(struct flow_key), sizeof(struct buffer));
	o->scratch = mem_new(TLS_HELLO_MAX, 1);
	if (o->buffers && o->scratch) {
		recent_on_gone(o->buffers, count_given_up, o);
		return o;
	}
	openings_free(o);
	return NULL;
}

void openings_free(struct openings *o)
{
	if (!o)
		return;
	recent_free(o->buffers);
	mem_free(o->scratch);
	mem_free(o);
}

uint64_t openings_given_up(const struct openings *o)
{
	return o->given_up;
}

static bool take_segment(const struct flow_packet *p, struct segment *s)
{
	const struct headers *h = p->headers;
	uint32_t captured = p->packet->caplen;

	if (!h->has_tcp || h->is_malformed || h->payload_off >= captured)
		return false;
	s->bytes = p->packet->data + h->payload_off;
	s->length = captured - h->payload_off;
	if (s->length > h->payload_bytes)
		s->length = h->payload_bytes;
	s->seq = h->tcp_seq + ((h->tcp_flags & TCP_SYN) != 0);
	return s->length > 0;
}

static enum server_name_found parse(struct openings *o, const uint8_t *bytes,
				    size_t length, struct server_name *name,
				    uint8_t *from)
{
	enum server_name_found found = tls_hello_name(bytes, length, o->scratch, name);

	*from = FLOW_NAME_TLS;
	if (found != SERVER_NAME_NOT)
		return found;
	*from = FLOW_NAME_HTTP;
	return http_head_name(bytes, length, name);
}

/* The first copy of a byte counts, as it does for most receivers. */
static void put(struct buffer *b, uint32_t at, const struct segment *s)
{
	for (uint32_t i = 0; i < s->length && at + i < KEPT; i++) {
		uint32_t to = at + i;

		if (b->has[to / 8] >> (to & 7) & 1)
			continue;
		b->has[to / 8] |= (uint8_t)(1U << (to & 7));
		b->bytes[to] = s->bytes[i];
	}
	while (b->whole < KEPT && (b->has[b->whole / 8] >> (b->whole & 7) & 1))
		b->whole++;
}

static bool settle(struct openings *o, struct flow *f, enum server_name_found found,
		   uint8_t from)
{
	if (found == SERVER_NAME_MORE)
		return false;
	if (f->start == START_COLLECTING)
		recent_drop(o->buffers, &f->key);
	f->start = found != SERVER_NAME_NOT && from == FLOW_NAME_HTTP ? START_HTTP
								      : START_DONE;
	return found == SERVER_NAME_IS;
}

static bool collect(struct openings *o, struct flow *f, uint32_t at,
		    const struct segment *s, struct server_name *name, uint8_t *from)
{
	struct buffer *b = f->start == START_COLLECTING ? recent_find(o->buffers, &f->key)
							: recent_add(o->buffers, &f->key);

	if (!b) { /* given up for another connection */
		f->start = START_DONE;
		return false;
	}
	/* What an earlier connection of that key left behind. */
	if (f->start == START_NOTHING)
		memset(b, 0, sizeof *b);
	f->start = START_COLLECTING;
	put(b, at, s);
	if (!b->whole)
		return false;
	return settle(o, f, parse(o, b->bytes, b->whole, name, from), *from);
}

bool openings_packet(struct openings *o, struct flow *f, const struct flow_packet *p,
		     struct server_name *name, uint8_t *from)
{
	enum server_name_found found;
	struct segment s;
	uint32_t at;

	if (f->start == START_DONE || p->side != f->src || !take_segment(p, &s))
		return false;
	if (f->start == START_HTTP) {
		*from = FLOW_NAME_HTTP;
		return http_head_name(s.bytes, s.length, name) == SERVER_NAME_IS;
	}
	if (f->start == START_NOTHING)
		f->start_seq = flow_src(f)->has_syn ? flow_src(f)->syn_seq + 1 : s.seq;
	at = s.seq - f->start_seq;
	if (at >= KEPT) {
		/* Before the first byte: a probe.  Far behind it: its beginning is not in the
		 * recording. */
		if (at < UINT32_MAX / 2)
			return settle(o, f, SERVER_NAME_NOT, 0);
		return false;
	}
	if (f->start == START_NOTHING && !at) {
		found = parse(o, s.bytes, s.length, name, from);
		if (found != SERVER_NAME_MORE)
			return settle(o, f, found, *from);
	}
	return collect(o, f, at, &s, name, from);
}
