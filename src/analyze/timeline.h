/* One sorted timeline of listings (weir list) and recordings: each time of a file, and the first and
 * last packet of each flow.  All times of a file stand side by side; none is chosen.
 *
 * Calling sequence: timeline_new(); timeline_add() for each source; timeline_finish();
 * timeline_next() until it returns 0; timeline_free().
 * Ownership: a row is lent until the next call.  Threads: one owner.
 * Memory: the bound given, then runs on disk (analyze/sorter.h).
 * Errors: a source that cannot be opened fails, and so does one that holds nothing, or lines of something
 * else; a line of a listing that is no record is counted, and the first is told.  What a source itself
 * does not have (its listing was cut off, its recording lost packets) is said after each
 * timeline_add(): timeline_counts(). */
#ifndef WEIR_ANALYZE_TIMELINE_H
#define WEIR_ANALYZE_TIMELINE_H

#include "filesystem/out.h"
#include "filesystem/when.h"

enum timeline_what {
	TIMELINE_MODIFIED = 1, /* m */
	TIMELINE_ACCESSED = 2, /* a */
	TIMELINE_CHANGED = 4,  /* c */
	TIMELINE_BORN = 8,     /* b */
	TIMELINE_FIRST = 16,   /* f: first packet */
	TIMELINE_LAST = 32,    /* l: last packet */
};

enum timeline_has {
	TIMELINE_HAS_SIZE = 1,
	TIMELINE_HAS_INODE = 2,
	TIMELINE_HAS_UID = 4,
	TIMELINE_HAS_GID = 8,
	TIMELINE_HAS_PERMISSIONS = 16,
};

/* The fixed part of a row; a flow uses the members that have a meaning for it. */
struct timeline_facts {
	uint64_t size_bytes, inode;
	uint32_t uid, gid, source, name_length, target_length;
	char permissions[10];
	uint8_t what; /* bits of enum timeline_what */
	uint8_t has; /* of a file: bits of enum timeline_has; what has none is not known */
	/* From here on of flows alone: a file's row is kept without them. */
	uint8_t ip_version, protocol;
	uint16_t src_port, dst_port;
	uint32_t pid;
	uint64_t packets;
	uint8_t src[16], dst[16];
};

struct timeline_row {
	struct file_time at;
	struct timeline_facts facts;
	const char *name, *target; /* bytes */
	const char *source;
};

struct timeline_range {
	bool has_from, has_to;
	struct file_time from, to;
};

struct timeline;

struct timeline *timeline_new(size_t memory_bytes,
			      const struct timeline_range *range) MUST_CHECK;
void timeline_free(struct timeline *t);
/* A listing ("-": standard input), a store, or a pcap or pcapng file; told apart by what it is. */
int timeline_add(struct timeline *t, const char *path, struct weir_error *err) MUST_CHECK;
int timeline_finish(struct timeline *t, struct weir_error *err) MUST_CHECK;
int timeline_next(struct timeline *t, struct timeline_row *row,
		  struct weir_error *err) MUST_CHECK;

#define TIMELINE_LACK_TEXT 512

struct timeline_counts {
	uint64_t files, flows, rows, bad_lines, absent_times;
	char first_bad[200];
	/* Of the source added last: what it does not have, in words, or "". */
	char lack[TIMELINE_LACK_TEXT];
	uint64_t incomplete; /* sources that lack what they should have */
};

const struct timeline_counts *timeline_counts(const struct timeline *t);

/* Writes a row as one line of a form: "table", "csv", "jsonl" (Timesketch). */
typedef void timeline_form_fn(struct when_days *days, struct out *o,
			      const struct timeline_row *r);

struct timeline_form {
	const char *name, *head;
	timeline_form_fn *write;
};

const struct timeline_form *timeline_form_find(const char *name);

#endif
