/* The write worker's side of a directory store: spans go to the open segment of their lane, which
 * is finished and followed by the next where size or time says so.
 *
 *	           append fails: no room                    look: there is room
 *	RECORDING ------------------------> SUSPENDED --------------------------> RECORDING
 *	  every open segment is finished     spans are counted in LOSS_DISK_FULL    in new segments
 */
#include "store/internal.h"

#include "base/time.h"
#include "store/facts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	ROOM_TO_RESUME = 1024 * 1024
};

bool writer_is_suspended(const struct store *s)
{
	return counter_read(&s->progress.is_suspended) != 0;
}

void writer_count(struct store *s, unsigned lane, const struct piece *p)
{
	if (!p->packets)
		return;
	if (!counter_read(&s->progress.packets)) {
		s->first_ns = p->first_ns;
		s->last_ns = p->last_ns;
	}
	s->first_ns = p->first_ns < s->first_ns ? p->first_ns : s->first_ns;
	s->last_ns = p->last_ns > s->last_ns ? p->last_ns : s->last_ns;
	counter_add(&s->progress.packets, p->packets);
	counter_add(&s->progress.bytes, p->bytes);
	counter_add(&s->progress.wire_bytes, p->wire_bytes);
	if (s->config.has_packet_clock)
		piece_count(p, s->records[lane], IFACE_MAX);
}

/* Time rotation: which interval an instant lies in. */
static int64_t bucket_of(const struct store *s, int64_t ns)
{
	return s->config.rotate_ns ? ns / s->config.rotate_ns : 0;
}

static int64_t bucket_end(const struct store *s, int64_t bucket)
{
	if (!s->config.rotate_ns || !s->config.has_packet_clock ||
	    bucket >= INT64_MAX / s->config.rotate_ns)
		return INT64_MAX;
	return (bucket + 1) * s->config.rotate_ns;
}

int writer_append_blocks(struct store *s, struct segment *g, size_t length,
			 struct weir_error *err)
{
	int rc = segment_append(g, s->blocks, length, NULL, err);

	if (rc)
		segment_keep(g, s->blocks, 0);
	else
		counter_add(&s->progress.written_bytes, length);
	return rc;
}

static void tell_write_error(struct store *s, struct segment *g,
			     const struct weir_error *err)
{
	if (err->sys == g->told_errno)
		return;
	g->told_errno = err->sys;
	ledger_event(s->ledger, "write_error",
		     json_pack("{s:s,s:i,s:s,s:I}", "name", g->facts.name, "errno",
			       err->sys, "error", strerror(err->sys), "offset",
			       (json_int_t)g->facts.file_bytes),
		     true);
}

/* Who the packets so far are of, where that is known; nothing may be in flight. */
static void append_processes(struct store *s, struct segment *g, bool is_last)
{
	struct weir_error err;
	size_t length;

	process_set_begin(&g->processes);
	while (s->config.layout == STORE_SEGMENTS &&
	       (length = process_set_next(&g->processes, &s->config.processes, s->blocks,
					  is_last)) != 0)
		if (writer_append_blocks(s, g, length, &err)) {
			if (err.code != WEIR_ERR_NO_SPACE)
				tell_write_error(s, g, &err);
			return;
		}
}

void writer_close(struct store *s, struct segment *g, const char *reason)
{
	struct weir_error err;
	uint64_t end;
	int fd;

	append_processes(s, g, true);
	if (s->config.layout == STORE_SEGMENTS &&
	    writer_append_blocks(s, g, blocks_stats(s, &g->facts), &err) &&
	    err.code != WEIR_ERR_NO_SPACE)
		tell_write_error(s, g, &err);
	end = g->facts.file_bytes;
	if (s->config.layout == STORE_SEGMENTS && segment_pad(g, &err))
		tell_write_error(s, g, &err);
	/* Retention takes the segment's size off what was written. */
	counter_add(&s->progress.written_bytes, g->facts.file_bytes - end);
	fd = segment_close(g, reason);
	counter_add(&s->progress.segments, 1);
	ledger_segment(s->ledger, &g->facts, fd);
}

static struct segment *idle_segment(struct store *s)
{
	for (unsigned i = 0; i < SEGMENTS_MAX; i++) {
		struct segment *g = &s->segments[i];
		bool is_lanes = false;

		for (unsigned lane = 0; lane < LANE_MAX; lane++)
			is_lanes = is_lanes || s->lanes[lane] == g;
		if (!is_lanes && !segment_is_open(g))
			return g;
	}
	return NULL;
}

/* Whether the ledger takes so many items.  An import waits for it: where its segments end must not
 * depend on how fast the disk is.  Where the disk is full the wait could last for ever. */
static bool ledger_takes(struct store *s, size_t count)
{
	while (!ledger_has_room(s->ledger, count)) {
		if (!s->config.has_packet_clock || ledger_is_stuck(s->ledger))
			return false;
		ledger_wait(s->ledger);
	}
	return true;
}

bool writer_finish_lane(struct store *s, unsigned lane, const char *reason)
{
	struct segment *g = s->lanes[lane], *next;

	if (!segment_is_open(g))
		return true;
	if (!ledger_takes(s, s->ending + 1 + LANE_MAX))
		return false;
	next = g->flights ? idle_segment(s) : NULL;
	if (next) {
		g->ending = reason;
		s->ending++;
		s->lanes[lane] = next;
		return true;
	}
	direct_settle(s, g);
	writer_close(s, g, reason);
	return true;
}

/* Where segments may be removed there is room soon. */
static int64_t look_interval(const struct store *s)
{
	return s->config.keep_bytes || s->config.keep_ns ? 50 * NS_PER_MS : NS_PER_S;
}

static void suspend(struct store *s, const struct weir_error *err)
{
	s->was_suspended = true;
	counter_set(&s->progress.is_suspended, 1);
	s->suspended_ns = port_monotonic_ns();
	s->look_ns = s->suspended_ns + look_interval(s);
	s->lost_before_packets = counter_read(&s->losses.packets[LOSS_DISK_FULL]);
	s->lost_before_bytes = counter_read(&s->losses.bytes[LOSS_DISK_FULL]);
	for (unsigned lane = 0; lane < LANE_MAX; lane++)
		(void)writer_finish_lane(s, lane, "disk_full");
	ledger_event(s->ledger, "suspended",
		     json_pack("{s:s,s:i,s:s,s:o}", "reason", "disk_full", "errno",
			       err->sys, "error", strerror(err->sys), "free_bytes",
			       facts_size(store_disk_free(s))),
		     true);
	ledger_make_room(s->ledger);
}

/* Free space as the file system states it can be no use to us (quota, reserve of root): a trial
 * file of that size tells. */
static bool has_room_again(struct store *s)
{
	static const char name[] = ".trial";
	bool has_room;
	int fd;

	if (store_disk_free(s) < ROOM_TO_RESUME)
		return false;
	fd = s->disk->make(s->dir_fd, name);
	if (fd < 0)
		return errno == EEXIST && s->disk->remove(s->dir_fd, name) == 0;
	has_room = s->disk->reserve(fd, 0, ROOM_TO_RESUME) == 0 || errno == EOPNOTSUPP;
	(void)close(fd);
	return s->disk->remove(s->dir_fd, name) == 0 && has_room;
}

static void look_for_room(struct store *s)
{
	int64_t now = port_monotonic_ns();

	if (now < s->look_ns)
		return;
	s->look_ns = now + look_interval(s);
	if (!has_room_again(s)) {
		ledger_make_room(s->ledger);
		return;
	}
	ledger_event(
		s->ledger, "resumed",
		json_pack("{s:I,s:I,s:I,s:o}", "packets",
			  (json_int_t)(counter_read(&s->losses.packets[LOSS_DISK_FULL]) -
				       s->lost_before_packets),
			  "bytes",
			  (json_int_t)(counter_read(&s->losses.bytes[LOSS_DISK_FULL]) -
				       s->lost_before_bytes),
			  "duration_ns", (json_int_t)(now - s->suspended_ns),
			  "free_bytes", facts_size(store_disk_free(s))),
		true);
	counter_set(&s->progress.is_suspended, 0);
}

/* What could not be written is counted, and a full disk suspends. */
static void lose(struct store *s, struct segment *g, const struct piece *p,
		 const struct weir_error *err)
{
	enum loss reason = disk_is_full(err->sys) ? LOSS_DISK_FULL : LOSS_WRITE;

	if (reason == LOSS_WRITE)
		tell_write_error(s, g, err);
	else if (!writer_is_suspended(s))
		suspend(s, err);
	loss_add(&s->losses, reason, p->packets, p->bytes);
}

/* The time that decides which interval a new segment is of. */
static int64_t first_time(const struct store *s, const struct piece *rest)
{
	struct block b;

	if (!s->config.has_packet_clock)
		return s->now_ns;
	for (size_t at = 0; at < rest->length; at += b.length) {
		block_read(&b, rest->data + at);
		if (b.is_record)
			return b.ns;
	}
	return rest->first_ns;
}

/* Makes the file with its head; without a whole head there is no file. */
static int make_segment(struct store *s, struct segment *g, const struct span *span,
			struct weir_error *err)
{
	bool is_hashed =
		!s->config.is_hash_deferred &&
		port_monotonic_ns() >= (int64_t)counter_read(&s->progress.busy_until_ns);
	int rc = segment_open(g, s->dir_fd, is_hashed, err);

	if (rc == WEIR_ERR_EXISTS)
		s->number++; /* somebody else's file: it stays, the number is passed over */
	if (rc || s->config.layout != STORE_SEGMENTS)
		return rc;
	rc = writer_append_blocks(s, g, blocks_head(s, span->lane, span->iface_count),
				  err);
	if (rc) {
		(void)close(segment_close(g, "write"));
		(void)s->disk->remove(s->dir_fd, g->facts.name);
	}
	return rc;
}

int writer_open_lane(struct store *s, const struct span *span, const struct piece *rest,
		     struct weir_error *err)
{
	static const char *const suffix[] = { "pcapng", "list.jsonl", "list.jsonl" };
	unsigned lane = span->lane;
	struct segment *g = s->lanes[lane];
	int rc;

	g->facts = (struct segment_facts){
		.number = s->number + 1,
		.lane = lane,
		.linktype = iface_in_lane(s->ifaces, lane, 0)->info.linktype,
		.iface_count = span->iface_count,
	};
	(void)snprintf(g->facts.name, sizeof g->facts.name, "%010u.%s", g->facts.number,
		       suffix[s->config.layout]);
	g->is_adaptive = !s->config.has_packet_clock;
	process_set_clear(&g->processes);
	rc = make_segment(s, g, span, err);
	if (rc)
		return rc;
	s->number++;
	g->bucket = bucket_of(s, first_time(s, rest));
	ledger_opened(s->ledger, &g->facts, g->fd);
	return 0;
}

int writer_describe(struct store *s, struct segment *g, const struct span *span,
		    struct weir_error *err)
{
	unsigned known = g->facts.iface_count;
	int rc = 0;

	if (span->iface_count <= known)
		return 0;
	direct_settle(s, g);
	if (s->config.layout == STORE_SEGMENTS)
		rc = writer_append_blocks(
			s, g, blocks_interfaces(s, span->lane, known, span->iface_count),
			err);
	if (!rc)
		g->facts.iface_count = span->iface_count;
	return rc;
}

uint64_t writer_room(const struct store *s, const struct segment *g,
		     const struct span *span)
{
	uint64_t used = segment_end(g) + g->facts.beside_bytes;
	unsigned iface_count = span->iface_count;

	if (!s->config.rotate_bytes)
		return UINT64_MAX;
	if (s->config.layout == STORE_SEGMENTS) {
		used += (uint64_t)iface_count * PCAPNG_STATS_MAX +
			process_set_cost(&g->processes, span);
		if (iface_count > g->facts.iface_count)
			used += (uint64_t)(iface_count - g->facts.iface_count) *
				PCAPNG_INTERFACE_MAX;
	}
	return used < s->config.rotate_bytes ? s->config.rotate_bytes - used : 0;
}

/* The part of the rest that belongs into the open segment; an empty one: it has to be finished. */
static void fit(const struct store *s, const struct segment *g, const struct span *span,
		const struct piece *rest, struct piece *p)
{
	struct piece_limits limits = {
		.room = writer_room(s, g, span),
		.extra = s->packets ? packets_cost(s->packets) : 0,
		.until_ns = bucket_end(s, g->bucket),
		.is_one_allowed = !g->facts.packets && !g->pending_packets,
	};

	if (limits.room >= rest->length + (uint64_t)limits.extra * rest->packets &&
	    (limits.until_ns == INT64_MAX || rest->last_ns < limits.until_ns))
		*p = *rest;
	else
		piece_cut(p, rest->data, rest->length, &limits);
}

static int append_piece(struct store *s, struct segment *g, const struct piece *p,
			size_t *done, struct weir_error *err)
{
	if (s->packets)
		return packets_append(s->packets, g, p, done, err);
	return segment_append(g, p->data, p->length, done, err);
}

void writer_put(struct store *s, struct segment *g, const struct piece *p)
{
	struct piece kept = *p, lost;
	struct weir_error err = { 0 };
	size_t done = 0;
	int rc = append_piece(s, g, p, &done, &err);

	if (rc) {
		piece_scan(&kept, p->data, done);
		if (!s->packets)
			segment_keep(g, p->data, kept.length);
		piece_scan(&lost, p->data + kept.length, p->length - kept.length);
	}
	segment_count(g, &kept);
	writer_count(s, g->facts.lane, &kept);
	if (!s->packets)
		counter_add(&s->progress.written_bytes, kept.length);
	if (rc)
		lose(s, g, &lost, &err);
}

/* Takes `p` off the front of the rest. */
static void advance(struct piece *rest, const struct piece *p)
{
	size_t left = rest->length - p->length;

	piece_scan(rest, rest->data + p->length, left);
	/* What fell out here would be lost and counted nowhere. */
	assert(rest->length == left);
}

static const char *why_full(const struct store *s, const struct segment *g,
			    const struct piece *rest)
{
	struct block b;

	block_read(&b, rest->data);
	return block_is_late(&b, bucket_end(s, g->bucket)) ? "time" : "size";
}

/* Span by piece, as far as each segment goes. */
static void append_span(struct store *s, const struct span *span)
{
	struct weir_error err = { 0 };
	struct piece rest, p;

	piece_of_span(&rest, span);
	while (rest.length) {
		struct segment *g = s->lanes[span->lane];

		if (writer_is_suspended(s)) {
			loss_add(&s->losses, LOSS_DISK_FULL, rest.packets, rest.bytes);
			return;
		}
		if ((!segment_is_open(g) && writer_open_lane(s, span, &rest, &err))) {
			lose(s, g, &rest, &err);
			return;
		}
		direct_settle(s, g);
		fit(s, g, span, &rest, &p);
		if (!p.length && writer_finish_lane(s, span->lane, why_full(s, g, &rest)))
			continue;
		if (!p.length) /* the ledger is behind: the segment becomes too large */
			p = rest;
		if (writer_describe(s, g, span, &err)) {
			lose(s, g, &rest, &err);
			return;
		}
		writer_put(s, g, &p);
		process_set_note(&g->processes, span);
		append_processes(s, g, false);
		advance(&rest, &p);
	}
}

void writer_write(struct store *s, struct span *span)
{
	direct_collect(s);
	if (direct_write(s, span))
		return;
	append_span(s, span);
	span->release(span);
}

void writer_tick(struct store *s)
{
	direct_collect(s);
	if (writer_is_suspended(s)) {
		look_for_room(s);
		return;
	}
	for (unsigned lane = 0; lane < LANE_MAX; lane++)
		if (segment_is_open(s->lanes[lane]) && !s->lanes[lane]->flights)
			append_processes(s, s->lanes[lane], false);
	if (s->config.has_packet_clock)
		return;
	for (unsigned lane = 0; lane < LANE_MAX; lane++) {
		struct segment *g = s->lanes[lane];

		if (segment_is_open(g) && bucket_of(s, s->now_ns) > g->bucket)
			(void)writer_finish_lane(s, lane, "time");
	}
}

void writer_finish(struct store *s)
{
	direct_settle(s, NULL);
	for (unsigned lane = 0; lane < LANE_MAX; lane++)
		while (!writer_finish_lane(s, lane, "end"))
			ledger_wait(s->ledger);
}
