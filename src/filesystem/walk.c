#include "filesystem/walk.h"

#include "base/mem.h"
#include "base/time.h"
#include "filesystem/worker.h"

#include <errno.h>

struct walk {
	struct walk_config config;
	struct nodes nodes;
	struct entered entered;
	struct port_monitor *lock;
	/* Guarded by lock. */
	struct node **stack;
	size_t count, size;
	struct node *later[WALK_LATER_MAX]; /* files: when there is no directory */
	size_t later_count;
	unsigned working; /* directories taken and not yet done */
	bool is_memory_short, is_over;
	/* Looked at without it. */
	atomic_uint idle;
	atomic_size_t pending;
	atomic_bool stop;
	atomic_uint_fast64_t left; /* of max_entries */
	struct port_event done;
	enum walk_end end;
	int64_t started_ns;
	struct worker *workers[WALK_THREADS_MAX];
	unsigned worker_count, stalled;
};

const char *walk_end_name(enum walk_end end)
{
	static const char *const names[] = { "complete",    "interrupted", "max_time",
					     "max_entries", "output",      "stalled" };

	return names[end];
}

struct nodes *walk_nodes(struct walk *w)
{
	return &w->nodes;
}

struct entered *walk_entered(struct walk *w)
{
	return &w->entered;
}

const struct walk_config *walk_config_of(const struct walk *w)
{
	return &w->config;
}

atomic_bool *walk_stop_flag(struct walk *w)
{
	return &w->stop;
}

bool walk_has_idle(struct walk *w)
{
	return atomic_load_explicit(&w->idle, memory_order_relaxed) != 0;
}

bool walk_is_full(struct walk *w)
{
	return atomic_load_explicit(&w->pending, memory_order_relaxed) > WALK_PENDING_MAX;
}

bool walk_claim_entry(struct walk *w, bool *is_last)
{
	uint_fast64_t left;

	*is_last = false;
	if (!w->config.max_entries)
		return true;
	left = atomic_load(&w->left);
	while (left && !atomic_compare_exchange_weak(&w->left, &left, left - 1))
		;
	*is_last = left == 1;
	return left != 0;
}

bool walk_push_later(struct walk *w, struct node *file)
{
	bool has_room;

	port_monitor_lock(w->lock);
	has_room = w->later_count < WALK_LATER_MAX;
	if (has_room) {
		w->later[w->later_count++] = file;
		if (atomic_load_explicit(&w->idle, memory_order_relaxed))
			port_monitor_signal(w->lock);
	}
	port_monitor_unlock(w->lock);
	return has_room;
}

void walk_push(struct walk *w, struct node *const *nodes, size_t count)
{
	size_t n = 0;

	port_monitor_lock(w->lock);
	if (w->size - w->count < count) {
		size_t size = w->size ? w->size : 1024;
		struct node **more;

		while (size - w->count < count)
			size *= 2;
		more = mem_grow(w->stack, size, sizeof(struct node *));
		if (more) {
			w->stack = more;
			w->size = size;
		}
	}
	/* Backwards, so that they are taken in the order of the directory. */
	for (; n < count && w->count < w->size; n++)
		w->stack[w->count++] = nodes[count - 1 - n];
	w->is_memory_short |= n < count;
	atomic_store_explicit(&w->pending, w->count, memory_order_relaxed);
	if (atomic_load_explicit(&w->idle, memory_order_relaxed))
		port_monitor_signal(w->lock);
	port_monitor_unlock(w->lock);
	for (; n < count; n++)
		node_unref(&w->nodes, nodes[count - 1 - n]);
}

/* The next directory, without one the next file that waits, or NULL when there will be none.  Files
 * are had to the end even when the walk is over: each has been met and is to be told. */
static struct node *take(struct walk *w)
{
	struct node *d = NULL;

	port_monitor_lock(w->lock);
	while (!w->count && !w->later_count && w->working && !w->is_over) {
		atomic_fetch_add(&w->idle, 1);
		(void)port_monitor_wait(w->lock, NS_PER_S);
		atomic_fetch_sub(&w->idle, 1);
	}
	if (w->count && !w->is_over) {
		d = w->stack[--w->count];
		atomic_store_explicit(&w->pending, w->count, memory_order_relaxed);
	} else if (w->later_count) {
		d = w->later[--w->later_count];
	}
	w->working += d != NULL;
	port_monitor_unlock(w->lock);
	return d;
}

/* One directory less; the last one wakes everybody. */
static void put_back(struct walk *w)
{
	port_monitor_lock(w->lock);
	w->working--;
	if (!w->working && !w->count && !w->later_count)
		port_monitor_signal(w->lock);
	port_monitor_unlock(w->lock);
}

static void *run(void *arg)
{
	struct worker *k = arg;
	struct walk *w = k->walk;
	struct node *d;

	while ((d = take(w)) != NULL) {
		atomic_store(&k->current, d);
		(void)worker_turn(k, WORKER_IDLE, WORKER_BUSY);
		if (!atomic_load(&w->config.sink->is_over)) {
			if (d->later)
				worker_file(k, d);
			else if (!atomic_load(&w->stop))
				(void)worker_directory(k, d);
		}
		if (!worker_turn(k, WORKER_BUSY, WORKER_IDLE))
			return NULL; /* somebody else has counted this directory as done */
		node_unref(&w->nodes, d);
		put_back(w);
	}
	out_flush(&k->out);
	port_monitor_lock(w->lock);
	w->is_memory_short |= k->is_memory_short;
	port_monitor_unlock(w->lock);
	port_event_set(&w->done);
	return NULL;
}

static int start_thread(struct walk *w, struct weir_error *err)
{
	struct worker *k;
	int rc;

	if (w->worker_count == WALK_THREADS_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "more than %d threads",
			       WALK_THREADS_MAX);
	k = worker_new(w);
	if (!k)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "no memory for a thread's buffers");
	k->last_beat_ns = port_monotonic_ns();
	rc = port_thread_start(&k->thread, "weir-list", run, k, err);
	if (rc) {
		worker_free(k);
		return rc;
	}
	w->workers[w->worker_count++] = k;
	return 0;
}

/* How deep the root lies below the path that records begin with, and where the pattern stands
 * there: a crossed mount continues its parent. */
static void place_root(struct walk *w, struct node *d)
{
	const struct volume *v = d->volume;
	const char *p = v->path;
	bool is_match;

	d->pattern_state = w->config.pattern ? pattern_start(w->config.pattern) : 0;
	d->has_cover = v->cover_count != 0;
	if (!v->crossed_from)
		return;
	for (p += v->crossed_from->path_length; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (!n)
			break;
		d->depth++;
		if (w->config.pattern)
			d->pattern_state = pattern_step(
				w->config.pattern, d->pattern_state, p, n, &is_match);
		p += n;
	}
}

static int push_roots(struct walk *w, struct weir_error *err)
{
	for (size_t i = w->config.volume_count; i > 0; i--) {
		struct node *d = node_root(&w->nodes, w->config.volumes[i - 1]);

		if (!d)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for a directory");
		place_root(w, d);
		walk_push(w, &d, 1);
	}
	return 0;
}

static void free_walk(struct walk *w)
{
	while (w->count)
		node_unref(&w->nodes, w->stack[--w->count]);
	while (w->later_count)
		node_unref(&w->nodes, w->later[--w->later_count]);
	for (unsigned i = 0; i < w->worker_count; i++)
		worker_free(w->workers[i]);
	entered_fini(&w->entered);
	nodes_fini(&w->nodes);
	port_monitor_free(w->lock);
	port_event_fini(&w->done);
	mem_free(w->stack);
	mem_free(w);
}

/* Ends the threads that run and waits for them. */
static void end_threads(struct walk *w)
{
	port_monitor_lock(w->lock);
	w->is_over = true;
	port_monitor_signal(w->lock);
	port_monitor_unlock(w->lock);
	for (unsigned i = 0; i < w->worker_count; i++)
		if (!worker_is_given_up(w->workers[i]))
			port_thread_join(w->workers[i]->thread);
}

/* Descriptors: a part of what the process may have, and at most some hundreds. */
static unsigned directory_budget(void)
{
	unsigned allowed = port_descriptors_raise();

	return allowed < 128 ? 16 : allowed / 4 > 256 ? 256 : allowed / 4;
}

int walk_start(struct walk **out, const struct walk_config *config,
	       struct weir_error *err)
{
	struct walk *w = mem_new(1, sizeof *w);
	int rc = 0;

	*out = NULL;
	if (!w)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the walk");
	w->config = *config;
	w->done.fd = -1;
	w->started_ns = port_monotonic_ns();
	if (!w->config.max_depth)
		w->config.max_depth = WALK_DEPTH_DEFAULT;
	if (!w->config.is_recursive &&
	    !(config->pattern && pattern_is_deep(config->pattern)))
		w->config.max_depth = 1;
	atomic_init(&w->idle, 0);
	atomic_init(&w->pending, 0);
	atomic_init(&w->stop, false);
	atomic_init(&w->left, config->max_entries);
	w->lock = port_monitor_new();
	if (!w->lock || entered_init(&w->entered, &w->config) ||
	    nodes_init(&w->nodes, config->volumes[0]->calls, directory_budget()))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the walk");
	if (!rc)
		rc = port_event_init(&w->done, err);
	if (!rc)
		rc = push_roots(w, err);
	for (unsigned i = 0; !rc && i < config->threads; i++)
		rc = start_thread(w, err);
	if (rc) {
		atomic_store(&w->stop, true);
		end_threads(w);
		free_walk(w);
		return rc;
	}
	*out = w;
	return 0;
}

const struct port_event *walk_done(const struct walk *w)
{
	return &w->done;
}

void walk_stop(struct walk *w, enum walk_end why)
{
	w->end = why;
	atomic_store(&w->stop, true);
}

/* What the thread had written before it hung, and a record of where it hangs. */
static void tell_stalled(struct worker *k)
{
	const struct node *d = atomic_load(&k->current);
	const struct volume *v = d->volume;
	size_t length = v->path_length + 1 + node_path_length(d);
	char *path = mem_new(length + 1, 1);

	if (path) {
		memcpy(path, v->path, v->path_length);
		path[v->path_length] = '/';
		node_path(d, path + v->path_length + 1);
		worker_write_error(k, path, length - (d->parent ? 0 : 1), ETIMEDOUT,
				   "stalled");
		mem_free(path);
	} else {
		worker_count_error(k, ETIMEDOUT);
	}
	out_flush(&k->out);
}

static bool has_worker(const struct walk *w)
{
	for (unsigned i = 0; i < w->worker_count; i++)
		if (!worker_is_given_up(w->workers[i]))
			return true;
	return false;
}

/* The thread hangs: its directory is reported and counted as done, and somebody takes its place.
 * Not where it writes: it waits for whoever reads the output then.  Where nobody can and all others
 * hang too, the walk is over. */
static void give_up(struct walk *w, struct worker *k)
{
	struct weir_error ignored;

	if (!worker_turn(k, WORKER_BUSY, WORKER_GIVEN_UP))
		return;
	w->stalled++;
	(void)start_thread(w, &ignored);
	tell_stalled(k);
	put_back(w);
	if (has_worker(w))
		return;
	walk_stop(w, WALK_STALLED);
	port_event_set(&w->done);
}

static void watch(struct walk *w)
{
	int64_t now = port_monotonic_ns();
	unsigned count = w->worker_count;

	for (unsigned i = 0; i < count; i++) {
		struct worker *k = w->workers[i];
		unsigned beat = atomic_load_explicit(&k->beat, memory_order_relaxed);

		if (worker_is_given_up(k))
			continue;
		if (beat != k->last_beat || atomic_load(&k->state) != WORKER_BUSY) {
			k->last_beat = beat;
			k->last_beat_ns = now;
		} else if (now - k->last_beat_ns > w->config.stall_ns) {
			give_up(w, k);
		}
	}
}

static void add_counts(struct walk_counts *sum, const struct walk_counts *c)
{
	sum->seen += c->seen;
	sum->written += c->written;
	sum->directories_read += c->directories_read;
	sum->hashed_files += c->hashed_files;
	sum->hashed_bytes += c->hashed_bytes;
	sum->vanished += c->vanished;
	sum->changed_while_read += c->changed_while_read;
	sum->depth_cut += c->depth_cut;
	sum->raced += c->raced;
	for (unsigned i = 0; i < ARRAY_LEN(sum->by_type); i++)
		sum->by_type[i] += c->by_type[i];
	for (unsigned i = 0; i < ARRAY_LEN(sum->errors); i++)
		sum->errors[i] += c->errors[i];
}

void walk_poll(struct walk *w, struct walk_counts *now)
{
	if (w->config.stall_ns)
		watch(w);
	*now = (struct walk_counts){ .seen = 0 };
	for (unsigned i = 0; i < w->worker_count; i++) {
		now->seen +=
			atomic_load_explicit(&w->workers[i]->seen, memory_order_relaxed);
		now->written += atomic_load_explicit(&w->workers[i]->written,
						     memory_order_relaxed);
	}
}

static bool is_finished(struct walk *w)
{
	bool is_finished;

	port_monitor_lock(w->lock);
	is_finished = !w->working && !w->count && !w->later_count;
	port_monitor_unlock(w->lock);
	return is_finished || atomic_load(&w->stop);
}

static bool has_busy(const struct walk *w)
{
	for (unsigned i = 0; i < w->worker_count; i++) {
		unsigned state = atomic_load(&w->workers[i]->state);

		if (state == WORKER_BUSY || state == WORKER_WRITING)
			return true;
	}
	return false;
}

void walk_finish(struct walk *w, struct walk_result *r)
{
	struct walk_counts ignored;

	/* Stopping is quick but for a thread that hangs: the watchdog goes on. */
	while (!port_event_wait(&w->done, 100 * NS_PER_MS) && !is_finished(w))
		walk_poll(w, &ignored);
	while (has_busy(w)) {
		port_monitor_lock(w->lock);
		(void)port_monitor_wait(w->lock, 20 * NS_PER_MS);
		port_monitor_unlock(w->lock);
		walk_poll(w, &ignored);
	}
	end_threads(w);
	*r = (struct walk_result){ .end = w->end,
				   .stalled = w->stalled,
				   .duration_ns = port_monotonic_ns() - w->started_ns,
				   .is_memory_short = w->is_memory_short,
				   .bytes = w->config.sink->bytes,
				   .lost_lines = w->config.sink->lost_lines,
				   .output_error = w->config.sink->error };
	for (unsigned i = 0; i < w->worker_count; i++)
		add_counts(&r->counts, &w->workers[i]->counts);
	for (size_t i = 0; i < w->config.volume_count; i++)
		if (w->config.volumes[i]->calls == &port_file_calls)
			r->disturbed += atomic_load(&w->config.volumes[i]->own.disturbed);
	r->disturbed += entered_disturbed(&w->entered);
	if (atomic_load(&w->config.sink->is_over))
		r->end = WALK_OUTPUT;
	if (r->end == WALK_COMPLETE && w->stalled)
		r->end = WALK_STALLED;
	/* A thread that hangs still stands on all this. */
	if (!w->stalled)
		free_walk(w);
}
