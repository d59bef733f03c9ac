/* The form store: its segments, merged, so that one store always reads in order of time.
 *
 * Segments are taken up in the order of their first packet, when the merge has come to it, and put
 * down when they are read: what is open together is what overlaps in time (a lane or two).
 *
 * A segment that is damaged, or a packet file, hides no other: what is wrong is told at the end. */
#include "base/mem.h"
#include "store/form.h"
#include "store/json_lines.h"
#include "store/regular.h"
#include "store/segment_reader.h"

#include <fcntl.h>
#include <unistd.h>

struct store_reader {
	struct reader base;
	struct store_view *view;
	const struct store_segment **order; /* those with packets, by first_ns */
	size_t order_count, taken;
	struct segment_reader **open; /* room for order_count */
	size_t open_count;
	struct segment_reader *lent; /* its head was delivered last */
	struct weir_error damage;    /* the first; code 0: none */
};

/* Keeps the first for the end. */
static void note_damage(struct store_reader *r, const struct store_segment *s,
			const struct weir_error *err)
{
	if (r->damage.code)
		return;
	r->damage = *err;
	(void)err_prefix(&r->damage, "segment '%s'", s->name);
}

static int tell_damage(const struct store_reader *r, struct weir_error *err)
{
	if (!r->damage.code)
		return 0;
	*err = r->damage;
	if (r->base.unread)
		(void)err_prefix(err, "%llu packets could not be read, first",
				 (unsigned long long)r->base.unread);
	return (int)r->damage.code;
}

static void drop(struct store_reader *r, size_t i)
{
	segment_reader_free(r->open[i]);
	r->open_count--;
	for (; i < r->open_count; i++)
		r->open[i] = r->open[i + 1];
}

/* Reads its next head; puts it down at its end. */
static int advance(struct store_reader *r, size_t i, struct weir_error *err)
{
	struct segment_reader *t = r->open[i];
	int rc = segment_reader_next(t, &t->head, err);
	uint64_t found;

	t->count += rc > 0;
	if (rc > 0 || rc == WEIR_ERR_NO_MEMORY)
		return rc > 0 ? 0 : rc;
	found = t->count + t->unread;
	if (t->unread)
		note_damage(r, t->segment, &t->damage);
	/* A file that was cut between two records reads well, and is short. */
	if (!rc && found != t->segment->packets)
		rc = err_set(err, WEIR_ERR_MISMATCH,
			     "it has %llu packets, the manifest says %llu",
			     (unsigned long long)found,
			     (unsigned long long)t->segment->packets);
	if (rc)
		note_damage(r, t->segment, err);
	if (t->count < t->segment->packets)
		r->base.unread += t->segment->packets - t->count;
	drop(r, i);
	return 0;
}

static int take_up(struct store_reader *r, struct weir_error *err)
{
	const struct store_segment *s = r->order[r->taken++];
	struct segment_reader *t;
	int rc = segment_reader_open(&t, r->view, s, err);

	/* Retention goes on while a store is being recorded. */
	if (rc == WEIR_ERR_ABSENT && r->view->is_live)
		return 0;
	if (rc == WEIR_ERR_NO_MEMORY)
		return rc;
	if (rc) {
		note_damage(r, s, err);
		r->base.unread += s->packets;
		return 0;
	}
	r->open[r->open_count++] = t;
	return advance(r, r->open_count - 1, err);
}

static size_t find_lent(const struct store_reader *r)
{
	size_t i = 0;

	while (r->open[i] != r->lent)
		i++;
	return i;
}

static struct segment_reader *earliest(const struct store_reader *r)
{
	struct segment_reader *best = NULL;

	for (size_t i = 0; i < r->open_count; i++) {
		struct segment_reader *t = r->open[i];

		if (!best || t->head.ns < best->head.ns ||
		    (t->head.ns == best->head.ns &&
		     t->segment->number < best->segment->number))
			best = t;
	}
	return best;
}

/* The reader's number of the interface that its file calls `own`. */
static int merged_iface(struct store_reader *r, struct segment_reader *t, unsigned own,
			struct weir_error *err)
{
	int index;

	if (own < IFACE_MAX && t->ifaces[own])
		return (int)t->ifaces[own] - 1;
	index = reader_add_iface(&r->base, segment_reader_iface(t, own), err);
	if (index >= 0 && own < IFACE_MAX)
		t->ifaces[own] = (unsigned)index + 1;
	return index;
}

static int store_next(struct reader *base, struct packet *p, struct weir_error *err)
{
	struct store_reader *r = (struct store_reader *)base;
	struct weir_error unused;
	struct segment_reader *t;
	int rc = 0;

	if (!err)
		err = &unused;
	if (r->lent)
		rc = advance(r, find_lent(r), err);
	r->lent = NULL;
	while (!rc) {
		t = earliest(r);
		if (r->taken == r->order_count ||
		    (t && r->order[r->taken]->first_ns > t->head.ns))
			break;
		rc = take_up(r, err);
	}
	if (rc)
		return rc;
	t = earliest(r);
	if (!t)
		return tell_damage(r, err);
	rc = merged_iface(r, t, t->head.iface, err);
	if (rc < 0)
		return rc;
	*p = t->head;
	p->iface = (unsigned)rc;
	r->lent = t;
	return 1;
}

static void store_fini(struct reader *base)
{
	struct store_reader *r = (struct store_reader *)base;

	for (size_t i = 0; i < r->open_count; i++)
		segment_reader_free(r->open[i]);
	mem_free(r->open);
	mem_free(r->order);
	store_view_free(r->view);
}

/* A segment's times are known without opening it. */
static void store_set_range(struct reader *base, int64_t from_ns, int64_t to_ns)
{
	struct store_reader *r = (struct store_reader *)base;
	size_t kept = 0;

	for (size_t i = 0; i < r->order_count; i++) {
		const struct store_segment *s = r->order[i];

		if (s->first_ns <= to_ns && s->last_ns >= from_ns)
			r->order[kept++] = s;
	}
	r->order_count = kept;
}

static const struct reader_ops store_ops = { .next = store_next,
					     .fini = store_fini,
					     .set_range = store_set_range };

static int by_time(const void *a, const void *b)
{
	const struct store_segment *const *s = a, *const *t = b;

	if ((*s)->first_ns != (*t)->first_ns)
		return (*s)->first_ns < (*t)->first_ns ? -1 : 1;
	return ((*s)->number > (*t)->number) - ((*s)->number < (*t)->number);
}

static int put_in_order(struct store_reader *r, struct weir_error *err)
{
	struct store_view *v = r->view;

	r->order = mem_new(v->segment_count, sizeof(struct store_segment *));
	r->open = mem_new(v->segment_count, sizeof(struct segment_reader *));
	if (!r->order || !r->open)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for %zu segments",
			       v->segment_count);
	for (size_t i = 0; i < v->segment_count; i++)
		if (v->segments[i].packets && !v->segments[i].is_removed)
			r->order[r->order_count++] = &v->segments[i];
	if (r->order_count)
		qsort(r->order, r->order_count, sizeof(struct store_segment *), by_time);
	return 0;
}

/* What the manifest says of how whole the recording is. */
static void take_standing(struct store_reader *r)
{
	const struct store_view *v = r->view;
	struct standing *s = &r->base.standing;
	const char *grade = json_get_text(v->end, "grade");

	s->is_store = true;
	s->is_live = v->is_live;
	(void)snprintf(s->grade, sizeof s->grade, "%s", grade ? grade : "");
	s->lost = loss_total_packets(&v->losses);
	for (size_t i = 0; i < v->segment_count; i++) {
		s->removed_segments += v->segments[i].is_removed;
		s->removed_packets +=
			v->segments[i].is_removed ? v->segments[i].packets : 0;
	}
	s->lacks_processes = !r->base.processes &&
			     json_is_object(json_object_get(v->end, "processes"));
	memcpy(s->head, v->head, sizeof s->head);
}

/* What the recorder wrote of the processes, where it wrote anything. */
static int load_processes(struct store_reader *r, struct weir_error *err)
{
	int fd = regular_open(r->view->dir_fd, STORE_PROCESSES, O_RDONLY, "file", err);
	int rc;

	if (fd < 0)
		return fd == WEIR_ERR_ABSENT ? 0 : fd;
	r->base.processes = processes_new();
	if (!r->base.processes) {
		(void)close(fd);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for processes");
	}
	rc = processes_load(r->base.processes, byte_source_fd(fd, UINT64_MAX, true), err);
	if (rc)
		(void)err_prefix(err, "'%s'", STORE_PROCESSES);
	return rc;
}

int store_reader_new(struct reader **out, const char *path, struct weir_error *err)
{
	struct store_reader *r = reader_new(sizeof *r, &store_ops, path, err);
	int rc;

	*out = NULL;
	if (!r)
		return WEIR_ERR_NO_MEMORY;
	rc = store_open(&r->view, path, err);
	if (!rc)
		rc = put_in_order(r, err);
	if (!rc)
		rc = load_processes(r, err);
	if (!rc)
		take_standing(r);
	if (rc) {
		reader_free(&r->base);
		return rc;
	}
	*out = &r->base;
	return 0;
}
