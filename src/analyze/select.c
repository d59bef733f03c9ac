#include "analyze/select.h"

#include "analyze/facts.h"
#include "base/bytes.h"
#include "store/iface.h"
#include "store/processes.h"
#include "weir/filter.h"

int selection_init(struct selection *s, const char *text, unsigned flags, int64_t from_ns,
		   int64_t to_ns, struct weir_error *err)
{
	struct filter_error bad;

	*s = (struct selection){ .from_ns = from_ns, .to_ns = to_ns };
	if (from_ns > to_ns)
		return err_set(err, WEIR_ERR_USAGE, "--from lies behind --to");
	if (!text)
		return 0;
	if (filter_compile(&s->filter, text, FILTER_NETWORK, flags, &bad))
		return filter_error_line(&bad, err);
	s->asks_process = filter_asks_process(s->filter);
	if (filter_is_true(s->filter))
		selection_fini(s); /* not even the link layer needs to be known */
	return 0;
}

void selection_fini(struct selection *s)
{
	filter_free(s->filter);
	s->filter = NULL;
}

/* The packet without what a link layer put behind it (Ethernet fills up to 60 bytes). */
static size_t network_length(const uint8_t *packet, size_t length, uint16_t ethertype)
{
	size_t stated = 0;

	if (ethertype == ETHERTYPE_IPV4 && length >= 20)
		stated = get_u16be(packet + 2);
	else if (ethertype == ETHERTYPE_IPV6 && length >= 40 && get_u16be(packet + 4))
		stated = 40U + get_u16be(packet + 4);
	return stated && stated < length ? stated : length;
}

static bool matches(const struct selection *s, const struct merge *m,
		    const struct packet *p)
{
	const struct iface_info *info = merge_iface(m, p->iface);
	struct filter_input in = { .has_time = true, .time_ns = p->ns };
	const struct process_fact *process;
	struct link l;
	const uint8_t *packet;

	if (!link_decode(&l, info->linktype, p->data, p->caplen))
		return false;
	/* The language speaks of IP packets only. */
	if (l.ethertype != ETHERTYPE_IPV4 && l.ethertype != ETHERTYPE_IPV6)
		return false;
	packet = p->data + l.network_off;
	filter_input_packet(
		&in, packet,
		network_length(packet, p->caplen - l.network_off, l.ethertype));
	in.address.is_outbound = facts_direction(p, &l) == LINK_DIRECTION_OUT;
	in.address.is_loopback = iface_is_loopback(info);
	in.address.if_idx = info->index;
	in.has_process_id = p->has_pid;
	in.address.process_id = p->pid;
	in.iface = *info->name ? info->name : NULL;
	process = s->asks_process ? merge_process(m, p) : NULL;
	if (process) {
		in.process_name = process->name;
		in.process_path = process->path;
		in.user = process->user;
		in.container = process->container;
	}
	return filter_match(s->filter, &in) > 0;
}

bool selection_takes(const struct selection *s, const struct merge *m,
		     const struct packet *p)
{
	if (p->ns < s->from_ns || p->ns > s->to_ns)
		return false;
	return !s->filter || matches(s, m, p);
}
