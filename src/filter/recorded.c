#include "filter/recorded.h"

#include "base/bytes.h"
#include "packet/link.h"
#include "store/record.h"

/* The version is the packet's own, as it is to who looks at its headers: the link's type may say the
 * other one. */
static size_t stated_length(const uint8_t *packet, size_t length)
{
	if (length >= 20 && packet[0] >> 4 == 4 && get_u16be(packet + 2))
		return get_u16be(packet + 2);
	/* 0: a jumbogram, or a packet that its device has still to cut. */
	if (length >= 40 && packet[0] >> 4 == 6 && get_u16be(packet + 4))
		return 40U + get_u16be(packet + 4);
	return SIZE_MAX;
}

static void set_packet(struct filter_input *in, const struct recorded *r,
		       uint32_t network_off)
{
	const uint8_t *packet = r->data + network_off;
	size_t length = r->caplen - network_off;
	size_t wire_length = r->len > r->caplen ? r->len - network_off : length;
	size_t stated = stated_length(packet, length);

	filter_input_cut(in, packet, stated < length ? stated : length,
			 stated < wire_length ? stated : wire_length);
}

/* False: it carries no IP. */
static bool input_of(const struct recorded *r, struct filter_input *in)
{
	uint32_t direction = r->flags & RECORD_DIRECTION;
	struct link l;

	if (!link_decode(&l, r->linktype, r->data, r->caplen) ||
	    (l.ethertype != ETHERTYPE_IPV4 && l.ethertype != ETHERTYPE_IPV6))
		return false;
	*in = (struct filter_input){ .has_time = true,
				     .time_ns = r->ns,
				     .has_process_id = r->has_pid,
				     .process_name = r->process_name,
				     .process_path = r->process_path,
				     .user = r->user,
				     .container = r->container };
	set_packet(in, r, l.network_off);
	in->address.timestamp = r->ns;
	in->address.is_outbound =
		(direction ? direction : (uint32_t)l.direction) == RECORD_OUTBOUND;
	in->address.is_loopback = r->is_loopback;
	in->address.if_idx = r->if_idx;
	in->address.process_id = r->pid;
	in->iface = r->iface && *r->iface ? r->iface : NULL;
	return true;
}

bool filter_takes(const struct filter *f, const struct recorded *r)
{
	struct filter_input in;

	return input_of(r, &in) && filter_matches(f, &in);
}

enum filter_answer filter_takes_pending(const struct filter *f, const struct recorded *r,
					unsigned pending)
{
	struct filter_input in;

	return input_of(r, &in) ? filter_matches_pending(f, &in, pending) : FILTER_NO;
}
