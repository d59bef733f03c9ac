#include "store/ledger.h"

#include "base/mem.h"
#include "base/time.h"
#include "store/clockwatch.h"
#include "store/facts.h"
#include "store/ledger_queue.h"
#include "store/rehash.h"
#include "store/retention.h"
#include "store/syncing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	RETRIES = 10 /* of needed lines, 100 ms apart, once the store is closing */
};

struct ledger {
	struct ledger_config config;
	struct manifest manifest;
	struct retention retention;
	struct clockwatch clocks;
	struct port_thread *thread;
	struct ledger_queue queue;
	/* The thread's own. */
	unsigned told_ifaces;
	uint64_t closed_bytes;
	struct loss_totals losses, told_losses; /* as known; as of the last segment */
	bool has_failed;
	unsigned retries; /* while closing */
	/* The write worker's: a line that others build on found no place. */
	bool was_refused;
	/* The open segment of each lane, 1 + descriptor, and the first failure of syncing it: the
	 * kernel tells it once only. */
	int open_fd[LANE_MAX], sync_errno[LANE_MAX];
	struct counter is_stuck; /* a line is tried again and again: the disk is full */
	uint32_t open_number[LANE_MAX];
	struct rehash *rehash;
	struct syncing syncing;
	bool is_sync_owed; /* closed segments were not made durable */
};

/* The lane's open segment is another one now; fd -1: none. */
static void follow_open(struct ledger *l, unsigned lane, int fd)
{
	if (l->open_fd[lane])
		(void)close(l->open_fd[lane] - 1);
	l->open_fd[lane] = fd + 1;
}

/* Segments of the sessions before are kept and removed as if they were of this one. */
static void retain(struct ledger *l, const struct again *a)
{
	for (size_t i = 0; i < a->kept_count; i++) {
		const struct store_segment *s = &a->kept[i];
		struct segment_facts f = { .number = s->number,
					   .packets = s->packets,
					   .file_bytes = s->file_bytes,
					   .beside_bytes = l->config.store->layout ==
									   STORE_SEGMENTS
								   ? 0
								   : s->bytes,
					   .last_ns = s->last_ns };

		(void)snprintf(f.name, sizeof f.name, "%s", s->name);
		retention_add(&l->retention, &f, s->sha256);
	}
}

static int take_over(struct ledger *l, struct again *a, struct weir_error *err)
{
	int fd = a->manifest_fd;

	a->manifest_fd = -1;
	l->losses = l->told_losses = a->losses;
	l->told_ifaces = iface_inherited(l->config.ifaces);
	retain(l, a);
	return manifest_adopt(&l->manifest, l->config.disk, fd, a->manifest_bytes,
			      &a->chain, err);
}

/* The ledger's own queue has a place for each that was given away (ledger_has_room()). */
static void take_back(void *arg, struct ledger_item *item, int rc)
{
	struct ledger *l = arg;

	item->kind = LEDGER_HASHED;
	item->has_failed = rc != 0;
	if (!ledger_queue_return(&l->queue, item))
		(void)close(item->fd);
}

static int make_rehash(struct ledger *l, struct weir_error *err)
{
	struct rehash_config config = {
		.dir_fd = l->config.dir_fd,
		.busy_until_ns = &l->config.progress->busy_until_ns,
		.done = take_back,
		.arg = l,
	};

	return rehash_new(&l->rehash, &config, err);
}

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
	syncing_init(&l->syncing);
	retention_init(&l->retention, config->store);
	rc = ledger_queue_init(&l->queue);
	if (rc)
		(void)err_set(err, WEIR_ERR_NO_MEMORY, "cannot make a store: no memory");
	else
		rc = make_rehash(l, err);
	if (!rc)
		rc = config->again ? take_over(l, config->again, err)
				   : manifest_make(&l->manifest, config->disk,
						   config->dir_fd, err);
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
	rehash_free(l->rehash);
	for (unsigned lane = 0; lane < LANE_MAX; lane++)
		follow_open(l, lane, -1);
	manifest_fini(&l->manifest);
	retention_fini(&l->retention);
	ledger_queue_fini(&l->queue);
	mem_free(l);
}

struct manifest *ledger_manifest(struct ledger *l)
{
	return &l->manifest;
}

uint64_t ledger_dropped(const struct ledger *l)
{
	return l->queue.dropped;
}

bool ledger_has_failed(const struct ledger *l)
{
	return l->has_failed || l->was_refused;
}

/* The queue's other end. */

bool ledger_has_room(struct ledger *l, size_t count)
{
	return ledger_queue_has_room(&l->queue, count + rehash_count(l->rehash));
}

bool ledger_is_stuck(const struct ledger *l)
{
	return counter_read(&l->is_stuck) != 0;
}

/* Who waits here loses nothing by it: what is put off for a recorder that is behind is done now.  The hasher
 * runs only when nothing else wants to: it is helped. */
void ledger_wait(struct ledger *l)
{
	rehash_hurry(l->rehash);
	if (!rehash_help(l->rehash))
		ledger_queue_pause(&l->queue, 10 * NS_PER_MS);
}

void ledger_event(struct ledger *l, const char *type, json_t *members, bool is_needed)
{
	struct ledger_item i = { .kind = LEDGER_EVENT, .members = members };

	(void)snprintf(i.type, sizeof i.type, "%s", type);
	if (!ledger_queue_push(&l->queue, &i, is_needed ? LEDGER_NEEDED : LEDGER_EVENTS))
		json_decref(members);
}

void ledger_stats(struct ledger *l, const struct loss_totals *losses)
{
	struct ledger_item i = { .kind = LEDGER_STATS, .losses = *losses };

	(void)ledger_queue_push(&l->queue, &i, LEDGER_EVENTS);
}

void ledger_opened(struct ledger *l, const struct segment_facts *f, int fd)
{
	struct ledger_item i = { .kind = LEDGER_OPENED,
				 .facts = *f,
				 .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0) };

	if (ledger_queue_push(&l->queue, &i, LEDGER_QUEUE))
		return;
	l->was_refused = true;
	if (i.fd >= 0)
		(void)close(i.fd);
}

void ledger_segment(struct ledger *l, const struct segment_facts *f, int fd)
{
	struct ledger_item i = { .kind = LEDGER_SEGMENT, .facts = *f, .fd = fd };

	if (ledger_queue_push(&l->queue, &i, LEDGER_QUEUE))
		return;
	l->was_refused = true;
	(void)close(fd);
}

void ledger_make_room(struct ledger *l)
{
	struct ledger_item i = { .kind = LEDGER_ROOM };

	(void)ledger_queue_push(&l->queue, &i, LEDGER_NEEDED);
}

/* Lines. */

/* A line that must not be lost is tried until there is room again, or the store is closed; then
 * for a second, all such lines together. */
static void write_needed(struct ledger *l, const char *type, int64_t ns, json_t *members)
{
	while (manifest_append(&l->manifest, type, ns, members, NULL)) {
		if (ledger_queue_is_closing(&l->queue) && ++l->retries > RETRIES) {
			ledger_queue_drop(&l->queue);
			l->has_failed = true;
			break;
		}
		counter_set(&l->is_stuck, 1);
		ledger_queue_pause(&l->queue, 100 * NS_PER_MS);
	}
	counter_set(&l->is_stuck, 0);
	json_decref(members);
}

static void tell_ifaces(struct ledger *l, int64_t ns)
{
	for (; l->told_ifaces < iface_count(l->config.ifaces); l->told_ifaces++)
		write_needed(l, "interface", ns,
			     facts_interface(iface_at(l->config.ifaces, l->told_ifaces)));
}

static bool is_behind(struct ledger *l, int64_t now)
{
	return now < (int64_t)counter_read(&l->config.progress->busy_until_ns) &&
	       !ledger_queue_is_closing(&l->queue);
}

static bool is_sync_put_off(struct ledger *l)
{
	int64_t now = port_monotonic_ns();

	return is_behind(l, now) && !syncing_is_due(&l->syncing, now, 0, true);
}

/* An import has its file to begin again from, and nothing is lost when it waits. */
static uint64_t written_live(const struct ledger *l)
{
	return l->config.store->has_packet_clock
		       ? 0
		       : counter_read(&l->config.progress->written_bytes);
}

void ledger_tick(struct ledger *l)
{
	if (syncing_due(&l->syncing, written_live(l)))
		ledger_queue_wake(&l->queue);
}

static void sync_manifest(struct ledger *l)
{
	if (manifest_sync(&l->manifest))
		l->has_failed = true;
}

/* What the sessions before have lost. */
static uint64_t before_packets(const struct ledger *l, unsigned reason)
{
	return l->config.again ? l->config.again->losses.packets[reason] : 0;
}

static uint64_t before_bytes(const struct ledger *l, unsigned reason)
{
	return l->config.again ? l->config.again->losses.bytes[reason] : 0;
}

/* What the sources said last, and what the store itself knows better. */
static void refresh_losses(struct ledger *l)
{
	static const enum loss own[] = { LOSS_DISK_FULL, LOSS_WRITE };

	for (unsigned i = 0; i < ARRAY_LEN(own); i++) {
		l->losses.packets[own[i]] =
			counter_read(&l->config.losses->packets[own[i]]) +
			before_packets(l, own[i]);
		l->losses.bytes[own[i]] = counter_read(&l->config.losses->bytes[own[i]]) +
					  before_bytes(l, own[i]);
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
	int error;

	write_needed(l, "removed", port_realtime_ns(),
		     json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:s}", "number",
			       (json_int_t)e->number, "name", e->name, "sha256",
			       e->sha256, "packets", (json_int_t)e->packets, "file_bytes",
			       (json_int_t)e->file_bytes, "files",
			       (json_int_t)(has_files ? e->packets : 0), "why", why));
	sync_manifest(l);
	error = retention_remove(l->config.disk, l->config.dir_fd, e,
				 l->config.store->layout);
	if (error)
		write_needed(l, "remove_error", port_realtime_ns(),
			     facts_remove_error(e->name, error));
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

static void note_sync(struct ledger *l, unsigned lane, int rc)
{
	if (rc && !l->sync_errno[lane])
		l->sync_errno[lane] = errno;
}

/* What a power cut can take is a second's records (syncing.h), not what the kernel has held back for
 * half a minute. */
static void sync_open(struct ledger *l)
{
	uint64_t written = written_live(l);
	int64_t began = port_monotonic_ns();

	if (!syncing_is_due(&l->syncing, began, written, is_behind(l, began)))
		return;
	if (l->is_sync_owed && (l->config.disk->sync_all(l->config.dir_fd) ||
				l->config.disk->sync_dir(l->config.dir_fd)))
		l->has_failed = true;
	l->is_sync_owed = false;
	for (unsigned lane = 0; lane < LANE_MAX; lane++)
		if (l->open_fd[lane])
			note_sync(l, lane, l->config.disk->sync(l->open_fd[lane] - 1));
	syncing_done(&l->syncing, began, port_monotonic_ns(), written);
}

/* Space that was taken ahead and not used. */
static void cut_to_end(const struct ledger *l, int fd, struct segment_facts *f)
{
	if (f->is_long)
		f->is_torn = l->config.disk->truncate(fd, (off_t)f->file_bytes) != 0;
}

static int make_durable(struct ledger *l, int fd)
{
	if (l->config.store->layout == STORE_SEGMENTS)
		return l->config.disk->sync(fd);
	return l->config.disk->sync_all(l->config.dir_fd);
}

/* The file is durable and hashed: its line. */
static void state_segment(struct ledger *l, struct ledger_item *i)
{
	struct segment_facts *f = &i->facts;
	char sha256[HASH_HEX];
	json_t *line;

	(void)close(i->fd);
	refresh_losses(l);
	line = facts_segment(f);
	json_object_set_new(line, "losses", facts_losses(&l->losses, &l->told_losses));
	json_object_set_new(line, "clocks", facts_clocks());
	if (l->sync_errno[f->lane]) {
		json_object_set_new(line, "sync_error",
				    json_string(strerror(l->sync_errno[f->lane])));
		l->sync_errno[f->lane] = 0;
		l->has_failed = true;
	}
	write_needed(l, "segment", i->ns, line);
	l->told_losses = l->losses;
	l->closed_bytes += f->file_bytes + f->beside_bytes;
	hash_hex(f->sha256, sha256);
	retention_add(&l->retention, f, sha256);
	apply_retention(l, l->config.store->has_packet_clock ? f->last_ns : i->ns);
}

static void finish_segment(struct ledger *l, struct ledger_item *i)
{
	struct segment_facts *f = &i->facts;

	/* The next one may be open already: the last writes of this one took their time. */
	if (l->open_number[f->lane] == f->number)
		follow_open(l, f->lane, -1);
	cut_to_end(l, i->fd, f);
	if (f->is_hashed) {
		note_sync(l, f->lane, make_durable(l, i->fd));
		state_segment(l, i);
		return;
	}
	/* It is made durable when it comes back, and before that with all that is owed. */
	l->is_sync_owed = true;
	rehash_push(l->rehash, i);
}

static void write_stats(struct ledger *l, const struct ledger_item *i)
{
	json_t *line;

	for (unsigned reason = 0; reason < LOSS_REASONS; reason++) {
		l->losses.packets[reason] =
			i->losses.packets[reason] + before_packets(l, reason);
		l->losses.bytes[reason] =
			i->losses.bytes[reason] + before_bytes(l, reason);
	}
	refresh_losses(l);
	if (!manifest_has_reserve(&l->manifest)) {
		ledger_queue_drop(&l->queue);
		return;
	}
	line = facts_progress(l->config.progress);
	json_object_set_new(line, "free_bytes", facts_size(disk_free(l)));
	json_object_set_new(line, "losses", facts_losses(&l->losses, NULL));
	json_object_set_new(line, "interfaces", facts_counters(l->config.ifaces));
	if (manifest_append(&l->manifest, "stats", i->ns, line, NULL))
		ledger_queue_drop(&l->queue);
	json_decref(line);
}

static void handle(struct ledger *l, struct ledger_item *i)
{
	tell_ifaces(l, i->ns);
	switch (i->kind) {
	case LEDGER_EVENT:
		write_needed(l, i->type, i->ns, i->members);
		break;
	case LEDGER_STATS:
		write_stats(l, i);
		return;
	case LEDGER_OPENED:
		follow_open(l, i->facts.lane, i->fd);
		l->open_number[i->facts.lane] = i->facts.number;
		if (is_sync_put_off(l))
			l->is_sync_owed = true;
		else if (l->config.disk->sync_dir(l->config.dir_fd))
			l->has_failed = true;
		write_needed(l, "segment_open", i->ns, facts_opened(&i->facts));
		break;
	case LEDGER_SEGMENT:
		finish_segment(l, i);
		if (!i->facts.is_hashed)
			return; /* it has no line yet */
		break;
	case LEDGER_HASHED:
		l->has_failed = l->has_failed || i->has_failed;
		note_sync(l, i->facts.lane, make_durable(l, i->fd));
		state_segment(l, i);
		break;
	case LEDGER_ROOM:
		if (retention_oldest(&l->retention))
			remove_oldest(l, "disk_full");
		return;
	}
	/* One sync for a run of lines; a segment's own is not put off. */
	if (i->kind == LEDGER_SEGMENT || i->kind == LEDGER_HASHED ||
	    (ledger_queue_has_room(&l->queue, LEDGER_QUEUE) && !is_sync_put_off(l)))
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
	sync_open(l);
	if (!l->config.store->has_packet_clock)
		apply_retention(l, now.realtime_ns);
}

/* While closing: false once there is nothing more to be hashed or to come back. */
static bool finish_hashing(struct ledger *l)
{
	rehash_hurry(l->rehash);
	if (rehash_help(l->rehash))
		return true;
	if (rehash_count(l->rehash))
		ledger_queue_pause(&l->queue, 10 * NS_PER_MS);
	return rehash_count(l->rehash) || !ledger_queue_is_empty(&l->queue);
}

static void *run(void *arg)
{
	struct ledger *l = arg;
	int64_t look_ns = 0;
	struct ledger_item i;

	for (;;) {
		if (ledger_queue_pop(&l->queue, &i, NS_PER_S))
			handle(l, &i);
		else if (ledger_queue_is_closing(&l->queue) && !finish_hashing(l))
			break;
		if (port_monotonic_ns() >= look_ns) {
			look_around(l);
			look_ns = port_monotonic_ns() + NS_PER_S;
		} else {
			sync_open(l);
		}
	}
	tell_ifaces(l, port_realtime_ns());
	return NULL;
}

int ledger_start(struct ledger *l, json_t *start, struct weir_error *err)
{
	const char *type = l->config.again ? "continued" : "start";
	int rc = manifest_append(&l->manifest, type, port_realtime_ns(), start, err);

	if (rc)
		return rc;
	if (manifest_sync(&l->manifest) || l->config.disk->sync_dir(l->config.dir_fd))
		return err_sys(err, "cannot make the manifest durable");
	rc = rehash_start(l->rehash, err);
	return rc ? rc : port_thread_start(&l->thread, "ledger", run, l, err);
}

void ledger_stop(struct ledger *l)
{
	ledger_queue_close(&l->queue);
	port_thread_join(l->thread);
	l->thread = NULL;
}
