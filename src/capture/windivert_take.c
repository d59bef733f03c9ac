/* The packet path of the WinDivert source: a batch becomes records, then all of it goes back to the
 * stack in one call, before anything else is done.  Allocates only when an interface is new. */
#include "capture/windivert_parts.h"

#include "base/bytes.h"

#define IP_TCP 6
#define IP_UDP 17

/* One packet of a batch. */
struct seen {
	struct windivert_address address;
	const uint8_t *bytes;
	uint32_t caplen, len; /* caplen is less where the driver cut it */
	int64_t ns;
	struct iface *iface;
};

/* Of IP itself; 0: unknown. */
static uint8_t protocol_of(const struct seen *p)
{
	if (p->caplen >= 20 && p->bytes[0] >> 4 == 4)
		return p->bytes[9];
	return p->caplen >= 40 && p->bytes[0] >> 4 == 6 ? p->bytes[6] : 0;
}

/* A checksum that is left to the card is not there yet.  None is known to be good: WinDivert checks none,
 * and of a packet that was received its flags say that the card has not checked it.  Of one that is
 * forwarded they say nothing: the driver reads the card's marks as if it were to be sent. */
static uint32_t checksum_flags(const struct seen *p)
{
	const struct windivert_address *a = &p->address;
	uint8_t protocol = protocol_of(p);
	bool is_there;

	if (a->layer != WINDIVERT_NETWORK || !a->is_outbound)
		return 0;
	if (protocol == IP_TCP)
		is_there = a->has_tcp_checksum;
	else if (protocol == IP_UDP)
		is_there = a->has_udp_checksum;
	else
		return 0;
	return is_there && (a->is_ipv6 || a->has_ip_checksum) ? 0 : RECORD_CSUM_NOT_READY;
}

static uint32_t flags_of(const struct seen *p)
{
	uint32_t flags = checksum_flags(p);

	/* What is forwarded has no direction. */
	if (p->address.layer == WINDIVERT_NETWORK)
		flags |= p->address.is_outbound ? RECORD_OUTBOUND : RECORD_INBOUND;
	return flags;
}

static bool is_of_interface(const struct source *s, uint32_t index)
{
	for (unsigned i = 0; i < s->interface_count; i++)
		if (s->interfaces[i] == index)
			return true;
	return !s->interface_count;
}

static bool is_wanted(const struct source *s, const struct seen *p)
{
	const struct windivert_address *a = &p->address;
	struct filter_input in = { .has_time = true,
				   .time_ns = p->ns,
				   .iface = p->iface->info.name };

	if (!is_of_interface(s, a->if_idx))
		return false;
	if (!s->filter)
		return true;
	filter_input_cut(&in, p->bytes, p->caplen, p->len);
	in.address.timestamp = a->ticks;
	in.address.is_outbound = a->is_outbound;
	in.address.is_loopback = a->is_loopback;
	in.address.is_impostor = a->is_impostor;
	in.address.if_idx = a->if_idx;
	in.address.sub_if_idx = a->sub_if_idx;
	return filter_match(s->filter, &in) > 0;
}

static void record(struct source *s, const struct seen *p)
{
	struct record_meta meta = { .ns = p->ns, .flags = flags_of(p) };
	uint32_t snaplen = s->context->config->snaplen, caplen = p->caplen;
	uint32_t limit =
		producer_limit(s->context->producer, snaplen ? snaplen : RECORD_MAX_DATA);

	if (caplen > limit)
		caplen = limit;
	counter_add(&p->iface->received, 1);
	counter_add(&p->iface->received_bytes, p->len);
	if (producer_put(s->context->producer, p->iface, p->bytes, caplen, p->len, &meta))
		s->recorded++;
}

/* What the address says, where it is one; else the packet is of now and of nowhere. */
static void read_address(struct source *s, struct seen *p, const uint8_t *bytes)
{
	if (!bytes ||
	    windivert_address_read(&p->address, bytes, WINDIVERT_ADDRESS_BYTES) ||
	    p->address.layer > WINDIVERT_FORWARD) {
		s->odd++;
		p->address = (struct windivert_address){ .layer = WINDIVERT_FORWARD,
							 .ticks = windivert_ticks() };
	}
	s->impostors += p->address.is_impostor;
	s->loopback += p->address.is_loopback;
}

static void take_piece(struct source *s, const struct windivert_got *got,
		       const struct packet_piece *piece, bool is_cut)
{
	struct seen p = { .bytes = piece->bytes, .caplen = piece->length };
	uint64_t stated = is_cut ? packet_stated_length(piece->bytes, piece->length) : 0;

	read_address(s, &p,
		     piece->count ? got->addresses +
					    (size_t)piece->index * WINDIVERT_ADDRESS_BYTES
				  : NULL);
	p.len = stated > piece->length && stated <= UINT32_MAX ? (uint32_t)stated
							       : piece->length;
	driver_loss_packet(&s->loss, p.address.ticks, piece->length);
	p.ns = tick_clock_ns(&s->clock, p.address.ticks);
	p.iface = wd_iface(s, &p.address);
	if (UNLIKELY(!p.iface))
		loss_add(s->context->losses, LOSS_WRITE, 1, p.len);
	else if (is_wanted(s, &p))
		record(s, &p);
	else
		s->skipped++;
}

/* Packets that are sent by one call. */
struct run {
	const uint8_t *bytes, *addresses;
	uint32_t length;
	unsigned count;
};

/* The driver goes on behind a packet that it refuses, and of a call that failed it does not say which
 * one that was, nor how many were on their way when its memory ended: none of them is sent again. */
static void send_run(struct source *s, struct run *r)
{
	struct weir_error *err = r->count > 1 ? &s->maybe_error : &s->send_error;

	if (r->count &&
	    windivert_send(s->handle, r->bytes, r->length, r->addresses, r->count, err))
		*(r->count > 1 ? &s->maybe_sent : &s->not_sent) += r->count;
	r->bytes += r->length;
	r->addresses += (size_t)r->count * WINDIVERT_ADDRESS_BYTES;
	r->length = 0;
	r->count = 0;
}

/* An impostor's time to live goes down by one more, and may not reach 0: the driver refuses it. */
static bool is_spent(const struct packet_piece *p, const uint8_t *address)
{
	struct windivert_address a;

	if (p->length < 20 ||
	    windivert_address_read(&a, address, WINDIVERT_ADDRESS_BYTES) ||
	    !a.is_impostor)
		return false;
	return p->bytes[p->bytes[0] >> 4 == 6 ? 7 : 8] <= 1;
}

/* What the driver will refuse goes in a call of its own, so that it is known what became of the
 * others.  What cannot be cut stays here: the driver finds packets by the same lengths. */
static void send_runs(struct source *s, const struct windivert_got *got)
{
	struct run r = { .bytes = got->packets, .addresses = got->addresses };
	struct packet_piece piece;
	struct packet_cut c;

	packet_cut_init(&c, got->packets, got->length, got->count);
	while (packet_cut_next(&c, &piece)) {
		bool is_alone;

		if (piece.count != 1) {
			s->not_sent += piece.count ? piece.count : 1;
			(void)err_set(&s->send_error, WEIR_ERR_FORMAT,
				      "the driver cannot tell how long the packet is");
			break;
		}
		is_alone = is_spent(&piece,
				    got->addresses + (size_t)piece.index *
							     WINDIVERT_ADDRESS_BYTES);
		if (is_alone)
			send_run(s, &r);
		r.length += piece.length;
		r.count++;
		if (is_alone)
			send_run(s, &r);
	}
	send_run(s, &r);
}

/* is_plain: nothing of it has to go alone. */
static void hand_on(struct source *s, const struct windivert_got *got, bool is_plain)
{
	struct run all = { .bytes = got->packets,
			   .addresses = got->addresses,
			   .length = got->length,
			   .count = got->count };

	if (got->is_cut) {
		s->not_sent++;
		(void)err_set(&s->send_error, WEIR_ERR_LIMIT,
			      "the driver handed over only a part of the packet");
	} else if (is_plain) {
		send_run(s, &all);
	} else {
		send_runs(s, got);
	}
}

void wd_take(struct source *s, const struct windivert_got *got)
{
	uint64_t impostors = s->impostors;
	struct packet_piece piece;
	struct packet_cut c;

	packet_cut_init(&c, got->packets, got->length, got->count);
	while (packet_cut_next(&c, &piece))
		take_piece(s, got, &piece, got->is_cut && !c.left);
	s->uncut += c.uncut;
	if (got->is_cut) {
		s->truncated++;
		/* Cut to nothing: it was there, and that is all that is known. */
		if (!got->length)
			loss_add(s->context->losses, LOSS_KERNEL, 1, 0);
	}
	if (s->is_inline && !s->is_through)
		hand_on(s, got, got->count && !c.uncut && s->impostors == impostors);
}
