/* The inline source's packet path: a batch of messages becomes records, then one answer lets all of
 * its packets go on, before anything else is done.  Allocates only when an interface is new. */
#include "capture/divert_turn.h"

#include "capture/iface_info.h"
#include "weir/filter.h"

#include <net/if.h> /* before the kernel's, which then leave out what both define */

#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Where the store has no room for more interfaces, their packets go to this one. */
#define OTHER_INDEX UINT32_MAX

static struct iface *add_iface(struct source *s, uint32_t index)
{
	struct iface_info info;

	if (index == OTHER_INDEX) {
		memset(&info, 0, sizeof info);
		(void)snprintf(info.name, sizeof info.name, "other");
		(void)snprintf(info.description, sizeof info.description,
			       "all interfaces beyond the first %u", s->cached);
	} else {
		(void)iface_info_read(&info, index, ARPHRD_ETHER);
	}
	/* The packets begin with their IP header. */
	info.linktype = LINKTYPE_RAW;
	info.snaplen = s->context->config->snaplen;
	return iface_add(s->context->ifaces, &info, &s->iface_error);
}

/* The slot of an index, or the free one where it belongs.  There is always one: the table is
 * twice as large as what may be added. */
static struct divert_cached *find_slot(struct source *s, uint32_t index)
{
	unsigned i = index % DIVERT_CACHE;

	while (s->cache[i].iface && s->cache[i].index != index)
		i = (i + 1) % DIVERT_CACHE;
	return &s->cache[i];
}

/* One of its own: the packet goes round, and is seen only as it is sent. */
static bool is_loopback(const struct iface *iface)
{
	struct ifreq q = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_it;

	if (fd < 0)
		return false;
	(void)snprintf(q.ifr_name, sizeof q.ifr_name, "%.*s", IFNAMSIZ - 1,
		       iface->info.name);
	is_it = !ioctl(fd, SIOCGIFFLAGS, &q) && q.ifr_flags & IFF_LOOPBACK;
	(void)close(fd);
	return is_it;
}

/* NULL: the store takes no more interfaces. */
static const struct divert_cached *iface_of(struct source *s, uint32_t index)
{
	struct divert_cached *slot = find_slot(s, index);

	if (UNLIKELY(!slot->iface) && index != OTHER_INDEX &&
	    iface_count(s->context->ifaces) >= IFACE_MAX - 1) {
		index = OTHER_INDEX;
		slot = find_slot(s, index);
	}
	if (LIKELY(slot->iface))
		return slot;
	slot->iface = add_iface(s, index);
	if (!slot->iface)
		return NULL;
	slot->index = index;
	slot->is_loopback = is_loopback(slot->iface);
	s->cached++;
	return slot;
}

/* One packet of a batch, and where it was seen. */
struct seen {
	struct nfq_packet packet;
	const struct divert_cached *place;
	int64_t ns;
	bool is_input;
};

static bool is_wanted(const struct filter *filter, const struct seen *seen)
{
	struct filter_input in = { .has_time = true,
				   .time_ns = seen->ns,
				   .iface = seen->place->iface->info.name };

	filter_input_packet(&in, seen->packet.payload, seen->packet.caplen);
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
	struct record_meta meta = { .ns = seen->ns };
	struct iface *iface = seen->place->iface;
	uint8_t *data;

	if (snaplen && caplen > snaplen)
		caplen = snaplen;
	counter_add(&iface->received, 1);
	counter_add(&iface->received_bytes, p->len);
	data = producer_reserve(s->context->producer, iface, caplen, p->len);
	if (!data)
		return;
	if (caplen)
		memcpy(data, p->payload, caplen);
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
	seen->place = iface_of(s, seen->is_input ? p->in_index : p->out_index);
	if (UNLIKELY(!seen->place))
		loss_add(s->context->losses, LOSS_WRITE, 1, p->len);
	else if (!s->filter || is_wanted(s->filter, seen))
		record(s, seen);
	else
		counter_add(&s->shared->skipped, 1);
}

static void take_message(struct source *s, struct cursor c, int64_t ns)
{
	struct seen seen = { .ns = ns };
	struct nl_message m;

	while (nl_next_message(&c, &m))
		if (nfq_packet_parse(&m, &seen.packet))
			take_packet(s, &seen);
}

int divert_turn(struct source *s, struct weir_error *err)
{
	int n = nfq_receive(&s->nfq, &s->batch);
	int64_t ns;

	if (n < 0) {
		errno = -n;
		return err_sys(err, "cannot receive packets from NFQUEUE %u",
			       s->nfq.first);
	}
	if (!n)
		return 0;
	ns = port_realtime_ns();
	for (unsigned i = 0; i < (unsigned)n; i++)
		take_message(s, nfq_message(&s->batch, i), ns);
	for (unsigned i = 0; i < s->nfq.count; i++)
		if (s->received_id[i] != s->answered_id[i]) {
			(void)nfq_accept(&s->nfq, (uint16_t)(s->nfq.first + i),
					 s->received_id[i]);
			s->answered_id[i] = s->received_id[i];
		}
	return n;
}
