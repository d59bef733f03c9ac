#include "capture/session.h"

#include "base/mem.h"
#include "base/time.h"

#define BLOCK_BYTES   (512 * 1024)
#define STATS_NS      (2 * NS_PER_S)
#define WRITE_TICK_NS (50 * NS_PER_MS)

struct session {
	struct session_config config;
	struct source_context context;
	struct source *source;
	struct producer *producer;
	struct iface_table *ifaces;
	struct store *store;
	struct losses source_losses;
	struct port_thread *capture_thread, *write_thread;
	struct port_event stop;       /* main tells the capture thread */
	struct port_event wake_write; /* the producer tells the write worker */
	struct port_event ended;      /* a worker tells main */
	/* Written by the capture thread before capture_done is raised. */
	struct weir_error capture_error;
	int capture_rc;
	struct counter capture_done; /* 1: no span will come any more */
	struct counter stream_closed;
	int64_t next_stats_ns;
};

void session_free(struct session *s)
{
	if (s->source)
		s->config.ops->close(s->source);
	producer_free(s->producer);
	iface_table_free(s->ifaces);
	port_event_fini(&s->stop);
	port_event_fini(&s->wake_write);
	port_event_fini(&s->ended);
	json_decref(s->config.store.source);
	mem_free(s);
}

static int open_events(struct session *s, struct weir_error *err)
{
	int rc;

	s->stop.fd = s->wake_write.fd = s->ended.fd = -1;
	rc = port_event_init(&s->stop, err);
	if (!rc)
		rc = port_event_init(&s->wake_write, err);
	if (!rc)
		rc = port_event_init(&s->ended, err);
	if (rc)
		return rc;
	s->ifaces = iface_table_new();
	return s->ifaces ? 0
			 : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for interfaces");
}

int session_open(struct session **out, const struct session_config *config,
		 struct weir_error *err)
{
	struct session *s = mem_new(1, sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a session");
	s->config = *config;
	rc = open_events(s, err);
	if (!rc) {
		s->context = (struct source_context){ .config = &s->config.source,
						      .ifaces = s->ifaces,
						      .stop = &s->stop,
						      .losses = &s->source_losses };
		/* First of all: a missing privilege should not leave an empty store behind. */
		rc = config->ops->open(&s->source, &s->context, err);
		if (!rc)
			s->config.store.memory_bytes =
				config->memory_bytes + config->ops->memory(s->source);
	}
	if (rc) {
		session_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

static int open_queue(struct session *s, struct weir_error *err)
{
	struct producer_config p = {
		.memory_bytes = s->config.memory_bytes,
		.block_bytes = BLOCK_BYTES,
		.count_limit = s->config.count,
		.is_blocking = s->config.is_blocking,
		.is_untimed = s->config.is_untimed,
		.wake_writer = &s->wake_write,
	};

	return producer_new(&s->producer, &p, err);
}

static int open_store(struct session *s, struct weir_error *err)
{
	struct session_config *c = &s->config;
	int rc, fd = -1;

	if (c->stream) {
		rc = port_output_open(c->stream, &fd, err);
		if (!rc)
			rc = store_create_stream(&s->store, &c->store, fd, s->ifaces,
						 err);
	} else {
		rc = store_create(&s->store, &c->store, s->ifaces, err);
	}
	if (!rc && c->owner)
		rc = store_own(s->store, c->owner, err);
	return rc;
}

int session_prepare(struct session *s, struct losses *losses, struct weir_error *err)
{
	struct store_end end = { .reason = "error", .is_incomplete = true };
	int rc = open_queue(s, err);

	s->config.store.source = s->config.ops->describe(s->source);
	if (!rc)
		rc = open_store(s, err);
	if (rc) {
		if (s->store && store_close(s->store, &end, NULL, NULL))
			s->store = NULL;
		s->store = NULL;
		return rc;
	}
	if (losses)
		s->context.losses = losses;
	s->context.producer = s->producer;
	s->context.store = s->store;
	return 0;
}

static void *capture_main(void *arg)
{
	struct session *s = arg;
	const struct source_ops *ops = s->config.ops;
	struct weir_error drain_error;
	int rc = ops->start(s->source, &s->capture_error);

	if (!rc) {
		rc = ops->run(s->source, &s->capture_error);
		/* What has been queued is recorded, whatever ended the run. */
		if (ops->drain(s->source, rc ? &drain_error : &s->capture_error) && !rc)
			rc = s->capture_error.code;
	}
	s->capture_rc = rc;
	producer_flush(s->producer, port_monotonic_ns(), true);
	atomic_store_explicit(&s->capture_done.value, 1, memory_order_release);
	port_event_set(&s->wake_write);
	port_event_set(&s->ended);
	return NULL;
}

/* Hands what there is to the store.  Returns false once there is nothing more. */
static bool write_spans(struct session *s)
{
	struct span *span;
	bool was_done =
		atomic_load_explicit(&s->capture_done.value, memory_order_acquire) != 0;
	bool any = false;

	while ((span = producer_take(s->producer)) != NULL) {
		any = true;
		if (store_write(s->store, span) == WEIR_ERR_CLOSED &&
		    !counter_read(&s->stream_closed)) {
			counter_set(&s->stream_closed, 1);
			port_event_set(&s->ended);
		}
	}
	return any || !was_done;
}

static void *write_main(void *arg)
{
	struct session *s = arg;
	int64_t next_tick = 0;

	for (;;) {
		int64_t now;

		port_event_clear(&s->wake_write);
		if (!write_spans(s))
			return NULL;
		now = port_monotonic_ns();
		if (now >= next_tick) {
			store_tick(s->store, port_realtime_ns());
			next_tick = now + WRITE_TICK_NS;
		}
		(void)port_event_wait(&s->wake_write, WRITE_TICK_NS);
	}
}

int session_start(struct session *s, struct weir_error *err)
{
	int rc = store_begin(s->store, err);

	json_decref(s->config.store.source);
	s->config.store.source = NULL;
	if (!rc)
		rc = port_thread_start(&s->write_thread, "weir-write", write_main, s,
				       err);
	if (!rc)
		rc = port_thread_start(&s->capture_thread, "weir-capture", capture_main,
				       s, err);
	if (rc) {
		/* Nobody will make spans: let the write worker end. */
		s->capture_rc = rc;
		s->capture_error = *err;
		counter_set(&s->capture_done, 1);
		port_event_set(&s->wake_write);
	}
	return rc;
}

void session_stop(struct session *s)
{
	port_event_set(&s->stop);
}

uint64_t session_memory(const struct session *s)
{
	return s->config.store.memory_bytes;
}

const struct port_event *session_ended(const struct session *s)
{
	return &s->ended;
}

const char *session_end_reason(const struct session *s)
{
	if (counter_read(&s->stream_closed))
		return "reader_closed";
	if (s->capture_rc)
		return "error";
	return producer_is_done(s->producer) ? "count" : "end_of_input";
}

struct source *session_source(const struct session *s)
{
	return s->source;
}

void session_losses(const struct session *s, struct loss_totals *totals)
{
	memset(totals, 0, sizeof *totals);
	loss_total_add(totals, s->context.losses);
	loss_total_add(totals, producer_losses(s->producer));
	loss_total_add(totals, store_losses(s->store));
}

void session_poll(struct session *s, struct session_status *status)
{
	const struct store_progress *p = store_progress(s->store);
	struct loss_totals losses;
	int64_t now = port_monotonic_ns();

	session_losses(s, &losses);
	*status = (struct session_status){
		.packets = counter_read(&p->packets),
		.bytes = counter_read(&p->bytes),
		.written_bytes = counter_read(&p->written_bytes),
		.segments = counter_read(&p->segments),
		.lost = loss_total_packets(&losses),
		.disk_free_bytes = store_disk_free(s->store),
		.memory_bytes = s->config.store.memory_bytes,
		.is_suspended = counter_read(&p->is_suspended) != 0,
	};
	producer_fill(s->producer, &status->queue_used, &status->queue_most,
		      &status->queue_blocks);
	if (now >= s->next_stats_ns) {
		store_stats(s->store, &losses);
		s->next_stats_ns = now + STATS_NS;
	}
}

/* Waits for the threads: the capture thread drains, the write worker empties the queue. */
static void join_workers(struct session *s)
{
	session_stop(s);
	port_thread_join(s->capture_thread);
	port_thread_join(s->write_thread);
}

int session_close(struct session *s, const char *reason, json_t *members,
		  struct store_summary *summary, struct weir_error *err)
{
	struct store_end end = { .members = members };
	struct weir_error store_error = { 0 };
	int rc;

	join_workers(s);
	end.reason = reason ? reason : session_end_reason(s);
	end.is_incomplete = s->capture_rc != 0;
	session_losses(s, &end.losses);
	rc = store_close(s->store, &end, summary, &store_error);
	if (s->capture_rc) {
		rc = s->capture_rc;
		store_error = s->capture_error;
	}
	if (rc && err)
		*err = store_error;
	session_free(s);
	return rc;
}
