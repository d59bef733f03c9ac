/* Facts in one array, chained by process id; texts in a pool. */
#include "store/processes.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "store/json_lines.h"
#include "store/process_block.h"
#include "store/text_pool.h"

enum {
	BUCKETS = 16384,
	NONE = -1,
	START_STEP_NS = 10000000 /* what the start of a process is rounded down to */
};

struct entry {
	struct process_fact fact;
	int32_t next; /* of the same bucket */
};

struct processes {
	struct processes_counts counts;
	struct text_pool *texts;
	struct entry *entries;
	size_t room;
	int32_t heads[BUCKETS];
};

struct processes *processes_new(void)
{
	struct processes *p = mem_new(1, sizeof *p);

	if (!p)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		p->heads[i] = NONE;
	p->texts = text_pool_new(PROCESSES_TEXT);
	if (p->texts)
		return p;
	mem_free(p);
	return NULL;
}

void processes_free(struct processes *p)
{
	if (!p)
		return;
	text_pool_free(p->texts);
	mem_free(p->entries);
	mem_free(p);
}

const struct processes_counts *processes_counts(const struct processes *p)
{
	return &p->counts;
}

const struct process_fact *processes_at(const struct processes *p, size_t index)
{
	return index < p->counts.facts ? &p->entries[index].fact : NULL;
}

static int32_t head_of(const struct processes *p, uint32_t pid)
{
	return p->heads[pid % BUCKETS];
}

static const struct entry *entry_at(const struct processes *p, int32_t i)
{
	return i == NONE ? NULL : &p->entries[i];
}

static bool is_same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Whether the fact says nothing new: Wireshark's blocks stand in each segment again. */
static bool is_known(const struct process_fact *a, const struct process_fact *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->at_ns == b->at_ns &&
	       a->started_ns == b->started_ns && a->ended_ns == b->ended_ns &&
	       is_same_text(a->name, b->name) && is_same_text(a->path, b->path);
}

/* How many facts there are of the id, NONE where this very one is there already. */
static int count_of(const struct processes *p, const struct process_fact *fact)
{
	int count = 0;

	for (const struct entry *e = entry_at(p, head_of(p, fact->pid)); e;
	     e = entry_at(p, e->next)) {
		if (is_known(&e->fact, fact))
			return NONE;
		count += e->fact.pid == fact->pid;
	}
	return count;
}

static int make_room(struct processes *p)
{
	size_t room = p->room ? 2 * p->room : 64;
	struct entry *more;

	if (p->counts.facts < p->room)
		return 0;
	if (p->counts.facts == PROCESSES_MAX)
		return WEIR_ERR_LIMIT;
	more = mem_grow(p->entries, room, sizeof *more);
	if (!more)
		return WEIR_ERR_LIMIT;
	p->entries = more;
	p->room = room;
	return 0;
}

/* A text that finds no room is left out: the process is still known by its id. */
static const char *keep(struct processes *p, const char *text)
{
	return text ? text_pool_keep(p->texts, text, strlen(text)) : NULL;
}

static void keep_texts(struct processes *p, struct process_fact *f)
{
	f->name = keep(p, f->name);
	f->path = keep(p, f->path);
	f->user = keep(p, f->user);
	f->cgroup = keep(p, f->cgroup);
	f->container = keep(p, f->container);
	f->sha256 = keep(p, f->sha256);
	if (f->command_line)
		f->command_line =
			text_pool_keep(p->texts, f->command_line, f->command_line_length);
	if (!f->command_line)
		f->command_line_length = 0;
}

int processes_add(struct processes *p, const struct process_fact *fact)
{
	int count = count_of(p, fact);
	struct entry *e;

	if (count == NONE)
		return 0;
	if (count >= PROCESSES_PER_PID || make_room(p)) {
		p->counts.dropped++;
		return WEIR_ERR_LIMIT;
	}
	e = &p->entries[p->counts.facts];
	e->fact = *fact;
	keep_texts(p, &e->fact);
	e->next = head_of(p, fact->pid);
	p->heads[fact->pid % BUCKETS] = (int32_t)p->counts.facts++;
	return 0;
}

/* When the fact began to be true: a fact without at_ns holds from the start on. */
static int64_t begin_of(const struct process_fact *f)
{
	return f->at_ns ? f->at_ns : f->started_ns;
}

/* A fact that holds at ns is better than one that does not yet; of two that do the later one, of
 * two that do not the earlier. */
static bool is_better(const struct process_fact *a, const struct process_fact *b,
		      int64_t ns)
{
	bool holds_a = begin_of(a) <= ns, holds_b = begin_of(b) <= ns;

	if (holds_a != holds_b)
		return holds_a;
	return holds_a ? begin_of(a) >= begin_of(b) : begin_of(a) < begin_of(b);
}

static bool is_meant(const struct process_fact *f, uint64_t start_ns, int64_t ns)
{
	if (start_ns && f->start_ns)
		return f->start_ns == start_ns;
	return f->started_ns <= ns + START_STEP_NS;
}

const struct process_fact *processes_find(const struct processes *p, uint32_t pid,
					  uint64_t start_ns, int64_t ns)
{
	const struct process_fact *best = NULL;

	for (const struct entry *e = entry_at(p, head_of(p, pid)); e;
	     e = entry_at(p, e->next)) {
		const struct process_fact *f = &e->fact;

		if (f->pid != pid || !is_meant(f, start_ns, ns))
			continue;
		/* Entries are chained latest first: of equals the one added last stays. */
		if (!best || (is_better(f, best, ns) && begin_of(f) != begin_of(best)))
			best = f;
	}
	return best;
}

static bool get_u32(const json_t *line, const char *name, uint32_t *value)
{
	uint64_t v;
	bool is_good = json_get_u64(line, name, &v) && v <= UINT32_MAX;

	*value = is_good ? (uint32_t)v : 0;
	return is_good;
}

/* Arguments, each with a NUL behind it; the caller's, to give back with mem_free(). */
static char *join_arguments(const json_t *array, uint32_t *length)
{
	size_t total = 0, at = 0;
	char *joined;

	for (size_t i = 0; i < json_array_size(array); i++)
		total += json_string_length(json_array_get(array, i)) + 1;
	*length = (uint32_t)total;
	joined = total ? mem_new(total, 1) : NULL;
	for (size_t i = 0; joined && i < json_array_size(array); i++) {
		const json_t *word = json_array_get(array, i);

		if (json_string_length(word))
			memcpy(joined + at, json_string_value(word),
			       json_string_length(word));
		at += json_string_length(word) + 1;
	}
	return joined;
}

static int add_line(struct processes *p, const json_t *line)
{
	struct process_fact f = { .name = json_get_text(line, "name"),
				  .path = json_get_text(line, "path"),
				  .user = json_get_text(line, "user"),
				  .cgroup = json_get_text(line, "cgroup"),
				  .container = json_get_text(line, "container"),
				  .sha256 = json_get_text(line, "sha256") };
	char *arguments;

	if (!get_u32(line, "pid", &f.pid))
		return WEIR_ERR_FORMAT;
	/* What is absent or of another type stays 0, not known. */
	(void)(json_get_u64(line, "start_ns", &f.start_ns) +
	       json_get_i64(line, "started_ns", &f.started_ns) +
	       json_get_i64(line, "at_ns", &f.at_ns) +
	       json_get_i64(line, "ended_ns", &f.ended_ns) +
	       get_u32(line, "parent_pid", &f.parent_pid) +
	       json_get_u64(line, "parent_start_ns", &f.parent_start_ns) +
	       json_get_u64(line, "netns", &f.netns));
	f.has_uid = get_u32(line, "uid", &f.uid);
	f.has_gid = get_u32(line, "gid", &f.gid);
	arguments = join_arguments(json_object_get(line, "command_line"),
				   &f.command_line_length);
	f.command_line = arguments;
	(void)processes_add(p, &f); /* counted there */
	mem_free(arguments);
	return 0;
}

int processes_load(struct processes *p, struct byte_source source, struct weir_error *err)
{
	struct json_line line;
	struct window w;
	int rc = window_init(&w, source, err);

	if (rc)
		return rc;
	while ((rc = json_lines_next(&w, &line, err)) > 0) {
		if (!line.object || add_line(p, line.object))
			p->counts.bad_lines++;
		json_decref(line.object);
	}
	window_fini(&w);
	return rc;
}

void processes_add_block(struct processes *p, const uint8_t *body, size_t length)
{
	struct process_fact f;
	char *scratch;

	if (!process_block_is(body, length))
		return;
	scratch = mem_new(process_block_scratch(length), 1);
	if (scratch && process_block_read(&f, body, length, scratch))
		(void)processes_add(p, &f); /* counted there */
	else
		p->counts.bad_lines++;
	mem_free(scratch);
}
