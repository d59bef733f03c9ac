/* What a packet costs between the source and the disk: making its record in the capture queue's
 * memory, sealing, and the way of the span to the taking end and back, on one thread.
 * Fixed input, one warm-up run, then RUNS runs; ns a packet, minimum and median. */
#include "base/compiler.h"
#include "capture/producer.h"

#include <stdlib.h>

#define RUNS    15
#define PACKETS 1000000

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void take_all(struct producer *p)
{
	struct span *span;

	while ((span = producer_take(p)) != NULL)
		span->release(span);
}

/* ns a packet; negative when one was dropped. */
static double run(struct producer *p, struct iface *iface, const uint8_t *bytes,
		  uint32_t size)
{
	int64_t begin = port_monotonic_ns();

	for (unsigned i = 0; i < PACKETS; i++) {
		struct record_meta meta = { .ns = i, .flags = RECORD_INBOUND };

		if (!producer_put(p, iface, bytes, size, size, &meta))
			return -1;
		if (i % 64 == 0)
			take_all(p);
	}
	producer_flush(p, 0, true);
	take_all(p);
	return (double)(port_monotonic_ns() - begin) / PACKETS;
}

static int bench(uint32_t size)
{
	static uint8_t bytes[2048];
	struct producer_config config = { .memory_bytes = 32 << 20,
					  .block_bytes = 512 << 10 };
	struct iface_info info = { .name = "bench0", .linktype = LINKTYPE_ETHERNET };
	struct iface_table *ifaces = iface_table_new();
	struct port_event wake = { .fd = -1 };
	struct producer *p = NULL;
	struct weir_error err;
	struct iface *iface;
	double ns[RUNS];
	int rc = 1;

	config.wake_writer = &wake;
	if (!ifaces || port_event_init(&wake, &err) || producer_new(&p, &config, &err))
		goto out;
	iface = iface_add(ifaces, &info, &err);
	if (!iface || run(p, iface, bytes, size) < 0)
		goto out;
	for (unsigned i = 0; i < RUNS; i++) {
		ns[i] = run(p, iface, bytes, size);
		if (ns[i] < 0)
			goto out;
	}
	qsort(ns, RUNS, sizeof ns[0], compare);
	printf("record %4u B: %6.1f ns a packet (median %.1f), %.2f GB/s\n", size, ns[0],
	       ns[RUNS / 2], size / ns[0]);
	rc = 0;
out:
	producer_free(p);
	iface_table_free(ifaces);
	port_event_fini(&wake);
	if (rc)
		printf("record %4u B: failed: a packet was dropped or memory is short\n",
		       size);
	return rc;
}

int main(void)
{
	return bench(64) | bench(512) | bench(1500);
}
