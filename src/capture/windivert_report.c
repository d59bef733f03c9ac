/* What the manifest is told of WinDivert: what it is, what was seen of it, what it probably lost. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"
#include "capture/windivert_parts.h"

#include <fcntl.h>
#include <unistd.h>

#define TELL_NS        NS_PER_S
#define ANCHOR_NS      NS_PER_S
#define ANCHOR_TELL_NS (60 * NS_PER_S)
#define HASH_CHUNK     (64 * 1024)
#define SERVICES       8

static void tell_anchor(struct source *s, bool is_step, int64_t now)
{
	const struct tick_clock *c = &s->clock;

	store_event(s->context->store, "clock_anchor",
		    json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I}", "ticks",
			      (json_int_t)c->ticks, "utc_ns", (json_int_t)c->utc_ns,
			      "ticks_per_s", (json_int_t)c->ticks_per_s, "width_ns",
			      (json_int_t)c->width_ns, "off_ns", (json_int_t)c->off_ns,
			      "is_step", is_step, "anchors", (json_int_t)c->anchors,
			      "steps", (json_int_t)c->steps));
	s->anchor_told_ns = now;
}

void wd_anchor(struct source *s, int64_t now, bool is_last)
{
	struct tick_reading r = { 0 };
	bool is_first = !s->clock.has_anchor, is_step;

	if (!is_first && !is_last && now - s->anchored_ns < ANCHOR_NS)
		return;
	windivert_anchor(&r.before, &r.after, &r.utc_ns);
	is_step = tick_clock_anchor(&s->clock, &r);
	s->anchored_ns = now;
	if (is_first || is_last || is_step || now - s->anchor_told_ns >= ANCHOR_TELL_NS)
		tell_anchor(s, is_step, now);
}

static void tell_gap(struct source *s, enum loss reason, const char *why,
		     uint64_t packets, uint64_t bytes, int64_t from_ns, int64_t to_ns,
		     bool is_estimated)
{
	store_event(s->context->store, "gap",
		    json_pack("{s:s, s:s, s:I, s:I, s:b, s:I, s:I}", "reason",
			      loss_name(reason), "why", why, "packets",
			      (json_int_t)packets, "bytes", (json_int_t)bytes,
			      "is_estimated", is_estimated, "from_ns",
			      (json_int_t)from_ns, "to_ns", (json_int_t)to_ns));
}

void wd_tell_estimate(struct source *s, enum loss reason, const char *why,
		      uint64_t packets, int64_t from_ns, int64_t to_ns)
{
	loss_add(s->context->losses, reason, packets, 0);
	tell_gap(s, reason, why, packets, 0, from_ns, to_ns, true);
}

static void tell_driver_gaps(struct source *s)
{
	static const char *const why[] = {
		[DRIVER_GAP_PACKETS] =
			"the driver's queue held as many packets as it may",
		[DRIVER_GAP_BYTES] = "the driver's queue held as many bytes as it may",
		[DRIVER_GAP_TIME] =
			"packets waited for longer than the driver keeps them",
	};
	struct driver_gap g;

	while (driver_loss_take(&s->loss, &g))
		wd_tell_estimate(s, LOSS_KERNEL, why[g.why], g.packets,
				 tick_clock_ns(&s->clock, g.from_ticks),
				 tick_clock_ns(&s->clock, g.to_ticks));
}

static void tell_queue_full(struct source *s, int64_t to_ns)
{
	const struct losses *l = producer_losses(s->context->producer);
	uint64_t packets = counter_read(&l->packets[LOSS_QUEUE_FULL]);
	uint64_t bytes = counter_read(&l->bytes[LOSS_QUEUE_FULL]);
	uint64_t told = counter_read(&s->told.packets[LOSS_QUEUE_FULL]);

	if (packets == told)
		return;
	tell_gap(s, LOSS_QUEUE_FULL,
		 s->is_inline
			 ? "the capture queue was full: packets were sent on unrecorded"
			 : "the capture queue was full",
		 packets - told, bytes - counter_read(&s->told.bytes[LOSS_QUEUE_FULL]),
		 s->told_at_ns, to_ns, false);
	counter_set(&s->told.packets[LOSS_QUEUE_FULL], packets);
	counter_set(&s->told.bytes[LOSS_QUEUE_FULL], bytes);
}

/* Something that should not be, counted since the last time. */
static void tell_odd(struct source *s, const char *type, const char *what, uint64_t now,
		     uint64_t *told)
{
	if (now == *told)
		return;
	store_event(s->context->store, type,
		    json_pack("{s:I, s:s}", "packets", (json_int_t)(now - *told), "what",
			      what));
	*told = now;
}

/* What the end says of the driver's queue. */
static void tell_driver(struct source *s)
{
	const struct driver_loss *l = &s->loss;

	store_event(
		s->context->store, "driver_queue",
		json_pack(
			"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
			"received_packets", (json_int_t)l->packets, "most_packets",
			(json_int_t)l->most_packets, "most_bytes",
			(json_int_t)l->most_bytes, "most_age_ns",
			(json_int_t)tick_clock_span_ns(&s->clock, l->most_age),
			"most_away_ns",
			(json_int_t)tick_clock_span_ns(&s->clock, l->most_away), "gaps",
			(json_int_t)l->gap_total, "estimated_lost_packets",
			(json_int_t)l->estimated, "impostor_packets",
			(json_int_t)s->impostors, "loopback_packets",
			(json_int_t)s->loopback, "note",
			"WinDivert drops packets beyond its limits and counts none of them: "
			"what is lost there is estimated from the packets' times"));
}

void wd_report(struct source *s, int64_t now, bool is_last)
{
	int64_t at_ns;

	if (!is_last && now - s->told_ns < TELL_NS)
		return;
	at_ns = port_realtime_ns();
	tell_driver_gaps(s);
	tell_queue_full(s, at_ns);
	tell_odd(s, "not_sent", s->send_error.text, s->not_sent, &s->told_not_sent);
	tell_odd(s, "maybe_sent", s->maybe_error.text, s->maybe_sent,
		 &s->told_maybe_sent);
	tell_odd(s, "uncut",
		 "packets of a batch without a length that can be: recorded with "
		 "the one before them, as one",
		 s->uncut, &s->told_uncut);
	tell_odd(s, "bad_address",
		 "no address of WinDivert's: dated when it was received", s->odd,
		 &s->told_odd);
	tell_odd(s, "truncated", "longer than the buffer: the driver kept the rest",
		 s->truncated, &s->told_truncated);
	if (is_last)
		tell_driver(s);
	s->told_ns = now;
	s->told_at_ns = at_ns;
}

static void hash_file(const char *path, char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES], *chunk = mem_new(1, HASH_CHUNK);
	struct hash *h = hash_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n = -1;

	hex[0] = '\0';
	if (h && chunk && fd >= 0) {
		while (!rc && (n = read(fd, chunk, HASH_CHUNK)) > 0)
			rc = hash_update(h, chunk, (size_t)n);
		if (!rc && !n && !hash_finish(h, digest))
			hash_hex(digest, hex);
	}
	mem_free(chunk);
	hash_free(h);
	if (fd >= 0)
		(void)close(fd);
}

static json_t *describe_services(void)
{
	struct windivert_service services[SERVICES];
	int n = windivert_services(services, SERVICES, NULL);
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:b}", "name", services[i].name,
				  "state", services[i].state, "image", services[i].image,
				  "is_elsewhere", services[i].is_elsewhere));
	return list;
}

static json_t *describe_flags(unsigned flags)
{
	json_t *list = json_array();

	if (flags & WINDIVERT_SNIFF)
		(void)json_array_append_new(list, json_string("sniff"));
	if (flags & WINDIVERT_RECV_ONLY)
		(void)json_array_append_new(list, json_string("recv_only"));
	if (flags & WINDIVERT_FRAGMENTS)
		(void)json_array_append_new(list, json_string("fragments"));
	return list;
}

json_t *wd_describe(struct source *s)
{
	char path[1024], hex[HASH_HEX], version[32];

	windivert_path(path, sizeof path);
	hash_file(path, hex);
	(void)snprintf(version, sizeof version, "%u.%u", s->major, s->minor);
	return json_pack(
		"{s:{s:s, s:s, s:s, s:o}, s:s, s:i, s:o, s:s, s:s, s:{s:I, s:I, s:I}, "
		"s:{s:i, s:i, s:i}, s:s}",
		"windivert", "dll", path, "dll_sha256", hex, "version", version,
		"services", describe_services(), "layer",
		windivert_layer_name(s->how.layer), "priority", s->how.priority, "flags",
		describe_flags(s->how.flags), "driver_filter", s->filter_text,
		"filter_where",
		!s->context->config->filter ? "none"
		: s->is_exact               ? "driver"
					    : "driver and recorder",
		"driver_queue", "packets", (json_int_t)s->limits.packets, "time_ms",
		(json_int_t)s->limits.time_ms, "bytes", (json_int_t)s->limits.bytes,
		"receive", "requests", 1, "batch", (int)s->how.batch, "buffer_bytes",
		(int)s->how.buffer_bytes, "driver_losses",
		"estimated: WinDivert counts none");
}
