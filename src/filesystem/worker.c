#include "filesystem/worker.h"

#include "base/mem.h"
#include "filesystem/magic.h"
#include "filesystem/text.h"
#include "filesystem/volume.h"

#include <errno.h>

static bool make_buffers(struct worker *k, const struct walk_config *c)
{
	bool is_short = false;

	k->path_size = 2 * (WORKER_NAME_MAX + 1);
	k->path = mem_new(k->path_size, 1);
	k->entries = mem_new(WORKER_ENTRIES_BYTES, 1);
	is_short = !k->path || !k->entries || out_init(&k->out, c->sink);
	if (c->want_xattrs)
		is_short |= !(k->attributes = attributes_new());
	if (c->digests || c->want_content_mime)
		is_short |= !(k->digester = digester_new(c->digests));
	k->ahead = ahead_new(c);
	if (c->want_hints) {
		k->neighbours = mem_new(1, sizeof *k->neighbours);
		k->batch = mem_new(HINTS_BATCH, sizeof *k->batch);
		k->batch_rc = mem_new(HINTS_BATCH, sizeof *k->batch_rc);
		is_short |= !k->neighbours || !k->batch || !k->batch_rc;
	}
	if (c->want_follow)
		is_short |= !(k->followed = mem_new(1, sizeof *k->followed));
	if (c->want_content_mime)
		k->magic = magic_new();
	return !is_short;
}

struct worker *worker_new(struct walk *w)
{
	const struct walk_config *c = walk_config_of(w);
	struct worker *k = mem_new(1, sizeof *k);

	if (!k)
		return NULL;
	k->walk = w;
	atomic_init(&k->seen, 0);
	atomic_init(&k->beat, 0);
	atomic_init(&k->state, WORKER_IDLE);
	atomic_init(&k->current, NULL);
	form_state_init(&k->form, c->owners);
	if (c->absent)
		k->form.absent = c->absent;
	if (make_buffers(k, c))
		return k;
	worker_free(k);
	return NULL;
}

void worker_free(struct worker *k)
{
	if (!k)
		return;
	out_fini(&k->out);
	mem_free(k->path);
	mem_free(k->entries);
	attributes_free(k->attributes);
	digester_free(k->digester);
	ahead_free(k->ahead);
	mem_free(k->followed);
	mem_free(k->neighbours);
	mem_free(k->batch);
	mem_free(k->batch_rc);
	magic_free(k->magic);
	mem_free(k->found);
	mem_free(k);
}

void worker_count_error(struct worker *k, int number)
{
	k->counts.errors[number > 0 && number < WALK_ERRNO_MAX ? number : 0]++;
}

bool worker_turn(struct worker *k, enum worker_state from, enum worker_state to)
{
	unsigned state = from;

	return atomic_compare_exchange_strong(&k->state, &state, to);
}

bool worker_is_given_up(const struct worker *k)
{
	return atomic_load_explicit(&k->state, memory_order_relaxed) == WORKER_GIVEN_UP;
}

void worker_write_error(struct worker *k, const char *path, size_t length, int number,
			const char *call)
{
	char name[16], *p;

	worker_count_error(k, number);
	if (!walk_config_of(k->walk)->form->has_reports)
		return;
	p = out_begin(&k->out, 512 + 8 * length);
	if (p) {
		p = TEXT_LIT(p, "{\"record\":\"error\",\"path\":\"");
		p = text_json(p, path, length);
		if (!text_is_clean(path, length)) {
			p = TEXT_LIT(p, "\",\"path_b64\":\"");
			p = text_base64(p, path, length);
		}
		p = TEXT_LIT(p, "\",\"error\":\"");
		call = call ? call : "";
		p = text_bytes(p, port_errno_name(number, name),
			       strlen(port_errno_name(number, name)));
		p = TEXT_LIT(p, "\",\"error_call\":\"");
		p = text_bytes(p, call, strlen(call));
		p = TEXT_LIT(p, "\"}\n");
	}
	out_end(&k->out, p);
}

/* Puts the directory's path and a slash into k->path; false without memory. */
static bool set_path(struct worker *k, const struct node *d)
{
	const struct volume *v = d->volume;
	size_t below = node_path_length(d), need = v->path_length + below + 3;
	bool has_slash = v->path_length && v->path[v->path_length - 1] == '/';

	if (k->path_size < need + WORKER_NAME_MAX + 1) {
		char *more = mem_grow(k->path, 2 * need + WORKER_NAME_MAX + 1, 1);

		if (!more)
			return false;
		k->path = more;
		k->path_size = 2 * need + WORKER_NAME_MAX + 1;
	}
	memcpy(k->path, v->path, v->path_length);
	k->prefix = v->path_length;
	if (k->prefix && !has_slash)
		k->path[k->prefix++] = '/';
	k->root_length = k->prefix;
	node_path(d, k->path + k->prefix);
	k->prefix += below;
	if (below)
		k->path[k->prefix++] = '/';
	return true;
}

/* The directory's own path, without the slash behind it. */
static size_t own_length(const struct worker *k)
{
	return k->prefix > 1 ? k->prefix - 1 : k->prefix;
}

static void fail(struct worker *k, int number, const char *call)
{
	/* Woken up after the watchdog gave it up: somebody else has reported this. */
	if (!worker_turn(k, WORKER_BUSY, WORKER_WRITING))
		return;
	if (number == ENOENT)
		k->counts.vanished++;
	if (number == ESTALE)
		k->counts.raced++;
	worker_write_error(k, k->path, own_length(k), number, call);
	(void)worker_turn(k, WORKER_WRITING, WORKER_BUSY);
}

/* The record of the volume's root itself, or of the single file. */
static void process_root(struct worker *k, struct node *d)
{
	const struct volume *v = d->volume;
	struct place at = {
		.node = d, .is_root = true, .name = ".", .handle = v->walk_fd
	};
	size_t prefix = k->prefix;

	if (v->single) {
		at.name = v->single;
		at.length = strlen(v->single);
		if (at.length > WORKER_NAME_MAX)
			return;
	} else {
		/* Asked of the mount itself: its clone is a mount point of its own. */
		at.meta = &v->meta;
		/* Where the path is "/" its slash is the name. */
		k->prefix = v->path_length;
		k->path[v->path_length] = '\0';
	}
	if (k->neighbours) {
		hints_begin(k->neighbours, when_of_ns(port_realtime_ns()));
		hints_finish(k->neighbours);
	}
	entry_process(k, &at);
	k->prefix = prefix;
	if (!v->single && v->path_length && v->path[v->path_length - 1] != '/')
		k->path[v->path_length] = '/';
}

static bool must_stop(struct worker *k)
{
	return atomic_load_explicit(walk_stop_flag(k->walk), memory_order_relaxed) ||
	       worker_is_given_up(k);
}

static struct place place_of(struct node *d, int handle, const struct dirent_entry *e)
{
	return (struct place){ .node = d,
			       .handle = handle,
			       .name = e->name,
			       .length = e->length,
			       .type = e->type,
			       .inode = e->inode };
}

/* With hints: a batch is queried first, so that each can be compared with its neighbours. */
static void process_batch(struct worker *k, struct node *d, int handle, struct cursor *c)
{
	struct cursor again = *c;
	struct dirent_entry e;
	size_t n = 0;

	hints_begin(k->neighbours, when_of_ns(port_realtime_ns()));
	while (n < HINTS_BATCH && !must_stop(k) && dirent_next(c, &e)) {
		k->batch_rc[n] = d->volume->calls->query(d->volume->state, handle, e.name,
							 &k->batch[n]);
		if (!k->batch_rc[n])
			hints_add(k->neighbours, &k->batch[n]);
		n++;
	}
	hints_finish(k->neighbours);
	for (size_t i = 0; i < n; i++)
		if (!k->batch_rc[i])
			hints_weigh(k->neighbours, &k->batch[i]);
	for (size_t i = 0; i < n && dirent_next(&again, &e) && !must_stop(k); i++) {
		struct place at = place_of(d, handle, &e);

		if (e.length > WORKER_NAME_MAX)
			continue;
		at.meta = &k->batch[i];
		at.meta_rc = k->batch_rc[i];
		entry_process(k, &at);
	}
}

static void process_entries(struct worker *k, struct node *d, int handle, size_t length)
{
	struct dirent_entry e;
	struct cursor c;

	cur_init(&c, k->entries, length);
	ahead_begin(k->ahead);
	while (k->neighbours && cur_left(&c) && !c.is_bad && !must_stop(k))
		process_batch(k, d, handle, &c);
	while (!k->neighbours && !must_stop(k)) {
		ahead_read(k, d, handle, &c);
		if (!dirent_next(&c, &e))
			break;
		struct place at = place_of(d, handle, &e);

		if (e.length <= WORKER_NAME_MAX)
			entry_process(k, &at);
	}
	if (c.is_bad)
		fail(k, EBADMSG, "entries");
	atomic_store_explicit(&k->written, k->counts.written, memory_order_relaxed);
}

static void push_found(struct worker *k)
{
	if (k->found_count)
		walk_push(k->walk, k->found, k->found_count);
	k->found_count = 0;
}

/* An opened directory is the one that was listed: by the inode of its own entry, which costs
 * nothing, or by asking. */
static int prove(struct worker *k, const struct node *d, int handle, size_t length)
{
	uint64_t inode;

	/* Among many entries it is cheaper to ask than to look. */
	if (length < WORKER_ENTRIES_BYTES / 8 &&
	    dirent_self(k->entries, length, &inode) && inode == d->inode)
		return 0;
	return node_prove(walk_nodes(k->walk), d, handle);
}

/* Buffers of one directory, until it ends or the rest is better done by somebody else. */
static bool read_entries(struct worker *k, struct node *d, int handle, bool is_unproved)
{
	const struct volume *v = d->volume;
	int64_t n = 0;
	int rc;

	while (!must_stop(k)) {
		n = v->calls->entries(v->state, handle, k->entries, WORKER_ENTRIES_BYTES);
		if (is_unproved && n >= 0) {
			rc = prove(k, d, handle, (size_t)n);
			if (rc) {
				fail(k, -rc, "open");
				return false;
			}
			is_unproved = false;
		}
		if (n <= 0)
			break;
		d->is_started = true;
		/* A small directory ends with the next call: to hand that on would cost more than
		 * to make it, and would keep the handle open below all that is in it. */
		if (n >= WORKER_ENTRIES_BYTES / 2 &&
		    (walk_has_idle(k->walk) || walk_is_full(k->walk))) {
			/* Its place on the stack is below that of the directories in it. */
			struct node *rest = node_ref(walk_nodes(k->walk), d);

			walk_push(k->walk, &rest, 1);
			process_entries(k, d, handle, (size_t)n);
			push_found(k);
			return true;
		}
		process_entries(k, d, handle, (size_t)n);
		push_found(k);
	}
	d->is_started = false;
	if (n < 0)
		fail(k, (int)-n, "entries");
	else if (!must_stop(k))
		k->counts.directories_read++;
	return false;
}

void worker_file(struct worker *k, struct node *file)
{
	struct nodes *nodes = walk_nodes(k->walk);
	struct place at = { .node = file->parent,
			    .name = file->name,
			    .length = file->length,
			    .type = file->later->type,
			    .inode = file->later->inode,
			    .meta = &file->later->meta,
			    .is_late = true };

	if (!set_path(k, file->parent)) {
		k->is_memory_short = true;
		return;
	}
	at.handle = node_acquire(nodes, file->parent, NULL);
	entry_process_later(k, &at, &file->later->hints);
	if (at.handle >= 0)
		node_release(nodes, file->parent);
}

bool worker_directory(struct worker *k, struct node *d)
{
	struct nodes *nodes = walk_nodes(k->walk);
	bool is_root = !d->parent && !d->is_started, has_rest, is_unproved;
	int handle;

	if (!set_path(k, d)) {
		k->is_memory_short = true;
		return false;
	}
	if (is_root && !d->volume->is_crossed)
		process_root(k, d);
	if (d->volume->single || d->depth >= walk_config_of(k->walk)->max_depth)
		return false;
	handle = node_acquire(nodes, d, &is_unproved);
	if (handle < 0) {
		fail(k, -handle, "open");
		return false;
	}
	has_rest = read_entries(k, d, handle, is_unproved);
	node_release(nodes, d);
	return has_rest;
}
