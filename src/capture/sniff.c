/* The passive source: what packet sockets hear, to the store.
 *
 * The kernel's ring is the buffer: when the capture queue is full its frames stay where they are,
 * and what the kernel then cannot place, it counts.  So the only loss here is LOSS_KERNEL. */
#include "base/mem.h"
#include "base/time.h"
#include "capture/sniff_filter.h"
#include "capture/sniff_ports.h"

#include <poll.h>

#define MEMORY_DEFAULT (32 * 1024 * 1024)
/* A block that is not full is handed over after this time.  With what it takes to write it, half of the
 * 100 ms in which a packet is to be seen by readers. */
#define RETIRE_MS     50
#define LINK_ROOM     64 /* link headers that are not recorded; bytes */
#define LINK_HEADER   14 /* of Ethernet */
#define POLL_FULL_MS  2
#define COUNT_NS      (10 * NS_PER_MS) /* between looks at the kernel's counters */
#define TELL_NS       NS_PER_S         /* between events of lost packets */
#define DRAIN_NS      (500 * NS_PER_MS)
#define DRAIN_FULL_NS (2 * NS_PER_S) /* of waiting for room in the capture queue */

static int attach_filter(struct source *s, struct sniff_port *p, struct weir_error *err)
{
	const struct source_config *c = s->context->config;
	const struct net_link *l =
		p->name ? link_table_find(link_watch_table(s->links), p->name) : NULL;
	struct sniff_filter f = { .filter = c->filter, .is_one = l };
	char why[WEIR_ERROR_TEXT] = "";
	uint16_t linktype;
	int rc;

	if (l)
		f.form = p->form = frame_form(l->hatype, &linktype);
	/* A filter that looks at packets here sees them whole. */
	f.keep_bytes = c->snaplen && !c->filter ? s->limit + LINK_ROOM : UINT32_MAX;
	rc = sniff_filter_attach(p->ring, &f, &p->is_filter_in_kernel, why, err);
	/* Of all rings, or it is not said. */
	if (!p->is_filter_in_kernel && why[0])
		memcpy(s->filter_why, why, sizeof s->filter_why);
	s->is_filter_in_kernel =
		p->is_filter_in_kernel && (p == s->ports || s->is_filter_in_kernel);
	return rc;
}

/* Bytes that bring the packets of a link type to where its records want them, and leave room for the
 * options behind them (capture/inplace.h). */
static unsigned reserve_for(const struct source *s, const struct sniff_port *p)
{
	const struct net_link *l =
		p->name ? link_table_find(link_watch_table(s->links), p->name) : NULL;
	unsigned align = 4 - LINK_HEADER % 4;
	uint16_t linktype;

	if (l && frame_form(l->hatype, &linktype) == FRAME_NETWORK)
		align = 0;
	return s->context->has_owners ? align + INPLACE_TAIL_OWNED - INPLACE_TAIL - 12
				      : align;
}

static int make_spans(struct sniff_port *p, struct weir_error *err)
{
	p->spans = mem_new(packet_ring_blocks(p->ring), sizeof *p->spans);
	return p->spans
		       ? 0
		       : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a capture ring");
}

static int open_ports(struct source *s, struct weir_error *err)
{
	size_t memory = s->context->config->kernel_memory_bytes;
	struct packet_ring_config config = { .retire_ms = RETIRE_MS };

	config.bytes = (memory ? memory : MEMORY_DEFAULT) / s->port_count;
	for (unsigned i = 0; i < s->port_count; i++) {
		int rc;

		config.reserve = reserve_for(s, &s->ports[i]);
		rc = packet_ring_open(&s->ports[i].ring, &config, err);
		if (!rc)
			rc = make_spans(&s->ports[i], err);
		if (!rc)
			rc = attach_filter(s, &s->ports[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

static void sniff_close(struct source *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->port_count; i++) {
		packet_ring_close(s->ports[i].ring);
		mem_free(s->ports[i].spans);
	}
	sniff_wait_close(s);
	link_watch_close(s->links);
	mem_free(s);
}

static int sniff_open(struct source **out, struct source_context *context,
		      struct weir_error *err)
{
	struct source *s = mem_new(1, sizeof *s);
	uint32_t snaplen = context->config->snaplen;
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the packet source");
	s->context = context;
	s->wait_fd = -1;
	s->is_dense = snaplen != 0;
	s->limit = snaplen && snaplen < RECORD_MAX_DATA ? snaplen : RECORD_MAX_DATA;
	rc = link_watch_open(&s->links, err);
	if (!rc)
		rc = sniff_ports_choose(s, err);
	if (!rc)
		rc = open_ports(s, err);
	if (!rc)
		rc = sniff_ports_describe(s, err);
	if (!rc)
		rc = sniff_wait_open(s, err);
	if (rc)
		sniff_close(s);
	else
		*out = s;
	return rc;
}

static int sniff_start(struct source *s, struct weir_error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->port_count && !rc; i++) {
		struct sniff_port *p = &s->ports[i];

		p->counted_ns = port_realtime_ns();
		rc = packet_ring_bind(p->ring, p->index, err);
		if (rc && p->name)
			rc = err_prefix(err, "interface '%s'", p->name);
	}
	return rc;
}

/* Drops are counted by the kernel when they happen: these happened between the last look and this
 * one, and before the frame that comes next into the ring, however far behind the walk is. */
static void note_drops(struct source *s, struct sniff_port *p, uint64_t count,
		       int64_t now)
{
	struct sniff_drops *d = p->drops.count ? &p->more_drops : &p->drops;

	loss_add(s->context->losses, LOSS_KERNEL, count, 0);
	if (p->iface)
		counter_add(&p->iface->kernel_dropped, count);
	d->count += count;
	d->before = p->kept;
	if (!p->gap)
		p->gap_from_ns = p->counted_ns;
	p->gap_to_ns = now;
	p->gap += count;
}

static int count_port(struct source *s, struct sniff_port *p, struct weir_error *err)
{
	struct packet_counts counts;
	int64_t now = port_realtime_ns();
	int rc = packet_ring_counts(p->ring, &counts, err);

	if (rc)
		return rc;
	p->kept += counts.kept;
	if (counts.dropped)
		note_drops(s, p, counts.dropped, now);
	p->counted_ns = now;
	return 0;
}

static int count_all(struct source *s, struct weir_error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < s->port_count && !rc; i++)
		rc = count_port(s, &s->ports[i], err);
	return rc;
}

static void tell_gaps(struct source *s)
{
	for (unsigned i = 0; i < s->port_count; i++) {
		struct sniff_port *p = &s->ports[i];
		json_t *j;

		if (!p->gap)
			continue;
		j = json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I}", "reason",
			      loss_name(LOSS_KERNEL), "interface", p->name, "packets",
			      (json_int_t)p->gap, "from_ns", (json_int_t)p->gap_from_ns,
			      "to_ns", (json_int_t)p->gap_to_ns, "queue_full_count",
			      (json_int_t)s->stalls);
		sniff_event(s, "gap", j);
		p->gap = 0;
	}
}

/* What is due by the clock. */
static int tick(struct source *s, int state, struct weir_error *err)
{
	int64_t now = port_monotonic_ns();
	bool is_idle = state == WALK_EMPTY;
	int rc = 0;

	/* With nothing more to come at once, waiting for company would only be delay, but for what is
	 * still to be learned of whose the packets are. */
	if (s->has_unflushed) {
		bool is_forced = is_idle && !producer_is_judged(s->context->producer);

		s->has_unflushed = producer_flush(s->context->producer, now, is_forced) &&
				   !is_forced;
	}
	if (s->context->write && state != WALK_MORE)
		s->context->write(s->context);
	if (now - s->counted_ns >= COUNT_NS) {
		s->counted_ns = now;
		rc = count_all(s, err);
	}
	if (now - s->told_ns >= TELL_NS) {
		s->told_ns = now;
		tell_gaps(s);
	}
	return rc;
}

static int sniff_run(struct source *s, struct weir_error *err)
{
	int state = WALK_EMPTY;

	while (!sniff_wait(s, state)) {
		int rc = sniff_ports_follow(s, err);

		if (rc)
			return rc;
		state = sniff_walk_all(s, err);
		if (state < 0)
			return state;
		rc = tick(s, state, err);
		if (rc)
			return rc;
		if (producer_is_done(s->context->producer))
			break;
	}
	return 0;
}

static uint64_t walked(const struct sniff_port *p)
{
	uint64_t left = p->has_block ? p->block.frames + (p->has_frame ? 1u : 0u) : 0;

	return packet_ring_taken(p->ring) - left;
}

/* The kernel has counted what it put into the rings: the end is reached when all of it was walked. */
static bool is_drained(const struct source *s)
{
	for (unsigned i = 0; i < s->port_count; i++)
		if (walked(&s->ports[i]) < s->ports[i].kept)
			return false;
	return true;
}

static int drain_rings(struct source *s, struct weir_error *err)
{
	int64_t start = port_monotonic_ns(), now = start, full_ns = 0;
	int rc;

	do {
		int64_t before = now;
		int state;

		/* Also lets the frames that were past the filter when it was exchanged arrive. */
		(void)poll(NULL, 0, POLL_FULL_MS);
		state = sniff_walk_all(s, err);
		rc = state < 0 ? state : count_all(s, err);
		producer_flush(s->context->producer, port_monotonic_ns(),
			       state == WALK_FULL);
		now = port_monotonic_ns();
		full_ns += state == WALK_FULL ? now - before : 0;
		s->is_giving_up = full_ns > DRAIN_FULL_NS;
	} while (!rc && !is_drained(s) && now - start - full_ns < DRAIN_NS);
	return rc;
}

/* What the rings hold and did not hand over in time; none was ever seen. */
static void count_rest(struct source *s)
{
	for (unsigned i = 0; i < s->port_count; i++) {
		struct sniff_port *p = &s->ports[i];
		uint64_t seen = walked(p);

		if (seen < p->kept)
			note_drops(s, p, p->kept - seen, port_realtime_ns());
	}
}

/* What comes behind the last packet that was asked for is not waited for; what was lost before is told. */
static int end_at_count(struct source *s, struct weir_error *err)
{
	int rc = count_all(s, err);

	tell_gaps(s);
	return rc;
}

static int sniff_drain(struct source *s, struct weir_error *err)
{
	int rc = 0, followed;

	if (producer_is_done(s->context->producer))
		return end_at_count(s, err);
	/* An interface that came and went just now may have passed what nobody heard. */
	s->has_changes = true;
	followed = sniff_ports_follow(s, err);
	for (unsigned i = 0; i < s->port_count && !rc; i++)
		rc = packet_ring_shut(s->ports[i].ring, err);
	if (!rc)
		rc = drain_rings(s, err);
	count_rest(s);
	tell_gaps(s);
	producer_flush(s->context->producer, port_monotonic_ns(), true);
	return rc ? rc : followed;
}

static json_t *sniff_describe(struct source *s)
{
	json_t *names = json_array(), *j;
	size_t bytes = 0;

	for (unsigned i = 0; i < s->port_count; i++) {
		bytes += packet_ring_bytes(s->ports[i].ring);
		if (s->ports[i].name)
			(void)json_array_append_new(names, json_string(s->ports[i].name));
	}
	j = json_pack("{s:s, s:b, s:o, s:I, s:i, s:I}", "method", "tpacket_v3",
		      "is_all_interfaces", !s->ports[0].name, "interfaces", names,
		      "ring_bytes", (json_int_t)bytes, "rings", (int)s->port_count,
		      "block_bytes",
		      (json_int_t)packet_ring_block_bytes(s->ports[0].ring));
	if (j && s->context->config->filter)
		(void)json_object_set_new(j, "is_filter_in_kernel",
					  json_boolean(s->is_filter_in_kernel));
	if (j && s->filter_why[0])
		(void)json_object_set_new(j, "filter_why", json_string(s->filter_why));
	return j;
}

static uint64_t sniff_memory(const struct source *s)
{
	uint64_t bytes = sizeof *s;

	for (unsigned i = 0; i < s->port_count; i++)
		bytes += packet_ring_bytes(s->ports[i].ring);
	return bytes;
}

static unsigned sniff_spans(const struct source *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->port_count; i++)
		n += packet_ring_blocks(s->ports[i].ring);
	return n;
}

const struct source_ops source_sniff = {
	.name = "sniff",
	.clock =
		"the kernel's realtime clock when the packet passed (software time stamp, ns)",
	.open = sniff_open,
	.start = sniff_start,
	.run = sniff_run,
	.drain = sniff_drain,
	.describe = sniff_describe,
	.spans = sniff_spans,
	.memory = sniff_memory,
	.close = sniff_close,
};
