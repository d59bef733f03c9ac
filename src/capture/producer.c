#include "capture/producer.h"

#include "base/mem.h"
#include "base/time.h"

/* A block's span is sealed when it is this old, so that live readers see packets soon. */
#define SEAL_AGE_NS (40 * NS_PER_MS)

struct producer {
	struct producer_config config;
	uint8_t *memory;
	struct span *blocks;
	unsigned block_count;
	struct spsc full; /* to the write worker */
	struct spsc free; /* and back */
	/* Taken from `free`: the one that came back last is the next, for the processor's cache still
	 * holds some of it. */
	void **spare;
	struct counter spares;
	struct span *open[LANE_MAX];
	int64_t opened_ns
		[LANE_MAX]; /* monotonic, when the first record went in; 0: not yet known */
	/* The reservation. */
	struct iface *iface;
	uint32_t caplen, len;
	uint64_t sequence;
	/* With a judge: ids are given when a span is sealed. */
	uint64_t last_id, refused;
	struct losses losses;
	struct counter packets, most_used;
};

/* The write worker's thread gives a block back. */
static void release_block(struct span *span)
{
	struct producer *p = span->owner;
	bool has_room = spsc_push(&p->free, span);

	/* The queue has room for every block there is. */
	if (!has_room)
		abort();
}

static int take_memory(struct producer *p, struct weir_error *err)
{
	size_t size = p->config.block_bytes;

	p->block_count = (unsigned)(p->config.memory_bytes / size);
	if (p->block_count < 4)
		p->block_count = 4;
	p->memory = port_pages_new(p->block_count * size);
	p->blocks = mem_new(p->block_count, sizeof *p->blocks);
	p->spare = mem_new(p->block_count, sizeof *p->spare);
	if (!p->memory || !p->blocks || !p->spare ||
	    spsc_init(&p->full, p->block_count + p->config.foreign) ||
	    spsc_init(&p->free, p->block_count))
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot take %zu bytes of memory for the capture queue",
			       p->block_count * size);
	for (unsigned i = 0; i < p->block_count; i++) {
		p->blocks[i] = (struct span){ .data = p->memory + i * size,
					      .capacity = (uint32_t)size,
					      .release = release_block,
					      .owner = p };
		release_block(&p->blocks[i]);
	}
	return 0;
}

int producer_new(struct producer **out, const struct producer_config *config,
		 struct weir_error *err)
{
	struct producer *p = mem_new(1, sizeof *p);
	int rc;

	*out = NULL;
	if (!p)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for the capture queue");
	p->config = *config;
	rc = take_memory(p, err);
	if (rc) {
		producer_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void producer_free(struct producer *p)
{
	if (!p)
		return;
	spsc_fini(&p->full);
	spsc_fini(&p->free);
	port_pages_free(p->memory, p->block_count * p->config.block_bytes);
	mem_free(p->blocks);
	mem_free(p->spare);
	mem_free(p);
}

static void start_span(struct span *span, unsigned lane)
{
	span_clear(span);
	span->length = 0;
	span->lane = (uint8_t)lane;
	span->iface_count = 0;
}

/* What the judge does not want is as if it had never been made. */
static bool is_left(struct producer *p, struct span *span)
{
	uint32_t before = span->packets;

	judge_span(p->config.judge, span, &p->last_id, p->config.count_limit);
	p->refused += before - span->packets;
	counter_set(&p->packets, p->sequence - p->refused);
	if (!span->packets)
		start_span(span, span->lane);
	return span->packets != 0;
}

static void push(struct producer *p, struct span *span)
{
	/* The queue has room for every span there is. */
	if (!spsc_push(&p->full, span))
		abort();
	if (p->config.wake_writer)
		port_event_set(p->config.wake_writer);
}

static void seal(struct producer *p, unsigned lane)
{
	struct span *span = p->open[lane];

	p->open[lane] = NULL;
	if (!span)
		return;
	if (!span->packets) {
		/* Never handed over: it stays ours, and is the next one to be opened. */
		p->open[lane] = span;
		return;
	}
	if (p->config.judge && !is_left(p, span)) {
		p->open[lane] = span;
		return;
	}
	push(p, span);
}

static size_t free_blocks(const struct producer *p)
{
	return spsc_count(&p->free) + counter_read(&p->spares);
}

static unsigned used_blocks(const struct producer *p)
{
	size_t count = free_blocks(p);

	/* One on its way from the one to the other may be in both. */
	return count < p->block_count ? p->block_count - (unsigned)count : 0;
}

static struct span *pop_block(struct producer *p)
{
	uint64_t count = counter_read(&p->spares);
	struct span *span = NULL;

	while ((span = spsc_pop(&p->free)) != NULL)
		p->spare[count++] = span;
	if (count)
		span = p->spare[--count];
	counter_set(&p->spares, count);
	return span;
}

static struct span *take_block(struct producer *p, unsigned lane)
{
	struct span *span = pop_block(p);
	unsigned used;

	while (!span && p->config.is_blocking) {
		struct port_event never = { .fd = -1 };

		(void)port_event_wait(&never, NS_PER_MS);
		span = pop_block(p);
	}
	if (!span)
		return NULL;
	used = used_blocks(p);
	if (used > counter_read(&p->most_used))
		counter_set(&p->most_used, used);
	start_span(span, lane);
	p->open[lane] = span;
	p->opened_ns[lane] = 0;
	return span;
}

/* The lane's open block, or the next one where that has no room; NULL: there is none. */
static struct span *find_room(struct producer *p, unsigned lane, uint32_t caplen)
{
	struct span *span = p->open[lane];
	size_t room = record_room(caplen) + SPAN_PAD_LEAST;

	if (span && span->capacity - span->length < room) {
		seal(p, lane);
		span = p->open[lane];
	}
	if (!span)
		span = take_block(p, lane);
	return span && span->capacity - span->length >= room ? span : NULL;
}

uint8_t *producer_place(struct producer *p, const struct iface *iface, uint32_t caplen)
{
	struct span *span = find_room(p, iface->lane, caplen);

	return span ? span->data + span->length + RECORD_DATA : NULL;
}

uint8_t *producer_reserve(struct producer *p, struct iface *iface, uint32_t caplen,
			  uint32_t len)
{
	struct span *span;

	if (producer_is_done(p))
		return NULL;
	span = find_room(p, iface->lane, caplen);
	if (UNLIKELY(!span)) {
		loss_add(&p->losses, LOSS_QUEUE_FULL, 1, len);
		return NULL;
	}
	p->iface = iface;
	p->caplen = caplen;
	p->len = len;
	return span->data + span->length + RECORD_DATA;
}

uint32_t producer_limit(const struct producer *p, uint32_t limit)
{
	return p->config.judge ? RECORD_MAX_DATA : limit;
}

bool producer_has_room(const struct producer *p, const struct iface *iface,
		       uint32_t caplen)
{
	const struct span *span = p->open[iface->lane];

	return (span &&
		span->capacity - span->length >= record_room(caplen) + SPAN_PAD_LEAST) ||
	       free_blocks(p);
}

static void stamp(struct producer *p, const struct iface *iface, struct record_meta *meta)
{
	meta->iface_id = iface->id;
	meta->id = (uint64_t)p->config.number << 48 | ++p->sequence;
	counter_set(&p->packets, p->sequence - p->refused);
}

void producer_stamp(struct producer *p, const struct iface *iface,
		    struct record_meta *meta)
{
	uint64_t n = p->config.judge ? p->last_id + 1 : p->sequence + 1;

	stamp(p, iface, meta);
	p->last_id = n;
	meta->id = (uint64_t)p->config.number << 48 | n;
}

void producer_hand(struct producer *p, struct span *span)
{
	seal(p, span->lane);
	push(p, span);
}

void producer_commit(struct producer *p, struct record_meta *meta)
{
	struct span *span = p->open[p->iface->lane];

	stamp(p, p->iface, meta);
	meta->caplen = p->caplen;
	meta->len = p->len;
	if (p->config.judge)
		judge_meta(meta);
	span->length += (uint32_t)record_finish(span->data + span->length, meta);
	span->packets++;
	span->bytes += p->caplen;
	span->wire_bytes += p->len;
	span->is_sorted &= meta->ns >= span->last_ns;
	if (meta->ns < span->first_ns)
		span->first_ns = meta->ns;
	if (meta->ns > span->last_ns)
		span->last_ns = meta->ns;
	if (p->iface->id >= span->iface_count)
		span->iface_count = p->iface->id + 1;
}

bool producer_put(struct producer *p, struct iface *iface, const uint8_t *bytes,
		  uint32_t caplen, uint32_t len, struct record_meta *meta)
{
	uint8_t *data = producer_reserve(p, iface, caplen, len);

	if (!data)
		return false;
	memcpy(data, bytes, caplen);
	producer_commit(p, meta);
	return true;
}

bool producer_flush(struct producer *p, int64_t now_monotonic_ns, bool force)
{
	bool is_left_open = false;

	for (unsigned lane = 0; lane < LANE_MAX; lane++) {
		struct span *span = p->open[lane];

		if (!span || !span->packets)
			continue;
		is_left_open = true;
		if (!force && p->config.is_untimed)
			continue;
		/* The age counts from the first flush that sees it: no clock a packet. */
		if (!force && !p->opened_ns[lane])
			p->opened_ns[lane] = now_monotonic_ns;
		else if (force || now_monotonic_ns - p->opened_ns[lane] >= SEAL_AGE_NS)
			seal(p, lane);
	}
	return is_left_open;
}

bool producer_is_done(const struct producer *p)
{
	uint64_t made = p->config.judge ? p->last_id : p->sequence;

	return p->config.count_limit && made >= p->config.count_limit;
}

struct losses *producer_losses(struct producer *p)
{
	return &p->losses;
}

const struct counter *producer_packets(const struct producer *p)
{
	return &p->packets;
}

void producer_fill(const struct producer *p, unsigned *used, unsigned *most,
		   unsigned *all)
{
	*used = used_blocks(p);
	*most = (unsigned)counter_read(&p->most_used);
	*all = p->block_count;
}

void producer_waiting(const struct producer *p, unsigned *waiting, unsigned *all)
{
	*waiting = (unsigned)spsc_count(&p->full);
	*all = p->block_count + p->config.foreign;
}

struct span *producer_take(struct producer *p)
{
	return spsc_pop(&p->full);
}

struct judge *producer_judge(const struct producer *p)
{
	return p->config.judge;
}

bool producer_is_judged(const struct producer *p)
{
	return p->config.judge != NULL;
}
