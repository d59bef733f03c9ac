#include "capture/divert.h"

#include "base/time.h"

#include <poll.h>

#define QUIET_TRIES 50

static void set_state(struct source *s, enum divert_state state)
{
	atomic_store_explicit(&s->shared->state, state, memory_order_release);
}

int divert_rules_install(struct source *s, struct weir_error *err)
{
	int rc = s->nft ? 0 : nft_open(&s->nft, err);

	if (!rc)
		rc = nft_install(s->nft, &s->rules, err);
	if (rc && err)
		s->shared->error = *err;
	s->whole_ns = port_realtime_ns();
	set_state(s, rc ? DIVERT_FAILED : DIVERT_IN_PLACE);
	return rc;
}

static void note_hole(struct source *s, int64_t to_ns)
{
	struct divert_shared *m = s->shared;

	atomic_store_explicit(&m->hole_from_ns, s->whole_ns, memory_order_relaxed);
	atomic_store_explicit(&m->hole_to_ns, to_ns, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&m->holes, 1, memory_order_release);
}

/* The counters of the rules that are in place, added to what rules before them had counted. */
static void read_counters(struct source *s)
{
	uint64_t packets, bytes;

	if (s->has_heartbeat || nft_count(s->nft, s->rules.table, &packets, &bytes, NULL))
		return;
	if (s->is_counting) {
		counter_set(&s->shared->passed, s->counted_before + packets);
		counter_set(&s->shared->passed_bytes, s->counted_bytes_before + bytes);
	} else {
		counter_set(&s->shared->matched, s->counted_before + packets);
	}
}

/* The rules in place are new ones, which begin to count at 0. */
static void begin_counting(struct source *s, bool is_counting)
{
	s->is_counting = is_counting;
	s->counted_before =
		counter_read(is_counting ? &s->shared->passed : &s->shared->matched);
	s->counted_bytes_before = counter_read(&s->shared->passed_bytes);
}

/* Puts them in the place of those that are there, in one step. */
static int refill(struct source *s, const struct nft_rules *wanted, bool is_counting)
{
	struct nft_rules rules = *wanted;
	int rc;

	if (is_counting)
		rules.way = NFT_QUEUE_NONE;
	rc = nft_refill(s->nft, &rules, NULL);
	if (!rc)
		begin_counting(s, is_counting);
	return rc;
}

void divert_rules_count(struct source *s, bool is_stale)
{
	read_counters(s);
	/* Where it fails the next turn tries again. */
	if (is_stale != s->is_counting)
		(void)!refill(s, &s->rules, is_stale);
}

void divert_rules_follow(struct source *s)
{
	struct divert_shared *m = s->shared;
	uint32_t change = atomic_load_explicit(&m->index_changes, memory_order_acquire);
	struct nft_rules rules = s->rules;

	if (!s->nft ||
	    change == atomic_load_explicit(&m->changes_done, memory_order_relaxed) ||
	    atomic_load_explicit(&m->state, memory_order_relaxed) != DIVERT_IN_PLACE)
		return;
	for (unsigned i = 0; i < NFT_INTERFACES; i++)
		rules.indexes[i] =
			atomic_load_explicit(&m->indexes[i], memory_order_relaxed);
	read_counters(s);
	if (refill(s, &rules, s->is_counting))
		return; /* the next turn tries again */
	s->rules = rules;
	atomic_store_explicit(&m->changes_done, change, memory_order_release);
}

void divert_rules_keep(struct source *s)
{
	struct nft_rules rules = s->rules;
	bool is_back;

	if (!s->nft || s->rules.is_owned)
		return;
	if (nft_is_whole(s->nft, &s->rules, &s->look)) {
		s->whole_ns = port_realtime_ns();
		return;
	}
	if (s->is_counting)
		rules.way = NFT_QUEUE_NONE;
	is_back = !nft_refill(s->nft, &rules, NULL);
	if (!is_back) {
		/* Something of it may be there. */
		(void)!nft_remove(s->nft, rules.table, NULL);
		is_back = !nft_install(s->nft, &rules, NULL);
	}
	s->look = (struct nft_look){ .generation = 0 };
	begin_counting(s, s->is_counting);
	note_hole(s, is_back ? port_realtime_ns() : 0);
}

void divert_rules_withdraw(struct source *s)
{
	if (!s->nft)
		return;
	read_counters(s);
	if (!s->rules.is_owned && !nft_is_whole(s->nft, &s->rules, &s->look))
		note_hole(s, port_realtime_ns());
	/* Gone already is as good. */
	(void)!nft_withdraw(s->nft, &s->rules, NULL);
	set_state(s, DIVERT_WITHDRAWN);
}

void divert_rules_remove(struct source *s)
{
	struct pollfd never = { .fd = -1 };

	if (s->nft) {
		for (unsigned i = 0; i < QUIET_TRIES && nfq_held_by_all(&s->nfq); i++)
			(void)poll(&never, 1, 1);
		(void)!nft_remove(s->nft, s->rules.table, NULL);
		nft_close(s->nft);
		s->nft = NULL;
	}
	set_state(s, DIVERT_REMOVED);
}

int64_t divert_age(const struct source *s, int64_t now_monotonic_ns)
{
	const _Atomic int64_t *beat =
		s->has_heartbeat ? &s->heartbeat.page->beat_ns : &s->shared->beat_ns;

	return now_monotonic_ns - atomic_load_explicit(beat, memory_order_relaxed);
}

/* The newest id of each queue, by the kernel's own count: 32 bits that wrap. */
static void read_queues(struct source *s, struct divert_account *a)
{
	struct nfq_stats stats;

	for (unsigned i = 0; i < s->nfq.count; i++) {
		/* In this order: it is never ahead of what the kernel tells. */
		uint64_t given = counter_read(&s->shared->given[i]);

		if (!nfq_stats(&s->nfq, (uint16_t)(s->nfq.first + i), &stats)) {
			given += (uint32_t)(stats.last_id - (uint32_t)given);
			s->last_id[i] = stats.last_id;
			a->held += stats.held;
			a->dropped += stats.dropped + stats.user_dropped;
		}
		a->given[i] = given;
		a->queued += given;
	}
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void divert_account(struct source *s, struct divert_account *a)
{
	struct divert_shared *m = s->shared;
	struct heartbeat_counts c = { .matched_packets = counter_read(&m->matched),
				      .passed_packets = counter_read(&m->passed),
				      .passed_bytes = counter_read(&m->passed_bytes) };
	/* In this order: what the supervisor received and has not yet added is no miss. */
	uint64_t missed = counter_read(&m->missed);
	bool is_settled = !(atomic_load_explicit(&m->draining, memory_order_acquire) & 1);
	uint64_t drained = counter_read(&m->drained);
	uint64_t lost = is_settled ? above(missed, drained) : 0;
	uint64_t surplus = counter_read(&m->surplus);

	*a = (struct divert_account){ .is_settled = is_settled };
	/* The rule counts before the queue does: read in the other order, all that comes between the
	 * two looks like a loss; in this order only what is on its way from one to the other. */
	if (s->heartbeat.page)
		heartbeat_counts(&s->heartbeat, &c);
	read_queues(s, a);
	a->matched = c.matched_packets;
	a->stall = c.passed_packets + drained;
	a->stall_bytes = c.passed_bytes + counter_read(&m->drained_bytes);
	a->fail_open = lost;
	if (s->rules.has_counter || s->heartbeat.page)
		a->fail_open += above(a->matched + surplus, a->queued + a->dropped);
	if (!s->context->config->is_strict)
		return;
	/* What the kernel could not queue, it dropped: nothing has passed. */
	a->dropped = above(a->matched + surplus, a->queued) + lost;
	a->fail_open = 0;
}

struct divert_drained divert_accept_all(struct source *s)
{
	struct divert_drained sum = { 0 };
	struct divert_account a;
	struct nfq_packet p;
	struct nl_message m;
	int n;

	while ((n = nfq_receive(&s->nfq, &s->batch, false)) > 0) {
		for (unsigned i = 0; i < (unsigned)n; i++) {
			struct cursor c = nfq_message(&s->batch, i);

			while (nl_next_message(&c, &m)) {
				if (!nfq_packet_parse(&m, &p))
					continue;
				sum.packets++;
				sum.bytes += p.len;
			}
		}
	}
	/* Also what the worker had received and not yet answered. */
	divert_account(s, &a);
	for (unsigned i = 0; a.held && i < s->nfq.count; i++)
		(void)nfq_accept(&s->nfq, (uint16_t)(s->nfq.first + i), s->last_id[i]);
	return sum;
}
