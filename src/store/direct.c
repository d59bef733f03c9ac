/* The direct way to the disk: whole spans, past the page cache, several writes in flight.
 *
 *	            room, pages, space taken ahead             done, and all before it
 *	span ------------------------------------> in flight ---------------------------> landed
 *	  | else                                        | an error, or a short write
 *	  v                                             v
 *	appended                                   the segment is cut behind what has landed, and all
 *	                                           of it that was in flight is appended
 *
 * Small spans are appended: a page for each of them would be most of the file. */
#include "store/internal.h"

#include "base/time.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	DIRECT_LEAST =
		64 * 1024 /* bytes of records that are worth half a page of padding */
};

#define WAIT_NS NS_PER_S

/* A trial file tells: nothing else knows what the file system can do. */
void direct_probe(struct store *s)
{
	static const char name[] = ".trial";
	int fd, direct_fd;

	if (s->config.layout != STORE_SEGMENTS || s->config.has_packet_clock)
		return;
	fd = s->disk->make(s->dir_fd, name);
	if (fd < 0)
		return;
	direct_fd = s->disk->open_direct(s->dir_fd, name);
	if (direct_fd < 0)
		(void)snprintf(s->direct_why, sizeof s->direct_why,
			       "writes past the page cache: %s", strerror(errno));
	else if (s->disk->extend(fd, 0, SPAN_ALIGNMENT))
		(void)snprintf(s->direct_why, sizeof s->direct_why,
			       "taking space ahead: %s", strerror(errno));
	else
		s->has_direct = !flights_init(&s->flights, s->disk, FLIGHTS_DEPTH);
	if (direct_fd >= 0)
		(void)close(direct_fd);
	(void)close(fd);
	(void)s->disk->remove(s->dir_fd, name);
}

json_t *direct_facts(const struct store *s)
{
	const struct writes *w = s->flights.writes;
	json_t *j = json_pack("{s:b}", "is_direct", s->has_direct);

	if (s->has_direct) {
		json_object_set_new(j, "method", json_string(writes_method(w)));
		json_object_set_new(j, "in_flight", json_integer(s->flights.depth));
		if (writes_why(w)[0])
			json_object_set_new(j, "why", json_string(writes_why(w)));
	} else {
		json_object_set_new(j, "method", json_string("pwrite"));
		json_object_set_new(j, "in_flight", json_integer(1));
		if (s->direct_why[0])
			json_object_set_new(j, "why", json_string(s->direct_why));
	}
	return j;
}

static void close_if_ending(struct store *s, struct segment *g)
{
	if (g->flights || !g->ending)
		return;
	s->ending--;
	writer_close(s, g, g->ending);
}

static void land(struct store *s, struct flight *t)
{
	struct segment *g = t->segment;

	g->facts.file_bytes += t->length;
	g->pending_bytes -= t->length;
	g->pending_packets -= t->piece.packets;
	g->flights--;
	segment_count(g, &t->piece);
	writer_count(s, g->facts.lane, &t->piece);
	counter_add(&s->progress.written_bytes, t->length);
	t->span->release(t->span);
}

/* Where the segment cannot go on, its records are lost. */
static void append_again(struct store *s, struct segment *g, const struct piece *p)
{
	if (segment_is_open(g) && !writer_is_suspended(s))
		writer_put(s, g, p);
	else
		loss_add(&s->losses, LOSS_DISK_FULL, p->packets, p->bytes);
}

static void recover(struct store *s, struct segment *g)
{
	struct flight flights[WRITES_MAX];
	const char *ending = g->ending;
	unsigned count;

	while (!flights_are_done(&s->flights, g))
		flights_wait(&s->flights, WAIT_NS);
	count = flights_take_out(&s->flights, g, flights);
	g->flights = 0;
	g->pending_bytes = g->pending_packets = 0;
	/* It is closed here, after the last of them, and not by what happens on the way. */
	g->ending = NULL;
	segment_plain(g);
	for (unsigned i = 0; i < count; i++) {
		append_again(s, g, &flights[i].piece);
		flights[i].span->release(flights[i].span);
	}
	if (!ending)
		return;
	g->ending = ending;
	close_if_ending(s, g);
}

/* In the order in which they were sent. */
static void land_done(struct store *s)
{
	struct flight *t;

	while ((t = flights_first(&s->flights)) != NULL) {
		struct segment *g = t->segment;

		if (g && !t->is_done)
			return;
		if (g && t->error) {
			recover(s, g);
			continue;
		}
		if (g)
			land(s, t);
		flights_pop(&s->flights);
		if (g)
			close_if_ending(s, g);
	}
}

void direct_collect(struct store *s)
{
	if (!s->flights.count)
		return;
	flights_collect(&s->flights);
	land_done(s);
}

void direct_settle(struct store *s, const struct segment *g)
{
	while (g ? g->flights : s->flights.count) {
		flights_wait(&s->flights, WAIT_NS);
		land_done(s);
	}
}

/* A pad up to the next page, so that pages can follow. */
static int align(struct store *s, struct segment *g, struct weir_error *err)
{
	uint64_t end = segment_end(g), to = ALIGN_UP(end, (uint64_t)SPAN_ALIGNMENT);

	if (to == end)
		return 0;
	if (to - end < SPAN_PAD_LEAST)
		to += SPAN_ALIGNMENT;
	pad_put(s->blocks, (size_t)(to - end));
	return writer_append_blocks(s, g, (size_t)(to - end), err);
}

/* Whether the lane's segment has, or gets, room for it.  What goes wrong is found out by appending. */
static bool find_room(struct store *s, const struct span *span, size_t padded)
{
	const size_t need = padded + 2 * SPAN_ALIGNMENT;
	struct weir_error err;
	struct piece all;

	piece_of_span(&all, span);
	for (unsigned tries = 0; tries < 2; tries++) {
		struct segment *g = s->lanes[span->lane];

		if (!segment_is_open(g) && writer_open_lane(s, span, &all, &err))
			return false;
		g = s->lanes[span->lane];
		if (writer_room(s, g, span) >= need)
			return true;
		if (tries || !writer_finish_lane(s, span->lane, "size"))
			return false;
	}
	return false;
}

static bool is_for_direct(const struct store *s, const struct span *span)
{
	const struct segment *g = s->lanes[span->lane];

	return s->has_direct && !writer_is_suspended(s) &&
	       g->processes.pending_count < PROCESS_PENDING / 2 &&
	       (span->length >= DIRECT_LEAST || g->flights) &&
	       (!s->config.rotate_bytes || span->length <= s->config.rotate_bytes / 4);
}

static bool prepare(struct store *s, struct segment *g, const struct span *span,
		    size_t padded)
{
	struct weir_error err;

	return !writer_describe(s, g, span, &err) && !align(s, g, &err) &&
	       segment_direct(g, s->dir_fd, padded, writer_room(s, g, span));
}

bool direct_write(struct store *s, struct span *span)
{
	struct segment *g;
	size_t padded;

	if (!is_for_direct(s, span))
		return false;
	padded = span_padded(span);
	if (!padded || !find_room(s, span, padded))
		return false;
	while (!flights_has_room(&s->flights)) {
		flights_wait(&s->flights, WAIT_NS);
		land_done(s);
	}
	g = s->lanes[span->lane];
	/* What landed, or did not, may have closed it or filled the disk. */
	if (!segment_is_open(g) || !prepare(s, g, span, padded))
		return false;
	span_pad(span, padded);
	if (s->is_pressed || s->is_sparing)
		g->facts.is_hashed = false;
	segment_hash(g, span->data, padded);
	if (!flights_send(&s->flights, g, span, padded)) {
		process_set_note(&g->processes, span);
		return true;
	}
	/* Not taken: the hash has seen it, the file has not. */
	g->facts.is_hashed = false;
	direct_settle(s, g);
	return false;
}
