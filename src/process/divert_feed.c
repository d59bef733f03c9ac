#include "process/divert_feed.h"

#include "base/counter.h"
#include "base/mem.h"
#include "base/spsc.h"
#include "process/divert_event.h"
#include "process/facts.h"

#include <stdio.h>

#define EVENTS 8192
/* One is being read, one written. */
#define SLOTS (EVENTS + 2)

struct divert_feed {
	struct divert_feed_config config;
	struct windivert_handle *handle;
	struct windivert_limits limits;
	unsigned major, minor;
	struct port_thread *thread;
	struct port_event stop;
	struct divert_told *slots;
	struct spsc queue;
	/* The feed's thread's. */
	size_t next;
	int64_t ticks_per_s;
	struct counter lost, is_over;
	struct weir_error trouble; /* written before is_over is raised */
};

uint64_t divert_feed_bytes(void)
{
	return sizeof(struct divert_feed) + SLOTS * sizeof(struct divert_told) +
	       EVENTS * sizeof(void *) +
	       (uint64_t)WINDIVERT_BATCH * WINDIVERT_ADDRESS_BYTES;
}

static void take(struct divert_feed *f, const uint8_t *bytes, int64_t to_utc_ns)
{
	struct divert_told *t = &f->slots[f->next];
	int64_t ns;

	if (windivert_address_read(&t->address, bytes, WINDIVERT_ADDRESS_BYTES) ||
	    t->address.layer != f->config.layer) {
		counter_add(&f->lost, 1);
		return;
	}
	ns = divert_ticks_ns(t->address.ticks, f->ticks_per_s) + to_utc_ns;
	pids_who(f->config.pids, t->address.process_id, ns, &t->who);
	if (t->who.is_new && f->config.on_new)
		f->config.on_new(f->config.arg, t->address.process_id, &t->who);
	if (spsc_push(&f->queue, t))
		f->next = (f->next + 1) % SLOTS;
	else
		counter_add(&f->lost, 1);
}

static void *run(void *arg)
{
	struct divert_feed *f = arg;
	struct windivert_got got;

	while (!port_event_wait(&f->stop, 0)) {
		int rc = windivert_receive(f->handle, &f->stop, -1, &got, &f->trouble);
		int64_t to_utc_ns = facts_boot_ns();

		if (rc < 0) {
			counter_set(&f->is_over, 1);
			break;
		}
		for (unsigned i = 0; rc && i < got.count; i++)
			take(f, got.addresses + (size_t)i * WINDIVERT_ADDRESS_BYTES,
			     to_utc_ns);
		if (rc && f->config.wake)
			port_event_set(f->config.wake);
	}
	if (f->config.wake)
		port_event_set(f->config.wake);
	return NULL;
}

static int open_handle(struct divert_feed *f, struct weir_error *err)
{
	const struct windivert_how how = { .filter = f->config.filter,
					   .layer = f->config.layer,
					   .flags = WINDIVERT_SNIFF | WINDIVERT_RECV_ONLY,
					   .batch = WINDIVERT_BATCH };
	int rc = windivert_open(&f->handle, f->config.windivert, &how, err);

	if (!rc)
		rc = windivert_raise_limits(f->handle, &f->limits, err);
	if (!rc)
		rc = windivert_version(f->handle, &f->major, &f->minor, err);
	return rc;
}

int divert_feed_open(struct divert_feed **out, const struct divert_feed_config *config,
		     struct weir_error *err)
{
	struct divert_feed *f = mem_new(1, sizeof *f);
	int rc;

	*out = NULL;
	if (!f)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for events");
	f->config = *config;
	f->stop.fd = -1;
	f->ticks_per_s = windivert_ticks_per_s();
	f->slots = mem_new(SLOTS, sizeof *f->slots);
	rc = f->slots ? spsc_init(&f->queue, EVENTS) : WEIR_ERR_NO_MEMORY;
	if (rc)
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "no memory for events");
	if (!rc)
		rc = port_event_init(&f->stop, err);
	if (!rc)
		rc = open_handle(f, err);
	if (!rc)
		rc = port_thread_start(&f->thread, "weir-events", run, f, err);
	if (rc)
		divert_feed_close(f);
	else
		*out = f;
	return rc;
}

void divert_feed_close(struct divert_feed *f)
{
	if (!f)
		return;
	if (f->thread) {
		port_event_set(&f->stop);
		port_thread_join(f->thread);
	}
	windivert_close(f->handle);
	port_event_fini(&f->stop);
	spsc_fini(&f->queue);
	mem_free(f->slots);
	mem_free(f);
}

const struct divert_told *divert_feed_next(struct divert_feed *f)
{
	return spsc_pop(&f->queue);
}

uint64_t divert_feed_lost(const struct divert_feed *f)
{
	return counter_read(&f->lost);
}

const char *divert_feed_trouble(const struct divert_feed *f)
{
	return counter_read(&f->is_over) ? f->trouble.text : NULL;
}

json_t *divert_feed_describe(const struct divert_feed *f)
{
	char version[24];

	(void)snprintf(version, sizeof version, "%u.%u", f->major, f->minor);
	/* Of what its queue drops the driver tells nothing. */
	return json_pack("{s:s,s:{s:I,s:I,s:I},s:b}", "version", version, "queue",
			 "length", (json_int_t)f->limits.packets, "time_ms",
			 (json_int_t)f->limits.time_ms, "bytes",
			 (json_int_t)f->limits.bytes, "counts_losses", 0);
}
