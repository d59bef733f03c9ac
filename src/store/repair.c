#include "store/repair.h"

#include "base/mem.h"
#include "port/port.h"
#include "store/entries.h"
#include "store/facts.h"
#include "store/names.h"
#include "store/regular.h"
#include "store/repair_state.h"
#include "store/retention.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_NEW "manifest.jsonl.new"

enum {
	ZEROS_LEAST = 64 * 1024 /* fewer of them are kept like anything else */
};

uint64_t repair_size_beside(const struct repair *r, const char *name)
{
	struct stat st;

	return fstatat(r->view->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW)
		       ? 0
		       : (uint64_t)st.st_size;
}

static int no_memory(struct weir_error *err)
{
	return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the manifest's lines");
}

int repair_note(struct repair *r, const char *name, const char *action, uint64_t kept,
		uint64_t cut, const char *fault, struct weir_error *err)
{
	json_t *one = json_pack("{s:s,s:s,s:I,s:I,s:o}", "name", name, "action", action,
				"kept_bytes", (json_int_t)kept, "cut_bytes",
				(json_int_t)cut, "fault", facts_text(fault));

	r->cut_bytes += cut;
	if (one && !json_array_append_new(r->actions, one))
		return 0;
	return no_memory(err);
}

/* Where the zeros at a file's end begin: space that the recorder had taken ahead. */
static int find_zeros(const struct repair *r, int fd, uint64_t from, uint64_t *end,
		      struct weir_error *err)
{
	while (*end > from) {
		size_t want =
			*end - from < KEPT_BUFFER ? (size_t)(*end - from) : KEPT_BUFFER;
		ssize_t n = pread(fd, r->kept.buffer, want, (off_t)(*end - want));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)want)
			return err_sys(err, "cannot read what is to be kept");
		while (n > 0 && !r->kept.buffer[n - 1])
			n--;
		*end -= want - (size_t)n;
		if (n)
			break;
	}
	return 0;
}

static int cut_file(const struct repair *r, int fd, const struct view_pending *p,
		    const char *tail, struct weir_error *err)
{
	uint64_t end = p->scan.file_bytes;
	int rc = find_zeros(r, fd, p->scan.whole_bytes, &end, err);

	if (p->scan.file_bytes - end < ZEROS_LEAST)
		end = p->scan.file_bytes;
	if (!rc && end > p->scan.whole_bytes)
		rc = kept_tail(&r->kept, fd, p->scan.whole_bytes, end, tail, err);

	if (!rc && ftruncate(fd, (off_t)p->scan.whole_bytes))
		rc = err_sys(err, "cannot cut it");
	return rc;
}

/* Cuts a segment behind its last whole record and hashes what stays. */
static int mend_segment(struct repair *r, struct view_pending *p, struct weir_error *err)
{
	struct store_segment *s = &p->found;
	char tail[KEPT_NAME];
	int fd = regular_open(r->view->dir_fd, s->name, O_RDWR, "segment", err), rc = 0;
	uint64_t cut;

	if (fd < 0)
		return fd;
	(void)snprintf(tail, sizeof tail, "%s.tail", s->name);
	if (p->scan.file_bytes > p->scan.whole_bytes)
		rc = cut_file(r, fd, p, tail, err);
	if (!rc && fsync(fd))
		rc = err_sys(err, "cannot sync it");
	if (!rc)
		rc = scan_hash(fd, s->file_bytes, s->sha256, err);
	(void)close(fd);
	if (rc)
		return err_prefix(err, "segment '%s'", s->name);
	/* An interrupted repair may have cut it before. */
	cut = repair_size_beside(r, tail);
	return repair_note(r, s->name, cut ? "cut" : "kept", s->file_bytes, cut,
			   p->scan.fault, err);
}

/* A file without even a header would be no pcapng: it is put aside whole. */
static int set_aside(struct repair *r, const struct view_pending *p,
		     struct weir_error *err)
{
	const char *name = p->found.name;
	char tail[KEPT_NAME];

	(void)snprintf(tail, sizeof tail, "%s.tail", name);
	if (renameat(r->view->dir_fd, name, r->view->dir_fd, tail))
		return err_sys(err, "cannot rename segment '%s'", name);
	return repair_note(r, name, "set_aside", 0, p->scan.file_bytes, p->scan.fault,
			   err);
}

/* The segment's name and number where that is the name of one that was set aside; 0: it is none. */
static uint32_t number_aside(const char *tail, char name[KEPT_NAME])
{
	size_t length = strlen(tail), ending = strlen(".tail");

	if (length <= ending || length >= KEPT_NAME ||
	    strcmp(tail + length - ending, ".tail") != 0)
		return 0;
	(void)snprintf(name, KEPT_NAME, "%.*s", (int)(length - ending), tail);
	return name_number(name);
}

static bool is_pending(const struct view_facts *f, uint32_t number)
{
	for (size_t i = 0; i < f->pending_count; i++)
		if (f->pending[i].found.number == number)
			return true;
	return false;
}

static bool is_listed(const struct store_view *v, uint32_t number)
{
	for (size_t i = v->segment_count; i > 0; i--)
		if (v->segments[i - 1].number == number)
			return true;
	return false;
}

static int note_listed_aside(struct repair *r, DIR *dir, struct weir_error *err)
{
	const struct dirent *e;
	int rc = 0;

	while (!rc && (e = readdir(dir)) != NULL) {
		char name[KEPT_NAME];
		uint32_t number = number_aside(e->d_name, name);

		if (number > r->facts->last_number && !is_pending(r->facts, number))
			rc = repair_note(r, name, "set_aside", 0,
					 repair_size_beside(r, e->d_name),
					 "at offset 0: no section header", err);
	}
	return rc;
}

/* Files that no line speaks of, and that a repair has set aside which was interrupted before it could tell
 * of it. */
static int note_aside(struct repair *r, struct weir_error *err)
{
	DIR *dir = entries_open(r->view->dir_fd, err);
	int rc;

	if (!dir)
		return err->code;
	rc = note_listed_aside(r, dir, err);
	(void)closedir(dir);
	return rc;
}

/* Segments that were begun and of which nothing is there now. */
static int note_absent(struct repair *r, struct weir_error *err)
{
	const struct view_facts *f = r->facts;
	bool is_list = r->view->layout != STORE_SEGMENTS;
	char name[KEPT_NAME], tail[2 * KEPT_NAME];
	int rc = 0;

	for (size_t i = 0; !rc && i < f->opened_count; i++) {
		uint32_t number = f->opened[i].number;

		if (is_listed(r->view, number) || is_pending(f, number))
			continue;
		(void)snprintf(name, sizeof name, "%010u%s", number,
			       is_list ? ".list.jsonl" : ".pcapng");
		(void)snprintf(tail, sizeof tail, "%s.tail", name);
		if (repair_size_beside(r, tail))
			rc = repair_note(r, name, "set_aside", 0,
					 repair_size_beside(r, tail),
					 "at offset 0: no section header", err);
		else
			rc = repair_note(r, name, "absent", 0, 0, "there is no such file",
					 err);
	}
	return rc;
}

/* Segments whose line says that they were removed, and whose files the recorder did not come to.  Names
 * of packet files that it failed to remove may have been given again: these stay.  What cannot be removed is
 * told as the recorder tells it: nothing of it is needed. */
static int finish_removals(struct repair *r, struct weir_error *err)
{
	const struct store_view *v = r->view;
	struct stat st;
	int rc = 0, error;

	for (size_t i = 0; !rc && i < v->segment_count; i++) {
		const struct store_segment *s = &v->segments[i];
		struct retained gone = { .number = s->number };

		if (!s->is_removed || s->is_remove_failed ||
		    fstatat(v->dir_fd, s->name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		(void)snprintf(gone.name, sizeof gone.name, "%s", s->name);
		error = retention_remove(&disk_system, v->dir_fd, &gone, v->layout);
		if (!error)
			rc = repair_note(r, s->name, "removed", 0, 0,
					 "its removal was not finished", err);
		else if (json_array_append_new(r->remove_errors,
					       facts_remove_error(s->name, error)))
			rc = no_memory(err);
	}
	return rc;
}

static int mend_files(struct repair *r, struct weir_error *err)
{
	struct view_facts *f = r->facts;
	int rc = note_absent(r, err);

	if (!rc)
		rc = note_aside(r, err);
	if (!rc)
		rc = finish_removals(r, err);
	for (size_t i = 0; !rc && i < f->pending_count; i++) {
		if (f->pending[i].found.file_bytes)
			rc = mend_segment(r, &f->pending[i], err);
		else
			rc = set_aside(r, &f->pending[i], err);
	}
	if (!rc)
		rc = repair_processes(r, err);
	if (!rc && fsync(r->view->dir_fd))
		rc = err_sys(err, "cannot sync the directory");
	return rc;
}

/* Takes members, which may be NULL for want of memory. */
static int put(struct repair *r, const char *type, json_t *members,
	       struct weir_error *err)
{
	int rc = members ? manifest_append(&r->m, type, r->now_ns, members, err)
			 : no_memory(err);

	json_decref(members);
	return rc;
}

/* How many interfaces of a lane the manifest describes. */
static unsigned known_ids(const struct store_view *v, unsigned lane)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->iface_count; i++)
		n += v->iface_lane[i] == lane;
	return n;
}

/* Interfaces that the segment describes and the manifest does not.  Several lost segments of a lane
 * describe the same ones: told[] counts those told here. */
static int put_ifaces(struct repair *r, const struct view_pending *p,
		      unsigned told[LANE_MAX], struct weir_error *err)
{
	unsigned lane = p->found.lane, known = known_ids(r->view, lane);
	int rc = 0;

	if (known < told[lane])
		known = told[lane];
	for (unsigned id = known; !rc && id < p->scan.iface_count; id++) {
		struct iface i = { .info = p->scan.ifaces[id], .lane = lane, .id = id };

		rc = put(r, "interface", facts_interface(&i), err);
		told[lane] = id + 1;
	}
	return rc;
}

static int put_segment(struct repair *r, const struct view_pending *p,
		       struct weir_error *err)
{
	const struct store_segment *s = &p->found;
	struct segment_facts f = {
		.number = s->number,
		.lane = s->lane,
		.iface_count = s->iface_count,
		.linktype = s->linktype,
		.packets = s->packets,
		.bytes = s->bytes,
		.wire_bytes = s->wire_bytes,
		.file_bytes = s->file_bytes,
		.first_ns = s->first_ns,
		.last_ns = s->last_ns,
		.is_sorted = s->is_sorted,
		.reason = "recovered",
	};
	json_t *members;
	int rc = 0;

	(void)snprintf(f.name, sizeof f.name, "%s", s->name);
	if (!p->has_open_line)
		rc = put(r, "segment_open", facts_opened(&f), err);
	if (rc)
		return rc;
	members = facts_segment(&f);
	if (members) {
		json_object_set_new(members, "sha256", json_string(s->sha256));
		json_object_set_new(members, "losses", json_object());
		json_object_set_new(members, "clocks", facts_clocks());
		json_object_set_new(members, "recovered", json_true());
	}
	return put(r, "segment", members, err);
}

static void add_up(const struct store_view *v, struct store_segment *sum,
		   uint64_t *removed)
{
	for (size_t i = 0; i < v->segment_count; i++) {
		const struct store_segment *s = &v->segments[i];

		if (s->packets && (!sum->packets || s->first_ns < sum->first_ns))
			sum->first_ns = s->first_ns;
		if (s->packets && (!sum->packets || s->last_ns > sum->last_ns))
			sum->last_ns = s->last_ns;
		sum->packets += s->packets;
		sum->bytes += s->bytes;
		sum->wire_bytes += s->wire_bytes;
		*removed += s->is_removed;
	}
}

static void take_larger(struct loss_totals *all, const struct loss_totals *other)
{
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		if (all->packets[i] < other->packets[i])
			all->packets[i] = other->packets[i];
		if (all->bytes[i] < other->bytes[i])
			all->bytes[i] = other->bytes[i];
	}
}

/* Records that had been made and that are neither in a file nor counted as lost on the way. */
static uint64_t unwritten(const struct repair *r, uint64_t packets,
			  const struct loss_totals *losses)
{
	/* What it had made is of this session; packets and losses are of all. */
	const struct view_facts *f = r->facts;
	uint64_t known = packets - f->before_packets + losses->packets[LOSS_DISK_FULL] +
			 losses->packets[LOSS_WRITE] - f->before.packets[LOSS_DISK_FULL] -
			 f->before.packets[LOSS_WRITE];

	return r->death->recorded > known ? r->death->recorded - known : 0;
}

/* What any line has told of losses, and what a survivor knows besides.  All are readings of the
 * same rising counters: the larger one is the later one. */
static struct loss_totals all_losses(const struct repair *r)
{
	struct loss_totals all = r->facts->losses;

	take_larger(&all, &r->facts->segment_losses);
	if (r->death->losses) {
		struct loss_totals whole = *r->death->losses;

		for (unsigned i = 0; i < LOSS_REASONS; i++) {
			whole.packets[i] += r->facts->before.packets[i];
			whole.bytes[i] += r->facts->before.bytes[i];
		}
		take_larger(&all, &whole);
	}
	return all;
}

static int put_end(struct repair *r, struct weir_error *err)
{
	struct store_segment sum = { 0 };
	struct loss_totals losses = all_losses(r);
	uint64_t removed = 0, lost;
	char missing[200];

	add_up(r->view, &sum, &removed);
	lost = unwritten(r, sum.packets, &losses);
	losses.packets[LOSS_CRASH] += lost;
	if (r->death->is_recorded_known)
		(void)snprintf(
			missing, sizeof missing,
			"%llu packets had been captured and were not yet in the store "
			"when the recorder ended (counted in crash); %llu torn bytes "
			"were cut off",
			(unsigned long long)lost, (unsigned long long)r->cut_bytes);
	else
		(void)snprintf(
			missing, sizeof missing,
			"what was captured and not yet in the store when the recorder "
			"ended: its number is not known; %llu torn bytes were cut off",
			(unsigned long long)r->cut_bytes);
	return put(
		r, "end",
		json_pack(
			"{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:n,s:s,s:s,s:o,s:O*}",
			"reason", facts_text(r->death->reason), "packets",
			(json_int_t)sum.packets, "bytes", (json_int_t)sum.bytes,
			"wire_bytes", (json_int_t)sum.wire_bytes, "segments",
			(json_int_t)r->view->segment_count, "removed_segments",
			(json_int_t)removed, "first_ns", (json_int_t)sum.first_ns,
			"last_ns", (json_int_t)sum.last_ns, "lost",
			(json_int_t)loss_total_packets(&losses), "losses",
			facts_losses(&losses, NULL), "dropped_lines", "grade",
			"incomplete", "missing", missing, "clocks", facts_clocks(),
			"processes", r->processes),
		err);
}

static int put_lines(struct repair *r, struct weir_error *err)
{
	unsigned told[LANE_MAX] = { 0 };
	int rc = 0;

	if (!r->facts->has_start)
		rc = put(r, "start", json_incref(r->view->start), err);
	for (size_t i = 0; !rc && i < r->facts->pending_count; i++) {
		const struct view_pending *p = &r->facts->pending[i];

		if (!p->found.file_bytes)
			continue;
		rc = put_ifaces(r, p, told, err);
		if (!rc)
			rc = put_segment(r, p, err);
	}
	for (size_t i = 0; !rc && i < json_array_size(r->remove_errors); i++)
		rc = put(r, "remove_error",
			 json_incref(json_array_get(r->remove_errors, i)), err);
	if (!rc)
		rc = put(r, "recovered",
			 json_pack("{s:O,s:I}", "segments", r->actions,
				   "manifest_cut_bytes",
				   (json_int_t)(r->facts->file_bytes -
						r->facts->good_bytes)),
			 err);
	return rc ? rc : put_end(r, err);
}

/* The good lines of the old manifest, if there is one; its torn end goes to a file of its own. */
static int copy_manifest(struct repair *r, struct weir_error *err)
{
	const struct view_facts *f = r->facts;
	int old = regular_open(r->view->dir_fd, MANIFEST_NAME, O_RDONLY, "file", err);
	int rc = 0;

	if (old < 0)
		return old == WEIR_ERR_ABSENT ? 0 : old;
	if (f->file_bytes > f->good_bytes)
		rc = kept_another_tail(&r->kept, old, f->good_bytes, f->file_bytes,
				       MANIFEST_NAME, f->manifest_tails, err);
	if (!rc)
		rc = kept_copy(&r->kept, old, 0, f->good_bytes, r->m.fd, err);
	(void)close(old);
	return rc;
}

static int replace_manifest(struct repair *r, struct weir_error *err)
{
	int dir_fd = r->view->dir_fd, rc;

	r->m.fd = kept_make(&r->kept, MANIFEST_NEW, err);
	if (r->m.fd < 0)
		return r->m.fd;
	rc = copy_manifest(r, err);
	if (!rc)
		rc = put_lines(r, err);
	manifest_trim(&r->m);
	if (!rc && fsync(r->m.fd))
		rc = err_sys(err, "cannot sync the manifest");
	if (!rc && renameat(dir_fd, MANIFEST_NEW, dir_fd, MANIFEST_NAME))
		rc = err_sys(err, "cannot put the new manifest in place");
	/* On a full disk it would take the room that is missing. */
	if (rc)
		(void)unlinkat(dir_fd, MANIFEST_NEW, 0);
	if (!rc && fsync(dir_fd))
		rc = err_sys(err, "cannot sync the directory");
	return rc;
}

static int by_number(const void *a, const void *b)
{
	const struct view_pending *s = a, *t = b;

	return (s->found.number > t->found.number) - (s->found.number < t->found.number);
}

int repair_store(const struct store_view *view, struct view_facts *facts,
		 const struct store_death *death, struct weir_error *err)
{
	struct repair r = {
		.view = view,
		.facts = facts,
		.death = death,
		.m = { .disk = &disk_system,
		       .fd = -1,
		       .size = facts->good_bytes,
		       .chain = { .seq = facts->seq } },
		.now_ns = port_realtime_ns(),
		.actions = json_array(),
		.remove_errors = json_array(),
		.kept = { .dir_fd = view->dir_fd, .buffer = mem_new(KEPT_BUFFER, 1) },
	};
	int rc = 0;

	memcpy(r.m.chain.prev, facts->hash, sizeof r.m.chain.prev);
	r.m.line = mem_new(MANIFEST_LINE_MAX, 1);
	if (!r.actions || !r.remove_errors || !r.kept.buffer || !r.m.line)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a repair");
	if (facts->pending_count)
		qsort(facts->pending, facts->pending_count, sizeof *facts->pending,
		      by_number);
	if (!rc)
		rc = mend_files(&r, err);
	if (!rc)
		rc = replace_manifest(&r, err);
	manifest_fini(&r.m);
	json_decref(r.actions);
	json_decref(r.remove_errors);
	json_decref(r.processes);
	mem_free(r.kept.buffer);
	return rc;
}
