/* The two halves of store_verify(): what the manifest says against itself (verify_lines.c), and
 * against the files (verify.c).
 *
 * A fault ends the check: verify_fault() writes its words once and returns WEIR_ERR_MISMATCH, which
 * goes up unchanged.  Other codes mean that the check could not be made. */
#ifndef WEIR_STORE_VERIFY_H
#define WEIR_STORE_VERIFY_H

#include "base/compiler.h"
#include "store/chain.h"
#include "store/open.h"
#include "store/window.h"

struct verify_segment {
	struct store_segment stated;
	bool is_stated;  /* there is a segment line; else only a segment_open */
	bool is_excused; /* a repair has found nothing of it */
};

enum {
	VERIFY_MEMBERS = 2
};

/* What the last line of a session states of a member: of its beginning, where a later session appends to it. */
struct verify_stated {
	uint64_t bytes;
	char sha256[HASH_HEX];
};

/* A member besides the segments. */
struct verify_member {
	struct verify_stated *stated;
	size_t count, room;
};

struct verify {
	struct store_check *check;
	const char *path;
	int dir_fd;
	enum store_layout layout;
	struct verify_segment *segments; /* in the order of their first line */
	size_t count, room;
	unsigned ids[LANE_MAX]; /* interface lines of each lane */
	struct verify_member members[VERIFY_MEMBERS];
	struct loss_totals losses;
	bool is_suspended; /* ever */
	bool has_remove_error;
	bool is_behind_repair, is_continued, has_start, has_recovered, has_end;
	struct chain chain;
};

int verify_fault(struct verify *v, const char *format, ...) PRINTF_LIKE(2, 3);

/* Reads the whole manifest from a source, which it takes.  is_live: a line without its end, and a missing last line, are no
 * faults. */
int verify_lines(struct verify *v, struct byte_source manifest, bool is_live,
		 struct weir_error *err) MUST_CHECK;

#endif
