#include "analyze/split.h"

#include "analyze/mix.h"
#include "analyze/process_text.h"
#include "analyze/writer.h"
#include "base/mem.h"
#include "store/processes.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NAME_ROOM = 128,
	NAME_SHOWN = 32, /* bytes of a process's name in a file's */
	SLOTS = 4 * SPLIT_FILES,
	TRIES = 1000 /* numbers behind a name that is taken */
};

struct output_key {
	uint64_t start_ns;
	uint32_t pid, source;
	bool is_known, is_others;
};

/* One file: what the writer was about goes on where it was, open or not. */
struct output {
	struct output_key key;
	struct writer writer;
	char *path, *note;
	uint64_t used; /* for which packet last */
	bool is_open;
};

struct split {
	const char *folder;
	char *hidden;
	uint64_t seed, tick;
	struct output **outputs, **slots; /* slots by key: open addressing */
	size_t count;
	struct output *open[SPLIT_OPEN];
	size_t open_count;
	struct split_counts counts;
};

static void free_split(struct split *s)
{
	for (size_t i = 0; i < s->count; i++) {
		mem_free(s->outputs[i]->path);
		mem_free(s->outputs[i]->note);
		mem_free(s->outputs[i]);
	}
	mem_free(s->outputs);
	mem_free(s->slots);
	mem_free(s->hidden);
	mem_free(s);
}

/* ".NAME.PID" beside the place; slashes at the end of it mean nothing. */
static char *make_hidden(const char *folder)
{
	size_t length = strlen(folder), from;
	char *name = mem_new(length + 32, 1);

	while (length > 1 && folder[length - 1] == '/')
		length--;
	for (from = length; from && folder[from - 1] != '/'; from--)
		;
	if (name)
		(void)snprintf(name, length + 32, "%.*s.%.*s.%ld", (int)from, folder,
			       (int)(length - from), folder + from, (long)getpid());
	return name;
}

int split_new(struct split **out, const char *folder, struct weir_error *err)
{
	struct split *s = mem_new(1, sizeof *s);
	struct stat st;
	int rc = 0;

	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", folder);
	s->folder = folder;
	s->seed = mix_seed();
	s->outputs = mem_new(SPLIT_FILES + 2, sizeof(struct output *));
	s->slots = mem_new(SLOTS, sizeof(struct output *));
	s->hidden = make_hidden(folder);
	if (!s->outputs || !s->slots || !s->hidden)
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", folder);
	else if (!lstat(folder, &st))
		rc = err_set(err, WEIR_ERR_EXISTS,
			     "'%s' is there already: not overwritten", folder);
	else if (mkdir(s->hidden, 0777))
		rc = err_sys(err, "cannot make '%s'", s->hidden);
	if (rc) {
		free_split(s);
		return rc;
	}
	*out = s;
	return 0;
}

const struct split_counts *split_counts(const struct split *s)
{
	return &s->counts;
}

static void make_key(struct output_key *key, const struct packet *p, size_t source)
{
	memset(key, 0, sizeof *key);
	key->is_known = p->has_pid;
	if (!p->has_pid)
		return;
	key->pid = p->pid;
	key->start_ns = p->has_owner ? p->owner.start_ns : 0;
	key->source = (uint32_t)source;
}

static struct output **slot_of(struct split *s, const struct output_key *key)
{
	size_t i = (size_t)(mix_bytes(s->seed, key, sizeof *key) % SLOTS);

	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): keys are zeroed first */
	while (s->slots[i] && memcmp(&s->slots[i]->key, key, sizeof *key) != 0)
		i = (i + 1) % SLOTS;
	return &s->slots[i];
}

static void put_safe(struct line *l, const char *name)
{
	for (size_t i = 0; name[i] && i < NAME_SHOWN; i++) {
		char c = name[i];
		bool is_safe = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			       (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
			       (c == '.' && i);

		line_char(l, is_safe ? c : '_');
	}
}

/* The file's name without number and suffix. */
static void name_output(char name[NAME_ROOM], const struct output_key *key,
			const struct process_fact *f)
{
	struct line l;

	line_init(&l, name, NAME_ROOM - 1);
	if (key->is_others) {
		line_text(&l, "others");
	} else if (!key->is_known) {
		line_text(&l, "unknown");
	} else {
		put_safe(&l, f && f->name ? f->name : "process");
		line_char(&l, '-');
		line_unsigned(&l, key->pid);
		if (key->start_ns) {
			line_char(&l, '-');
			line_unsigned(&l, key->start_ns);
		}
	}
	*l.at = '\0';
}

static int open_new(struct split *s, struct output *o, const char *name,
		    struct weir_error *err)
{
	size_t room = strlen(s->hidden) + NAME_ROOM + 32;
	int rc = WEIR_ERR_EXISTS;

	o->path = mem_new(room, 1);
	if (!o->path)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for '%s'", name);
	/* Two sources may have processes of one name, id and start. */
	for (unsigned i = 1; rc == WEIR_ERR_EXISTS && i < TRIES; i++) {
		int n = snprintf(o->path, room, "%s/%s", s->hidden, name);

		if (i > 1)
			n += snprintf(o->path + n, room - (size_t)n, "-%u", i);
		(void)snprintf(o->path + n, room - (size_t)n, ".pcapng");
		rc = sink_open_piece(&o->writer.out, o->path, false, err);
	}
	return rc;
}

/* What the file is about, in its section's comment. */
static char *make_note(const struct packet *p, const struct output_key *key,
		       const struct process_fact *f)
{
	const struct flow_owner o = { .pid = p->pid, .is_known = true };
	char *note = mem_new(512, 1);
	struct line l;

	if (!note)
		return NULL;
	line_init(&l, note, 511);
	line_text(&l, "packets of ");
	if (key->is_others)
		line_text(&l, "processes beyond the number of files");
	else if (!key->is_known)
		line_text(&l, "unknown processes");
	else
		(void)process_put(&l, &o, f);
	return note;
}

static void close_least(struct split *s, struct weir_error *err, int *rc)
{
	size_t least = 0;

	for (size_t i = 1; i < s->open_count; i++)
		if (s->open[i]->used < s->open[least]->used)
			least = i;
	*rc = sink_close(s->open[least]->writer.out, err);
	s->open[least]->writer.out = NULL;
	s->open[least]->is_open = false;
	s->open[least] = s->open[--s->open_count];
}

static int make_output(struct split *s, const struct writer *like, const struct packet *p,
		       struct output *o, struct weir_error *err)
{
	const struct process_fact *f =
		o->key.is_known ? merge_process(like->merge, p) : NULL;
	char name[NAME_ROOM];
	int rc;

	name_output(name, &o->key, f);
	o->note = make_note(p, &o->key, f);
	rc = open_new(s, o, name, err);
	if (rc)
		return rc;
	o->writer.ops = &writer_pcapng;
	o->writer.merge = like->merge;
	o->writer.name = o->path;
	o->writer.parents = like->parents;
	o->writer.note = o->note;
	o->writer.number = s->counts.files++;
	return o->writer.ops->begin(&o->writer, err);
}

/* Puts the output among the open ones. */
static int open_output(struct split *s, const struct writer *like, const struct packet *p,
		       struct output *o, struct weir_error *err)
{
	int rc = 0;

	if (s->open_count == SPLIT_OPEN)
		close_least(s, err, &rc);
	if (!rc && o->path)
		rc = sink_open_piece(&o->writer.out, o->path, true, err);
	else if (!rc)
		rc = make_output(s, like, p, o, err);
	if (rc && o->writer.out) {
		sink_discard(o->writer.out);
		o->writer.out = NULL;
	}
	if (rc)
		return rc;
	o->is_open = true;
	s->open[s->open_count++] = o;
	return 0;
}

/* The output of a key, made where there is none yet. */
static struct output *find_output(struct split *s, struct output_key *key)
{
	struct output **slot = slot_of(s, key);

	if (!*slot && key->is_known && s->count >= SPLIT_FILES) {
		memset(key, 0, sizeof *key);
		key->is_others = true;
		slot = slot_of(s, key);
	}
	if (*slot)
		return *slot;
	*slot = mem_new(1, sizeof **slot);
	if (!*slot)
		return NULL;
	(*slot)->key = *key;
	s->outputs[s->count++] = *slot;
	return *slot;
}

static int split_begin(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

static int split_packet(struct writer *w, const struct packet *p, struct weir_error *err)
{
	struct split *s = w->split;
	struct output_key key;
	struct output *o;
	int rc = 0;

	make_key(&key, p, merge_iface_source(w->merge, p->iface));
	o = find_output(s, &key);
	if (!o)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a process's file");
	s->counts.unknown += !p->has_pid;
	s->counts.others += o->key.is_others;
	if (!o->is_open)
		rc = open_output(s, w, p, o, err);
	if (rc)
		return rc;
	o->used = ++s->tick;
	o->writer.annotation = w->annotation;
	o->writer.described = w->described;
	rc = o->writer.ops->packet(&o->writer, p, err);
	w->out = o->writer.out;
	w->is_mixed |= o->writer.is_mixed;
	return rc;
}

static int split_end(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

const struct writer_ops writer_split = { .name = "pcapng",
					 .suffix = ".pcapng",
					 .is_binary = true,
					 .begin = split_begin,
					 .packet = split_packet,
					 .end = split_end };

int split_close(struct split *s, struct weir_error *err)
{
	struct stat st;
	int rc = 0;

	while (s->open_count && !rc)
		close_least(s, err, &rc);
	if (!rc && !lstat(s->folder, &st))
		rc = err_set(err, WEIR_ERR_EXISTS, "'%s' has come to be: not overwritten",
			     s->folder);
	if (!rc && rename(s->hidden, s->folder))
		rc = err_sys(err, "cannot name '%s'", s->folder);
	if (rc)
		split_discard(s);
	else
		free_split(s);
	return rc;
}

void split_discard(struct split *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->open_count; i++)
		sink_discard(s->open[i]->writer.out);
	for (size_t i = 0; i < s->count; i++)
		if (s->outputs[i]->path)
			(void)unlink(s->outputs[i]->path);
	(void)rmdir(s->hidden);
	free_split(s);
}
