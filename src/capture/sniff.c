/* The passive source: what packet sockets hear, into the capture queue.
 *
 * The kernel's ring is the buffer: when the capture queue is full its frames stay where they are,
 * and what the kernel then cannot place, it counts.  So the only loss here is LOSS_KERNEL. */
#include "base/mem.h"
#include "base/time.h"
#include "capture/sniff_filter.h"
#include "capture/sniff_ports.h"
#include "filter/recorded.h"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <poll.h>

#define MEMORY_DEFAULT (32 * 1024 * 1024)
#define RETIRE_MS      20
#define LINK_ROOM      64   /* link headers that are not recorded; bytes */
#define TURN_FRAMES    4096 /* walked of one ring before the next one's turn */
#define POLL_BUSY_MS   20   /* while records wait for their span's seal */
#define POLL_IDLE_MS   500
#define POLL_FULL_MS   2
#define COUNT_NS       (10 * NS_PER_MS) /* between looks at the kernel's counters */
#define TELL_NS        NS_PER_S         /* between events of lost packets */
#define DRAIN_NS       (500 * NS_PER_MS)
#define DRAIN_FULL_NS  (2 * NS_PER_S) /* of waiting for room in the capture queue */

static int attach_filter(struct source *s, struct sniff_port *p, struct weir_error *err)
{
	const struct source_config *c = s->context->config;
	const struct net_link *l =
		p->name ? link_table_find(link_watch_table(s->links), p->name) : NULL;
	struct sniff_filter f = { .filter = c->filter, .is_one = l };
	uint16_t linktype;

	if (l)
		f.form = frame_form(l->hatype, &linktype);
	/* A filter that looks at packets here sees them whole. */
	f.keep_bytes = c->snaplen && !c->filter ? s->limit + LINK_ROOM : UINT32_MAX;
	return sniff_filter_attach(p->ring, &f, &s->is_filter_in_kernel, s->filter_why,
				   err);
}

static int open_ports(struct source *s, struct weir_error *err)
{
	size_t memory = s->context->config->kernel_memory_bytes;
	struct packet_ring_config config = { .retire_ms = RETIRE_MS };

	config.bytes = (memory ? memory : MEMORY_DEFAULT) / s->port_count;
	for (unsigned i = 0; i < s->port_count; i++) {
		int rc = packet_ring_open(&s->ports[i].ring, &config, err);

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
	for (unsigned i = 0; i < s->port_count; i++)
		packet_ring_close(s->ports[i].ring);
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
	s->limit = snaplen && snaplen < RECORD_MAX_DATA ? snaplen : RECORD_MAX_DATA;
	rc = link_watch_open(&s->links, err);
	if (!rc)
		rc = sniff_ports_choose(s, err);
	if (!rc)
		rc = open_ports(s, err);
	if (!rc)
		rc = sniff_ports_describe(s, err);
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

/* Before the copy.  Where there is no link header to be recorded, the kernel says where the network
 * header is and what it is: only IP has a link type without one. */
static bool is_wanted(const struct source *s, const struct frame *f,
		      const struct sniff_slot *slot)
{
	const struct filter *filter = s->context->config->filter;
	const struct iface_info *info = &slot->iface->info;
	struct recorded r = { .data = f->mac,
			      .caplen = f->caplen,
			      .linktype = info->linktype,
			      .ns = f->ns,
			      .flags = frame_flags(f->pkttype, 0),
			      .iface = info->name,
			      .if_idx = f->ifindex,
			      .is_loopback = f->hatype == ARPHRD_LOOPBACK };

	if (!filter)
		return true;
	if (slot->form == FRAME_NETWORK || slot->form == FRAME_COOKED) {
		if (f->net_off > f->caplen ||
		    (f->protocol != ETH_P_IP && f->protocol != ETH_P_IPV6))
			return false;
		r.data += f->net_off;
		r.caplen -= f->net_off;
		r.linktype = LINKTYPE_RAW;
	}
	return filter_takes(filter, &r);
}

static void tell_drops(struct sniff_port *p, struct iface *iface,
		       struct record_meta *meta)
{
	meta->drops = p->drops.count;
	p->drops = p->more_drops;
	p->more_drops = (struct sniff_drops){ 0 };
	/* Of a shared ring nobody knows which interface's packets were lost: they are counted where
	 * the record tells of them. */
	if (!p->iface)
		counter_add(&iface->kernel_dropped, meta->drops);
}

/* False: there is no room now, and the frame stays where it is. */
static bool record(struct source *s, struct sniff_port *p, const struct frame *f,
		   const struct sniff_slot *slot)
{
	struct producer *producer = s->context->producer;
	struct record_meta meta = { .ns = f->ns,
				    .flags = frame_flags(f->pkttype, f->status) };
	struct frame_parts parts;
	uint8_t *data;

	frame_cut(&parts, f, slot->form, s->limit);
	if (UNLIKELY(!producer_has_room(producer, slot->iface, parts.caplen)) &&
	    !s->is_giving_up)
		return false;
	data = producer_reserve(producer, slot->iface, parts.caplen, parts.len);
	if (UNLIKELY(!data))
		return true;
	frame_put(data, &parts);
	if (UNLIKELY(p->drops.count) && packet_ring_walked(p->ring) >= p->drops.before)
		tell_drops(p, slot->iface, &meta);
	producer_commit(producer, &meta);
	return true;
}

enum walk {
	WALK_EMPTY, /* no more frames */
	WALK_MORE,  /* this ring's share of the turn is used up */
	WALK_FULL,  /* the capture queue has no room */
};

/* A negative code or one of enum walk. */
static int walk(struct source *s, struct sniff_port *p, struct weir_error *err)
{
	const struct frame *f;

	for (unsigned n = 0; n < TURN_FRAMES; n++) {
		const struct sniff_slot *slot;

		f = packet_ring_peek(p->ring);
		if (!f)
			return WALK_EMPTY;
		slot = sniff_slot(s, f->ifindex, f->hatype, err);
		if (UNLIKELY(!slot))
			return err->code;
		if (is_wanted(s, f, slot)) {
			if (!record(s, p, f, slot))
				return WALK_FULL;
			s->has_unflushed = true;
		}
		counter_add(&slot->iface->received, 1);
		counter_add(&slot->iface->received_bytes, f->len);
		packet_ring_next(p->ring);
	}
	return WALK_MORE;
}

/* The highest of the ports' answers. */
static int walk_all(struct source *s, struct weir_error *err)
{
	int most = WALK_EMPTY;

	for (unsigned i = 0; i < s->port_count; i++) {
		int rc = walk(s, &s->ports[i], err);

		if (rc < 0)
			return rc;
		if (rc > most)
			most = rc;
	}
	s->stalls += most == WALK_FULL;
	return most;
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

	/* With nothing more to come at once, waiting for company would only be delay. */
	if (s->has_unflushed) {
		producer_flush(s->context->producer, now, is_idle);
		s->has_unflushed = !is_idle;
	}
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

/* Waits for a stop, a change of the interfaces, or (not while the queue is full) for frames.  True:
 * stop. */
static bool wait(struct source *s, int state)
{
	struct pollfd fds[2 + SNIFF_PORTS];
	unsigned count = 2;
	int timeout = state == WALK_FULL   ? POLL_FULL_MS
		      : state == WALK_MORE ? 0
		      : s->has_unflushed   ? POLL_BUSY_MS
					   : POLL_IDLE_MS;

	fds[0] = (struct pollfd){ .fd = s->context->stop->fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = link_watch_fd(s->links), .events = POLLIN };
	for (unsigned i = 0; i < s->port_count && state != WALK_FULL; i++)
		fds[count++] = (struct pollfd){ .fd = packet_ring_fd(s->ports[i].ring),
						.events = POLLIN | POLLERR };
	if (poll(fds, count, timeout) <= 0)
		return false;
	for (unsigned i = 2; i < count; i++)
		if (fds[i].revents & POLLERR)
			packet_ring_clear_error(s->ports[i - 2].ring);
	return fds[0].revents;
}

static int sniff_run(struct source *s, struct weir_error *err)
{
	int state = WALK_EMPTY;

	while (!wait(s, state)) {
		int rc = sniff_ports_follow(s, err);

		if (rc)
			return rc;
		state = walk_all(s, err);
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

/* The kernel has counted what it put into the rings: the end is reached when all of it was walked. */
static bool is_drained(const struct source *s)
{
	for (unsigned i = 0; i < s->port_count; i++)
		if (packet_ring_walked(s->ports[i].ring) < s->ports[i].kept)
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
		state = walk_all(s, err);
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
		uint64_t walked = packet_ring_walked(p->ring);

		if (walked >= p->kept)
			continue;
		note_drops(s, p, p->kept - walked, port_realtime_ns());
	}
}

static int sniff_drain(struct source *s, struct weir_error *err)
{
	int rc = 0;

	if (producer_is_done(s->context->producer))
		return 0;
	for (unsigned i = 0; i < s->port_count && !rc; i++)
		rc = packet_ring_shut(s->ports[i].ring, err);
	if (!rc)
		rc = drain_rings(s, err);
	count_rest(s);
	tell_gaps(s);
	producer_flush(s->context->producer, port_monotonic_ns(), true);
	return rc;
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
	j = json_pack("{s:s, s:b, s:o, s:I, s:i, s:i}", "method", "tpacket_v3",
		      "is_all_interfaces", !s->ports[0].name, "interfaces", names,
		      "ring_bytes", (json_int_t)bytes, "rings", (int)s->port_count,
		      "block_bytes", PACKET_RING_BLOCK);
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

const struct source_ops source_sniff = {
	.name = "sniff",
	.clock =
		"the kernel's realtime clock when the packet passed (software time stamp, ns)",
	.open = sniff_open,
	.start = sniff_start,
	.run = sniff_run,
	.drain = sniff_drain,
	.describe = sniff_describe,
	.memory = sniff_memory,
	.close = sniff_close,
};
