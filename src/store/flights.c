#include "store/flights.h"

#include <errno.h>

int flights_init(struct flights *f, const struct disk *disk, unsigned depth)
{
	*f = (struct flights){ .disk = disk, .depth = depth };
	f->writes = writes_new(depth, true);
	return f->writes ? 0 : WEIR_ERR_NO_MEMORY;
}

void flights_fini(struct flights *f)
{
	writes_free(f->writes);
	f->writes = NULL;
}

static struct flight *slot(struct flights *f, unsigned n)
{
	return &f->slots[(f->first + n) % WRITES_MAX];
}

int flights_send(struct flights *f, struct segment *g, struct span *span, size_t padded)
{
	struct flight *t = slot(f, f->count);
	uint64_t at = segment_end(g);

	*t = (struct flight){ .segment = g, .span = span, .length = padded };
	piece_of_span(&t->piece, span);
	if (f->disk->submit(f->writes, g->direct_fd, span->data, padded, (off_t)at,
			    (uint32_t)(t - f->slots)))
		return -1;
	f->count++;
	f->flying++;
	g->flights++;
	g->pending_bytes += padded;
	g->pending_packets += span->packets;
	return 0;
}

void flights_collect(struct flights *f)
{
	struct written done[WRITES_MAX];
	unsigned n;

	while ((n = f->disk->take(f->writes, done, WRITES_MAX)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct flight *t = &f->slots[done[i].tag];

			t->is_done = true;
			f->flying--;
			if (done[i].result < 0)
				t->error = -done[i].result;
			else if ((size_t)done[i].result != t->length)
				t->error =
					EIO; /* short: what the rest wants is found out again */
		}
	}
}

void flights_wait(struct flights *f, int64_t timeout_ns)
{
	unsigned before = f->flying;

	flights_collect(f);
	/* What is done behind an unfinished first one is no news: it was done when the caller asked. */
	if (f->flying < before || !f->flying || slot(f, 0)->is_done)
		return;
	writes_wait(f->writes, timeout_ns);
	flights_collect(f);
}

struct flight *flights_first(struct flights *f)
{
	return f->count ? slot(f, 0) : NULL;
}

void flights_pop(struct flights *f)
{
	f->first = (f->first + 1) % WRITES_MAX;
	f->count--;
}

bool flights_are_done(const struct flights *f, const struct segment *g)
{
	for (unsigned i = 0; i < f->count; i++) {
		const struct flight *t = &f->slots[(f->first + i) % WRITES_MAX];

		if (t->segment == g && !t->is_done)
			return false;
	}
	return true;
}

unsigned flights_take_out(struct flights *f, const struct segment *g,
			  struct flight out[WRITES_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->count; i++) {
		struct flight *t = slot(f, i);

		if (t->segment != g)
			continue;
		out[n++] = *t;
		t->segment = NULL;
	}
	return n;
}
