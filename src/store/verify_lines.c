#include "store/verify.h"

#include "base/mem.h"
#include "store/manifest_lines.h"
#include "store/verify_members.h"

#include <stdarg.h>

/* What one line is checked with. */
struct line {
	const json_t *object;
	unsigned long long number;
};

int verify_fault(struct verify *v, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(v->check->fault, sizeof v->check->fault, format, ap) < 0)
		v->check->fault[0] = '\0';
	va_end(ap);
	return WEIR_ERR_MISMATCH;
}

static struct verify_segment *find(const struct verify *v, uint32_t number)
{
	for (size_t i = v->count; i > 0; i--)
		if (v->segments[i - 1].stated.number == number)
			return &v->segments[i - 1];
	return NULL;
}

static int check_start(struct verify *v, const struct line *l, struct weir_error *err)
{
	uint64_t format;

	(void)err;
	if (v->has_start)
		return verify_fault(v, "manifest line %llu: a second start line",
				    l->number);
	v->has_start = true;
	if (!json_get_u64(l->object, "format", &format) || format != 1)
		return verify_fault(v, "manifest line 1: format %llu is not 1",
				    (unsigned long long)format);
	if (!line_layout(l->object, &v->layout))
		return verify_fault(v, "manifest line 1: an unknown layout");
	return 0;
}

static int check_interface(struct verify *v, const struct line *l, struct weir_error *err)
{
	struct iface_info info;
	unsigned lane, id;

	(void)err;
	if (!line_interface(l->object, &info, &lane, &id))
		return verify_fault(
			v, "manifest line %llu: an interface line without its form",
			l->number);
	if (id != v->ids[lane])
		return verify_fault(
			v, "manifest line %llu: interface id %u of lane %u, expected %u",
			l->number, id, lane, v->ids[lane]);
	v->ids[lane]++;
	return 0;
}

static int check_opened(struct verify *v, const struct line *l, struct weir_error *err)
{
	struct store_segment s;
	size_t room = v->room ? 2 * v->room : 64;
	struct verify_segment *grown;

	if (!line_segment_open(l->object, &s))
		return verify_fault(
			v, "manifest line %llu: a segment_open line without its form",
			l->number);
	if (find(v, s.number))
		return verify_fault(v,
				    "manifest line %llu: segment number %u a second time",
				    l->number, s.number);
	if (v->count == v->room) {
		grown = mem_grow(v->segments, room, sizeof *grown);
		if (!grown)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for %zu segments", room);
		v->segments = grown;
		v->room = room;
	}
	v->segments[v->count++] = (struct verify_segment){ .stated = s };
	return 0;
}

static int check_segment(struct verify *v, const struct line *l, struct weir_error *err)
{
	struct store_segment s;
	struct verify_segment *opened;
	struct loss_totals lost;

	(void)err;
	if (!line_segment(l->object, &s))
		return verify_fault(v,
				    "manifest line %llu: a segment line without its form",
				    l->number);
	opened = find(v, s.number);
	if (!opened || strcmp(opened->stated.name, s.name) != 0 ||
	    opened->stated.lane != s.lane || opened->stated.linktype != s.linktype)
		return verify_fault(
			v, "manifest line %llu: segment '%s' has no fitting segment_open",
			l->number, s.name);
	if (opened->is_stated)
		return verify_fault(v, "manifest line %llu: segment '%s' a second time",
				    l->number, s.name);
	opened->stated = s;
	opened->is_stated = true;
	line_losses(l->object, &lost);
	for (unsigned i = 0; i < LOSS_REASONS; i++)
		v->losses.packets[i] += lost.packets[i];
	return 0;
}

static int check_removed(struct verify *v, const struct line *l, struct weir_error *err)
{
	const char *sha256 = json_get_text(l->object, "sha256");
	struct verify_segment *s;
	uint64_t number, packets;

	(void)err;
	if (!json_get_u64(l->object, "number", &number) || number > UINT32_MAX ||
	    !json_get_u64(l->object, "packets", &packets) || !sha256)
		return verify_fault(v,
				    "manifest line %llu: a removed line without its form",
				    l->number);
	s = find(v, (uint32_t)number);
	if (!s || !s->is_stated || s->stated.is_removed)
		return verify_fault(v,
				    "manifest line %llu: segment %llu cannot be removed",
				    l->number, (unsigned long long)number);
	if (strcmp(sha256, s->stated.sha256) != 0 || packets != s->stated.packets)
		return verify_fault(
			v, "manifest line %llu: what was removed is not segment '%s'",
			l->number, s->stated.name);
	s->stated.is_removed = true;
	return 0;
}

static int check_remove_error(struct verify *v, const struct line *l,
			      struct weir_error *err)
{
	const char *name = json_get_text(l->object, "name");

	(void)err;
	v->has_remove_error = true;
	for (size_t i = 0; name && i < v->count; i++)
		if (v->segments[i].stated.is_removed &&
		    !strcmp(v->segments[i].stated.name, name))
			v->segments[i].stated.is_remove_failed = true;
	return 0;
}

static int check_recovered(struct verify *v, const struct line *l, struct weir_error *err)
{
	(void)l;
	(void)err;
	v->has_recovered = v->is_behind_repair = true;
	for (size_t i = 0; i < v->count; i++)
		v->segments[i].is_excused = !v->segments[i].is_stated;
	return 0;
}

/* Goes on behind a last line, which then was not the last. */
static int check_continued(struct verify *v, const struct line *l, struct weir_error *err)
{
	int64_t from, to;

	(void)err;
	if (!v->has_end)
		return verify_fault(
			v,
			"manifest line %llu: continued, but the session before "
			"has no end",
			l->number);
	if (!json_get_i64(l->object, "gap_from_ns", &from) ||
	    !json_get_i64(l->object, "gap_to_ns", &to))
		return verify_fault(
			v, "manifest line %llu: a continued line without its gap",
			l->number);
	v->has_end = false;
	v->is_behind_repair = false;
	v->is_continued = true;
	return 0;
}

static int check_suspended(struct verify *v, const struct line *l, struct weir_error *err)
{
	(void)l;
	(void)err;
	v->is_suspended = true;
	return 0;
}

struct sums {
	uint64_t packets, bytes, wire_bytes, segments, removed_segments;
	int64_t first_ns, last_ns;
};

static struct sums add_up(const struct verify *v)
{
	struct sums sum = { 0 };

	for (size_t i = 0; i < v->count; i++) {
		const struct store_segment *s = &v->segments[i].stated;

		if (!v->segments[i].is_stated)
			continue;
		if (s->packets && (!sum.packets || s->first_ns < sum.first_ns))
			sum.first_ns = s->first_ns;
		if (s->packets && (!sum.packets || s->last_ns > sum.last_ns))
			sum.last_ns = s->last_ns;
		sum.packets += s->packets;
		sum.bytes += s->bytes;
		sum.wire_bytes += s->wire_bytes;
		sum.removed_segments += s->is_removed;
		sum.segments++;
	}
	return sum;
}

static int check_sums(struct verify *v, const struct line *l)
{
	const struct sums sum = add_up(v);

	const struct {
		const char *name;
		int64_t want;
	} all[] = {
		{ "packets", (int64_t)sum.packets },
		{ "bytes", (int64_t)sum.bytes },
		{ "wire_bytes", (int64_t)sum.wire_bytes },
		{ "segments", (int64_t)sum.segments },
		{ "removed_segments", (int64_t)sum.removed_segments },
		{ "first_ns", sum.first_ns },
		{ "last_ns", sum.last_ns },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		int64_t value;

		if (!json_get_i64(l->object, all[i].name, &value) || value != all[i].want)
			return verify_fault(
				v,
				"manifest line %llu: %s %lld, the segments' lines give %lld",
				l->number, all[i].name, (long long)value,
				(long long)all[i].want);
	}
	return 0;
}

/* Whether a grade can be true, the gaps between sessions left aside. */
static bool is_grade(const struct verify *v, const char *grade, uint64_t lost)
{
	bool is_complete = !lost && !v->is_suspended;

	return !strcmp(grade, "incomplete") ||
	       (!v->has_recovered && ((!strcmp(grade, "complete") && is_complete) ||
				      !strcmp(grade, "complete-with-loss")));
}

static int check_grade(struct verify *v, const struct line *l, uint64_t lost)
{
	const char *grade = json_get_text(l->object, "grade");
	const char *sessions = json_get_text(l->object, "sessions_grade");

	if (!grade)
		grade = "";
	(void)snprintf(v->check->grade, sizeof v->check->grade, "%s", grade);
	if (sessions && !is_grade(v, sessions, lost))
		return verify_fault(
			v, "manifest line %llu: sessions_grade '%.40s' does not fit",
			l->number, sessions);
	if (!is_grade(v, grade, lost) ||
	    (v->is_continued && strcmp(grade, "incomplete") != 0))
		return verify_fault(
			v,
			"manifest line %llu: grade '%.40s' does not fit %llu packets lost%s%s%s",
			l->number, grade, (unsigned long long)lost,
			v->is_suspended ? ", recording suspended" : "",
			v->has_recovered ? ", the store repaired" : "",
			v->is_continued ? ", recorded with a gap" : "");
	return 0;
}

/* Of every reason, those that this program does not know among them. */
static uint64_t lost_by_reasons(const json_t *line)
{
	json_t *all = json_object_get(line, "losses"), *one;
	uint64_t sum = 0, packets;
	const char *name;

	json_object_foreach(all, name, one) if (json_get_u64(one, "packets", &packets))
		sum += packets;
	return sum;
}

static int check_end(struct verify *v, const struct line *l, struct weir_error *err)
{
	struct loss_totals losses;
	uint64_t lost;
	int rc = check_sums(v, l);

	if (rc)
		return rc;
	line_losses(l->object, &losses);
	if (!json_get_u64(l->object, "lost", &lost) || lost != lost_by_reasons(l->object))
		return verify_fault(
			v, "manifest line %llu: lost %llu, the reasons give %llu",
			l->number, (unsigned long long)lost,
			(unsigned long long)lost_by_reasons(l->object));
	for (unsigned i = 0; i < LOSS_REASONS; i++)
		if (losses.packets[i] < v->losses.packets[i])
			return verify_fault(
				v,
				"manifest line %llu: %llu packets lost by '%s', the segments' "
				"lines give %llu",
				l->number, (unsigned long long)losses.packets[i],
				loss_name((enum loss)i),
				(unsigned long long)v->losses.packets[i]);
	v->has_end = true;
	rc = verify_members_state(v, l->object, l->number, err);
	return rc ? rc : check_grade(v, l, lost);
}

static const struct {
	const char *type;
	int (*check)(struct verify *v, const struct line *l, struct weir_error *err);
} types[] = {
	{ "start", check_start },         { "interface", check_interface },
	{ "segment_open", check_opened }, { "segment", check_segment },
	{ "removed", check_removed },     { "remove_error", check_remove_error },
	{ "suspended", check_suspended }, { "recovered", check_recovered },
	{ "continued", check_continued }, { "end", check_end },
};

/* The line's place among the others. */
static int check_place(struct verify *v, const struct line *l, const char *type)
{
	if ((l->number == 1) != !strcmp(type, "start"))
		return verify_fault(
			v, "manifest line %llu: type '%.40s' %s", l->number, type,
			l->number == 1 ? "is not 'start'" : "is for the first line only");
	if (v->has_end && strcmp(type, "continued") != 0)
		return verify_fault(v, "manifest line %llu: a line behind the last one",
				    l->number);
	if (v->is_behind_repair && strcmp(type, "end") != 0 &&
	    strcmp(type, "continued") != 0)
		return verify_fault(
			v, "manifest line %llu: type '%.40s' behind the line of a repair",
			l->number, type);
	return 0;
}

static int check_line(struct verify *v, const struct json_line *line,
		      struct weir_error *err)
{
	struct line l = { line->object, (unsigned long long)v->check->lines };
	const char *type = json_get_text(l.object, "type");
	char fault[CHAIN_FAULT];
	int rc;

	if (!chain_check(&v->chain, "manifest", line, fault))
		return verify_fault(v, "%s", fault);
	rc = check_place(v, &l, type ? type : "");
	for (size_t i = 0; !rc && type && i < ARRAY_LEN(types); i++)
		if (!strcmp(type, types[i].type))
			rc = types[i].check(v, &l, err);
	if (rc)
		return rc;
	if (chain_advance(&v->chain, line->text, (size_t)line->length))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	return 0;
}

static int check_end_is_there(struct verify *v, bool is_live)
{
	if (!v->check->lines)
		return is_live ? 0 : verify_fault(v, "the manifest is empty");
	if (v->has_end || is_live)
		return 0;
	return verify_fault(
		v,
		"the manifest has no last line: the recorder died, or the end was cut off "
		"(opening the store repairs what a recorder left)");
}

int verify_lines(struct verify *v, struct byte_source manifest, bool is_live,
		 struct weir_error *err)
{
	struct json_line line;
	struct window w;
	int rc = window_init(&w, manifest, err);

	if (rc)
		return rc;
	chain_init(&v->chain);
	while ((rc = json_lines_next(&w, &line, err)) > 0) {
		if (is_live && !line.is_ended) {
			json_decref(line.object);
			rc = 0;
			break;
		}
		v->check->lines++;
		rc = check_line(v, &line, err);
		json_decref(line.object);
		if (rc)
			break;
	}
	window_fini(&w);
	return rc ? rc : check_end_is_there(v, is_live);
}
