/* Merging by a heap of the sources' next packets.  The top was lent to the caller by the last
 * merge_next(); it is replaced by its source's next packet only when more is asked for. */
#include "base/compiler.h"
#include "base/mem.h"
#include "store/iface.h"
#include "weir/reader.h"

#include <assert.h>

#define MERGE_IFACE_MAX 65536 /* over all sources; a hostile file may describe many */

struct input {
	struct reader *reader;
	struct packet head;
	unsigned *map; /* the reader's interface index to ours */
	unsigned map_count, map_room;
};

struct merged_iface {
	const struct iface_info *info; /* the reader's */
	size_t source;
};

struct merge {
	const char *const *paths;
	struct input *inputs;
	size_t count;
	size_t *heap; /* inputs that have a head, earliest first */
	size_t heap_count;
	struct merged_iface *ifaces;
	unsigned iface_count, iface_room;
	bool is_started, is_top_lent;
	int failed; /* first error, for the end */
	struct weir_error failure;
};

static bool is_before(const struct merge *m, size_t a, size_t b)
{
	int64_t x = m->inputs[a].head.ns, y = m->inputs[b].head.ns;

	return x < y || (x == y && a < b);
}

static void sift_down(struct merge *m, size_t at)
{
	size_t moved = m->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= m->heap_count)
			break;
		if (child + 1 < m->heap_count &&
		    is_before(m, m->heap[child + 1], m->heap[child]))
			child++;
		if (!is_before(m, m->heap[child], moved))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	m->heap[at] = moved;
}

/* Room for one more element, doubling. */
static int make_room(void **items, unsigned count, unsigned *room, size_t size)
{
	unsigned more = *room ? 2 * *room : 8;
	void *p;

	if (count < *room)
		return 0;
	p = mem_grow(*items, more, size);
	if (!p)
		return WEIR_ERR_NO_MEMORY;
	*items = p;
	*room = more;
	return 0;
}

/* Takes over the interfaces that the reader has described since the last time. */
static int take_ifaces(struct merge *m, size_t source, struct weir_error *err)
{
	struct input *in = &m->inputs[source];

	while (in->map_count < reader_iface_count(in->reader)) {
		void *ifaces = m->ifaces, *map = in->map;
		int rc = make_room(&ifaces, m->iface_count, &m->iface_room,
				   sizeof *m->ifaces);

		m->ifaces = ifaces;
		if (!rc)
			rc = make_room(&map, in->map_count, &in->map_room,
				       sizeof *in->map);
		in->map = map;
		if (rc)
			return err_set(err, WEIR_ERR_NO_MEMORY,
				       "no memory for %u interfaces", m->iface_count + 1);
		if (m->iface_count == MERGE_IFACE_MAX)
			return err_set(err, WEIR_ERR_LIMIT,
				       "the sources describe more than %d interfaces",
				       MERGE_IFACE_MAX);
		m->ifaces[m->iface_count].info = reader_iface(in->reader, in->map_count);
		m->ifaces[m->iface_count].source = source;
		in->map[in->map_count++] = m->iface_count++;
	}
	return 0;
}

static void keep_failure(struct merge *m, int rc, const struct weir_error *err)
{
	if (m->failed)
		return;
	m->failed = rc;
	m->failure = *err;
}

/* True when the source has a next packet in its head. */
static bool advance(struct merge *m, size_t source)
{
	struct input *in = &m->inputs[source];
	struct weir_error err = { .code = WEIR_OK };
	int rc = reader_next(in->reader, &in->head, &err);

	if (in->map_count < reader_iface_count(in->reader)) {
		struct weir_error bound = { .code = WEIR_OK };
		int taken = take_ifaces(m, source, &bound);

		if (taken) {
			keep_failure(m, taken, &bound);
			return false;
		}
	}
	if (rc < 0)
		keep_failure(m, rc, &err);
	if (rc <= 0)
		return false;
	assert(in->head.iface < in->map_count);
	return true;
}

static void start(struct merge *m)
{
	m->is_started = true;
	for (size_t i = 0; i < m->count; i++)
		if (advance(m, i))
			m->heap[m->heap_count++] = i;
	for (size_t i = m->heap_count / 2; i-- > 0;)
		sift_down(m, i);
}

static void replace_top(struct merge *m)
{
	if (!advance(m, m->heap[0]))
		m->heap[0] = m->heap[--m->heap_count];
	if (m->heap_count > 1)
		sift_down(m, 0);
}

int merge_next(struct merge *m, struct packet *p, struct weir_error *err)
{
	struct input *top;

	if (!m->is_started)
		start(m);
	else if (m->is_top_lent)
		replace_top(m);
	m->is_top_lent = m->heap_count > 0;
	if (!m->heap_count) {
		if (m->failed && err)
			*err = m->failure;
		return m->failed;
	}
	top = &m->inputs[m->heap[0]];
	*p = top->head;
	p->iface = top->map[top->head.iface];
	return 1;
}

int merge_open(struct merge **out, const char *const *paths, size_t count,
	       struct weir_error *err)
{
	struct merge *m = mem_new(1, sizeof *m);
	int rc = 0;

	if (m) {
		m->inputs = mem_new(count, sizeof *m->inputs);
		m->heap = mem_new(count, sizeof *m->heap);
	}
	if (!m || !m->inputs || !m->heap) {
		merge_free(m);
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for %zu sources",
			       count);
	}
	m->paths = paths;
	for (size_t i = 0; i < count && !rc; i++) {
		rc = reader_open(&m->inputs[i].reader, paths[i], err);
		if (!rc) {
			m->count++;
			rc = take_ifaces(m, i, err);
		}
	}
	if (rc) {
		merge_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->inputs && i < m->count; i++) {
		reader_free(m->inputs[i].reader);
		mem_free(m->inputs[i].map);
	}
	mem_free(m->inputs);
	mem_free(m->heap);
	mem_free(m->ifaces);
	mem_free(m);
}

unsigned merge_iface_count(const struct merge *m)
{
	return m->iface_count;
}

const struct iface_info *merge_iface(const struct merge *m, unsigned index)
{
	return m->ifaces[index].info;
}

size_t merge_iface_source(const struct merge *m, unsigned index)
{
	return m->ifaces[index].source;
}

size_t merge_source_count(const struct merge *m)
{
	return m->count;
}

const char *merge_source_path(const struct merge *m, size_t source)
{
	return m->paths[source];
}

const struct standing *merge_standing(const struct merge *m, size_t source)
{
	return reader_standing(m->inputs[source].reader);
}

void merge_set_range(struct merge *m, int64_t from_ns, int64_t to_ns)
{
	for (size_t i = 0; i < m->count; i++)
		reader_set_range(m->inputs[i].reader, from_ns, to_ns);
}

const struct process_fact *merge_process(const struct merge *m, const struct packet *p)
{
	return reader_process(m->inputs[merge_iface_source(m, p->iface)].reader, p);
}

const struct process_fact *merge_process_of(const struct merge *m, size_t source,
					    uint32_t pid, uint64_t start_ns, int64_t ns)
{
	const struct packet p = { .has_pid = true,
				  .pid = pid,
				  .has_owner = start_ns != 0,
				  .owner = { .start_ns = start_ns },
				  .ns = ns };

	return reader_process(m->inputs[source].reader, &p);
}
