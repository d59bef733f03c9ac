/* What stands around the records of a segment: its head, later interfaces, and statistics. */
#include "store/internal.h"

/* A lane of raw packets has several interfaces as soon as more than one is diverted; only the
 * first may say so by its proper number (store/iface.h). */
static size_t put_interface(uint8_t *out, const struct iface_table *t, unsigned lane,
			    unsigned id)
{
	struct iface_info info = iface_in_lane(t, lane, id)->info;

	if (id && info.linktype == LINKTYPE_RAW)
		info.linktype = LINKTYPE_RAW_LIBPCAP;
	return pcapng_put_interface(out, &info);
}

size_t blocks_interfaces(struct store *s, unsigned lane, unsigned from, unsigned to)
{
	size_t n = 0;

	for (unsigned id = from; id < to; id++)
		n += put_interface(s->blocks + n, s->ifaces, lane, id);
	return n;
}

size_t blocks_head(struct store *s, unsigned lane, unsigned iface_count)
{
	size_t head = pcapng_put_section(s->blocks, &s->section), n = head;

	for (unsigned id = 0; id < iface_count; id++)
		n += put_interface(s->blocks + n, s->ifaces, lane, id);
	return n;
}

/* An import's figures and times depend on its input alone; live ones are the source's. */
size_t blocks_stats(struct store *s, const struct segment_facts *f)
{
	bool is_import = s->config.has_packet_clock;
	/* The last tick may be older than the last packet. */
	int64_t now = s->now_ns > f->last_ns ? s->now_ns : f->last_ns;
	size_t n = 0;

	for (unsigned id = 0; id < f->iface_count; id++) {
		const struct iface *i = iface_in_lane(s->ifaces, f->lane, id);
		struct pcapng_stats stats = {
			.iface_id = id,
			.ns = is_import ? f->last_ns : now,
			.start_ns = is_import ? f->first_ns : s->start_ns,
			.end_ns = is_import ? f->last_ns : now,
			.received = is_import ? s->records[f->lane][id]
					      : counter_read(&i->received),
			.dropped = counter_read(&i->kernel_dropped),
			.has_dropped = !is_import,
		};

		n += pcapng_put_stats(s->blocks + n, &stats);
	}
	return n;
}
