#include "capture/session.h"

#include "base/mem.h"
#include "base/time.h"
#include "capture/crowd.h"
#include "capture/load.h"
#include "capture/pace.h"

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
	struct attribution *attribution; /* NULL: switched off */
	struct judge judge;
	struct losses source_losses;
	struct port_thread *capture_thread, *write_thread;
	struct port_event stop;       /* main tells the capture thread */
	struct port_event wake_write; /* the producer tells the write worker */
	struct port_event ended;      /* a worker tells main */
	/* Written by the capture thread before capture_done is raised. */
	struct weir_error capture_error;
	int capture_rc;
	bool has_not_begun;          /* written with them */
	struct counter capture_done; /* 1: no span will come any more */
	struct counter stream_closed;
	int64_t next_stats_ns;
	/* The write worker's. */
	int64_t next_tick_ns;
	unsigned processors;
	struct crowd crowd;
	int load_fd; /* -1: it is not asked whether the machine is crowded */
};

void session_free(struct session *s)
{
	if (s->source)
		s->config.ops->close(s->source);
	attribution_close(s->attribution);
	judge_fini(&s->judge);
	producer_free(s->producer);
	iface_table_free(s->ifaces);
	port_event_fini(&s->stop);
	port_event_fini(&s->wake_write);
	port_event_fini(&s->ended);
	load_close(s->load_fd);
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
	struct port_identity id;
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a session");
	s->config = *config;
	port_identity(&id);
	s->processors = id.cpu_count;
	/* Who captures and writes on one thread knows how far behind it is; an import can wait. */
	s->load_fd = config->is_one_thread || config->is_blocking ? -1 : load_open();
	rc = open_events(s, err);
	if (!rc) {
		s->context =
			(struct source_context){ .config = &s->config.source,
						 .ifaces = s->ifaces,
						 .stop = &s->stop,
						 .losses = &s->source_losses,
						 .has_owners = config->has_attribution };
		if (config->store.is_continued)
			rc = store_inherit(config->store.path, s->ifaces, err);
		/* First of all: a missing privilege should not leave an empty store behind. */
		if (!rc)
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

static size_t put_process(void *arg, uint32_t process, uint8_t *block, bool is_last)
{
	return attribution_block(arg, process, block, is_last);
}

static int open_queue(struct session *s, struct weir_error *err)
{
	const struct source_ops *ops = s->config.ops;
	struct producer_config p = {
		.memory_bytes = s->config.memory_bytes,
		.block_bytes = BLOCK_BYTES,
		.count_limit = s->config.count,
		.is_blocking = s->config.is_blocking,
		.is_untimed = s->config.is_untimed,
		.wake_writer = s->config.is_one_thread ? NULL : &s->wake_write,
		.judge = s->attribution ? &s->judge : NULL,
	};

	if (ops->spans)
		p.foreign = ops->spans(s->source);

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

/* Whatever is missing for it, it is described, and recording goes on. */
static int open_attribution(struct session *s, struct weir_error *err)
{
	struct attribution_config c = { .user = s->config.owner,
					.is_inline = s->config.is_inline };
	int rc;

	if (!s->config.has_attribution)
		return 0;
	rc = attribution_open(&s->attribution, &c, err);
	if (!rc)
		rc = judge_init(&s->judge, s->attribution, s->config.source.filter,
				s->ifaces, s->config.source.snaplen, err);
	if (rc)
		return rc;
	s->config.store.memory_bytes += attribution_memory(s->attribution);
	s->config.store.attribution = attribution_describe(s->attribution);
	s->config.store.processes =
		(struct process_source){ .put = put_process, .arg = s->attribution };
	return 0;
}

/* What the source says of itself, and who does the work. */
static json_t *describe(const struct session *s)
{
	json_t *j = s->config.ops->describe(s->source);

	if (j && s->config.threads_why)
		json_object_set_new(j, "threads",
				    json_pack("{s:b,s:i,s:s}", "is_one",
					      s->config.is_one_thread, "processors",
					      (int)pace_processors(), "how",
					      s->config.threads_why));
	return j;
}

int session_prepare(struct session *s, struct losses *losses, struct weir_error *err)
{
	struct store_end end = { .reason = "error", .is_incomplete = true };
	int rc = open_attribution(s, err);

	if (!rc)
		rc = open_queue(s, err);

	s->config.store.source = describe(s);
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

/* What can be done later is, by what it costs: processors from an eighth of all that can wait on, or
 * where others need them; the disk from a quarter on. */
static void look_at_queue(struct session *s)
{
	unsigned waiting, all;

	producer_waiting(s->producer, &waiting, &all);
	store_spare(s->store, waiting > all / 8 || s->crowd.is_crowded);
	store_press(s->store, waiting > all / 4);
}

/* What the write worker does by the clock. */
static void tick(struct session *s)
{
	int64_t now = port_monotonic_ns();

	if (now < s->next_tick_ns)
		return;
	store_tick(s->store, port_realtime_ns());
	if (s->load_fd >= 0)
		(void)crowd_look(&s->crowd, load_runnable(s->load_fd), s->processors);
	s->next_tick_ns = now + WRITE_TICK_NS;
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
		/* The capture thread knows how far behind it is. */
		if (!s->context.write) {
			tick(s);
			look_at_queue(s);
		}
		if (store_write(s->store, span) == WEIR_ERR_CLOSED &&
		    !counter_read(&s->stream_closed)) {
			counter_set(&s->stream_closed, 1);
			port_event_set(&s->ended);
		}
	}
	(void)store_collect(s->store);
	return any || !was_done;
}

/* The capture thread is the write worker too. */
static void write_here(struct source_context *context)
{
	struct session *s = context->session;

	(void)write_spans(s);
	tick(s);
}

static void *capture_main(void *arg)
{
	struct session *s = arg;
	const struct source_ops *ops = s->config.ops;
	struct weir_error drain_error;
	int rc;

	if (s->context.write)
		store_writes_begin(s->store, -1);
	rc = ops->start(s->source, &s->capture_error);

	if (!rc) {
		rc = ops->run(s->source, &s->capture_error);
		/* What has been queued is recorded, whatever ended the run. */
		if (ops->drain(s->source, rc ? &drain_error : &s->capture_error) && !rc)
			rc = s->capture_error.code;
	} else {
		s->has_not_begun = true;
	}
	s->capture_rc = rc;
	producer_flush(s->producer, port_monotonic_ns(), true);
	if (s->context.write) {
		(void)write_spans(s);
		store_writes_end(s->store);
	}
	atomic_store_explicit(&s->capture_done.value, 1, memory_order_release);
	port_event_set(&s->wake_write);
	port_event_set(&s->ended);
	return NULL;
}

static void *write_main(void *arg)
{
	struct session *s = arg;

	store_writes_begin(s->store, s->wake_write.fd);
	for (;;) {
		port_event_clear(&s->wake_write);
		if (!write_spans(s))
			break;
		tick(s);
		(void)port_event_wait(&s->wake_write, WRITE_TICK_NS);
	}
	store_writes_end(s->store);
	return NULL;
}

int session_start(struct session *s, struct weir_error *err)
{
	int rc = store_begin(s->store, err);

	json_decref(s->config.store.source);
	json_decref(s->config.store.attribution);
	s->config.store.source = s->config.store.attribution = NULL;
	if (!rc && s->attribution)
		rc = attribution_start(s->attribution, store_dir_fd(s->store),
				       &store_progress(s->store)->busy_until_ns, err);
	s->context.session = s;
	if (s->config.is_one_thread)
		s->context.write = write_here;
	if (!rc && !s->config.is_one_thread)
		rc = port_thread_start(&s->write_thread, "weir-write", write_main, s,
				       err);
	if (!rc)
		rc = port_thread_start(&s->capture_thread, "weir-capture", capture_main,
				       s, err);
	if (rc) {
		/* Nobody will make spans: let the write worker end. */
		s->capture_rc = rc;
		s->capture_error = *err;
		s->has_not_begun = true;
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
	/* What the capture thread has left is there once it says so: pairs with its release. */
	if (!atomic_load_explicit(&s->capture_done.value, memory_order_acquire))
		return "end_of_input";
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

void session_event(struct session *s, const char *type, json_t *members)
{
	store_event(s->store, type, members);
}

/* Waits for the threads: the capture thread drains, the write worker empties the queue. */
static void join_workers(struct session *s)
{
	session_stop(s);
	port_thread_join(s->capture_thread);
	port_thread_join(s->write_thread);
}

/* Takes the members and returns them with what is to be said of processes. */
static json_t *add_attribution(struct session *s, json_t *members)
{
	json_t *more = s->attribution ? attribution_stop(s->attribution) : NULL;

	if (more && members)
		(void)json_object_update(more, members);
	if (more)
		json_decref(members);
	return more ? more : members;
}

int session_close(struct session *s, const char *reason, json_t *members,
		  struct store_summary *summary, struct weir_error *err)
{
	struct store_end end = { .members = members };
	struct weir_error store_error = { 0 };
	int rc;

	join_workers(s);
	end.members = add_attribution(s, members);
	end.reason = reason ? reason : session_end_reason(s);
	end.is_incomplete = s->capture_rc != 0 || s->context.is_incomplete;
	end.has_not_begun = s->has_not_begun;
	end.at_best = s->context.at_best;
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
