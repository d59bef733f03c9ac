#include "analyze/sorter.h"

#include "base/mem.h"

#include <errno.h>

enum {
	RUNS_MAX = 1024,
	RUN_BUFFER = 64 << 10,
	HEAD = 16 /* of a row on disk */
};

struct row {
	int64_t s;
	uint32_t ns, length;
	size_t off; /* in the arena */
};

/* A sorted run being read back: its window of the file, and the row at its front. */
struct run {
	uint64_t off, end; /* of what is still to be read */
	uint8_t *buffer;
	size_t at, used, size;
	struct file_time time;
	const uint8_t *bytes;
	size_t length;
};

struct sorter {
	struct row *rows;
	uint8_t *arena;
	size_t row_count, row_size, arena_used, arena_size, bound;
	size_t next; /* row, while they come out of memory */
	int scratch;
	uint64_t scratch_used;
	struct run *runs;
	unsigned run_count;
	unsigned *heap, heap_count; /* runs by their front row */
	bool is_merging;
};

struct sorter *sorter_new(size_t memory_bytes)
{
	struct sorter *s = mem_new(1, sizeof *s);

	if (!s)
		return NULL;
	s->bound = memory_bytes;
	s->scratch = -1;
	s->runs = mem_new(RUNS_MAX, sizeof *s->runs);
	s->heap = mem_new(RUNS_MAX, sizeof *s->heap);
	if (s->runs && s->heap)
		return s;
	sorter_free(s);
	return NULL;
}

void sorter_free(struct sorter *s)
{
	if (!s)
		return;
	for (unsigned i = 0; s->runs && i < s->run_count; i++)
		mem_free(s->runs[i].buffer);
	port_handle_close(s->scratch);
	mem_free(s->runs);
	mem_free(s->heap);
	mem_free(s->rows);
	mem_free(s->arena);
	mem_free(s);
}

unsigned sorter_runs(const struct sorter *s)
{
	return s->run_count;
}

static int compare_bytes(const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
	int order = memcmp(a, b, na < nb ? na : nb);

	return order ? order : na < nb ? -1 : na > nb;
}

static int compare_rows(const void *a, const void *b, void *arena)
{
	const struct row *x = a, *y = b;
	const uint8_t *bytes = arena;

	if (x->s != y->s)
		return x->s < y->s ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return compare_bytes(bytes + x->off, x->length, bytes + y->off, y->length);
}

static void sort_rows(struct sorter *s)
{
	/* Without rows there is no array either. */
	if (s->row_count)
		qsort_r(s->rows, s->row_count, sizeof *s->rows, compare_rows, s->arena);
}

/* Makes room for one more row within the bound; false where it must be spilled first. */
static bool has_room(struct sorter *s, size_t length, bool *is_short)
{
	size_t rows = s->row_size, arena = s->arena_size;

	*is_short = false;
	if (s->row_count == rows)
		rows = rows ? rows * 2 : 4096;
	while (arena - s->arena_used < length)
		arena = arena ? arena * 2 : 1 << 20;
	if (rows == s->row_size && arena == s->arena_size)
		return true;
	if (s->row_count && rows * sizeof(struct row) + arena > s->bound)
		return false;
	if (rows != s->row_size) {
		struct row *more = mem_grow(s->rows, rows, sizeof *more);

		if (!more)
			return !(*is_short = true);
		s->rows = more;
		s->row_size = rows;
	}
	if (arena != s->arena_size) {
		uint8_t *more = mem_grow(s->arena, arena, 1);

		if (!more)
			return !(*is_short = true);
		s->arena = more;
		s->arena_size = arena;
	}
	return true;
}

/* Bytes collected before they are written at the end of the scratch file. */
struct spill {
	uint8_t buffer[RUN_BUFFER];
	size_t used;
};

static int flush_spill(struct sorter *s, struct spill *p)
{
	int rc = p->used ? port_write_all(s->scratch, p->buffer, p->used) : 0;

	s->scratch_used += p->used;
	p->used = 0;
	return rc;
}

static int spill_bytes(struct sorter *s, struct spill *p, const void *bytes, size_t n)
{
	int rc = 0;

	if (n > sizeof p->buffer - p->used)
		rc = flush_spill(s, p);
	if (!rc && n > sizeof p->buffer) {
		rc = port_write_all(s->scratch, bytes, n);
		s->scratch_used += n;
		return rc;
	}
	memcpy(p->buffer + p->used, bytes, n);
	p->used += n;
	return rc;
}

/* What is in memory becomes a sorted run on disk. */
static int spill(struct sorter *s, struct weir_error *err)
{
	struct spill *p = mem_new(1, sizeof *p);
	int rc = 0;

	if (!p)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory to sort");
	if (s->run_count == RUNS_MAX)
		rc = err_set(err, WEIR_ERR_LIMIT,
			     "more than %d runs to merge: allow more memory", RUNS_MAX);
	if (!rc && s->scratch < 0)
		rc = port_scratch_open(&s->scratch, err);
	if (rc) {
		mem_free(p);
		return rc;
	}
	sort_rows(s);
	s->runs[s->run_count].off = s->scratch_used;
	for (size_t i = 0; !rc && i < s->row_count; i++) {
		rc = spill_bytes(s, p, &s->rows[i], HEAD);
		if (!rc)
			rc = spill_bytes(s, p, s->arena + s->rows[i].off,
					 s->rows[i].length);
	}
	if (!rc)
		rc = flush_spill(s, p);
	mem_free(p);
	if (rc) {
		errno = -rc;
		return err_sys(err, "cannot write the temporary file of a sort");
	}
	s->runs[s->run_count++].end = s->scratch_used;
	s->row_count = s->arena_used = 0;
	return 0;
}

int sorter_add(struct sorter *s, struct file_time at, const void *bytes, size_t length,
	       struct weir_error *err)
{
	bool is_short;
	int rc;

	if (length > SORTER_ROW_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "a row of %zu bytes, more than %d",
			       length, SORTER_ROW_MAX);
	if (!has_room(s, length, &is_short)) {
		rc = is_short ? err_set(err, WEIR_ERR_NO_MEMORY, "no memory to sort")
			      : spill(s, err);
		if (rc)
			return rc;
		if (!has_room(s, length, &is_short))
			return err_set(err, WEIR_ERR_NO_MEMORY, "no memory to sort");
	}
	s->rows[s->row_count++] = (struct row){
		.s = at.s, .ns = at.ns, .length = (uint32_t)length, .off = s->arena_used
	};
	memcpy(s->arena + s->arena_used, bytes, length);
	s->arena_used += length;
	return 0;
}

/* At least need bytes at the run's front; false where the file is shorter or memory is. */
static bool fill(struct sorter *s, struct run *r, size_t need)
{
	if (r->used - r->at >= need)
		return true;
	memmove(r->buffer, r->buffer + r->at, r->used - r->at);
	r->used -= r->at;
	r->at = 0;
	if (r->size < need) {
		uint8_t *more = mem_grow(r->buffer, need, 1);

		if (!more)
			return false;
		r->buffer = more;
		r->size = need;
	}
	while (r->used < r->size && r->off < r->end) {
		uint64_t left = r->end - r->off;
		size_t want = left < r->size - r->used ? (size_t)left : r->size - r->used;
		int64_t n = port_read_at(s->scratch, r->buffer + r->used, want, r->off);

		if (n <= 0)
			return false;
		r->used += (size_t)n;
		r->off += (uint64_t)n;
	}
	return r->used >= need;
}

/* 1: the run has a front row; 0: it is at its end; negative: it cannot be read. */
static int advance(struct sorter *s, struct run *r)
{
	struct row head;

	if (r->at == r->used && r->off == r->end)
		return 0;
	if (!fill(s, r, HEAD))
		return -1;
	memcpy(&head, r->buffer + r->at, HEAD);
	if (head.length > SORTER_ROW_MAX || !fill(s, r, HEAD + (size_t)head.length))
		return -1;
	r->time = (struct file_time){ .s = head.s, .ns = head.ns };
	r->bytes = r->buffer + r->at + HEAD;
	r->length = head.length;
	r->at += HEAD + (size_t)head.length;
	return 1;
}

static bool is_before(const struct sorter *s, unsigned a, unsigned b)
{
	const struct run *x = &s->runs[a], *y = &s->runs[b];
	int order = when_compare(x->time, y->time);

	if (!order)
		order = compare_bytes(x->bytes, x->length, y->bytes, y->length);
	return order ? order < 0 : a < b;
}

static void sift_down(struct sorter *s, unsigned i)
{
	for (;;) {
		unsigned least = i, left = 2 * i + 1, held = s->heap[i];

		for (unsigned child = left; child < left + 2 && child < s->heap_count;
		     child++)
			if (is_before(s, s->heap[child], s->heap[least]))
				least = child;
		if (least == i)
			return;
		s->heap[i] = s->heap[least];
		s->heap[least] = held;
		i = least;
	}
}

static int start_merge(struct sorter *s, struct weir_error *err)
{
	mem_free(s->rows);
	mem_free(s->arena);
	s->rows = NULL;
	s->arena = NULL;
	for (unsigned i = 0; i < s->run_count; i++) {
		struct run *r = &s->runs[i];

		r->buffer = mem_new(RUN_BUFFER, 1);
		r->size = RUN_BUFFER;
		if (!r->buffer)
			return err_set(err, WEIR_ERR_NO_MEMORY, "no memory to merge");
		if (advance(s, r) != 1)
			return err_set(err, WEIR_ERR_SYSTEM,
				       "cannot read the temporary file of a sort");
		s->heap[s->heap_count++] = i;
	}
	for (unsigned i = s->heap_count; i > 0; i--)
		sift_down(s, i - 1);
	return 0;
}

int sorter_finish(struct sorter *s, struct weir_error *err)
{
	int rc = 0;

	if (!s->run_count) {
		sort_rows(s);
		return 0;
	}
	if (s->row_count)
		rc = spill(s, err);
	s->is_merging = true;
	/* The front rows are lent, so a run is moved on only when it is asked for the next. */
	return rc ? rc : start_merge(s, err);
}

static int next_merged(struct sorter *s, struct file_time *at, const void **bytes,
		       size_t *length, struct weir_error *err)
{
	struct run *r;

	/* The row given last time is done with. */
	if (s->next && s->heap_count) {
		int rc = advance(s, &s->runs[s->heap[0]]);

		if (rc < 0)
			return err_set(err, WEIR_ERR_SYSTEM,
				       "cannot read the temporary file of a sort");
		if (!rc)
			s->heap[0] = s->heap[--s->heap_count];
		if (s->heap_count)
			sift_down(s, 0);
	}
	if (!s->heap_count)
		return 0;
	s->next = 1;
	r = &s->runs[s->heap[0]];
	*at = r->time;
	*bytes = r->bytes;
	*length = r->length;
	return 1;
}

int sorter_next(struct sorter *s, struct file_time *at, const void **bytes,
		size_t *length, struct weir_error *err)
{
	const struct row *row;

	if (s->is_merging)
		return next_merged(s, at, bytes, length, err);
	if (s->next >= s->row_count)
		return 0;
	row = &s->rows[s->next++];
	*at = (struct file_time){ .s = row->s, .ns = row->ns };
	*bytes = s->arena + row->off;
	*length = row->length;
	return 1;
}
