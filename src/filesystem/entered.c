#include "filesystem/entered.h"

#include "base/mem.h"

/* A directory that a link led to. */
struct listed {
	uint64_t inode, pattern_state;
	uint32_t dev_major, dev_minor;
	unsigned depth;
	char *path;
	size_t length;
};

int entered_init(struct entered *e, const struct walk_config *config)
{
	*e = (struct entered){ .config = config, .lock = port_monitor_new() };
	return e->lock ? 0 : WEIR_ERR_NO_MEMORY;
}

void entered_fini(struct entered *e)
{
	for (size_t i = 0; i < e->volume_count; i++)
		mem_free(e->volumes[i]);
	for (size_t i = 0; i < e->listed_count; i++)
		mem_free(e->listed[i].path);
	mem_free(e->volumes);
	mem_free(e->listed);
	port_monitor_free(e->lock);
}

static bool is_inode(const struct file_meta *m, uint64_t inode, uint32_t major,
		     uint32_t minor)
{
	return m->inode == inode && m->dev_major == major && m->dev_minor == minor;
}

static bool is_below(const char *path, size_t length, const char *above, size_t n)
{
	if (n == 1)
		return true;
	return length >= n && !memcmp(path, above, n) && (length == n || path[n] == '/');
}

/* Grows an array by one where it is full: at every power of two. */
static bool make_room(void **array, size_t count, size_t size)
{
	void *more;

	if (count & (count - 1))
		return true;
	more = mem_grow(*array, count ? count * 2 : 1, size);
	if (more)
		*array = more;
	return more != NULL;
}

/* Whether all below a directory is shown wherever it is met: with a pattern or a bound of depth two
 * places differ in that. */
static bool shows_all(const struct entered *e)
{
	const struct walk_config *c = e->config;

	return !c->pattern && c->is_recursive && c->max_depth == WALK_DEPTH_DEFAULT;
}

static bool is_asked_for(const struct entered *e, const struct followed *f)
{
	const struct walk_config *c = e->config;

	if (!shows_all(e))
		return false;
	for (size_t i = 0; i < c->volume_count; i++)
		if (c->volumes[i]->absolute && !c->volumes[i]->single &&
		    is_below(f->path, f->length, c->volumes[i]->absolute,
			     strlen(c->volumes[i]->absolute)))
			return true;
	return false;
}

/* Whether what was entered shows what would be entered now. */
static bool covers(const struct entered *e, const struct listed *was,
		   const struct listed *now)
{
	bool is_same = was->inode == now->inode && was->dev_major == now->dev_major &&
		       was->dev_minor == now->dev_minor;

	if (shows_all(e))
		return is_same ||
		       is_below(now->path, now->length, was->path, was->length);
	return is_same && was->pattern_state == now->pattern_state &&
	       was->depth <= now->depth;
}

static void keep_listed(struct entered *e, const struct listed *now)
{
	struct listed *l;

	if (!make_room((void **)&e->listed, e->listed_count, sizeof *e->listed))
		return;
	l = &e->listed[e->listed_count];
	*l = *now;
	l->path = mem_strdup(now->path);
	e->listed_count += l->path != NULL;
}

bool entered_is_listed(struct entered *e, struct followed *f, uint64_t pattern_state,
		       unsigned depth)
{
	struct listed now = { .inode = f->meta.inode,
			      .pattern_state = pattern_state,
			      .dev_major = f->meta.dev_major,
			      .dev_minor = f->meta.dev_minor,
			      .depth = depth,
			      .path = f->path,
			      .length = f->length };
	bool is_listed = is_asked_for(e, f);

	port_monitor_lock(e->lock);
	for (size_t i = 0; i < e->listed_count && !is_listed; i++)
		is_listed = covers(e, &e->listed[i], &now);
	if (!is_listed)
		keep_listed(e, &now);
	port_monitor_unlock(e->lock);
	return is_listed;
}

bool entered_is_root(struct entered *e, const struct file_meta *m)
{
	bool is_root = false;

	if (!shows_all(e))
		return false;
	for (size_t i = 0; i < e->config->volume_count && !is_root; i++) {
		const struct volume *v = e->config->volumes[i];

		is_root =
			!v->single && !v->is_crossed &&
			is_inode(m, v->meta.inode, v->meta.dev_major, v->meta.dev_minor);
	}
	port_monitor_lock(e->lock);
	for (size_t i = 0; i < e->listed_count && !is_root; i++)
		is_root = is_inode(m, e->listed[i].inode, e->listed[i].dev_major,
				   e->listed[i].dev_minor);
	port_monitor_unlock(e->lock);
	return is_root;
}

bool entered_keep(struct entered *e, struct volume *v)
{
	bool is_kept;

	port_monitor_lock(e->lock);
	is_kept =
		make_room((void **)&e->volumes, e->volume_count, sizeof(struct volume *));
	if (is_kept)
		e->volumes[e->volume_count++] = v;
	port_monitor_unlock(e->lock);
	return is_kept;
}

uint64_t entered_disturbed(const struct entered *e)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < e->volume_count; i++)
		sum += atomic_load(&e->volumes[i]->own.disturbed);
	return sum;
}
