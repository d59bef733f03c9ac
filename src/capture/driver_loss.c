#include "capture/driver_loss.h"

/* What the queue's limit in bytes counts for a packet besides its bytes is not told: this much at
 * least; and the largest packet, which may have been the one that no longer fitted. */
#define OVERHEAD_BYTES 64
#define LARGEST_BYTES  65575
/* Fewer packets tell no rate. */
#define LEAST_FOR_RATE 16

void driver_loss_init(struct driver_loss *l, const struct driver_limits *limits,
		      int64_t ticks_per_s, int64_t now)
{
	*l = (struct driver_loss){ .limits = *limits,
				   .ticks_per_s = ticks_per_s > 0 ? ticks_per_s : 1,
				   .began = now,
				   .away_since = now };
}

/* As long as packets are kept, less a hundredth: clocks of two sides. */
static int64_t kept_ticks(const struct driver_loss *l)
{
	return (int64_t)((double)l->limits.time_ms / 1000.0 * 0.99 *
			 (double)l->ticks_per_s);
}

void driver_loss_call(struct driver_loss *l, int64_t now)
{
	int64_t away = now - l->away_since;
	bool is_late = away >= kept_ticks(l);
	struct driver_mark *m;

	if (away > l->most_away)
		l->most_away = away;
	/* Nothing came since the last one: the two see one gap, and the later one more of the queue. */
	if (l->fresh) {
		m = &l->marks[(l->head + l->count - 1) % DRIVER_MARKS];
		m->at = now;
		m->is_late |= is_late;
		return;
	}
	/* Full: the older ones say more, and are resolved first. */
	if (l->count == DRIVER_MARKS)
		return;
	m = &l->marks[(l->head + l->count) % DRIVER_MARKS];
	*m = (struct driver_mark){ .at = now,
				   .last = l->has_last ? l->last : l->began,
				   .packets = l->packets,
				   .bytes = l->bytes,
				   .is_late = is_late };
	l->count++;
	l->fresh++;
}

void driver_loss_return(struct driver_loss *l, int64_t now)
{
	l->away_since = now;
}

/* Packets that seem to be missing in front of a mark's first one, by the rate of those that came with
 * it: the driver drops the oldest only, so within one call's packets none is missing. */
static double missing_at(const struct driver_loss *l, unsigned i)
{
	const struct driver_mark *m = &l->marks[(l->head + i) % DRIVER_MARKS];
	const struct driver_mark *next = &l->marks[(l->head + i + 1) % DRIVER_MARKS];
	bool is_newest = i + 1 == l->count;
	uint64_t n = (is_newest ? l->packets : next->packets) - m->packets;
	int64_t span = (is_newest ? l->last : next->last) - m->first;
	double missing;

	if (n < LEAST_FOR_RATE || span <= 0)
		return 0;
	missing = (double)(m->first - m->last) * (double)(n - 1) / (double)span - 1;
	return missing > 0 ? missing : 0;
}

/* What was in the queue at the oldest mark and was dropped from it later: the gaps since, and of the
 * one that reaches beyond the mark its share, but no more than the others say. */
static double missing_since(const struct driver_loss *l)
{
	int64_t at = l->marks[l->head].at;
	double sum = 0, last = 0;
	unsigned gaps = 0;

	for (unsigned i = 1; i < l->count - l->fresh; i++) {
		const struct driver_mark *m = &l->marks[(l->head + i) % DRIVER_MARKS];

		if (m->first > at) {
			last = m->last < at ? sum / (gaps ? gaps : 1) *
						      (double)(at - m->last) /
						      (double)(m->first - m->last)
					    : 0;
			break;
		}
		sum += missing_at(l, i);
		gaps++;
	}
	return sum + last;
}

/* Packets a tick: of those that waited, else of the whole time. */
static double rate_of(const struct driver_loss *l, const struct driver_mark *m,
		      double waited)
{
	/* Where some of those that waited are missing, the last ones are among them. */
	int64_t all = l->last - l->began;
	int64_t until = waited > (double)(l->packets - m->packets) ? m->at : l->last;

	if (waited >= LEAST_FOR_RATE && until > m->first)
		return waited / (double)(until - m->first);
	return all > 0 ? (double)l->packets / (double)all : 0;
}

static void claim(struct driver_loss *l, const struct driver_mark *m, double waited,
		  enum driver_gap_why why, bool is_certain)
{
	int64_t to = m->has_first ? m->first : m->at;
	double missing = (double)(to - m->last) * rate_of(l, m, waited) - 1;
	uint64_t packets = missing > 0 ? (uint64_t)(missing + 0.5) : 0;
	struct driver_gap *g;

	if (!packets && !is_certain)
		return;
	packets = packets ? packets : 1;
	l->estimated += packets;
	l->gap_total++;
	if (l->gap_count == DRIVER_GAPS) {
		g = &l->gaps[DRIVER_GAPS - 1];
		g->packets += packets;
		g->to_ticks = to;
		return;
	}
	l->gaps[l->gap_count++] = (struct driver_gap){
		.from_ticks = m->last, .to_ticks = to, .packets = packets, .why = why
	};
}

static void note_most(struct driver_loss *l, uint64_t packets, uint64_t bytes,
		      int64_t age)
{
	if (packets > l->most_packets)
		l->most_packets = packets;
	if (bytes > l->most_bytes)
		l->most_bytes = bytes;
	if (age > l->most_age)
		l->most_age = age;
}

/* A packet of a later time has come: all that was in the queue at the oldest mark is known. */
static void resolve(struct driver_loss *l)
{
	const struct driver_mark *m = &l->marks[l->head];
	uint64_t packets = l->packets - m->packets, bytes = l->bytes - m->bytes;
	int64_t age = m->has_first && m->first < m->at ? m->at - m->first : 0;
	double share = 1, waited, size;

	note_most(l, packets, bytes, age);
	/* While packets come faster than they are taken, what was in the queue is dropped before it
	 * is received.  A short queue is never taken for a full one because of that. */
	if (packets >= l->limits.packets / 16 && packets)
		share = ((double)packets + missing_since(l)) / (double)packets;
	waited = (double)packets * share;
	size = (double)(bytes + packets * OVERHEAD_BYTES) * share + LARGEST_BYTES;
	if (waited >= (double)l->limits.packets * 0.97)
		claim(l, m, waited, DRIVER_GAP_PACKETS,
		      packets >= l->limits.packets + l->limits.slack);
	else if (packets && size >= (double)l->limits.bytes)
		claim(l, m, waited, DRIVER_GAP_BYTES, false);
	else if (m->is_late || age >= kept_ticks(l))
		claim(l, m, waited, DRIVER_GAP_TIME, m->is_late);
}

static void resolve_until(struct driver_loss *l, int64_t ticks)
{
	while (l->count && l->marks[l->head].at < ticks) {
		resolve(l);
		l->head = (l->head + 1) % DRIVER_MARKS;
		l->count--;
		if (l->fresh > l->count)
			l->fresh = l->count;
	}
}

void driver_loss_packet(struct driver_loss *l, int64_t ticks, uint32_t bytes)
{
	for (; l->fresh; l->fresh--) {
		struct driver_mark *m =
			&l->marks[(l->head + l->count - l->fresh) % DRIVER_MARKS];

		m->first = ticks;
		m->has_first = true;
	}
	resolve_until(l, ticks);
	l->packets++;
	l->bytes += bytes;
	/* Of several processors, times may go back a little. */
	if (!l->has_last || ticks > l->last)
		l->last = ticks;
	l->has_last = true;
}

void driver_loss_finish(struct driver_loss *l)
{
	resolve_until(l, INT64_MAX);
}

bool driver_loss_take(struct driver_loss *l, struct driver_gap *gap)
{
	if (!l->gap_count)
		return false;
	*gap = l->gaps[0];
	l->gap_count--;
	for (unsigned i = 0; i < l->gap_count; i++)
		l->gaps[i] = l->gaps[i + 1];
	return true;
}

const char *driver_gap_name(enum driver_gap_why why)
{
	static const char *const names[] = { "packets", "bytes", "time" };

	return names[why];
}
