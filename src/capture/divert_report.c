/* What passed unrecorded, and why: counted as soon as it is seen, told to the manifest as gaps. */
#include "capture/divert_turn.h"

#include "base/time.h"

#include <poll.h>

#define TELL_NS      NS_PER_S
#define SETTLE_TRIES 100 /* of a ms, before the last word */

/* Raises to the truth: counts only grow, and a look between two of the kernel's counters may see
 * less than the last one did. */
static void raise(struct losses *l, enum loss reason, uint64_t packets, uint64_t bytes)
{
	if (packets > counter_read(&l->packets[reason]))
		counter_set(&l->packets[reason], packets);
	if (bytes > counter_read(&l->bytes[reason]))
		counter_set(&l->bytes[reason], bytes);
}

/* A packet that a processor is just taking from the rule to the queue is in the rule's count and not
 * yet in the queue's: it looks like one that passed.  While packets come, one for each processor is
 * left out; the last word, when nothing comes any more, has them all. */
static uint64_t certain(const struct source *s, uint64_t packets, bool is_last)
{
	uint64_t on_their_way = is_last ? 0 : s->processors;

	return packets > on_their_way ? packets - on_their_way : 0;
}

/* The bytes of what went by the full queue are known when nothing is on its way. */
static uint64_t bytes_by(const struct source *s, const struct divert_account *a)
{
	struct heartbeat_counts c;
	uint64_t taken = counter_read(&s->shared->received_bytes) +
			 counter_read(&s->shared->drained_bytes);

	if (!a->fail_open || a->held || !s->heartbeat.page)
		return 0;
	heartbeat_counts(&s->heartbeat, &c);
	return c.matched_bytes > taken ? c.matched_bytes - taken : 0;
}

static void tell(struct source *s, const struct losses *l, enum loss reason,
		 int64_t from_ns, int64_t to_ns)
{
	uint64_t packets = counter_read(&l->packets[reason]);
	uint64_t bytes = counter_read(&l->bytes[reason]);
	uint64_t *told = &s->told.packets[reason], *told_bytes = &s->told.bytes[reason];
	json_t *event;

	if (packets == *told)
		return;
	event = json_pack("{s:s, s:I, s:I, s:I, s:I}", "reason", loss_name(reason),
			  "packets", (json_int_t)(packets - *told), "bytes",
			  (json_int_t)(bytes - *told_bytes), "from_ns",
			  (json_int_t)from_ns, "to_ns", (json_int_t)to_ns);
	store_event(s->context->store, "gap", event);
	*told = packets;
	*told_bytes = bytes;
}

/* --strict: refused, so they did not pass; no loss, but worth knowing. */
static void tell_dropped(struct source *s, int64_t from_ns, int64_t to_ns)
{
	uint64_t n = counter_read(&s->dropped);

	if (n == s->told_dropped)
		return;
	store_event(s->context->store, "dropped",
		    json_pack("{s:s, s:I, s:I, s:I}", "why",
			      "the queue was full and --strict lets nothing pass",
			      "packets", (json_int_t)(n - s->told_dropped), "from_ns",
			      (json_int_t)from_ns, "to_ns", (json_int_t)to_ns));
	s->told_dropped = n;
}

/* Another program took our rules out.  Nobody has counted what passed meanwhile.  Of several times since the
 * last look the bounds of one are known. */
static void tell_holes(struct source *s, int64_t now_ns)
{
	const struct divert_shared *m = s->shared;
	uint32_t holes = atomic_load_explicit(&m->holes, memory_order_acquire);
	int64_t from_ns = atomic_load_explicit(&m->hole_from_ns, memory_order_relaxed),
		to_ns = atomic_load_explicit(&m->hole_to_ns, memory_order_relaxed);

	if (holes - s->told_holes > 1 && s->looked_ns < from_ns)
		from_ns = s->looked_ns;
	s->looked_ns = now_ns;
	if (holes == s->told_holes)
		return;
	s->context->is_incomplete = true;
	store_event(s->context->store, "rules_lost",
		    json_pack("{s:s, s:I, s:I, s:b}", "table", s->rules.table, "from_ns",
			      (json_int_t)from_ns, "to_ns",
			      (json_int_t)(to_ns ? to_ns : now_ns), "are_back",
			      to_ns != 0));
	s->told_holes = holes;
}

static bool is_socket_empty(const struct source *s)
{
	struct pollfd p = { .fd = s->nfq.fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* Where a burst ends in a full socket buffer no later id shows what is missing.  When the kernel's count
 * has stood still since the last look and the socket is empty, whatever has an id has been received, by
 * us or by the supervisor, or will never come. */
static bool find_missed(struct source *s, bool is_last)
{
	bool is_found = false;

	for (unsigned i = 0; i < s->nfq.count; i++) {
		uint32_t last = s->last_id[i], step = last - s->received_id[i];
		bool is_still = last == s->seen_id[i];

		s->seen_id[i] = last;
		if (!step || step > INT32_MAX ||
		    !(is_last || (is_still && is_socket_empty(s))))
			continue;
		counter_add(&s->shared->missed, step);
		if (s->answered_id[i] == s->received_id[i])
			s->answered_id[i] = last;
		s->received_id[i] = last;
		is_found = true;
	}
	return is_found;
}

/* The kernel cuts a packet of SCTP that is to be segmented before it queues it, so that one match becomes
 * several ids.  They would hide as many packets that pass by a full queue: where both counts have stood
 * still since the last look, what is above is none that passed. */
static bool find_surplus(struct source *s, const struct divert_account *a)
{
	uint64_t known = a->matched + counter_read(&s->shared->surplus);
	bool is_still = a->matched == s->seen_matched && a->queued == s->seen_queued;

	s->seen_matched = a->matched;
	s->seen_queued = a->queued;
	/* The supervisor's count comes late. */
	if (!is_still || !s->heartbeat.page || a->queued <= known)
		return false;
	counter_add(&s->shared->surplus, a->queued - known);
	return true;
}

static void account(struct source *s, struct divert_account *a, bool is_last)
{
	const struct port_event never = { .fd = -1 };

	divert_account(s, a);
	for (unsigned i = 0; is_last && !a->is_settled && i < SETTLE_TRIES; i++) {
		(void)port_event_wait(&never, NS_PER_MS);
		divert_account(s, a);
	}
	for (unsigned i = 0; i < s->nfq.count; i++)
		counter_set(&s->shared->given[i], a->given[i]);
}

void divert_report(struct source *s, int64_t now_monotonic_ns, bool is_last)
{
	struct losses *l = s->context->losses;
	int64_t now_ns = port_realtime_ns();
	struct divert_account a;

	account(s, &a, is_last);
	if (find_missed(s, is_last) || find_surplus(s, &a))
		account(s, &a, is_last);
	raise(l, LOSS_STALL, a.stall, a.stall_bytes);
	raise(l, LOSS_FAIL_OPEN, certain(s, a.fail_open, is_last),
	      is_last ? bytes_by(s, &a) : 0);
	a.dropped = certain(s, a.dropped, is_last);
	if (a.dropped > counter_read(&s->dropped))
		counter_set(&s->dropped, a.dropped);
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		const struct losses *from = producer_losses(s->context->producer);

		counter_set(&s->shared->producer_losses.packets[i],
			    counter_read(&from->packets[i]));
		counter_set(&s->shared->producer_losses.bytes[i],
			    counter_read(&from->bytes[i]));
	}
	tell_holes(s, now_ns);
	if (!is_last && now_monotonic_ns - s->told_ns < TELL_NS)
		return;
	tell(s, l, LOSS_STALL, s->told_at_ns, now_ns);
	tell(s, l, LOSS_FAIL_OPEN, s->told_at_ns, now_ns);
	tell(s, producer_losses(s->context->producer), LOSS_QUEUE_FULL, s->told_at_ns,
	     now_ns);
	tell_dropped(s, s->told_at_ns, now_ns);
	s->told_ns = now_monotonic_ns;
	s->told_at_ns = now_ns;
}
