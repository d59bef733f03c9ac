/* A store as its files show it at one moment: what the manifest says, and what is in the segments
 * that it does not speak of yet.  Nothing is changed by looking.
 *
 * Calling sequence: view_load(), then the facts below for repair.c, then view_facts_fini();
 * the view itself goes to the caller of store_open() and is freed by store_view_free().
 *
 * What may be trusted: a line that is a JSON object and has its end.  Lines behind the last such
 * one are torn (or being written).  Lines before it that are no objects are damage: they are passed
 * over here and named by store_verify(). */
#ifndef WEIR_STORE_VIEW_H
#define WEIR_STORE_VIEW_H

#include "base/hash.h"
#include "store/open.h"
#include "store/scan.h"

/* A segment file without a segment line. */
struct view_pending {
	struct store_segment found; /* as far as it is whole */
	struct scan scan;
	bool is_list, has_open_line;
};

struct view_opened {
	uint32_t number;
	uint16_t linktype;
	unsigned lane;
};

struct view_facts {
	/* Of the last trusted line. */
	uint64_t seq;
	char hash[HASH_HEX];
	uint64_t good_bytes; /* it ends here */
	uint64_t file_bytes;
	bool has_start;            /* the start line is there, not made up */
	struct loss_totals losses; /* the most that any line has told */
	struct loss_totals segment_losses;
	/* Of sessions before the last `continued`, and when the recorder is last known to have
	 * recorded. */
	struct loss_totals before;
	uint64_t before_packets;
	int64_t alive_ns;
	bool is_repairs; /* what follows was written by a repair */
	/* The last thing that an end said of processes.jsonl, also of a session before; NULL: nothing. */
	json_t *processes;
	/* How often repairs before have kept what they cut off the end of each of these. */
	unsigned manifest_tails, processes_tails;
	struct view_opened *opened;
	size_t opened_count, opened_room;
	uint32_t last_number; /* the largest that any line has told of */
	struct view_pending *pending;
	size_t pending_count, pending_room;
	size_t segment_room;
};

/* manifest_fd may be -1: there is none.  The view takes dir_fd. */
int view_load(struct store_view **v, struct view_facts *facts, const char *path,
	      int dir_fd, int manifest_fd, struct weir_error *err) MUST_CHECK;
void view_facts_fini(struct view_facts *facts);

/* A first line in place of one that is lost. */
json_t *view_made_up_start(enum store_layout layout) MUST_CHECK;

#endif
