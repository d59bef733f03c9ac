#include "analyze/sorter.h"

#include "analyze/radix.h"
#include "base/mem.h"

#include <errno.h>
#include <unistd.h>

enum {
	RUNS_MAX = 1024,
	RUN_BUFFER = 64 << 10,
	HEAD = 16, /* of a row on disk */
	AHEAD = 8, /* rows whose bytes are fetched before they are asked for */
};

struct row {
	int64_t s;
	uint32_t ns, length_tag; /* the length above eight bits of tag */
	size_t off;              /* in the arena */
};

/* A row costs this much while it is sorted. */
#define ROW_COST (sizeof(struct row) + 2 * sizeof(struct radix_pair))

static size_t row_length(const struct row *r)
{
	return r->length_tag >> 8;
}

/* A sorted run being read back: its window of the file, and the row at its front. */
struct run {
	uint64_t off, end; /* of what is still to be read */
	uint8_t *buffer;
	size_t at, used, size;
	struct sorter_at front;
	const uint8_t *bytes;
	size_t length;
};

struct sorter {
	struct row *rows;
	uint8_t *arena;
	size_t row_count, row_size, arena_used, arena_size, bound;
	size_t next; /* row, while they come out of memory */
	struct radix_pair *pairs, *order;
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
	mem_free(s->pairs);
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

/* Rows whose time is one key; the whole of it first, because a key holds only 1677 to 2262. */
static int compare_rows(const void *a, const void *b, void *sorter)
{
	const struct radix_pair *pa = a, *pb = b;
	const struct sorter *s = sorter;
	const struct row *x = &s->rows[pa->index], *y = &s->rows[pb->index];
	int order;

	if (x->s != y->s)
		return x->s < y->s ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	order = x->off == y->off ? 0
				 : compare_bytes(s->arena + x->off, row_length(x),
						 s->arena + y->off, row_length(y));
	return order ? order : (int)(x->length_tag & 255) - (int)(y->length_tag & 255);
}

static int sort_rows(struct sorter *s, struct weir_error *err)
{
	size_t n = s->row_count, end;

	mem_free(s->pairs);
	s->pairs = mem_new(n, 2 * sizeof *s->pairs);
	if (!s->pairs)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory to sort");
	port_memory_large(s->pairs, n * 2 * sizeof *s->pairs);
	for (size_t i = 0; i < n; i++) {
		struct file_time t = { .s = s->rows[i].s, .ns = s->rows[i].ns };

		s->pairs[i].key = (uint64_t)when_to_ns(t) ^ UINT64_C(1) << 63;
		s->pairs[i].index = (uint32_t)i;
	}
	s->order = radix_sort(s->pairs, s->pairs + n, n);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && s->order[end].key == s->order[i].key; end++)
			;
		if (end - i > 1)
			qsort_r(s->order + i, end - i, sizeof *s->order, compare_rows, s);
	}
	return 0;
}

/* Makes room for the rows of one file within the bound; false where it must be spilled first. */
static bool has_room(struct sorter *s, size_t length, bool *is_short)
{
	size_t rows = s->row_size, arena = s->arena_size;

	*is_short = false;
	if (rows - s->row_count < SORTER_TIMES)
		rows = rows ? rows * 2 : 4096;
	while (arena - s->arena_used < length)
		arena = arena ? arena * 2 : 1 << 20;
	if (rows == s->row_size && arena == s->arena_size)
		return true;
	if (s->row_count && (rows * ROW_COST + arena > s->bound || rows > UINT32_MAX))
		return false;
	if (rows != s->row_size) {
		struct row *more = mem_grow(s->rows, rows, sizeof *more);

		if (!more)
			return !(*is_short = true);
		port_memory_large(more, rows * sizeof *more);
		s->rows = more;
		s->row_size = rows;
	}
	if (arena != s->arena_size) {
		uint8_t *more = mem_grow(s->arena, arena, 1);

		if (!more)
			return !(*is_short = true);
		port_memory_large(more, arena);
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
	rc = sort_rows(s, err);
	if (rc) {
		mem_free(p);
		return rc;
	}
	s->runs[s->run_count].off = s->scratch_used;
	for (size_t i = 0; !rc && i < s->row_count; i++) {
		const struct row *r = &s->rows[s->order[i].index];

		rc = spill_bytes(s, p, r, HEAD);
		if (!rc)
			rc = spill_bytes(s, p, s->arena + r->off, row_length(r));
	}
	if (!rc)
		rc = flush_spill(s, p);
	mem_free(p);
	if (rc) {
		/* What is in memory stays there, and its run begins where this one did. */
		s->scratch_used = s->runs[s->run_count].off;
		(void)lseek(s->scratch, (off_t)s->scratch_used, SEEK_SET);
		errno = -rc;
		return err_sys(err, "cannot write the temporary file of a sort");
	}
	s->runs[s->run_count++].end = s->scratch_used;
	s->row_count = s->arena_used = 0;
	return 0;
}

int sorter_add_rows(struct sorter *s, const struct sorter_at *at, unsigned count,
		    const void *bytes, size_t length, struct weir_error *err)
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
	for (unsigned i = 0; i < count; i++)
		s->rows[s->row_count++] =
			(struct row){ .s = at[i].time.s,
				      .ns = at[i].time.ns,
				      .length_tag = (uint32_t)length << 8 | at[i].tag,
				      .off = s->arena_used };
	memcpy(s->arena + s->arena_used, bytes, length);
	s->arena_used += length;
	return 0;
}

int sorter_add(struct sorter *s, struct file_time at, const void *bytes, size_t length,
	       struct weir_error *err)
{
	struct sorter_at one = { .time = at };

	return sorter_add_rows(s, &one, 1, bytes, length, err);
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

static struct sorter_at at_of(const struct row *r)
{
	return (struct sorter_at){ .time = { .s = r->s, .ns = r->ns },
				   .tag = (uint8_t)r->length_tag };
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
	if (!fill(s, r, HEAD + row_length(&head)))
		return -1;
	r->front = at_of(&head);
	r->bytes = r->buffer + r->at + HEAD;
	r->length = row_length(&head);
	r->at += HEAD + r->length;
	return 1;
}

static bool is_before(const struct sorter *s, unsigned a, unsigned b)
{
	const struct run *x = &s->runs[a], *y = &s->runs[b];
	int order = when_compare(x->front.time, y->front.time);

	if (!order)
		order = compare_bytes(x->bytes, x->length, y->bytes, y->length);
	if (!order)
		order = (int)x->front.tag - (int)y->front.tag;
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
	mem_free(s->pairs);
	s->rows = NULL;
	s->arena = NULL;
	s->pairs = s->order = NULL;
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

	if (!s->run_count)
		return sort_rows(s, err);
	if (s->row_count)
		rc = spill(s, err);
	s->is_merging = true;
	/* The front rows are lent, so a run is moved on only when it is asked for the next. */
	return rc ? rc : start_merge(s, err);
}

static int next_merged(struct sorter *s, struct sorter_at *at, const void **bytes,
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
	*at = r->front;
	*bytes = r->bytes;
	*length = r->length;
	return 1;
}

int sorter_next_row(struct sorter *s, struct sorter_at *at, const void **bytes,
		    size_t *length, struct weir_error *err)
{
	const struct row *row;

	if (s->is_merging)
		return next_merged(s, at, bytes, length, err);
	if (s->next >= s->row_count)
		return 0;
	/* In the order of time they lie anywhere in memory. */
	if (s->row_count - s->next > 2 * AHEAD) {
		row = &s->rows[s->order[s->next + AHEAD].index];
		__builtin_prefetch(s->arena + row->off);
		__builtin_prefetch(s->arena + row->off + row_length(row) - 1);
		__builtin_prefetch(&s->rows[s->order[s->next + 2 * AHEAD].index]);
	}
	row = &s->rows[s->order[s->next++].index];
	*at = at_of(row);
	*bytes = s->arena + row->off;
	*length = row_length(row);
	return 1;
}

int sorter_next(struct sorter *s, struct file_time *at, const void **bytes,
		size_t *length, struct weir_error *err)
{
	struct sorter_at one = { .tag = 0 };
	int rc = sorter_next_row(s, &one, bytes, length, err);

	if (rc == 1)
		*at = one.time;
	return rc;
}
