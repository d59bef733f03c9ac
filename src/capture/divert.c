/* The inline source: rules of our own send packets to NFQUEUE; batches are received, copied into
 * the capture queue and handed on, before anything touches a disk.
 *
 * Traffic goes on whatever happens to us: bypass on the rule (nobody listens), fail-open on the
 * queue (it is full), the heartbeat in the rule (we are stopped), the supervisor (we are dead).
 * With --strict none of the four is there. */
#include "base/mem.h"
#include "base/time.h"
#include "capture/divert_turn.h"
#include "capture/load.h"
#include "capture/nft_leftover.h"
#include "weir/filter.h"

#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

/* The chains' priority at --priority 0: behind mangle and NAT (-150, -100, 100) and the firewall's
 * filter (0).  So input shows what the machine's sockets are given, under the addresses they see;
 * output what really leaves.  What the local firewall drops is not diverted: above 300 it is. */
#define BASE_PRIORITY 300

/* A stall of everything holds back at most this many packets, and at most what the socket's buffer
 * takes: some 1000 whole segments, or 50,000 small packets.  A flood of these fills it in 130 ms: a busy
 * machine keeps our thread waiting for less, and when it is more, the heartbeat soon lets all pass. */
#define QUEUE_LENGTH 32768
#define SOCKET_BYTES ((size_t)64 << 20)
/* Shorter than the first retransmission of TCP (200 ms), so that a stall costs a flow one of them and
 * not two: with 300 ms a flow stood still for 670 ms. */
#define STALL_NS (150 * NS_PER_MS)

#define WAIT_NS \
 (20 * NS_PER_MS) /* the longest sleep; also what producer_flush() asks for */
#define CHECK_NS   (50 * NS_PER_MS)
#define ANSWER_NS  (2 * NS_PER_S) /* of waiting for the supervisor */
#define DRAIN_NS   (500 * NS_PER_MS)
#define QUIET_NS   (20 * NS_PER_MS)
#define FIRST_FROM 1024
#define LEFTOVERS  64 /* tables that are looked at */

static void divert_close(struct source *s)
{
	if (!s)
		return;
	nft_close(s->nft);
	link_watch_close(s->links);
	nfq_close(&s->nfq);
	load_close(s->load_fd);
	nfq_batch_fini(&s->batch);
	heartbeat_close(&s->heartbeat);
	port_pages_free(s->shared, sizeof *s->shared);
	mem_free(s);
}

/* Whether a table that is there sends to one of our queues: of a recorder that died with --strict. */
static bool is_sent_to(const struct nfq *q)
{
	struct nft_leftover list[LEFTOVERS];
	uint16_t queue;
	size_t count;

	if (nft_list_leftovers(list, LEFTOVERS, &count, NULL))
		return false;
	/* The name has the first of its queues alone. */
	for (size_t i = 0; i < count && i < LEFTOVERS; i++)
		if (nft_name_parse(list[i].table, &queue) &&
		    queue < q->first + q->count && q->first < queue + NFQ_QUEUES)
			return true;
	return false;
}

/* In a container a recorder often has the process id of the one before it, and so its number. */
static int open_free(struct source *s, struct nfq_config *q, struct weir_error *err)
{
	int rc = nfq_open(&s->nfq, q, err);

	for (unsigned i = 0; !rc && i < LEFTOVERS && is_sent_to(&s->nfq); i++) {
		q->from = (uint16_t)(s->nfq.first + NFQ_QUEUES);
		nfq_close(&s->nfq);
		rc = nfq_open(&s->nfq, q, err);
	}
	return rc;
}

static int open_queue(struct source *s, struct weir_error *err)
{
	const struct source_config *c = s->context->config;
	struct nfq_config q = {
		.count = c->queues ? c->queues : 1,
		.length = c->queue_length ? c->queue_length : QUEUE_LENGTH,
		/* Who judges packets here sees them whole. */
		.copy_bytes = s->filter || s->context->has_owners ? 0 : c->snaplen,
		.is_fail_open = !c->is_strict,
		.memory_bytes = SOCKET_BYTES
	};

	if (q.count > NFQ_QUEUES)
		return err_set(err, WEIR_ERR_USAGE, "%u queues: at most %d", q.count,
			       NFQ_QUEUES);
	/* Woken to beat, and by producer_flush(). */
	q.wait_ns = s->stall_ns / 4 < WAIT_NS ? s->stall_ns / 4 : WAIT_NS;
	q.from = (uint16_t)(FIRST_FROM + (unsigned)getpid() * 8 % 60000);
	s->queue_length = q.length;
	return open_free(s, &q, err);
}

static int check_abilities(struct source *s, struct weir_error *err)
{
	const struct nft_abilities *a = &s->abilities;
	int rc = nft_probe(&s->abilities, err);

	if (rc)
		return rc;
	if (!a->has_tables)
		return err_set(err, WEIR_ERR_UNSUPPORTED,
			       "cannot divert packets: this kernel has no nf_tables");
	if (!a->has_native_queue && !a->has_compat_queue)
		return err_set(
			err, WEIR_ERR_UNSUPPORTED,
			"cannot divert packets: this kernel's nf_tables has neither the "
			"queue expression nor the NFQUEUE target");
	return 0;
}

static int choose_interfaces(struct source *s, struct weir_error *err)
{
	const char *const *name = s->context->config->interfaces;
	unsigned index;

	for (; name && *name; name++) {
		if (divert_is_chosen(s, *name))
			continue;
		if (s->rules.interface_count == NFT_INTERFACES)
			return err_set(err, WEIR_ERR_LIMIT,
				       "too many interfaces: at most %d", NFT_INTERFACES);
		index = if_nametoindex(*name);
		if (!index)
			return err_set(err, WEIR_ERR_ABSENT,
				       "there is no interface '%.40s'", *name);
		s->rules.indexes[s->rules.interface_count] = index;
		s->rules.interfaces[s->rules.interface_count++] = *name;
	}
	return 0;
}

/* Not having one is no failure: the supervisor looks at the time then. */
static void open_heartbeat(struct source *s)
{
	const struct source_config *c = s->context->config;
	struct weir_error err = { .text = "this kernel has no bpf match for rules" };

	s->has_heartbeat = s->abilities.has_bpf_match &&
			   !heartbeat_open(&s->heartbeat, c->is_strict ? 0 : s->stall_ns,
					   s->filter, &err);
	if (!s->has_heartbeat)
		(void)snprintf(s->why_not, sizeof s->why_not, "%s", err.text);
}

static void choose_rules(struct source *s)
{
	const struct source_config *c = s->context->config;
	struct nft_rules *r = &s->rules;

	(void)snprintf(r->table, sizeof r->table, "weir_%d_%u", (int)getpid(),
		       s->nfq.first);
	r->is_forward = c->is_forward;
	r->priority = BASE_PRIORITY - c->priority;
	r->way = s->abilities.has_native_queue ? NFT_QUEUE_NATIVE : NFT_QUEUE_COMPAT;
	r->queue = s->nfq.first;
	r->queue_count = s->nfq.count;
	r->is_bypass = !c->is_strict;
	r->is_owned = !c->is_strict && s->abilities.has_owner;
	r->has_comment = s->abilities.has_comment;
	r->has_counter = s->abilities.has_counter;
	r->program_fd =
		s->heartbeat
			.program_fd[r->is_forward ? HEARTBEAT_FORWARD : HEARTBEAT_INPUT];
	r->output_program_fd = s->heartbeat.program_fd[HEARTBEAT_OUTPUT];
}

static int open_parts(struct source *s, struct weir_error *err)
{
	int rc = choose_interfaces(s, err);

	if (!rc)
		rc = link_watch_open(&s->links, err);
	if (!rc)
		rc = check_abilities(s, err);
	if (!rc)
		rc = open_queue(s, err);
	if (!rc)
		rc = nfq_batch_init(&s->batch, err);
	if (rc)
		return rc;
	s->shared = port_shared_new(sizeof *s->shared);
	if (!s->shared)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the supervisor");
	open_heartbeat(s);
	choose_rules(s);
	pace_init(&s->pace, pace_processors());
	s->processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	s->load_fd = load_open();
	return 0;
}

static int divert_open(struct source **out, struct source_context *context,
		       struct weir_error *err)
{
	struct source *s = mem_new(1, sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the packet source");
	s->context = context;
	if (context->config->filter && !filter_is_true(context->config->filter))
		s->filter = context->config->filter;
	s->stall_ns = context->config->stall_ns ? context->config->stall_ns : STALL_NS;
	s->wake_fd = s->load_fd = s->nfq.fd = s->nfq.table_fd = -1;
	heartbeat_init(&s->heartbeat);
	rc = open_parts(s, err);
	if (rc)
		divert_close(s);
	else
		*out = s;
	return rc;
}

static void beat(struct source *s, int64_t now)
{
	if (s->is_leaving)
		now = 0;
	atomic_store_explicit(&s->shared->beat_ns, now, memory_order_relaxed);
	if (s->has_heartbeat)
		heartbeat_beat(&s->heartbeat, now);
}

static enum divert_state state_of(const struct source *s)
{
	return (enum divert_state)atomic_load_explicit(&s->shared->state,
						       memory_order_acquire);
}

/* Where there is no supervisor, this process is its own. */
static void serve_oneself(struct source *s, enum divert_wish wish)
{
	if (wish == DIVERT_WISH_RULES) {
		if (divert_rules_install(s, &s->shared->error))
			return;
	} else if (wish == DIVERT_WISH_WITHDRAW) {
		divert_rules_withdraw(s);
	} else {
		divert_rules_remove(s);
	}
}

/* False when there is nobody left to ask. */
static bool ask(struct source *s, enum divert_wish wish)
{
	atomic_store_explicit(&s->shared->wish, wish, memory_order_release);
	if (s->wake_fd < 0) {
		serve_oneself(s, wish);
		return true;
	}
	return send(s->wake_fd, "w", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* Receives, beats, and looks at the counts when it is time.  Who cannot let packets go is no more alive
 * than who does not receive them. */
static int turn(struct source *s, bool is_waiting, struct weir_error *err)
{
	int64_t now = port_monotonic_ns();
	int n, rc = 0;

	if (!s->is_unanswered)
		beat(s, now);
	n = divert_turn(s, is_waiting, err);
	now = port_monotonic_ns();
	if (n > 0)
		pace_packets(&s->pace, now);
	producer_flush(s->context->producer, now, false);
	if (now - s->checked_ns >= CHECK_NS) {
		divert_report(s, now, false);
		if (pace_wants_load(&s->pace))
			pace_load(&s->pace, now, load_runnable(s->load_fd));
		s->checked_ns = now;
		rc = divert_follow(s, err);
	}
	return rc ? rc : n;
}

static void wait_packets(const struct source *s, int64_t timeout_ns)
{
	struct pollfd p = { .fd = s->nfq.fd, .events = POLLIN };

	(void)poll(&p, 1, (int)(timeout_ns / NS_PER_MS));
}

/* Until the rules are in place, or will not be: a request to stop may come first. */
static int wait_for_rules(struct source *s, struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + ANSWER_NS;

	if (!ask(s, DIVERT_WISH_RULES))
		return err_set(err, WEIR_ERR_CLOSED, "the supervisor is gone");
	while (state_of(s) == DIVERT_NONE && port_monotonic_ns() < until) {
		int n;

		if (port_event_wait(s->context->stop, 0))
			return 0;
		wait_packets(s, NS_PER_MS);
		n = turn(s, false, err);
		if (n < 0)
			return n;
	}
	if (state_of(s) == DIVERT_NONE)
		return err_set(err, WEIR_ERR_CLOSED,
			       "the supervisor did not answer in %d s",
			       (int)(ANSWER_NS / NS_PER_S));
	if (state_of(s) != DIVERT_FAILED)
		return 0;
	if (err)
		*err = s->shared->error;
	return s->shared->error.code ? (int)s->shared->error.code : WEIR_ERR_SYSTEM;
}

static int divert_start(struct source *s, struct weir_error *err)
{
	int rc;

	s->checked_ns = s->told_ns = port_monotonic_ns();
	s->told_at_ns = s->looked_ns = port_realtime_ns();
	beat(s, s->checked_ns);
	rc = wait_for_rules(s, err);
	/* A supervisor that comes to it later must not install rules that nobody serves. */
	if (rc)
		(void)ask(s, DIVERT_WISH_REMOVE);
	return rc;
}

/* A request to stop is seen at the next look at the counts: WAIT_NS or CHECK_NS later. */
static int divert_run(struct source *s, struct weir_error *err)
{
	bool is_stopped = false, is_waiting = false;
	int64_t looked_ns = 0;
	int n;

	while (!is_stopped && !producer_is_done(s->context->producer)) {
		n = turn(s, is_waiting, err);
		if (n < 0)
			return n;
		is_stopped = (is_waiting && !n) || s->checked_ns != looked_ns
				     ? port_event_wait(s->context->stop, 0)
				     : false;
		looked_ns = s->checked_ns;
		is_waiting = !n && !pace_looks(&s->pace, port_monotonic_ns());
		if (!n && !is_waiting)
			(void)sched_yield();
	}
	return 0;
}

/* The rules are still there, and who should take them out does not: a beat that is as old as the machine
 * makes the kernel let all pass, and count it, from now on.  With --strict nothing would. */
static void leave(struct source *s)
{
	s->is_leaving = !s->context->config->is_strict;
	if (s->is_leaving)
		beat(s, 0);
}

/* What is queued when the rules are out: until nothing has come for a while. */
static int receive_rest(struct source *s, struct weir_error *err)
{
	int64_t now = port_monotonic_ns(), until = now + DRAIN_NS, last = now;
	int n = 0;

	while (n >= 0 && now < until && now - last < QUIET_NS) {
		wait_packets(s, QUIET_NS);
		n = turn(s, false, err);
		now = port_monotonic_ns();
		if (n > 0)
			last = now;
	}
	return n < 0 ? n : 0;
}

/* The supervisor is dead, and its table went with it, but for one of --strict: what passed from then on
 * nobody has counted. */
static void tell_death(struct source *s)
{
	int64_t alive_ns =
		atomic_load_explicit(&s->shared->alive_ns, memory_order_relaxed);

	s->context->is_incomplete = true;
	store_event(s->context->store, "supervisor_died",
		    json_pack("{s:I, s:I}", "from_ns", (json_int_t)alive_ns, "to_ns",
			      (json_int_t)port_realtime_ns()));
}

static int divert_drain(struct source *s, struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + ANSWER_NS;
	bool is_asked = ask(s, DIVERT_WISH_WITHDRAW);
	int rc = 0, n = 0;

	if (!is_asked)
		tell_death(s);
	/* Where this kernel has no owned tables it is still there. */
	if (!is_asked && !s->rules.is_owned && !s->context->config->is_strict &&
	    !nft_open(&s->nft, NULL)) {
		s->wake_fd = -1;
		is_asked = ask(s, DIVERT_WISH_WITHDRAW);
	}

	/* Packets come until the rules are out. */
	while (is_asked && n >= 0 && state_of(s) == DIVERT_IN_PLACE &&
	       port_monotonic_ns() < until) {
		wait_packets(s, NS_PER_MS);
		n = turn(s, false, err);
	}
	if (state_of(s) == DIVERT_IN_PLACE)
		leave(s);
	rc = n < 0 ? n : receive_rest(s, err);
	divert_report(s, port_monotonic_ns(), true);
	if (!ask(s, DIVERT_WISH_REMOVE) && is_asked && state_of(s) == DIVERT_IN_PLACE)
		tell_death(s);
	return rc;
}

static json_t *divert_describe(struct source *s)
{
	const struct source_config *c = s->context->config;
	const struct nft_rules *r = &s->rules;
	json_t *heartbeat = c->is_strict ? json_false()
			    : s->has_heartbeat
				    ? json_pack("{s:s, s:I}", "where", "kernel",
						"stall_ns", (json_int_t)s->stall_ns)
				    : json_pack("{s:s, s:I, s:s}", "where", "supervisor",
						"stall_ns", (json_int_t)s->stall_ns,
						"why_not_kernel", s->why_not);

	return json_pack(
		"{s:s, s:s, s:o, s:s, s:b, s:b, s:b, s:b, s:i, s:i, s:i, s:i, s:s, s:s, "
		"s:o}",
		"table", r->table, "queue_rule",
		r->way == NFT_QUEUE_NATIVE ? "native" : "compat", "heartbeat", heartbeat,
		"filter_where",
		!s->filter                ? "none"
		: s->heartbeat.has_filter ? "kernel"
					  : "user",
		"is_owned", r->is_owned, "is_strict", c->is_strict, "bypass",
		r->is_bypass, "fail_open", !c->is_strict, "queue", (int)s->nfq.first,
		"queues", (int)s->nfq.count, "queue_length", (int)s->queue_length,
		"nf_priority", r->priority, "layer",
		c->is_forward ? "forward" : "network", "why_queues",
		c->queues ? "as asked" : "one thread serves all queues: more do not pay",
		"waiting",
		json_pack("{s:i, s:I, s:s}", "processors", (int)s->pace.processors,
			  "look_ns",
			  (json_int_t)(s->pace.processors > 1 ? PACE_LOOK_NS : 0), "how",
			  pace_word(s->pace.processors)));
}

/* The socket's buffer is taken as it fills: this is its bound. */
static uint64_t divert_memory(const struct source *s)
{
	return sizeof *s + SOCKET_BYTES + (uint64_t)NFQ_BATCH * NFQ_MESSAGE;
}

const struct source_ops source_divert = {
	.name = "divert",
	.is_in_stack = true,
	.clock =
		"CLOCK_REALTIME when the packet was received from the kernel's queue, one "
		"reading for each batch or large packet (NFQUEUE's own time is on input only, in microseconds, "
		"and not always there)",
	.open = divert_open,
	.start = divert_start,
	.run = divert_run,
	.drain = divert_drain,
	.describe = divert_describe,
	.memory = divert_memory,
	.close = divert_close,
};
