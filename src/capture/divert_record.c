/* The inline source's packet path: a batch of messages becomes records, then one answer lets all of
 * its packets go on, before anything else is done.  Allocates only when an interface is new. */
#include "capture/divert_turn.h"

#include "weir/filter.h"

#include <net/if.h> /* before the kernel's, which then leave out what both define */

#include <linux/netfilter.h>

/* From this size on a packet costs less when it is received where its record will be, with a system
 * call of its own, than when it is copied once more. */
#define LARGE_BYTES 8192
/* Large packets that are received before their answer. */
#define LARGE_BATCH 16

/* One packet of a batch, and where it was seen. */
struct seen {
	struct nfq_packet packet;
	struct divert_cached *place;
	int64_t ns;
	bool is_input;
};

static bool is_wanted(const struct filter *filter, const struct seen *seen)
{
	struct filter_input in = { .has_time = true,
				   .time_ns = seen->ns,
				   .iface = seen->place->iface->info.name };

	filter_input_cut(&in, seen->packet.payload, seen->packet.caplen,
			 seen->packet.len);
	in.address.timestamp = seen->ns;
	in.address.is_outbound = !seen->is_input;
	in.address.is_loopback = seen->place->is_loopback;
	in.address.if_idx = seen->place->index;
	return filter_match(filter, &in) > 0;
}

static void record(struct source *s, const struct seen *seen)
{
	const struct nfq_packet *p = &seen->packet;
	uint32_t snaplen = s->context->config->snaplen, caplen = p->caplen;
	uint32_t limit =
		producer_limit(s->context->producer, snaplen ? snaplen : RECORD_MAX_DATA);
	struct record_meta meta = { .ns = seen->ns };
	struct iface *iface = seen->place->iface;
	uint8_t *data;

	if (caplen > limit)
		caplen = limit;
	counter_add(&iface->received, 1);
	counter_add(&iface->received_bytes, p->len);
	data = producer_reserve(s->context->producer, iface, caplen, p->len);
	if (!data)
		return;
	if (caplen && data != p->payload)
		memmove(data, p->payload, caplen);
	meta.flags = seen->is_input ? RECORD_INBOUND : RECORD_OUTBOUND;
	if (p->is_csum_not_ready)
		meta.flags |= RECORD_CSUM_NOT_READY;
	if (p->is_gso)
		meta.flags |= RECORD_SEGMENTATION;
	producer_commit(s->context->producer, &meta);
	counter_add(&s->shared->recorded, 1);
}

/* Ids are given one after the other: what is missing between two never came to us. */
static void count(struct source *s, const struct nfq_packet *p)
{
	uint32_t *last =
		&s->received_id[(uint16_t)(p->queue - s->nfq.first) % NFQ_QUEUES];
	int32_t step = (int32_t)(p->id - *last);

	if (step > 1)
		counter_add(&s->shared->missed, (uint64_t)step - 1);
	if (step > 0)
		*last = p->id;
	counter_add(&s->shared->received, 1);
	counter_add(&s->shared->received_bytes, p->len);
}

static void take_packet(struct source *s, struct seen *seen)
{
	const struct nfq_packet *p = &seen->packet;

	count(s, p);
	seen->is_input = p->hook == NF_INET_LOCAL_IN;
	seen->place = divert_place(s, seen->is_input ? p->in_index : p->out_index);
	s->last_place = seen->place ? seen->place : s->last_place;
	s->usual_bytes = (uint32_t)((7 * (uint64_t)s->usual_bytes + p->caplen) / 8);
	if (UNLIKELY(!seen->place))
		loss_add(s->context->losses, LOSS_WRITE, 1, p->len);
	else if (!s->filter || s->context->config->is_filter_late ||
		 is_wanted(s->filter, seen))
		record(s, seen);
	else
		counter_add(&s->shared->skipped, 1);
}

static void take_message(struct source *s, struct cursor c, int64_t ns)
{
	struct seen seen = { .ns = ns };
	const uint8_t *begin = c.at;
	struct nl_message m;

	for (; nl_next_message(&c, &m); begin = c.at) {
		if (!nfq_packet_parse(&m, &seen.packet))
			continue;
		take_packet(s, &seen);
		if (seen.packet.caplen >= LARGE_BYTES && s->last_place)
			s->header_bytes = (size_t)(seen.packet.payload - begin);
	}
}

static uint8_t *place_for(struct source *s)
{
	return producer_place(s->context->producer, s->last_place->iface, NFQ_MESSAGE);
}

/* Large packets go straight to where their records will be: the bytes in front of a packet are as
 * many as with the one before, or it is copied as others are. */
static int take_large(struct source *s, bool is_waiting)
{
	struct seen seen;
	uint8_t *data;
	int taken, n;

	for (taken = 0; taken < LARGE_BATCH && (data = place_for(s)); taken++) {
		n = nfq_receive_split(&s->nfq, &s->batch, s->header_bytes, data,
				      is_waiting && !taken);
		if (n <= 0)
			return taken ? taken : n;
		seen.ns = port_realtime_ns();
		if (nfq_packet_parse_split(&s->batch, s->header_bytes, data, (size_t)n,
					   &seen.packet)) {
			take_packet(s, &seen);
			continue;
		}
		nfq_join(&s->batch, s->header_bytes, data, (size_t)n);
		take_message(s, nfq_message(&s->batch, 0), seen.ns);
	}
	return taken;
}

static int take_batch(struct source *s, bool is_waiting)
{
	int n = nfq_receive(&s->nfq, &s->batch, is_waiting);
	int64_t ns;

	if (n <= 0)
		return n;
	ns = port_realtime_ns();
	for (unsigned i = 0; i < (unsigned)n; i++)
		take_message(s, nfq_message(&s->batch, i), ns);
	return n;
}

/* Where there is no room in the capture queue the usual way counts what is lost. */
static bool is_large(struct source *s)
{
	return s->usual_bytes >= LARGE_BYTES && s->header_bytes && place_for(s);
}

/* An answer that the kernel had no memory for is given again in the next turn. */
static void answer(struct source *s)
{
	s->is_unanswered = false;
	for (unsigned i = 0; i < s->nfq.count; i++) {
		if (s->received_id[i] == s->answered_id[i])
			continue;
		if (nfq_accept(&s->nfq, (uint16_t)(s->nfq.first + i), s->received_id[i]))
			s->is_unanswered = true;
		else
			s->answered_id[i] = s->received_id[i];
	}
}

int divert_turn(struct source *s, bool is_waiting, struct weir_error *err)
{
	int n = is_large(s) ? take_large(s, is_waiting) : take_batch(s, is_waiting);

	if (n < 0) {
		errno = -n;
		return err_sys(err, "cannot receive packets from NFQUEUE %u",
			       s->nfq.first);
	}
	answer(s);
	return n;
}
