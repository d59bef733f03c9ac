/* From the blocks of the kernel's ring to records: in place where that can be, else copied.
 *
 * A block's first recorded frame decides whose block it is: frames of that lane become records where
 * they lie, and the block is handed over as it is.  Frames of other lanes, which only a ring
 * that listens to all interfaces has, are copied into the capture queue. */
#include "base/compiler.h"
#include "base/time.h"
#include "capture/sniff_ports.h"
#include "filter/recorded.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>

enum {
	/* Below this many bytes a frame it is cheaper to move packets together than to write what lies
	 * between them. */
	DENSE_FRAME = 400,
	/* Of what is appended to the file anyway, every byte counts. */
	DENSE_BLOCK = 64 * 1024,
	/* So many packets take longer than a look at memory that is in no cache. */
	AHEAD = 8
};

static void count_tally(struct sniff_tally *t)
{
	if (!t->iface)
		return;
	counter_add(&t->iface->received, t->packets);
	counter_add(&t->iface->received_bytes, t->bytes);
	*t = (struct sniff_tally){ 0 };
}

static void tally(struct sniff_tally *t, struct iface *iface, uint32_t bytes)
{
	if (UNLIKELY(t->iface != iface)) {
		count_tally(t);
		t->iface = iface;
	}
	t->packets++;
	t->bytes += bytes;
}

/* The packet without a link header that is not recorded: where one is left out, the kernel says where the
 * network header is.  What it is: a record without a link header tells that by its first bytes, to
 * every reader, and the kernel's word is one that the sender may have chosen.  A cooked header
 * has that word, and in front of what is not IP (netlink, say) the bytes would tell nothing.  False:
 * no packet that a filter could match, or that a socket had. */
static inline bool view(struct attributed *a, const struct frame *f,
			const struct sniff_slot *slot, uint32_t flags)
{
	*a = (struct attributed){ .data = f->mac,
				  .caplen = f->caplen,
				  .len = f->len,
				  .linktype = slot->iface->info.linktype,
				  .ns = f->ns,
				  .flags = flags };
	if (UNLIKELY(slot->form == FRAME_NETWORK || slot->form == FRAME_COOKED)) {
		if (f->net_off > f->caplen ||
		    (slot->form == FRAME_COOKED && f->protocol != ETH_P_IP &&
		     f->protocol != ETH_P_IPV6))
			return false;
		a->data += f->net_off;
		a->caplen -= f->net_off;
		a->len -= f->net_off;
		a->linktype = LINKTYPE_RAW;
	}
	return true;
}

static bool matches(const struct filter *filter, const struct frame *f,
		    const struct sniff_slot *slot)
{
	struct attributed a;
	struct recorded r;

	if (!view(&a, f, slot, frame_flags(f->pkttype, 0)))
		return false;
	r = (struct recorded){ .data = a.data,
			       .caplen = a.caplen,
			       .len = a.len,
			       .linktype = a.linktype,
			       .ns = a.ns,
			       .flags = a.flags,
			       .iface = slot->iface->info.name,
			       .if_idx = f->ifindex,
			       .is_loopback = f->hatype == ARPHRD_LOOPBACK };
	return filter_takes(filter, &r);
}

/* Before anything is copied or moved. */
static bool is_wanted(const struct source *s, const struct frame *f,
		      const struct sniff_slot *slot)
{
	const struct filter *filter = s->context->config->filter;

	return !filter || s->context->config->is_filter_late || matches(filter, f, slot);
}

/* Lost before this frame, and not told of by an earlier record. */
static uint64_t take_drops(struct sniff_port *p, struct iface *iface)
{
	uint64_t index = packet_ring_taken(p->ring) - p->block.frames - 1;
	uint64_t count = p->untold;

	p->untold = 0;
	if (!p->drops.count || index < p->drops.before)
		return count;
	/* Of a shared ring nobody knows which interface's packets were lost: they are counted where
	 * the record tells of them. */
	if (!p->iface)
		counter_add(&iface->kernel_dropped, p->drops.count);
	count += p->drops.count;
	p->drops = p->more_drops;
	p->more_drops = (struct sniff_drops){ 0 };
	return count;
}

static void fill_meta(struct sniff_port *p, const struct frame *f,
		      const struct sniff_slot *slot, struct record_meta *meta)
{
	*meta = (struct record_meta){ .ns = f->ns,
				      .flags = frame_flags(f->pkttype, f->status) };
	if (UNLIKELY(p->drops.count || p->untold))
		meta->drops = take_drops(p, slot->iface);
}

/* What one of the packets to come will ask for is fetched while others are at work. */
static void expect(const struct judge *j, struct sniff_port *p,
		   const struct sniff_slot *slot)
{
	struct attributed a = { .linktype = slot->iface->info.linktype };

	a.data = packet_ring_ahead(&p->block, &a.caplen);
	if (a.data && slot->form == FRAME_ETHERNET)
		attribution_expect(j->attribution, &a);
}

/* Whose packet it is; false: the filter asks for that and does not want it. */
static bool judge(struct judge *j, struct sniff_port *p, const struct frame *f,
		  const struct sniff_slot *slot, struct record_meta *meta)
{
	struct attributed a;

	if (LIKELY(view(&a, f, slot, meta->flags)))
		return judge_packet(j, &a, slot->iface, p->inplace.span, &meta->owner);
	meta->owner = (struct record_owner){ .certainty = OWNER_UNKNOWN };
	return !j->filter;
}

/* False: there is no room now, and the frame stays where it is. */
static bool copy(struct source *s, struct sniff_port *p, const struct frame *f,
		 const struct sniff_slot *slot)
{
	struct producer *producer = s->context->producer;
	struct record_meta meta;
	struct frame_parts parts;
	uint8_t *data;

	frame_cut(&parts, f, slot->form, producer_limit(producer, s->limit));
	if (UNLIKELY(!producer_has_room(producer, slot->iface, parts.caplen)) &&
	    !s->is_giving_up)
		return false;
	data = producer_reserve(producer, slot->iface, parts.caplen, parts.len);
	if (UNLIKELY(!data))
		return true;
	frame_put(data, &parts);
	fill_meta(p, f, slot, &meta);
	producer_commit(producer, &meta);
	s->has_unflushed = true;
	return true;
}

static bool put(struct source *s, struct sniff_port *p, const struct frame *f,
		const struct sniff_slot *slot)
{
	struct judge *j = producer_judge(s->context->producer);
	struct record_meta meta;
	struct frame_parts parts;

	if (UNLIKELY(!p->has_lane)) {
		p->has_lane = true;
		p->lane = slot->iface->lane;
	}
	if (UNLIKELY(slot->iface->lane != p->lane)) {
		if (!copy(s, p, f, slot))
			return false;
		inplace_skip(&p->inplace);
		return true;
	}
	fill_meta(p, f, slot, &meta);
	meta.has_owner = j != NULL;
	if (j && !judge(j, p, f, slot, &meta)) {
		p->untold += meta.drops;
		inplace_skip(&p->inplace);
		return true;
	}
	frame_cut(&parts, f, slot->form, s->limit);
	producer_stamp(s->context->producer, slot->iface, &meta);
	p->untold += inplace_put(&p->inplace, &parts, &meta);
	return true;
}

/* The first span of the ring's memory is block 0's, and so on. */
static void give_back(struct span *span)
{
	struct sniff_port *p = span->owner;

	packet_ring_give(p->ring, (unsigned)(span - p->spans));
}

static bool open_block(struct source *s, struct sniff_port *p)
{
	struct ring_block *b = &p->block;
	struct span *span;
	uint32_t caplen;
	bool is_dense;

	if (!packet_ring_take(p->ring, b))
		return false;
	span = &p->spans[b->index];
	*span = (struct span){
		.data = b->data, .capacity = b->capacity, .release = give_back, .owner = p
	};
	is_dense =
		s->is_dense || b->used < DENSE_BLOCK || b->used / b->frames < DENSE_FRAME;
	inplace_begin(&p->inplace, span, b->used, b->frames, is_dense);
	if (producer_judge(s->context->producer)) {
		judge_begin_span(producer_judge(s->context->producer));
		for (unsigned i = 0; i < AHEAD; i++)
			(void)packet_ring_ahead(b, &caplen);
	}
	p->has_block = true;
	p->has_frame = p->has_lane = false;
	return true;
}

static void close_block(struct source *s, struct sniff_port *p)
{
	struct span *span = p->inplace.span;

	count_tally(&p->tally);
	p->has_block = false;
	p->untold += inplace_end(&p->inplace);
	if (!span->packets) {
		give_back(span);
		return;
	}
	span->lane = (uint8_t)p->lane;
	producer_hand(s->context->producer, span);
}

/* 0, WALK_FULL or an error. */
static int walk_block(struct source *s, struct sniff_port *p, struct weir_error *err)
{
	const struct judge *j = producer_judge(s->context->producer);
	const struct frame *f = &p->frame;

	while (p->has_frame || p->block.frames) {
		const struct sniff_slot *slot;

		if (!p->has_frame)
			packet_ring_frame(&p->block, &p->frame);
		p->has_frame = true;
		slot = sniff_slot(s, f->ifindex, f->hatype, err);
		if (UNLIKELY(!slot))
			return err->code;
		if (producer_is_done(s->context->producer))
			return 0;
		if (!is_wanted(s, f, slot))
			inplace_skip(&p->inplace);
		else if (!put(s, p, f, slot))
			return WALK_FULL;
		if (j)
			expect(j, p, slot);
		tally(&p->tally, slot->iface, f->len);
		p->has_frame = false;
	}
	return 0;
}

/* One block: then it is the next ring's turn. */
static int walk(struct source *s, struct sniff_port *p, struct weir_error *err)
{
	int rc;

	if (!p->has_block && !open_block(s, p))
		return WALK_EMPTY;
	rc = walk_block(s, p, err);
	if (rc)
		return rc;
	close_block(s, p);
	return WALK_MORE;
}

int sniff_walk_all(struct source *s, struct weir_error *err)
{
	struct store *store = s->context->write ? s->context->store : NULL;
	int most = WALK_EMPTY;

	for (unsigned i = 0; i < s->port_count; i++) {
		struct sniff_port *p = &s->ports[i];
		int rc;

		/* The ring is the better place to wait in: there a stop is heard. */
		if (store && !store_has_room(store)) {
			s->context->write(s->context);
			if (!store_has_room(store))
				return WALK_FULL;
		}
		rc = walk(s, p, err);
		if (rc < 0)
			return rc;
		if (rc > most)
			most = rc;
		if (store && rc != WALK_EMPTY) {
			store_press(store, packet_ring_is_behind(
						   p->ring,
						   packet_ring_blocks(p->ring) / 16 + 1));
			s->context->write(s->context);
		}
	}
	s->stalls += most == WALK_FULL;
	return most;
}
