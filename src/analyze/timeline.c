#include "analyze/timeline.h"

#include "analyze/flows.h"
#include "analyze/lacks.h"
#include "analyze/sorter.h"
#include "analyze/whole.h"
#include "base/mem.h"
#include "filesystem/listing.h"

#include <errno.h>

enum {
	CHUNK = 1 << 20,
	LINE_MAX_BYTES = 64 << 20,
	SOURCES_MAX = 1024,
	FLOWS_MEMORY = 64 << 20
};

struct timeline {
	struct sorter *sorter;
	struct timeline_range range;
	struct timeline_counts counts;
	char *sources[SOURCES_MAX];
	uint32_t source_count;
	/* The row being made: name, target, facts. */
	char *row;
	size_t row_size;
	/* Of the listing being read. */
	char *text, *spare;
	size_t text_size;
	struct listing_guess guesses[LISTING_GUESSES];
	struct whole whole;
	struct weir_error *err;
};

struct timeline *timeline_new(size_t memory_bytes, const struct timeline_range *range)
{
	struct timeline *t = mem_new(1, sizeof *t);

	if (!t)
		return NULL;
	t->range = *range;
	t->sorter = sorter_new(memory_bytes);
	if (t->sorter)
		return t;
	mem_free(t);
	return NULL;
}

void timeline_free(struct timeline *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->source_count; i++)
		mem_free(t->sources[i]);
	sorter_free(t->sorter);
	mem_free(t->row);
	mem_free(t->text);
	mem_free(t->spare);
	mem_free(t);
}

const struct timeline_counts *timeline_counts(const struct timeline *t)
{
	return &t->counts;
}

static bool in_range(const struct timeline_range *r, struct file_time at)
{
	return (!r->has_from || when_compare(at, r->from) >= 0) &&
	       (!r->has_to || when_compare(at, r->to) <= 0);
}

/* How many bytes of the facts are kept, by a row's letters. */
static size_t facts_kept(unsigned what)
{
	return what & (TIMELINE_FIRST | TIMELINE_LAST)
		       ? sizeof(struct timeline_facts)
		       : offsetof(struct timeline_facts, ip_version);
}

/* One row for each time.  The facts stand behind the texts, so that rows of one time are in the order
 * of their names. */
static int add_rows(struct timeline *t, const struct sorter_at *times, unsigned count,
		    const char *name, const char *target, const struct timeline_facts *f)
{
	size_t n = (size_t)f->name_length + f->target_length;
	size_t kept = facts_kept(count ? times[0].tag : 0);
	struct sorter_at wanted[SORTER_TIMES];
	unsigned have = 0;

	for (unsigned i = 0; i < count; i++)
		if (in_range(&t->range, times[i].time))
			wanted[have++] = times[i];
	if (!have)
		return 0;
	if (t->row_size < n + sizeof *f) {
		char *more = mem_grow(t->row, 2 * (n + sizeof *f), 1);

		if (!more)
			return err_set(t->err, WEIR_ERR_NO_MEMORY, "no memory for a row");
		t->row = more;
		t->row_size = 2 * (n + sizeof *f);
	}
	memcpy(t->row, name, f->name_length);
	if (f->target_length)
		memcpy(t->row + f->name_length, target, f->target_length);
	memcpy(t->row + n, f, kept);
	t->counts.rows += have;
	return sorter_add_rows(t->sorter, wanted, have, t->row, n + kept, t->err);
}

static uint8_t facts_had(const struct listing_row *l)
{
	unsigned has = 0;

	has |= l->has & LISTING_HAS_SIZE ? TIMELINE_HAS_SIZE : 0;
	has |= l->has & LISTING_HAS_INODE ? TIMELINE_HAS_INODE : 0;
	has |= l->has & LISTING_HAS_UID ? TIMELINE_HAS_UID : 0;
	has |= l->has & LISTING_HAS_GID ? TIMELINE_HAS_GID : 0;
	if (l->permissions.length == sizeof((struct timeline_facts *)NULL)->permissions)
		has |= TIMELINE_HAS_PERMISSIONS;
	return (uint8_t)has;
}

/* One row for each different time, with the letters of all that are equal. */
static int add_file(struct timeline *t, const struct listing_row *l)
{
	struct sorter_at times[SORTER_TIMES];
	struct timeline_facts f;
	unsigned left = l->has_time, count = 0;

	memset(&f, 0, sizeof f);
	f.size_bytes = l->size_bytes;
	f.inode = l->inode;
	f.uid = (uint32_t)l->uid;
	f.gid = (uint32_t)l->gid;
	f.source = t->source_count - 1;
	f.name_length = (uint32_t)l->path.length;
	f.target_length = (uint32_t)l->target.length;
	f.has = facts_had(l);
	if (f.has & TIMELINE_HAS_PERMISSIONS)
		memcpy(f.permissions, l->permissions.bytes, sizeof f.permissions);
	t->counts.files++;
	for (unsigned i = 0; i < LISTING_TIMES; i++) {
		t->counts.absent_times += !(l->has_time >> i & 1);
		if (!(left >> i & 1))
			continue;
		times[count] = (struct sorter_at){ .time = l->times[i] };
		for (unsigned j = i; j < LISTING_TIMES; j++) {
			if (!(left >> j & 1) ||
			    when_compare(l->times[i], l->times[j]) != 0)
				continue;
			times[count].tag |= (uint8_t)(1U << j);
			left &= ~(1U << j);
		}
		count++;
	}
	return add_rows(t, times, count, l->path.bytes, l->target.bytes, &f);
}

static int add_line(struct timeline *t, const char *line, size_t length, uint64_t number)
{
	struct listing_row row;
	size_t fault;

	if (!length)
		return 0;
	if (listing_parse(line, length, t->spare, t->guesses, &row, &fault) &&
	    (row.kind != LISTING_FILE || row.path.length)) {
		whole_take(&t->whole, &row);
		return row.kind == LISTING_FILE ? add_file(t, &row) : 0;
	}
	whole_bad_line(&t->whole);
	if (!t->counts.bad_lines++)
		(void)snprintf(t->counts.first_bad, sizeof t->counts.first_bad,
			       "'%.100s': line %llu is no record: at byte %zu",
			       t->sources[t->source_count - 1],
			       (unsigned long long)number, fault);
	return 0;
}

/* The whole lines of what is in the text; *used is how much of it that was. */
static int add_lines(struct timeline *t, size_t length, size_t *used, uint64_t *number)
{
	const char *p = t->text, *end = p + length, *newline;
	int rc = 0;

	while (!rc && (newline = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		rc = add_line(t, p, (size_t)(newline - p), ++*number);
		p = newline + 1;
	}
	*used = (size_t)(p - t->text);
	return rc;
}

static int grow_text(struct timeline *t)
{
	size_t size = t->text_size ? t->text_size * 2 : 2 * CHUNK;
	char *text = size > LINE_MAX_BYTES ? NULL : mem_grow(t->text, size, 1), *spare;

	if (!text)
		return err_set(t->err, WEIR_ERR_LIMIT, "a line is longer than %zu bytes",
			       t->text_size);
	t->text = text;
	spare = mem_grow(t->spare, 2 * size, 1);
	if (!spare)
		return err_set(t->err, WEIR_ERR_NO_MEMORY, "no memory for a line");
	t->spare = spare;
	t->text_size = size;
	return 0;
}

static int read_lines(struct timeline *t, FILE *f)
{
	size_t have = 0, used, n;
	uint64_t number = 0;
	int rc = 0;

	do {
		if (t->text_size - have < CHUNK && (rc = grow_text(t)) != 0)
			return rc;
		n = fread(t->text + have, 1, CHUNK, f);
		have += n;
		rc = add_lines(t, have, &used, &number);
		memmove(t->text, t->text + used, have - used);
		have -= used;
	} while (!rc && n);
	if (!rc && ferror(f))
		return err_sys(t->err, "cannot read '%s'",
			       t->sources[t->source_count - 1]);
	/* A last line that was cut off is told like any bad one. */
	return rc ? rc : add_line(t, t->text, have, ++number);
}

static int read_listing(struct timeline *t, FILE *f)
{
	const char *path = t->sources[t->source_count - 1];
	int rc;

	t->whole = (struct whole){ .is_open = false };
	rc = read_lines(t, f);
	if (!rc && !t->whole.lines)
		return err_set(t->err, WEIR_ERR_FORMAT,
			       "'%s' is empty: it is no listing and no recording", path);
	if (!rc && !whole_is_listing(&t->whole))
		return err_set(t->err, WEIR_ERR_FORMAT,
			       "'%s' is no listing: none of its lines is a record of one",
			       path);
	t->counts.incomplete +=
		whole_describe(&t->whole, t->counts.lack, sizeof t->counts.lack);
	return rc;
}

static int add_flow(struct timeline *t, const struct flow *flow)
{
	const struct flow_side *src = flow_src(flow), *dst = flow_dst(flow);
	bool has_ports = flow->key.form == FLOW_PORTS;
	bool is_one = flow->first_ns == flow->last_ns;
	struct timeline_facts f;
	struct sorter_at times[] = {
		{ when_of_ns(flow->first_ns),
		  (uint8_t)(TIMELINE_FIRST | (is_one ? TIMELINE_LAST : 0)) },
		{ when_of_ns(flow->last_ns), TIMELINE_LAST },
	};

	memset(&f, 0, sizeof f);
	f.size_bytes = src->bytes + dst->bytes;
	f.packets = src->packets + dst->packets;
	f.source = t->source_count - 1;
	f.pid = flow_owner(flow)->pid;
	f.ip_version = flow->key.ip_version;
	f.protocol = flow->key.protocol;
	f.src_port = has_ports ? flow->key.port[flow->src] : 0;
	f.dst_port = has_ports ? flow->key.port[!flow->src] : 0;
	memcpy(f.src, flow->key.address[flow->src], sizeof f.src);
	memcpy(f.dst, flow->key.address[!flow->src], sizeof f.dst);
	t->counts.flows++;
	return add_rows(t, times, is_one ? 1 : 2, "", "", &f);
}

static int add_flows(struct timeline *t, struct flows *f)
{
	struct flow flow;
	int rc = flows_finish(f, t->err), got = 0;

	while (!rc && (got = flows_next(f, &flow, t->err)) == 1)
		rc = add_flow(t, &flow);
	return rc ? rc : got;
}

/* What weir flows says of the same source. */
static void describe_recording(struct timeline *t, const struct merge *m,
			       const struct flows *f)
{
	const struct standing *of = merge_standing(m, 0);
	struct flows_counts n;
	size_t used;

	(void)lacks_describe(of, t->counts.lack);
	t->counts.incomplete += of->lacks_processes;
	flows_count(f, &n);
	used = strlen(t->counts.lack);
	if (n.follow.others)
		(void)snprintf(t->counts.lack + used, sizeof t->counts.lack - used,
			       "%s%llu of %llu packets have no IP header and no row",
			       used ? "; " : "", (unsigned long long)n.follow.others,
			       (unsigned long long)n.packets);
}

static int add_recording(struct timeline *t, const char *path)
{
	struct flows *f = NULL;
	struct merge *m = NULL;
	struct packet p;
	int rc = merge_open(&m, &path, 1, t->err), status = 0;

	if (!rc && !(f = flows_new(m, FLOWS_MEMORY)))
		rc = err_set(t->err, WEIR_ERR_NO_MEMORY, "no memory for flows");
	while (!rc && (status = merge_next(m, &p, t->err)) == 1)
		rc = flows_packet(f, &p, true, t->err);
	/* Damage: what came before it is in the timeline all the same. */
	if (!rc)
		rc = add_flows(t, f);
	if (!rc)
		describe_recording(t, m, f);
	flows_free(f);
	merge_free(m);
	return rc ? rc : status;
}

/* A listing begins with '{'; the stream is left at its beginning. */
static bool is_listing(FILE *f)
{
	int c = getc(f);

	if (c == EOF)
		return true;
	(void)ungetc(c, f);
	return c == '{';
}

int timeline_add(struct timeline *t, const char *path, struct weir_error *err)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int rc;

	t->counts.lack[0] = '\0';
	if (!f)
		return err_sys(err, "cannot open '%s'", path);
	if (t->source_count == SOURCES_MAX ||
	    !(t->sources[t->source_count] = mem_strdup(path))) {
		rc = err_set(err, WEIR_ERR_LIMIT, "more than %d sources", SOURCES_MAX);
	} else {
		t->source_count++;
		t->err = err;
		/* A directory opens for reading and then yields nothing: it is a store. */
		if (f == stdin || (is_listing(f) && !ferror(f)))
			rc = read_listing(t, f);
		else
			rc = add_recording(t, path);
	}
	if (f != stdin)
		(void)fclose(f);
	return rc;
}

int timeline_finish(struct timeline *t, struct weir_error *err)
{
	return sorter_finish(t->sorter, err);
}

int timeline_next(struct timeline *t, struct timeline_row *row, struct weir_error *err)
{
	const void *bytes;
	size_t length;
	struct sorter_at at;
	size_t kept;
	int rc = sorter_next_row(t->sorter, &at, &bytes, &length, err);

	if (rc != 1)
		return rc;
	kept = facts_kept(at.tag);
	memcpy(&row->facts, (const char *)bytes + length - kept, kept);
	row->at = at.time;
	row->facts.what = at.tag;
	row->name = bytes;
	row->target = (const char *)bytes + row->facts.name_length;
	row->source = t->sources[row->facts.source];
	return 1;
}
