#include "analyze/info.h"

#include "analyze/line.h"
#include "analyze/parent.h"
#include "store/iface.h"
#include "store/open.h"
#include "weir/reader.h"

/* The walk over the manifest. */
struct gather {
	json_t *info;
	uint64_t event_count;
};

static void set(json_t *o, const char *name, json_t *value)
{
	/* Without memory a member is missing; the command's readers take that for unknown. */
	(void)json_object_set_new(o, name, value);
}

static void set_number(json_t *o, const char *name, uint64_t v)
{
	set(o, name, json_integer((json_int_t)v));
}

/* A member of a line as it is, null where the line has none. */
static void copy(json_t *info, const char *name, const json_t *line, const char *member)
{
	json_t *v = json_object_get(line, member);

	if (v)
		(void)json_object_set(info, name, v);
	else
		set(info, name, json_null());
}

/* Text that may not be UTF-8, which jansson would refuse: such bytes as \\xHH. */
static json_t *text_value(const char *text)
{
	char room[2048];
	struct line l;

	line_init(&l, room, sizeof room);
	line_utf8(&l, text, strlen(text));
	return json_stringn(room, line_length(&l));
}

static uint64_t sum_losses(json_t *losses)
{
	const char *reason;
	uint64_t sum = 0;
	json_t *value;

	json_object_foreach(losses, reason, value) sum +=
		(uint64_t)json_integer_value(json_object_get(value, "packets"));
	return sum;
}

/* stats lines have the session's losses; those of segments are each their own, so they count only
 * until the next stats line: they are left to it. */
static void take_losses(struct gather *g, const json_t *line, const char *type)
{
	json_t *losses = json_object_get(line, "losses");

	if (losses && !strcmp(type, "stats"))
		(void)json_object_set(g->info, "losses", losses);
}

static void take_start(struct gather *g, const json_t *line)
{
	static const char *const names[] = { "format", "tool",     "version",
					     "mode",   "layout",   "clock",
					     "case",   "examiner", "command_line",
					     "filter", "identity", "source" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		copy(g->info, names[i], line, names[i]);
	copy(g->info, "started_ns", line, "at_ns");
}

static void take_interface(struct gather *g, const json_t *line)
{
	json_t *i = json_object();

	copy(i, "name", line, "name");
	copy(i, "linktype", line, "linktype");
	copy(i, "snaplen", line, "snaplen");
	copy(i, "mac", line, "mac");
	copy(i, "addresses", line, "addresses");
	(void)json_array_append_new(json_object_get(g->info, "interfaces"), i);
}

static void take_end(struct gather *g, const json_t *line)
{
	static const char *const names[] = { "reason",     "packets",  "bytes",
					     "wire_bytes", "segments", "removed_segments",
					     "first_ns",   "last_ns",  "lost",
					     "losses",     "grade",    "dropped_lines" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		copy(g->info, names[i], line, names[i]);
	/* Of a store that was gone on with; a repair behind it knows none. */
	(void)json_object_del(g->info, "sessions_grade");
	if (json_object_get(line, "sessions_grade"))
		copy(g->info, "sessions_grade", line, "sessions_grade");
	copy(g->info, "ended_ns", line, "at_ns");
	/* Of a store without packets, whose events stand in a file of their own. */
	if (json_is_object(json_object_get(line, "events")))
		copy(g->info, "recorded_events", json_object_get(line, "events"),
		     "lines");
}

/* Of a further session what is new in it: how long nothing was recorded, and why. */
static void shorten_continued(json_t *event)
{
	static const char *const kept[] = { "type",           "at",        "at_ns",
					    "mode",           "gap_from",  "gap_to",
					    "gap_from_ns",    "gap_to_ns", "gap_ns",
					    "previous_reason" };
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(event, next, name, value)
	{
		bool is_kept = false;

		for (size_t i = 0; i < ARRAY_LEN(kept); i++)
			is_kept = is_kept || !strcmp(kept[i], name);
		if (!is_kept)
			(void)json_object_del(event, name);
	}
}

/* Everything else that the manifest tells is an event, without what only serves the chain. */
static void take_event(struct gather *g, json_t *line)
{
	json_t *events = json_object_get(g->info, "events"), *event;

	g->event_count++;
	if (json_array_size(events) >= INFO_EVENTS)
		return;
	event = json_copy(line);
	if (!event)
		return;
	(void)json_object_del(event, "seq");
	(void)json_object_del(event, "prev");
	(void)json_object_del(event, "clocks");
	if (!strcmp(json_string_value(json_object_get(event, "type")), "continued"))
		shorten_continued(event);
	(void)json_array_append_new(events, event);
}

static int take_line(void *arg, json_t *line)
{
	struct gather *g = arg;
	const char *type = json_string_value(json_object_get(line, "type"));

	if (!type || !strcmp(type, "segment_open"))
		return 0;
	if (!strcmp(type, "start"))
		take_start(g, line);
	else if (!strcmp(type, "interface"))
		take_interface(g, line);
	else if (!strcmp(type, "end"))
		take_end(g, line);
	else if (!strcmp(type, "stats") || !strcmp(type, "segment"))
		take_losses(g, line, type);
	else
		take_event(g, line);
	return 0;
}

/* A store without its last line (it is being recorded, or cannot be written to): what its segments
 * and the latest figures say. */
static void take_segments(struct gather *g, const struct store_view *v)
{
	uint64_t packets = 0, bytes = 0, wire_bytes = 0, removed = 0;
	int64_t first = 0, last = 0;

	for (size_t i = 0; i < v->segment_count; i++) {
		const struct store_segment *s = &v->segments[i];

		if (s->packets && (!packets || s->first_ns < first))
			first = s->first_ns;
		if (s->packets && (!packets || s->last_ns > last))
			last = s->last_ns;
		packets += s->packets;
		bytes += s->bytes;
		wire_bytes += s->wire_bytes;
		removed += s->is_removed;
	}
	set_number(g->info, "packets", packets);
	set_number(g->info, "bytes", bytes);
	set_number(g->info, "wire_bytes", wire_bytes);
	set_number(g->info, "segments", v->segment_count);
	set_number(g->info, "removed_segments", removed);
	set(g->info, "first_ns", json_integer(first));
	set(g->info, "last_ns", json_integer(last));
	set_number(g->info, "lost", sum_losses(json_object_get(g->info, "losses")));
	set(g->info, "reason", json_null());
	set(g->info, "grade", json_null());
	set(g->info, "ended_ns", json_null());
}

static int gather_store(const char *path, struct gather *g, struct weir_error *err)
{
	struct store_view *v = NULL;
	char head[HASH_HEX];
	int rc = store_open(&v, path, err);

	if (rc)
		return rc;
	set(g->info, "kind", json_string("store"));
	set(g->info, "live", json_boolean(v->is_live));
	set(g->info, "repaired", json_boolean(v->was_repaired));
	rc = store_manifest_each(path, take_line, g, err);
	if (!rc && !json_object_get(g->info, "grade"))
		take_segments(g, v);
	if (v->unrepaired.code)
		set(g->info, "unrepaired", text_value(v->unrepaired.text));
	set_number(g->info, "event_count", g->event_count);
	if (!rc && !parent_head(path, head, NULL))
		set(g->info, "manifest_head", json_string(head));
	store_view_free(v);
	return rc;
}

/* Counts of a file, by reading it. */
struct counts {
	uint64_t packets, bytes, wire_bytes;
	int64_t first_ns, last_ns;
};

static void count_packet(struct counts *c, const struct packet *p)
{
	if (!c->packets || p->ns < c->first_ns)
		c->first_ns = p->ns;
	if (!c->packets || p->ns > c->last_ns)
		c->last_ns = p->ns;
	c->packets++;
	c->bytes += p->caplen;
	c->wire_bytes += p->len;
}

static void describe_ifaces(json_t *info, const struct reader *r)
{
	json_t *list = json_object_get(info, "interfaces");

	for (unsigned i = 0; i < reader_iface_count(r); i++) {
		const struct iface_info *f = reader_iface(r, i);

		(void)json_array_append_new(
			list, json_pack("{s:o, s:i, s:I}", "name", text_value(f->name),
					"linktype", (int)f->linktype, "snaplen",
					(json_int_t)f->snaplen));
	}
}

static int gather_file(const char *path, struct gather *g, struct weir_error *err)
{
	struct weir_error damage = { .code = WEIR_OK };
	struct counts c = { .packets = 0 };
	struct reader *r = NULL;
	struct packet p;
	uint64_t stated, lost;
	int rc = reader_open(&r, path, err);

	if (rc)
		return rc;
	while ((rc = reader_next(r, &p, &damage)) > 0)
		count_packet(&c, &p);
	set(g->info, "kind", json_string("file"));
	describe_ifaces(g->info, r);
	stated = reader_stated_drops(r);
	lost = reader_lost(r);
	reader_free(r);
	set_number(g->info, "packets", c.packets);
	set_number(g->info, "bytes", c.bytes);
	set_number(g->info, "wire_bytes", c.wire_bytes);
	set(g->info, "first_ns", json_integer(c.first_ns));
	set(g->info, "last_ns", json_integer(c.last_ns));
	set_number(g->info, "lost", lost);
	set_number(g->info, "stated_drops", stated);
	set(g->info, "grade", json_null());
	if (rc < 0)
		set(g->info, "damage", text_value(damage.text));
	return 0;
}

int info_gather(const char *path, json_t **info, struct weir_error *err)
{
	struct gather g = { .info = json_object() };
	int rc;

	if (!g.info)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", path);
	set(g.info, "path", text_value(path));
	set(g.info, "interfaces", json_array());
	set(g.info, "losses", json_object());
	set(g.info, "events", json_array());
	rc = strcmp(path, "-") != 0 && store_is_store(path) ? gather_store(path, &g, err)
							    : gather_file(path, &g, err);
	if (rc) {
		json_decref(g.info);
		return rc;
	}
	*info = g.info;
	return 0;
}
