/* Sorts any number of rows by time in bounded memory: what does not fit is sorted and written to a
 * nameless temporary file as a run, and the runs are merged at the end.
 *
 * Calling sequence: sorter_new(bytes); sorter_add() for each row; sorter_finish(); sorter_next()
 * until it returns 0; sorter_free().
 * Order: time, then the row's bytes, then the tag, so that the same rows come out the same in whatever order they
 * went in.
 * Ownership: a row's bytes are copied in; those that come out are lent until the next call.
 * How: in memory by the bytes of the time as a number (analyze/radix.h), and rows of one time by
 * comparison.
 * Threads: one owner.  Memory: the bound, and 64 KiB a run. */
#ifndef WEIR_ANALYZE_SORTER_H
#define WEIR_ANALYZE_SORTER_H

#include "filesystem/when.h"

struct sorter;

enum {
	SORTER_ROW_MAX = (1 << 24) - 1,
	SORTER_TIMES = 4,
};

/* When a row is, and a byte that tells it from others with the same bytes. */
struct sorter_at {
	struct file_time time;
	uint8_t tag;
};

struct sorter *sorter_new(size_t memory_bytes) MUST_CHECK;
void sorter_free(struct sorter *s);
int sorter_add(struct sorter *s, struct file_time at, const void *bytes, size_t length,
	       struct weir_error *err) MUST_CHECK;
/* As many rows as times, which share the bytes; count is at most SORTER_TIMES. */
int sorter_add_rows(struct sorter *s, const struct sorter_at *at, unsigned count,
		    const void *bytes, size_t length, struct weir_error *err) MUST_CHECK;
int sorter_finish(struct sorter *s, struct weir_error *err) MUST_CHECK;
/* 1: a row; 0: the end; negative: an error. */
int sorter_next(struct sorter *s, struct file_time *at, const void **bytes,
		size_t *length, struct weir_error *err) MUST_CHECK;
/* The same with its tag. */
int sorter_next_row(struct sorter *s, struct sorter_at *at, const void **bytes,
		    size_t *length, struct weir_error *err) MUST_CHECK;
/* Runs that had to be written to disk. */
unsigned sorter_runs(const struct sorter *s);

#endif
