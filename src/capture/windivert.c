/* Packets through WinDivert: `sniff` has copies of them, `divert` takes them, copies them into the
 * capture queue and sends them on at once.
 *
 * Nothing of ours holds a packet: where the queue is full it goes on unrecorded, and counted; where
 * that lasts, the handle is exchanged for one that only copies.  What the driver itself drops, of
 * packets that wait for us, it does not say: driver_loss.h estimates it. */
#include "base/mem.h"
#include "base/time.h"
#include "capture/windivert_parts.h"
#include "port/adapters.h"

#include <stdlib.h>

#define WAIT_NS  (20 * NS_PER_MS)
#define STALL_NS (150 * NS_PER_MS)
#define DRAIN_NS (2 * NS_PER_S)
#define LOOK_NS  (5 * NS_PER_MS)

static void wd_close(struct source *s)
{
	if (!s)
		return;
	windivert_close(s->handle);
	windivert_close(s->probe);
	windivert_unload(s->w);
	mem_free(s->filter_text);
	mem_free(s);
}

/* The driver's part of the filter; the rest is asked here, or by the judge where it waits for the
 * packet's process. */
static int choose_filter(struct source *s, struct weir_error *err)
{
	const struct source_config *c = s->context->config;
	int rc;

	s->filter_text = mem_new(FILTER_WINDIVERT_TEXT, 1);
	if (!s->filter_text)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the filter");
	(void)snprintf(s->filter_text, FILTER_WINDIVERT_TEXT, "true");
	s->is_exact = true;
	if (!c->filter || filter_is_true(c->filter))
		return 0;
	rc = filter_windivert(c->filter, s->filter_text, FILTER_WINDIVERT_TEXT,
			      &s->is_exact, err);
	if (!rc && !s->is_exact && !c->is_filter_late)
		s->filter = c->filter;
	return rc;
}

/* A name as people see it, or a number. */
static int choose_interfaces(struct source *s, struct weir_error *err)
{
	const char *const *name = s->context->config->interfaces;

	for (; name && *name; name++) {
		char *end;
		unsigned long index = strtoul(*name, &end, 10);
		struct adapter a;

		if (s->interface_count == WD_INTERFACES)
			return err_set(err, WEIR_ERR_LIMIT,
				       "too many interfaces: at most %d", WD_INTERFACES);
		if (*end || !index || index > UINT32_MAX) {
			if (!adapter_find(&a, 0, *name))
				return err_set(err, WEIR_ERR_ABSENT,
					       "there is no interface '%.60s'", *name);
			index = a.index;
		}
		s->interfaces[s->interface_count++] = (uint32_t)index;
	}
	return 0;
}

static int check_options(const struct source *s, struct weir_error *err)
{
	const struct source_config *c = s->context->config;

	if (c->is_strict)
		return err_set(
			err, WEIR_ERR_USAGE,
			"--strict cannot be kept on Windows: WinDivert drops packets "
			"that wait too long without a word, and lets all pass when its "
			"handle closes");
	if (c->queues || c->queue_length)
		return err_set(err, WEIR_ERR_USAGE,
			       "--queues and --queue-length have no meaning on Windows: "
			       "WinDivert has one queue, which is set to its largest");
	return 0;
}

static void choose_how(struct source *s)
{
	const struct source_config *c = s->context->config;

	s->how = (struct windivert_how){
		.filter = s->filter_text,
		.layer = c->is_forward ? WINDIVERT_FORWARD : WINDIVERT_NETWORK,
		.priority = c->priority,
		.batch = WINDIVERT_BATCH,
		.buffer_bytes = WD_BUFFER_BYTES,
	};
	if (!s->is_inline)
		s->how.flags = WINDIVERT_SNIFF | WINDIVERT_RECV_ONLY;
	/* Fragments as they come, not what Windows makes of them. */
	if (!c->is_forward)
		s->how.flags |= WINDIVERT_FRAGMENTS;
}

/* Loads the driver, and shows every error there can be, while no packet is touched yet. */
static int open_probe(struct source *s, struct weir_error *err)
{
	struct windivert_how how = s->how;
	const char *words;
	unsigned at;
	int rc;

	if (!windivert_compiles(s->w, s->how.filter, s->how.layer, &words, &at))
		return err_set(
			err, WEIR_ERR_USAGE,
			"WinDivert cannot read the filter that was made for it: %s at "
			"byte %u of '%.200s'",
			words ? words : "?", at, s->how.filter);
	how.filter = "false";
	how.batch = 1;
	rc = windivert_open(&s->probe, s->w, &how, err);
	/* The flag came with 2.2: drivers before it take all else. */
	if (rc == WEIR_ERR_USAGE && how.flags & WINDIVERT_FRAGMENTS) {
		how.flags &= ~(unsigned)WINDIVERT_FRAGMENTS;
		rc = windivert_open(&s->probe, s->w, &how, err);
		s->how.flags = how.flags;
	}
	if (!rc)
		rc = windivert_raise_limits(s->probe, &s->limits, err);
	if (!rc)
		rc = windivert_version(s->probe, &s->major, &s->minor, err);
	return rc;
}

static int open_parts(struct source *s, struct weir_error *err)
{
	int rc = check_options(s, err);

	if (!rc)
		rc = choose_filter(s, err);
	if (!rc)
		rc = choose_interfaces(s, err);
	if (!rc)
		rc = windivert_load(&s->w, err);
	if (rc)
		return rc;
	choose_how(s);
	return open_probe(s, err);
}

static int wd_open(struct source **out, struct source_context *context, bool is_inline,
		   struct weir_error *err)
{
	struct source *s = mem_new(1, sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the packet source");
	s->context = context;
	s->is_inline = is_inline;
	rc = open_parts(s, err);
	if (rc)
		wd_close(s);
	else
		*out = s;
	return rc;
}

static int divert_open(struct source **out, struct source_context *context,
		       struct weir_error *err)
{
	return wd_open(out, context, true, err);
}

static int sniff_open(struct source **out, struct source_context *context,
		      struct weir_error *err)
{
	return wd_open(out, context, false, err);
}

/* From now on packets come. */
static int open_handle(struct source *s, struct weir_error *err)
{
	struct windivert_how how = s->how;
	int rc;

	if (s->is_through)
		how.flags |= WINDIVERT_SNIFF | WINDIVERT_RECV_ONLY;
	rc = windivert_open(&s->handle, s->w, &how, err);
	if (!rc)
		rc = windivert_raise_limits(s->handle, &s->limits, err);
	return rc;
}

static int wd_start(struct source *s, struct weir_error *err)
{
	struct driver_limits limits;
	int rc;

	windivert_raise_thread();
	tick_clock_init(&s->clock, windivert_ticks_per_s());
	s->told_ns = port_monotonic_ns();
	s->told_at_ns = port_realtime_ns();
	wd_anchor(s, s->told_ns, false);
	rc = open_handle(s, err);
	limits = (struct driver_limits){ .packets = s->limits.packets,
					 .bytes = s->limits.bytes,
					 .time_ms = s->limits.time_ms,
					 .slack = WINDIVERT_BATCH };
	driver_loss_init(&s->loss, &limits, windivert_ticks_per_s(), windivert_ticks());
	s->noted[0] = s->noted[1] = (struct wd_noted){ .ticks = s->loss.began };
	s->noted_ns = s->told_ns;
	return rc;
}

/* As windivert_receive(); what came is recorded and sent on. */
static int turn(struct source *s, const struct port_event *also, int64_t timeout_ns,
		struct weir_error *err)
{
	struct windivert_got got;
	int rc;

	driver_loss_call(&s->loss, windivert_ticks());
	rc = windivert_receive(s->handle, also, timeout_ns, &got, err);
	driver_loss_return(&s->loss, windivert_ticks());
	if (rc > 0)
		wd_take(s, &got);
	return rc;
}

/* Each second: by what has come since, a rate is known.  Where nothing waits, none came until now. */
static void note_rate(struct source *s, int64_t now, bool is_idle)
{
	const struct driver_loss *l = &s->loss;

	if (now - s->noted_ns < NS_PER_S)
		return;
	s->noted_ns = now;
	s->noted[0] = s->noted[1];
	s->noted[1] =
		(struct wd_noted){ .packets = l->packets + l->estimated,
				   .ticks = is_idle || !l->has_last ? windivert_ticks()
								    : l->last };
}

/* Packets that come in so much time, by the times of those of the last seconds; rounded up. */
static uint64_t expected(const struct source *s, int64_t ns)
{
	const struct driver_loss *l = &s->loss;
	uint64_t packets = l->packets + l->estimated - s->noted[0].packets;
	int64_t span = tick_clock_span_ns(&s->clock, l->last - s->noted[0].ticks);

	if (span <= 0 || ns <= 0)
		return 1;
	return (uint64_t)((double)packets / (double)span * (double)ns + 1);
}

/* What our buffer holds already nobody else has: it goes on, however long that takes.  What the driver
 * still queues came between the last packet from there and the shut-down. */
static void settle(struct source *s, int64_t shut_ticks)
{
	int64_t last;
	uint64_t packets;
	struct weir_error ignored;

	windivert_settle(s->handle);
	while (turn(s, NULL, 0, &ignored) > 0)
		continue;
	last = s->loss.has_last ? s->loss.last : s->loss.began;
	if (last > shut_ticks)
		last = shut_ticks;
	packets = expected(s, tick_clock_span_ns(&s->clock, shut_ticks - last));
	if (packets > s->limits.packets)
		packets = s->limits.packets;
	wd_tell_estimate(s, LOSS_KERNEL,
			 "the driver's queue could not be emptied in time", packets,
			 tick_clock_ns(&s->clock, last),
			 tick_clock_ns(&s->clock, shut_ticks));
}

/* What is queued in the driver is recorded and goes on; bounded.  What comes meanwhile passes. */
static int empty(struct source *s, struct weir_error *err)
{
	int64_t until = port_monotonic_ns() + DRAIN_NS, shut_ticks;
	int rc = 0;

	windivert_shut(s->handle);
	shut_ticks = windivert_ticks();
	while (rc >= 0 && port_monotonic_ns() < until)
		rc = turn(s, NULL, WAIT_NS, err);
	if (rc >= 0)
		settle(s, shut_ticks);
	windivert_close(s->handle);
	s->handle = NULL;
	return rc == WEIR_ERR_CLOSED || rc >= 0 ? 0 : rc;
}

/* Exchanges the handle.  From when the old one is shut to when the new one is open packets pass by
 * themselves: while the driver's queue is emptied, which may take seconds, and while it opens. */
static int exchange(struct source *s, bool is_through, struct weir_error *err)
{
	int64_t from_ns = port_realtime_ns(), began_ns = port_monotonic_ns();
	int rc = empty(s, err);

	s->is_through = is_through;
	if (!rc)
		rc = open_handle(s, err);
	wd_tell_estimate(s, LOSS_STALL, "the handle was exchanged",
			 expected(s, port_monotonic_ns() - began_ns), from_ns,
			 port_realtime_ns());
	s->full_since_ns = 0;
	return rc;
}

static void tell_through(struct source *s, int64_t now)
{
	store_event(s->context->store, "sniff_through",
		    json_pack("{s:s, s:I, s:I, s:I, s:I}", "why",
			      "the capture queue was full for too long: packets were "
			      "copied, not taken",
			      "from_ns", (json_int_t)s->through_at_ns, "to_ns",
			      (json_int_t)port_realtime_ns(), "duration_ns",
			      (json_int_t)(now - s->through_ns), "recorded_packets",
			      (json_int_t)(s->recorded - s->recorded_before)));
}

/* The capture queue is full: for how long?  And has it been emptied? */
static int look_at_queue(struct source *s, int64_t now, uint64_t lost_before,
			 struct weir_error *err)
{
	int64_t stall_ns = s->context->config->stall_ns;
	unsigned waiting, all;

	if (!s->is_inline)
		return 0;
	if (s->is_through) {
		producer_waiting(s->context->producer, &waiting, &all);
		if (waiting > all / 4)
			return 0;
		tell_through(s, now);
		return exchange(s, false, err);
	}
	if (counter_read(
		    &producer_losses(s->context->producer)->packets[LOSS_QUEUE_FULL]) ==
	    lost_before) {
		s->full_since_ns = 0;
		return 0;
	}
	if (!s->full_since_ns)
		s->full_since_ns = now;
	if (now - s->full_since_ns < (stall_ns ? stall_ns : STALL_NS))
		return 0;
	s->through_ns = now;
	s->through_at_ns = port_realtime_ns();
	s->recorded_before = s->recorded;
	return exchange(s, true, err);
}

/* Asking costs a system call: not a batch, but often enough where batches are slow. */
static bool is_stopped(struct source *s, int n, int64_t now)
{
	if (n && now - s->looked_ns < LOOK_NS)
		return false;
	s->looked_ns = now;
	return port_event_wait(s->context->stop, 0);
}

static int wd_run(struct source *s, struct weir_error *err)
{
	struct producer *p = s->context->producer;
	int64_t now = port_monotonic_ns();
	int n = 0;

	while (!is_stopped(s, n, now) && !producer_is_done(p)) {
		const struct counter *full =
			&producer_losses(p)->packets[LOSS_QUEUE_FULL];
		uint64_t lost = counter_read(full);
		int rc = 0;

		n = turn(s, s->context->stop, WAIT_NS, err);
		if (n < 0)
			return n;
		now = port_monotonic_ns();
		note_rate(s, now, !n);
		producer_flush(p, now, false);
		wd_anchor(s, now, false);
		wd_report(s, now, false);
		if (n || s->is_through)
			rc = look_at_queue(s, now, lost, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int wd_drain(struct source *s, struct weir_error *err)
{
	int64_t now = port_monotonic_ns();
	int rc = 0;

	if (s->is_through)
		tell_through(s, now);
	if (s->handle)
		rc = empty(s, err);
	driver_loss_finish(&s->loss);
	now = port_monotonic_ns();
	wd_anchor(s, now, true);
	wd_report(s, now, true);
	return rc;
}

static uint64_t wd_memory(const struct source *s)
{
	return sizeof *s + FILTER_WINDIVERT_TEXT + windivert_memory(&s->how);
}

#define WD_CLOCK                                                                           \
 "the performance counter (QPC) when WinDivert queued the packet, as UTC by anchors that " \
 "are taken anew each second"

const struct source_ops source_divert = {
	.name = "divert",
	.clock = WD_CLOCK,
	.is_in_stack = true,
	.open = divert_open,
	.start = wd_start,
	.run = wd_run,
	.drain = wd_drain,
	.describe = wd_describe,
	.memory = wd_memory,
	.close = wd_close,
};

const struct source_ops source_sniff = {
	.name = "sniff",
	.clock = WD_CLOCK,
	.is_in_stack = true,
	.open = sniff_open,
	.start = wd_start,
	.run = wd_run,
	.drain = wd_drain,
	.describe = wd_describe,
	.memory = wd_memory,
	.close = wd_close,
};
