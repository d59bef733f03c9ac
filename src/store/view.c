#include "store/view.h"

#include "base/mem.h"
#include "store/entries.h"
#include "store/json_lines.h"
#include "store/manifest_lines.h"
#include "store/names.h"
#include "store/processes.h"
#include "store/regular.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int no_memory(struct weir_error *err)
{
	return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the store's segments");
}

static struct store_segment *find_segment(const struct store_view *v, uint32_t number)
{
	/* The one looked for is nearly always among the last. */
	for (size_t i = v->segment_count; i > 0; i--)
		if (v->segments[i - 1].number == number)
			return &v->segments[i - 1];
	return NULL;
}

static int add_segment(struct store_view *v, struct view_facts *f,
		       const struct store_segment *s, struct weir_error *err)
{
	void *array = v->segments;

	if (mem_room(&array, &f->segment_room, v->segment_count, sizeof *s))
		return no_memory(err);
	v->segments = array;
	v->segments[v->segment_count++] = *s;
	return 0;
}

static int take_segment(struct store_view *v, struct view_facts *f, const json_t *line,
			struct weir_error *err)
{
	struct store_segment s;
	struct loss_totals lost;

	if (!line_segment(line, &s) || find_segment(v, s.number))
		return 0;
	line_losses(line, &lost);
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		f->segment_losses.packets[i] += lost.packets[i];
		f->segment_losses.bytes[i] += lost.bytes[i];
	}
	return add_segment(v, f, &s, err);
}

static void note_number(struct view_facts *f, uint32_t number)
{
	if (number > f->last_number)
		f->last_number = number;
}

static int take_opened(struct view_facts *f, const json_t *line, struct weir_error *err)
{
	struct store_segment s;
	void *array = f->opened;

	if (!line_segment_open(line, &s))
		return 0;
	if (mem_room(&array, &f->opened_room, f->opened_count, sizeof *f->opened))
		return no_memory(err);
	note_number(f, s.number);
	f->opened = array;
	f->opened[f->opened_count++] =
		(struct view_opened){ s.number, s.linktype, s.lane };
	return 0;
}

static void take_interface(struct store_view *v, const json_t *line)
{
	unsigned n = v->iface_count;

	if (n < IFACE_MAX &&
	    line_interface(line, &v->ifaces[n], &v->iface_lane[n], &v->iface_id[n]))
		v->iface_count++;
}

static void take_removed(struct store_view *v, const json_t *line)
{
	struct store_segment *s;
	uint64_t number;

	if (!json_get_u64(line, "number", &number) || number > UINT32_MAX)
		return;
	s = find_segment(v, (uint32_t)number);
	if (s)
		s->is_removed = true;
}

static void take_remove_error(struct store_view *v, const json_t *line)
{
	const char *name = json_get_text(line, "name");

	for (size_t i = 0; name && i < v->segment_count; i++)
		if (v->segments[i].is_removed && !strcmp(v->segments[i].name, name))
			v->segments[i].is_remove_failed = true;
}

static void take_recovered(struct view_facts *f, const json_t *line)
{
	const json_t *one;
	uint64_t cut;
	size_t i;

	f->is_repairs = true;
	if (json_get_u64(line, "manifest_cut_bytes", &cut) && cut)
		f->manifest_tails++;
	json_array_foreach(json_object_get(line, "segments"), i, one)
	{
		const char *name = json_get_text(one, "name");

		if (name && !strcmp(name, STORE_PROCESSES))
			f->processes_tails++;
		if (name)
			note_number(f, name_number(name));
	}
}

static void take_end(struct store_view *v, struct view_facts *f, json_t *line)
{
	json_t *processes = json_object_get(line, "processes");

	line_losses(line, &f->losses);
	v->end = json_incref(line);
	if (!json_is_object(processes))
		return;
	json_decref(f->processes);
	f->processes = json_incref(processes);
}

/* Another session of the same store: what was the last line is none. */
static void take_continued(struct store_view *v, struct view_facts *f)
{
	json_decref(v->end);
	v->end = NULL;
	f->is_repairs = false;
	f->before = f->losses;
	f->before_packets = 0;
	for (size_t i = 0; i < v->segment_count; i++)
		f->before_packets += v->segments[i].packets;
}

/* Lines that only a living recorder writes. */
static void note_alive(struct view_facts *f, const json_t *line)
{
	static const char *const by_repair[] = { "interface", "segment_open",
						 "remove_error", "recovered" };
	int64_t at_ns;

	for (size_t i = 0; i < ARRAY_LEN(by_repair); i++)
		if (line_is(line, by_repair[i]))
			return;
	if (!f->is_repairs && !json_object_get(line, "recovered") &&
	    json_get_i64(line, "at_ns", &at_ns))
		f->alive_ns = at_ns;
}

static int take_line(struct store_view *v, struct view_facts *f, json_t *line,
		     struct weir_error *err)
{
	note_alive(f, line);
	if (line_is(line, "start") && !v->start) {
		v->start = json_incref(line);
		f->has_start = true;
	} else if (line_is(line, "interface")) {
		take_interface(v, line);
	} else if (line_is(line, "segment_open")) {
		return take_opened(f, line, err);
	} else if (line_is(line, "segment")) {
		return take_segment(v, f, line, err);
	} else if (line_is(line, "removed")) {
		take_removed(v, line);
	} else if (line_is(line, "remove_error")) {
		take_remove_error(v, line);
	} else if (line_is(line, "stats")) {
		line_losses(line, &f->losses);
	} else if (line_is(line, "recovered")) {
		take_recovered(f, line);
	} else if (line_is(line, "continued")) {
		take_continued(v, f);
	} else if (line_is(line, "end") && !v->end) {
		take_end(v, f, line);
	}
	return 0;
}

static int trust(struct view_facts *f, const struct json_line *line,
		 struct weir_error *err)
{
	uint8_t digest[HASH_BYTES];
	uint64_t seq;

	if (hash_once(line->text, (size_t)line->length, digest))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	hash_hex(digest, f->hash);
	f->seq = json_get_u64(line->object, "seq", &seq) ? seq : f->seq + 1;
	f->good_bytes = line->offset + line->length + 1;
	return 0;
}

static int read_manifest(struct store_view *v, struct view_facts *f, int fd,
			 struct weir_error *err)
{
	struct json_line line;
	struct window w;
	int rc;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, "cannot read the manifest");
	rc = window_init(&w, byte_source_fd(fd, UINT64_MAX, false), err);
	if (rc)
		return rc;
	while ((rc = json_lines_next(&w, &line, err)) > 0) {
		rc = 0;
		if (line.object && line.is_ended)
			rc = trust(f, &line, err);
		if (!rc && line.object && line.is_ended)
			rc = take_line(v, f, line.object, err);
		json_decref(line.object);
		if (rc)
			break;
	}
	f->file_bytes = w.offset;
	window_fini(&w);
	return rc;
}

/* The lane of a segment that no line speaks of: that of an equal interface, else a new one. */
static unsigned guess_lane(const struct store_view *v, const struct view_facts *f,
			   const struct view_pending *p)
{
	uint32_t snaplen = p->scan.iface_count ? p->scan.ifaces[0].snaplen : 0;
	unsigned most = 0;

	for (unsigned i = 0; i < v->iface_count; i++) {
		if (v->ifaces[i].linktype == p->scan.linktype &&
		    (p->is_list || v->ifaces[i].snaplen == snaplen))
			return v->iface_lane[i];
		if (v->iface_lane[i] >= most)
			most = v->iface_lane[i] + 1;
	}
	for (size_t i = 0; i < f->pending_count; i++) {
		const struct view_pending *other = &f->pending[i];

		if (other->found.linktype == p->scan.linktype)
			return other->found.lane;
		if (other->found.lane >= most)
			most = other->found.lane + 1;
	}
	return most < LANE_MAX ? most : LANE_MAX - 1;
}

static void describe(const struct store_view *v, const struct view_facts *f,
		     const char *name, struct view_pending *p)
{
	struct store_segment *s = &p->found;

	memcpy(s->name, name, strlen(name) + 1);
	s->number = name_number(name);
	s->packets = p->scan.packets;
	s->bytes = p->scan.bytes;
	s->wire_bytes = p->scan.wire_bytes;
	s->file_bytes = p->scan.whole_bytes;
	s->first_ns = p->scan.first_ns;
	s->last_ns = p->scan.last_ns;
	s->is_sorted = p->scan.is_sorted;
	s->is_found = true;
	s->iface_count = p->scan.iface_count;
	s->linktype = p->scan.linktype;
	for (size_t i = 0; i < f->opened_count; i++) {
		if (f->opened[i].number != s->number)
			continue;
		p->has_open_line = true;
		s->lane = f->opened[i].lane;
		if (!p->scan.has_linktype)
			s->linktype = f->opened[i].linktype;
	}
	if (!p->has_open_line)
		s->lane = guess_lane(v, f, p);
}

static int scan_file(int dir_fd, const char *name, struct view_pending *p,
		     struct weir_error *err)
{
	int fd = regular_open(dir_fd, name, O_RDONLY, "segment", err), rc;

	if (fd < 0)
		return fd;
	p->is_list = name_kind(name) == NAME_LIST;
	rc = p->is_list ? scan_list(dir_fd, fd, UINT64_MAX, &p->scan, err)
			: scan_segment(fd, UINT64_MAX, &p->scan, err);
	(void)close(fd);
	if (rc)
		(void)err_prefix(err, "cannot read segment '%s'", name);
	return rc;
}

static bool is_regular(int dir_fd, const char *name)
{
	struct stat st;

	return !fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode);
}

static int add_pending(struct store_view *v, struct view_facts *f, const char *name,
		       struct weir_error *err)
{
	void *array = f->pending;
	struct view_pending *p;
	int rc;

	if (mem_room(&array, &f->pending_room, f->pending_count, sizeof *f->pending))
		return no_memory(err);
	f->pending = array;
	p = &f->pending[f->pending_count];
	memset(p, 0, sizeof *p);
	rc = scan_file(v->dir_fd, name, p, err);
	if (rc) {
		scan_fini(&p->scan);
		return rc;
	}
	describe(v, f, name, p);
	f->pending_count++;
	/* Not even a header (or no line): nothing to read from it. */
	return p->found.file_bytes ? add_segment(v, f, &p->found, err) : 0;
}

static int find_pending(struct store_view *v, struct view_facts *f, DIR *dir,
			struct weir_error *err)
{
	const struct dirent *e;
	int rc = 0;

	while (!rc && (e = readdir(dir)) != NULL) {
		enum name_kind kind = name_kind(e->d_name);

		if (kind != NAME_SEGMENT && kind != NAME_LIST)
			continue;
		if (!find_segment(v, name_number(e->d_name)) &&
		    is_regular(v->dir_fd, e->d_name))
			rc = add_pending(v, f, e->d_name, err);
	}
	return rc;
}

static int by_number(const void *a, const void *b)
{
	const struct store_segment *s = a, *t = b;

	return (s->number > t->number) - (s->number < t->number);
}

static int list_files(struct store_view *v, struct view_facts *f, struct weir_error *err)
{
	DIR *dir = entries_open(v->dir_fd, err);
	int rc;

	if (!dir)
		return err->code;
	rc = find_pending(v, f, dir, err);
	(void)closedir(dir);
	if (v->segment_count)
		qsort(v->segments, v->segment_count, sizeof *v->segments, by_number);
	return rc;
}

json_t *view_made_up_start(enum store_layout layout)
{
	static const char *const names[] = { "segments", "files", "pairs" };

	return json_pack(
		"{s:i,s:s,s:s,s:s,s:s,s:n,s:n,s:n,s:n,s:n,s:n,s:{s:i,s:i,s:i,s:i,s:i},"
		"s:s,s:i,s:{},s:s,s:b}",
		"format", 1, "tool", "weir", "mode", "unknown", "layout", names[layout],
		"clock", "unknown", "case", "examiner", "command_line", "filter",
		"filter_normal", "filter_sha256", "limits", "rotate_bytes", 0,
		"rotate_ns", 0, "keep_bytes", 0, "keep_ns", 0, "snaplen", 0, "hash",
		"deferred", "memory_bytes", 0, "identity", "privileges", "", "recovered",
		1);
}

/* The first line is lost: the files tell the layout. */
static int make_up_start(struct store_view *v, const struct view_facts *f,
			 struct weir_error *err)
{
	if (!v->segment_count)
		return err_set(
			err, WEIR_ERR_ABSENT,
			"it is no store: there is neither manifest.jsonl nor a segment");
	v->layout =
		f->pending_count && f->pending[0].is_list ? STORE_FILES : STORE_SEGMENTS;
	v->start = view_made_up_start(v->layout);
	return v->start ? 0 : no_memory(err);
}

static int check_start(struct store_view *v, struct weir_error *err)
{
	uint64_t format;

	if (!json_get_u64(v->start, "format", &format) || format != 1)
		return err_set(err, WEIR_ERR_UNSUPPORTED,
			       "its format is %llu, this version reads 1",
			       (unsigned long long)format);
	if (!line_layout(v->start, &v->layout))
		return err_set(err, WEIR_ERR_FORMAT,
			       "its first line names no layout that this version knows");
	return 0;
}

int view_load(struct store_view **out, struct view_facts *f, const char *path, int dir_fd,
	      int manifest_fd, struct weir_error *err)
{
	struct store_view *v = mem_new(1, sizeof *v);
	int rc = 0;

	*out = NULL;
	memset(f, 0, sizeof *f);
	memset(f->hash, '0', HASH_HEX - 1);
	if (!v) {
		(void)close(dir_fd);
		return no_memory(err);
	}
	v->dir_fd = dir_fd;
	(void)snprintf(v->path, sizeof v->path, "%s", path);
	if (manifest_fd >= 0)
		rc = read_manifest(v, f, manifest_fd, err);
	if (!rc && v->start)
		rc = check_start(v, err);
	/* A store with its last line has no segment that is not in the manifest; a file that looks
	 * like one was put there by somebody else. */
	if (!rc && !v->end)
		rc = list_files(v, f, err);
	if (!rc && !v->start)
		rc = make_up_start(v, f, err);
	v->losses = f->losses;
	if (f->good_bytes)
		memcpy(v->head, f->hash, sizeof v->head);
	if (rc) {
		store_view_free(v);
		return rc;
	}
	*out = v;
	return 0;
}

void view_facts_fini(struct view_facts *f)
{
	for (size_t i = 0; i < f->pending_count; i++)
		scan_fini(&f->pending[i].scan);
	json_decref(f->processes);
	mem_free(f->pending);
	mem_free(f->opened);
	memset(f, 0, sizeof *f);
}

void store_view_free(struct store_view *v)
{
	if (!v)
		return;
	json_decref(v->start);
	json_decref(v->end);
	mem_free(v->segments);
	if (v->dir_fd >= 0)
		(void)close(v->dir_fd);
	mem_free(v);
}
