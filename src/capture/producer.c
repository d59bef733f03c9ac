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
	struct span *open[LANE_MAX];
	int64_t opened_ns
		[LANE_MAX]; /* monotonic, when the first record went in; 0: not yet known */
	/* The reservation. */
	struct iface *iface;
	uint32_t caplen, len;
	uint64_t sequence;
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
	if (!p->memory || !p->blocks || spsc_init(&p->full, p->block_count) ||
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
	mem_free(p);
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
	/* The queue has room for every block there is. */
	if (!spsc_push(&p->full, span))
		abort();
	port_event_set(p->config.wake_writer);
}

static void start_span(struct span *span, unsigned lane)
{
	span->length = span->packets = 0;
	span->bytes = span->wire_bytes = 0;
	span->first_ns = INT64_MAX;
	span->last_ns = INT64_MIN;
	span->is_sorted = true;
	span->lane = (uint8_t)lane;
	span->iface_count = 0;
}

static unsigned used_blocks(const struct producer *p)
{
	return p->block_count - (unsigned)spsc_count(&p->free);
}

static struct span *take_block(struct producer *p, unsigned lane)
{
	struct span *span = spsc_pop(&p->free);
	unsigned used;

	while (!span && p->config.is_blocking) {
		struct port_event never = { .fd = -1 };

		(void)port_event_wait(&never, NS_PER_MS);
		span = spsc_pop(&p->free);
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

uint8_t *producer_reserve(struct producer *p, struct iface *iface, uint32_t caplen,
			  uint32_t len)
{
	struct span *span = p->open[iface->lane];
	size_t room = record_room(caplen);

	if (producer_is_done(p))
		return NULL;
	if (span && span->capacity - span->length < room) {
		seal(p, iface->lane);
		span = p->open[iface->lane];
	}
	if (!span)
		span = take_block(p, iface->lane);
	if (UNLIKELY(!span || span->capacity - span->length < room)) {
		loss_add(&p->losses, LOSS_QUEUE_FULL, 1, len);
		return NULL;
	}
	p->iface = iface;
	p->caplen = caplen;
	p->len = len;
	return span->data + span->length + RECORD_DATA;
}

bool producer_has_room(const struct producer *p, const struct iface *iface,
		       uint32_t caplen)
{
	const struct span *span = p->open[iface->lane];

	return (span && span->capacity - span->length >= record_room(caplen)) ||
	       spsc_count(&p->free);
}

void producer_commit(struct producer *p, struct record_meta *meta)
{
	struct span *span = p->open[p->iface->lane];

	meta->iface_id = p->iface->id;
	meta->caplen = p->caplen;
	meta->len = p->len;
	meta->id = (uint64_t)p->config.number << 48 | ++p->sequence;
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
	counter_set(&p->packets, p->sequence);
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

void producer_flush(struct producer *p, int64_t now_monotonic_ns, bool force)
{
	for (unsigned lane = 0; lane < LANE_MAX; lane++) {
		struct span *span = p->open[lane];

		if (!span || !span->packets)
			continue;
		if (!force && p->config.is_untimed)
			continue;
		/* The age counts from the first flush that sees it: no clock a packet. */
		if (!force && !p->opened_ns[lane])
			p->opened_ns[lane] = now_monotonic_ns;
		else if (force || now_monotonic_ns - p->opened_ns[lane] >= SEAL_AGE_NS)
			seal(p, lane);
	}
}

bool producer_is_done(const struct producer *p)
{
	return p->config.count_limit && p->sequence >= p->config.count_limit;
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

struct span *producer_take(struct producer *p)
{
	return spsc_pop(&p->full);
}
