/* The life of a store being written: made, owned, begun, closed. */
#include "store/internal.h"

#include "base/mem.h"
#include "base/time.h"
#include "store/facts.h"
#include "weir_version.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	END_TRIES = 10 /* of the last line, 10 ms apart */
};

/* How long a source that was behind is taken to have no time to spare. */
#define BUSY_NS (5 * NS_PER_S)

/* Retention works by whole segments: there have to be some. */
static void settle_limits(struct store_config *c)
{
	if (c->keep_bytes && (!c->rotate_bytes || c->rotate_bytes > c->keep_bytes / 2))
		c->rotate_bytes = c->keep_bytes / 8 ? c->keep_bytes / 8 : 1;
	if (c->keep_ns && (!c->rotate_ns || c->rotate_ns > c->keep_ns / 2))
		c->rotate_ns = c->keep_ns / 8 ? c->keep_ns / 8 : 1;
}

static void free_store(struct store *s)
{
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		segment_fini(&s->segments[i]);
	flights_fini(&s->flights);
	ledger_free(s->ledger);
	stream_free(s->stream);
	packets_free(s->packets);
	again_fini(&s->again);
	mem_free(s->blocks);
	if (s->dir_fd >= 0)
		(void)close(s->dir_fd);
	mem_free(s);
}

/* What both kinds of store need. */
static struct store *new_store(const struct store_config *config,
			       struct iface_table *ifaces, const struct disk *disk)
{
	struct store *s = mem_new(1, sizeof *s);
	struct port_identity id;
	bool is_bad = false;

	if (!s)
		return NULL;
	s->config = *config;
	settle_limits(&s->config);
	s->disk = disk;
	s->ifaces = ifaces;
	s->dir_fd = -1;
	s->again.dir_fd = s->again.manifest_fd = -1;
	s->blocks = mem_new(BLOCKS_MAX, 1);
	for (unsigned i = 0; i < SEGMENTS_MAX; i++)
		is_bad = segment_init(&s->segments[i], disk) || is_bad;
	for (unsigned lane = 0; lane < LANE_MAX; lane++)
		s->lanes[lane] = &s->segments[lane];
	(void)snprintf(s->path, sizeof s->path, "%s", config->path ? config->path : "");
	port_identity(&id);
	(void)snprintf(s->os, sizeof s->os, "%s", id.os);
	(void)snprintf(s->hardware, sizeof s->hardware, "%s", id.hardware);
	s->section = (struct pcapng_section){ .hardware = s->hardware,
					      .os = s->os,
					      .application = "weir " WEIR_VERSION };
	s->start_ns = s->now_ns = port_realtime_ns();
	if (s->blocks && !is_bad)
		return s;
	free_store(s);
	return NULL;
}

/* A directory that was made here and has no first line yet leaves nothing behind. */
static void unmake(struct store *s)
{
	/* What others recorded stays. */
	if (s->config.is_continued)
		return;
	(void)s->disk->remove(s->dir_fd, MANIFEST_NAME);
	(void)rmdir(s->path);
}

static int make_directory(struct store *s, struct weir_error *err)
{
	int parent;

	if (mkdir(s->path, 0700))
		return err_sys(err, "cannot make store '%s'", s->path);
	s->dir_fd = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->dir_fd < 0) {
		int rc = err_sys(err, "cannot open store '%s'", s->path);

		(void)rmdir(s->path);
		return rc;
	}
	/* The directory's own name is to survive a power cut, where that can be had. */
	parent = openat(s->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent >= 0) {
		(void)s->disk->sync_dir(parent);
		(void)close(parent);
	}
	return 0;
}

/* The figures go on where they ended: they are the store's, not the session's. */
static void inherit_figures(struct store *s)
{
	const struct again *a = &s->again;
	struct store_progress *p = &s->progress;

	s->number = a->last_number;
	s->first_ns = a->first_ns;
	s->last_ns = a->last_ns;
	counter_set(&p->packets, a->packets);
	counter_set(&p->bytes, a->bytes);
	counter_set(&p->wire_bytes, a->wire_bytes);
	counter_set(&p->segments, a->segments);
	counter_set(&p->removed_segments, a->removed_segments);
}

static int open_again(struct store *s, struct weir_error *err)
{
	int rc = again_open(&s->again, s->path, err);

	if (rc)
		return rc;
	if (s->again.layout != s->config.layout)
		return err_set(err, WEIR_ERR_USAGE,
			       "store '%.200s' has layout %s, not %s", s->path,
			       facts_layout(s->again.layout),
			       facts_layout(s->config.layout));
	s->dir_fd = s->again.dir_fd;
	s->again.dir_fd = -1;
	inherit_figures(s);
	return 0;
}

int store_inherit(const char *path, struct iface_table *ifaces, struct weir_error *err)
{
	return again_interfaces(path, ifaces, err);
}

static int make_parts(struct store *s, struct weir_error *err)
{
	struct ledger_config config = {
		.disk = s->disk,
		.dir_fd = s->dir_fd,
		.store = &s->config,
		.ifaces = s->ifaces,
		.progress = &s->progress,
		.losses = &s->losses,
		.again = s->config.is_continued ? &s->again : NULL,
	};

	if (s->config.layout != STORE_SEGMENTS && packets_new(&s->packets, s))
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot make store '%s': no memory", s->path);
	return ledger_new(&s->ledger, &config, err);
}

int store_create_on(struct store **out, const struct store_config *config,
		    struct iface_table *ifaces, const struct disk *disk,
		    struct weir_error *err)
{
	struct store *s;
	int rc;

	*out = NULL;
	if (strlen(config->path) >= sizeof s->path)
		return err_set(err, WEIR_ERR_LIMIT,
			       "cannot make store: the path has %zu bytes, at most %zu",
			       strlen(config->path), sizeof s->path - 1);
	s = new_store(config, ifaces, disk);
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot make store '%s': no memory", config->path);
	rc = s->config.is_continued ? open_again(s, err) : make_directory(s, err);
	if (!rc) {
		rc = make_parts(s, err);
		if (rc)
			unmake(s);
		else
			direct_probe(s);
	}
	if (rc) {
		free_store(s);
		return rc;
	}
	*out = s;
	return 0;
}

int store_create(struct store **s, const struct store_config *config,
		 struct iface_table *ifaces, struct weir_error *err)
{
	return store_create_on(s, config, ifaces, &disk_system, err);
}

int store_create_stream(struct store **out, const struct store_config *config, int fd,
			struct iface_table *ifaces, struct weir_error *err)
{
	struct store *s = new_store(config, ifaces, &disk_system);

	*out = s;
	if (s && !stream_new(&s->stream, fd))
		return 0;
	(void)close(fd);
	if (s)
		free_store(s);
	*out = NULL;
	return err_set(err, WEIR_ERR_NO_MEMORY, "cannot write '%s': no memory",
		       config->path);
}

int store_own(struct store *s, const struct port_user *user, struct weir_error *err)
{
	if (s->stream)
		return 0;
	if (fchown(s->dir_fd, user->uid, user->gid) ||
	    fchown(ledger_manifest(s->ledger)->fd, user->uid, user->gid))
		return err_sys(err, "cannot give store '%s' to user '%s'", s->path,
			       user->name);
	return 0;
}

int store_begin(struct store *s, struct weir_error *err)
{
	json_t *start;
	int rc;

	s->start_ns = s->now_ns = port_realtime_ns();
	if (s->stream) {
		rc = stream_begin(s, err);
	} else {
		start = facts_start(&s->config);
		json_object_set_new(start, "writes", direct_facts(s));
		if (s->config.source)
			json_object_set(start, "source", s->config.source);
		if (s->config.is_continued)
			again_describe(&s->again, s->start_ns, start);
		if (s->config.attribution)
			json_object_set(start, "attribution", s->config.attribution);
		rc = ledger_start(s->ledger, start, err);
		json_decref(start);
	}
	s->config.source = NULL;
	s->has_begun = !rc;
	return rc;
}

int store_dir_fd(const struct store *s)
{
	return s->stream ? -1 : s->dir_fd;
}

int store_write(struct store *s, struct span *span)
{
	int rc;

	if (!s->stream) {
		writer_write(s, span);
		return 0;
	}
	rc = stream_write(s, span);
	span->release(span);
	return rc;
}

unsigned store_collect(struct store *s)
{
	if (s->stream)
		return 0;
	direct_collect(s);
	return s->flights.count;
}

unsigned store_in_flight(const struct store *s)
{
	return s->flights.count;
}

bool store_has_room(const struct store *s)
{
	return !s->has_direct || flights_has_room(&s->flights);
}

void store_press(struct store *s, bool is_pressed)
{
	s->is_pressed = is_pressed;
	if (is_pressed)
		counter_set(&s->progress.busy_until_ns,
			    (uint64_t)(port_monotonic_ns() + BUSY_NS));
}

void store_spare(struct store *s, bool is_sparing)
{
	s->is_sparing = is_sparing;
}

void store_wait(struct store *s, int64_t timeout_ns)
{
	if (s->has_direct)
		flights_wait(&s->flights, timeout_ns);
}

void store_writes_begin(struct store *s, int wake_fd)
{
	if (!s->has_direct)
		return;
	writes_begin(s->flights.writes);
	if (wake_fd >= 0)
		writes_wake(s->flights.writes, wake_fd);
}

void store_writes_end(struct store *s)
{
	if (!s->stream)
		direct_settle(s, NULL);
}

void store_tick(struct store *s, int64_t now_ns)
{
	s->now_ns = now_ns;
	if (s->stream)
		return;
	writer_tick(s);
	ledger_tick(s->ledger);
}

void store_event(struct store *s, const char *type, json_t *members)
{
	if (s->ledger)
		ledger_event(s->ledger, type, members, false);
	else
		json_decref(members);
}

void store_stats(struct store *s, const struct loss_totals *losses)
{
	if (s->ledger)
		ledger_stats(s->ledger, losses);
}

const struct store_progress *store_progress(const struct store *s)
{
	return &s->progress;
}

const struct losses *store_losses(const struct store *s)
{
	return &s->losses;
}

uint64_t store_disk_free(const struct store *s)
{
	uint64_t bytes;

	if (port_disk_free(s->stream ? stream_fd(s->stream) : s->dir_fd, &bytes))
		return UINT64_MAX;
	/* A pipe is on a file system without size. */
	return s->stream && !bytes ? UINT64_MAX : bytes;
}

static void summarise(const struct store *s, const struct store_end *end, bool has_failed,
		      struct store_summary *summary)
{
	*summary = (struct store_summary){
		.packets = counter_read(&s->progress.packets),
		.bytes = counter_read(&s->progress.bytes),
		.wire_bytes = counter_read(&s->progress.wire_bytes),
		.segments = counter_read(&s->progress.segments),
		.first_ns = s->first_ns,
		.last_ns = s->last_ns,
		.losses = end->losses,
		.grade = GRADE_COMPLETE,
	};
	if (loss_total_packets(&end->losses) || s->was_suspended)
		summary->grade = GRADE_WITH_LOSS;
	if (end->is_incomplete || has_failed)
		summary->grade = GRADE_INCOMPLETE;
	summary->is_inherited = summary->grade < end->at_best;
	if (summary->is_inherited)
		summary->grade = end->at_best;
	summary->sessions = summary->grade;
	summary->is_reader_gone = s->stream && stream_is_reader_gone(s->stream);
	summary->is_continued = s->config.is_continued;
	if (!s->config.is_continued)
		return;
	if (summary->sessions < s->again.sessions)
		summary->sessions = s->again.sessions;
	/* Between them packets passed that nobody counted. */
	summary->grade = GRADE_INCOMPLETE;
}

static json_t *end_line(const struct store *s, const struct store_end *end,
			const struct store_summary *sum)
{
	json_t *line = json_pack(
		"{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:I,s:s,s:o}", "reason",
		facts_text(end->reason), "packets", (json_int_t)sum->packets, "bytes",
		(json_int_t)sum->bytes, "wire_bytes", (json_int_t)sum->wire_bytes,
		"segments", (json_int_t)sum->segments, "removed_segments",
		(json_int_t)counter_read(&s->progress.removed_segments), "first_ns",
		(json_int_t)sum->first_ns, "last_ns", (json_int_t)sum->last_ns, "lost",
		(json_int_t)loss_total_packets(&sum->losses), "losses",
		facts_losses(&sum->losses, NULL), "dropped_lines",
		(json_int_t)ledger_dropped(s->ledger), "grade", grade_name(sum->grade),
		"clocks", facts_clocks());

	if (sum->is_continued)
		json_object_set_new(line, "sessions_grade",
				    json_string(grade_name(sum->sessions)));
	if (end->members)
		json_object_update_missing(line, end->members);
	/* Who writes no processes has left those of the sessions before as they were. */
	if (s->again.processes && !json_object_get(line, "processes"))
		json_object_set(line, "processes", s->again.processes);
	return line;
}

/* The last line, once the ledger's thread has ended. */
static int write_end(struct store *s, const struct store_end *end,
		     const struct store_summary *sum, struct weir_error *err)
{
	struct manifest *m = ledger_manifest(s->ledger);
	json_t *line = end_line(s, end, sum);
	int rc = 0;

	for (unsigned tries = 0; tries < END_TRIES; tries++) {
		rc = manifest_append(m, "end", port_realtime_ns(), line, err);
		if (!rc)
			break;
		ledger_wait(s->ledger);
	}
	json_decref(line);
	manifest_trim(m);
	if (!rc && manifest_sync(m))
		rc = err_sys(err, "cannot make the manifest of '%s' durable", s->path);
	return rc;
}

/* What the sessions before have lost belongs to the store's sum. */
static struct store_end whole_end(const struct store *s, const struct store_end *end)
{
	struct store_end whole = *end;

	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		whole.losses.packets[i] += s->again.losses.packets[i];
		whole.losses.bytes[i] += s->again.losses.bytes[i];
	}
	return whole;
}

static int finish(struct store *s, const struct store_end *end,
		  struct store_summary *summary, struct weir_error *err)
{
	int rc;

	if (s->stream) {
		rc = stream_finish(s);
		if (rc)
			(void)err_sys(err, "cannot finish '%s'", s->path);
		/* What a reader that went left unread in its pipe nobody can count. */
		summarise(s, end, rc != 0 || stream_is_dead(s->stream), summary);
		return rc;
	}
	writer_finish(s);
	ledger_stop(s->ledger);
	summarise(s, end, ledger_has_failed(s->ledger), summary);
	rc = write_end(s, end, summary, err);
	if (rc)
		summary->grade = summary->sessions = GRADE_INCOMPLETE;
	return rc;
}

/* Nothing of this session is in the store but words: no segment was begun or removed. */
static bool has_left_nothing(const struct store *s, const struct store_end *end)
{
	return s->config.is_continued && (end->has_not_begun || !s->has_begun) &&
	       s->number == s->again.last_number &&
	       counter_read(&s->progress.removed_segments) == s->again.removed_segments &&
	       !loss_total_packets(&end->losses);
}

/* A session that could not begin would make the store incomplete for good, for nothing. */
static bool leave_as_it_was(struct store *s, const struct store_end *end,
			    struct store_summary *summary)
{
	bool is_cut;

	if (!has_left_nothing(s, end))
		return false;
	if (s->has_begun) {
		writer_finish(s);
		ledger_stop(s->ledger);
		/* Until then it may have removed a segment. */
		if (!has_left_nothing(s, end))
			return false;
	}
	if (again_undo(&s->again, s->disk, s->dir_fd, ledger_manifest(s->ledger)->fd,
		       &is_cut)) {
		if (is_cut)
			(void)json_object_del(end->members, "processes");
		return false;
	}
	summarise(s, end, false, summary);
	summary->grade = grade_of(s->again.grade);
	summary->sessions = s->again.sessions;
	summary->is_as_it_was = true;
	return true;
}

int store_close(struct store *s, const struct store_end *end,
		struct store_summary *summary, struct weir_error *err)
{
	struct store_end whole = whole_end(s, end);
	struct store_summary unused;
	int rc = 0;

	if (!summary)
		summary = &unused;
	if (leave_as_it_was(s, end, summary))
		rc = 0;
	else if (s->has_begun)
		rc = finish(s, &whole, summary, err);
	else {
		summarise(s, &whole, true, summary);
		if (!s->stream)
			unmake(s);
	}
	json_decref(end->members);
	free_store(s);
	return rc;
}
