/* Small files are read some entries ahead, several at once: what that saves is in
 * docs/performance.md, and how in port/files.h. */
#include "filesystem/worker.h"

#include "base/mem.h"
#include "filesystem/volume.h"

enum {
	AHEAD_MIN = 2 /* one alone gains nothing */
};

struct ahead {
	struct small_reader *reader;
	uint8_t *buffers;
	struct file_time since; /* the clock before the first was opened */
	struct small_file files[SMALL_FILES_MAX];
	unsigned count, next;
	bool is_exhausted; /* of files among these entries */
};

struct ahead *ahead_new(const struct walk_config *c)
{
	struct ahead *a;

	/* Where the neighbours of a file count, or it may be left out, its metadata come first. */
	if (!content_is_quick(c) || c->want_hints ||
	    (c->selection && !select_is_open(c->selection)))
		return NULL;
	a = mem_new(1, sizeof *a);
	if (!a)
		return NULL;
	a->reader = small_reader_new();
	a->buffers = a->reader ? mem_new(SMALL_FILES_MAX, SMALL_FILE_BYTES) : NULL;
	if (!a->buffers) {
		ahead_free(a);
		return NULL;
	}
	for (unsigned i = 0; i < SMALL_FILES_MAX; i++)
		a->files[i].buffer = a->buffers + (size_t)i * SMALL_FILE_BYTES;
	return a;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	small_reader_free(a->reader);
	mem_free(a->buffers);
	mem_free(a);
}

void ahead_begin(struct ahead *a)
{
	if (!a)
		return;
	a->count = a->next = 0;
	a->is_exhausted = false;
}

static bool is_wanted(const struct walk_config *c, const struct node *d,
		      const struct dirent_entry *e)
{
	bool is_match = true;

	if (e->type != DIRENT_REGULAR || e->length > WORKER_NAME_MAX)
		return false;
	if (c->pattern)
		(void)pattern_step(c->pattern, d->pattern_state, e->name, e->length,
				   &is_match);
	return is_match;
}

void ahead_read(struct worker *k, const struct node *d, int handle,
		const struct cursor *from)
{
	const struct volume *v = d->volume;
	struct cursor c = *from;
	struct dirent_entry e;
	struct ahead *a = k->ahead;

	if (!a || a->next < a->count || a->is_exhausted)
		return;
	a->count = a->next = 0;
	a->is_exhausted = true;
	if (!v->calls->small || !v->is_inode_proof || v->is_pseudo || d->has_cover)
		return;
	while (a->count < SMALL_FILES_MAX && dirent_next(&c, &e))
		if (is_wanted(walk_config_of(k->walk), d, &e))
			a->files[a->count++].name = e.name;
	if (a->count < AHEAD_MIN) {
		a->count = 0;
		return;
	}
	a->is_exhausted = false;
	a->since = port_file_clock();
	v->calls->small(v->state, a->reader, handle, a->files, a->count);
}

const struct small_file *ahead_take(struct ahead *a, const char *name,
				    struct file_time *since)
{
	if (!a || a->next == a->count || a->files[a->next].name != name)
		return NULL;
	*since = a->since;
	return &a->files[a->next++];
}
