#include "store/ledger.h"

#include "base/mem.h"
#include "base/time.h"
#include "store/clockwatch.h"
#include "store/facts.h"
#include "store/retention.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	QUEUE = 512,
	EVENTS_MAX = QUEUE / 2,  /* events and stats */
	NEEDED_MAX = QUEUE - 16, /* and what must not be lost; the rest is for segments */
	RETRIES = 20, /* of a needed line, 100 ms apart, once the store is closing */
	TYPE_MAX = 40
};

enum kind {
	ITEM_EVENT,
	ITEM_STATS,
	ITEM_OPENED,
	ITEM_SEGMENT,
	ITEM_ROOM
};

struct item {
	enum kind kind;
	int64_t ns;
	char type[TYPE_MAX];
	json_t *members;
	struct loss_totals losses;
	struct segment_facts facts;
	int fd;
};

struct ledger {
	struct ledger_config config;
	struct manifest manifest;
	struct retention retention;
	struct clockwatch clocks;
	struct port_thread *thread;
	/* Guards the queue, is_closing and dropped; held for a few copies only. */
	struct port_monitor *lock;
	struct item *queue;
	size_t head, count;
	bool is_closing;
	uint64_t dropped;
	/* The thread's own. */
	unsigned told_ifaces;
	uint64_t closed_bytes;
	struct loss_totals losses, told_losses; /* as known; as of the last segment */
	bool has_failed;
	unsigned retries; /* while closing */
	char *hash_buffer;
};

#define HASH_BUFFER (256 * 1024)

int ledger_new(struct ledger **out, const struct ledger_config *config,
	       struct weir_error *err)
{
	struct ledger *l = mem_new(1, sizeof *l);
	int rc;

	*out = l;
	if (!l)
		return err_set(err, WEIR_ERR_NO_MEMORY, "cannot make a store: no memory");
	l->config = *config;
	l->manifest.fd = -1;
	l->lock = port_monitor_new();
	l->queue = mem_new(QUEUE, sizeof *l->queue);
	l->hash_buffer = mem_new(HASH_BUFFER, 1);
	retention_init(&l->retention, config->store);
	if (!l->lock || !l->queue || !l->hash_buffer)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "cannot make a store: no memory");
	else
		rc = manifest_make(&l->manifest, config->disk, config->dir_fd, err);
	if (rc) {
		ledger_free(l);
		*out = NULL;
	}
	return rc;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	manifest_fini(&l->manifest);
	retention_fini(&l->retention);
	port_monitor_free(l->lock);
	mem_free(l->queue);
	mem_free(l->hash_buffer);
	mem_free(l);
}

struct manifest *ledger_manifest(struct ledger *l)
{
	return &l->manifest;
}

uint64_t ledger_dropped(const struct ledger *l)
{
	return l->dropped;
}

bool ledger_has_failed(const struct ledger *l)
{
	return l->has_failed;
}

/* The queue. */

static void pause_ns(struct ledger *l, int64_t ns)
{
	port_monitor_lock(l->lock);
	(void)port_monitor_wait(l->lock, ns);
	port_monitor_unlock(l->lock);
}

bool ledger_has_room(struct ledger *l)
{
	bool has_room;

	port_monitor_lock(l->lock);
	/* One segment and the next one's opening. */
	has_room = l->count + 2 <= QUEUE;
	port_monitor_unlock(l->lock);
	return has_room;
}

/* A free slot with the lock held, or NULL with the item counted as dropped. */
static struct item *push_locked(struct ledger *l, enum kind kind, size_t limit)
{
	struct item *i;

	if (l->count >= limit) {
		l->dropped++;
		return NULL;
	}
	i = &l->queue[(l->head + l->count++) % QUEUE];
	i->kind = kind;
	i->ns = port_realtime_ns();
	i->members = NULL;
	i->fd = -1;
	port_monitor_signal(l->lock);
	return i;
}

void ledger_event(struct ledger *l, const char *type, json_t *members, bool is_needed)
{
	struct item *i;

	port_monitor_lock(l->lock);
	i = push_locked(l, ITEM_EVENT, is_needed ? NEEDED_MAX : EVENTS_MAX);
	if (i) {
		(void)snprintf(i->type, sizeof i->type, "%s", type);
		i->members = members;
	}
	port_monitor_unlock(l->lock);
	if (!i)
		json_decref(members);
}

void ledger_stats(struct ledger *l, const struct loss_totals *losses)
{
	struct item *i;

	port_monitor_lock(l->lock);
	i = push_locked(l, ITEM_STATS, EVENTS_MAX);
	if (i)
		i->losses = *losses;
	port_monitor_unlock(l->lock);
}

void ledger_opened(struct ledger *l, const struct segment_facts *f)
{
	struct item *i;

	port_monitor_lock(l->lock);
	i = push_locked(l, ITEM_OPENED, QUEUE);
	if (i)
		i->facts = *f;
	port_monitor_unlock(l->lock);
}

void ledger_segment(struct ledger *l, const struct segment_facts *f, int fd)
{
	struct item *i;

	port_monitor_lock(l->lock);
	i = push_locked(l, ITEM_SEGMENT, QUEUE);
	if (i) {
		i->facts = *f;
		i->fd = fd;
	}
	port_monitor_unlock(l->lock);
	if (!i)
		(void)close(fd);
}

void ledger_make_room(struct ledger *l)
{
	port_monitor_lock(l->lock);
	(void)push_locked(l, ITEM_ROOM, NEEDED_MAX);
	port_monitor_unlock(l->lock);
}

void ledger_wait(struct ledger *l)
{
	pause_ns(l, 10 * NS_PER_MS);
}

/* Lines. */

static bool is_closing(struct ledger *l)
{
	bool is;

	port_monitor_lock(l->lock);
	is = l->is_closing;
	port_monitor_unlock(l->lock);
	return is;
}

static void count_dropped(struct ledger *l)
{
	port_monitor_lock(l->lock);
	l->dropped++;
	port_monitor_unlock(l->lock);
}

/* A line that must not be lost is tried until there is room again, or the store is closed; then
 * for a second, all such lines together. */
static void write_needed(struct ledger *l, const char *type, int64_t ns, json_t *members)
{
	while (manifest_append(&l->manifest, type, ns, members, NULL)) {
		if (is_closing(l) && ++l->retries > RETRIES) {
			count_dropped(l);
			l->has_failed = true;
			break;
		}
		pause_ns(l, 100 * NS_PER_MS);
	}
	json_decref(members);
}

static void tell_ifaces(struct ledger *l, int64_t ns)
{
	for (; l->told_ifaces < iface_count(l->config.ifaces); l->told_ifaces++)
		write_needed(l, "interface", ns,
			     facts_interface(iface_at(l->config.ifaces, l->told_ifaces)));
}

static void sync_manifest(struct ledger *l)
{
	if (manifest_sync(&l->manifest))
		l->has_failed = true;
}

/* What the sources said last, and what the store itself knows better. */
static void refresh_losses(struct ledger *l)
{
	static const enum loss own[] = { LOSS_DISK_FULL, LOSS_WRITE };

	for (unsigned i = 0; i < ARRAY_LEN(own); i++) {
		l->losses.packets[own[i]] =
			counter_read(&l->config.losses->packets[own[i]]);
		l->losses.bytes[own[i]] = counter_read(&l->config.losses->bytes[own[i]]);
	}
}

static uint64_t disk_free(const struct ledger *l)
{
	uint64_t bytes;

	return port_disk_free(l->config.dir_fd, &bytes) ? UINT64_MAX : bytes;
}

/* Retention: the line is durable before the files go. */
static void remove_oldest(struct ledger *l, const char *why)
{
	const struct retained *e = retention_oldest(&l->retention);
	bool has_files = l->config.store->layout != STORE_SEGMENTS;

	write_needed(l, "removed", port_realtime_ns(),
		     json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:s}", "number",
			       (json_int_t)e->number, "name", e->name, "sha256",
			       e->sha256, "packets", (json_int_t)e->packets, "file_bytes",
			       (json_int_t)e->file_bytes, "files",
			       (json_int_t)(has_files ? e->packets : 0), "why", why));
	sync_manifest(l);
	if (retention_remove(l->config.disk, l->config.dir_fd, e,
			     l->config.store->layout))
		write_needed(l, "remove_error", port_realtime_ns(),
			     json_pack("{s:s,s:i,s:s}", "name", e->name, "errno", errno,
				       "error", strerror(errno)));
	counter_add(&l->config.progress->removed_segments, 1);
	retention_pop(&l->retention);
}

static void apply_retention(struct ledger *l, int64_t now_ns)
{
	uint64_t written = counter_read(&l->config.progress->written_bytes);
	uint64_t open_bytes = written > l->closed_bytes ? written - l->closed_bytes : 0;
	const char *why;

	while ((why = retention_reason(&l->retention, open_bytes, disk_free(l),
				       now_ns)) != NULL)
		remove_oldest(l, why);
}

/* Reads a closed file again; pread, so that the writer's position does not matter. */
static int hash_file(struct ledger *l, int fd, struct segment_facts *f)
{
	struct hash *h = hash_new();
	uint64_t at = 0;
	int rc = h ? 0 : WEIR_ERR_NO_MEMORY;

	while (!rc && at < f->file_bytes) {
		size_t want = f->file_bytes - at < HASH_BUFFER
				      ? (size_t)(f->file_bytes - at)
				      : HASH_BUFFER;
		ssize_t n = pread(fd, l->hash_buffer, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			rc = WEIR_ERR_SYSTEM;
		else
			rc = hash_update(h, l->hash_buffer, (size_t)n);
		at += n > 0 ? (uint64_t)n : 0;
	}
	if (!rc)
		rc = hash_finish(h, f->sha256);
	hash_free(h);
	return rc;
}

static int make_durable(struct ledger *l, int fd)
{
	if (l->config.store->layout == STORE_SEGMENTS)
		return l->config.disk->sync(fd);
	return l->config.disk->sync_all(l->config.dir_fd);
}

static void finish_segment(struct ledger *l, struct item *i)
{
	struct segment_facts *f = &i->facts;
	const char *sync_error = make_durable(l, i->fd) ? strerror(errno) : NULL;
	json_t *line;

	if (!f->is_hashed && hash_file(l, i->fd, f))
		l->has_failed = true;
	(void)close(i->fd);
	refresh_losses(l);
	line = facts_segment(f);
	json_object_set_new(line, "losses", facts_losses(&l->losses, &l->told_losses));
	json_object_set_new(line, "clocks", facts_clocks());
	if (sync_error) {
		json_object_set_new(line, "sync_error", json_string(sync_error));
		l->has_failed = true;
	}
	write_needed(l, "segment", i->ns, line);
	l->told_losses = l->losses;
	l->closed_bytes += f->file_bytes + f->beside_bytes;
	retention_add(&l->retention, f);
	apply_retention(l, l->config.store->has_packet_clock ? f->last_ns : i->ns);
}

static void write_stats(struct ledger *l, const struct item *i)
{
	json_t *line;

	l->losses = i->losses;
	refresh_losses(l);
	if (!manifest_has_reserve(&l->manifest)) {
		count_dropped(l);
		return;
	}
	line = facts_progress(l->config.progress);
	json_object_set_new(line, "free_bytes", facts_size(disk_free(l)));
	json_object_set_new(line, "losses", facts_losses(&l->losses, NULL));
	json_object_set_new(line, "interfaces", facts_counters(l->config.ifaces));
	if (manifest_append(&l->manifest, "stats", i->ns, line, NULL))
		count_dropped(l);
	json_decref(line);
}

static void handle(struct ledger *l, struct item *i)
{
	tell_ifaces(l, i->ns);
	switch (i->kind) {
	case ITEM_EVENT:
		write_needed(l, i->type, i->ns, i->members);
		break;
	case ITEM_STATS:
		write_stats(l, i);
		return;
	case ITEM_OPENED:
		if (l->config.disk->sync_dir(l->config.dir_fd))
			l->has_failed = true;
		write_needed(l, "segment_open", i->ns, facts_opened(&i->facts));
		break;
	case ITEM_SEGMENT:
		finish_segment(l, i);
		break;
	case ITEM_ROOM:
		if (retention_oldest(&l->retention))
			remove_oldest(l, "disk_full");
		return;
	}
	sync_manifest(l);
}

/* Once a second. */
static void look_around(struct ledger *l)
{
	struct port_clocks now;
	int64_t step, slept;

	port_clocks(&now);
	clockwatch_look(&l->clocks, &now, &step, &slept);
	if (step)
		write_needed(l, "clock_step", now.realtime_ns,
			     json_pack("{s:I,s:o}", "step_ns", (json_int_t)step, "clocks",
				       facts_clocks()));
	if (slept)
		write_needed(l, "system_suspend", now.realtime_ns,
			     json_pack("{s:I,s:o}", "suspended_ns", (json_int_t)slept,
				       "clocks", facts_clocks()));
	tell_ifaces(l, now.realtime_ns);
	if (!l->config.store->has_packet_clock)
		apply_retention(l, now.realtime_ns);
}

/* The next item; false: nothing within the time, or (is_closing) nothing more. */
static bool pop(struct ledger *l, struct item *i, int64_t timeout_ns)
{
	bool has_item;

	port_monitor_lock(l->lock);
	if (!l->count && !l->is_closing)
		(void)port_monitor_wait(l->lock, timeout_ns);
	has_item = l->count > 0;
	if (has_item) {
		*i = l->queue[l->head];
		l->head = (l->head + 1) % QUEUE;
		l->count--;
	}
	port_monitor_unlock(l->lock);
	return has_item;
}

static void *run(void *arg)
{
	struct ledger *l = arg;
	int64_t look_ns = 0;
	struct item i;

	for (;;) {
		if (pop(l, &i, NS_PER_S))
			handle(l, &i);
		else if (is_closing(l))
			break;
		if (port_monotonic_ns() >= look_ns) {
			look_around(l);
			look_ns = port_monotonic_ns() + NS_PER_S;
		}
	}
	tell_ifaces(l, port_realtime_ns());
	return NULL;
}

int ledger_start(struct ledger *l, json_t *start, struct weir_error *err)
{
	int rc = manifest_append(&l->manifest, "start", port_realtime_ns(), start, err);

	if (rc)
		return rc;
	if (manifest_sync(&l->manifest) || l->config.disk->sync_dir(l->config.dir_fd))
		return err_sys(err, "cannot make the manifest durable");
	return port_thread_start(&l->thread, "ledger", run, l, err);
}

void ledger_stop(struct ledger *l)
{
	port_monitor_lock(l->lock);
	l->is_closing = true;
	port_monitor_signal(l->lock);
	port_monitor_unlock(l->lock);
	port_thread_join(l->thread);
	l->thread = NULL;
}
