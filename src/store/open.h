/* A store that exists: opening, repairing, checking.  docs/store-format.md is the format.
 *
 * Opening a store whose recorder is gone without its last line (crash, power cut) repairs it where
 * the directory can be written: the tail of each open segment is cut after the last whole record
 * (what is cut is kept beside it as NAME.tail), missing manifest lines are made up from what the
 * files hold, and the manifest says what is missing.  A store whose recorder lives (it holds a
 * lock on the manifest) is opened as it is now and never changed.
 *
 * One thread at a time. */
#ifndef WEIR_STORE_OPEN_H
#define WEIR_STORE_OPEN_H

#include "store/store.h"

/* A finished piece of the store: a pcapng segment, or the list of a run of packet files. */
struct store_segment {
	char name[32];   /* file name within the store */
	uint32_t number; /* counts from 1 */
	uint16_t linktype;
	uint64_t packets, bytes, file_bytes;
	int64_t first_ns,
		last_ns; /* smallest and largest capture time; 0, 0 when empty */
	uint64_t wire_bytes;
	unsigned lane, iface_count;
	bool is_sorted;
	bool is_removed;       /* by retention; the file is gone, the line stays */
	bool is_remove_failed; /* some of its files could not be removed */
	bool is_torn; /* the file is longer than file_bytes; what follows is no part of it */
	/* No line speaks of it yet: the figures were found by reading the file just now, up to the
	 * last whole record. */
	bool is_found;
	char sha256[65]; /* empty while it is still being written */
};

struct store_view {
	char path[4096];
	int dir_fd;
	enum store_layout layout;
	json_t *start; /* the first manifest line; made up where it is lost */
	/* The last one.  NULL while recording, and where the recorder is gone and the store cannot be
	 * repaired because it cannot be written or the disk is full. */
	json_t *end;
	bool is_live, was_repaired;
	struct weir_error unrepaired; /* why it could not be, where that was tried */
	struct loss_totals losses;    /* as last told */
	char head[65]; /* SHA-256 of the last whole line; empty without one */
	struct store_segment *segments; /* by number */
	size_t segment_count;
	struct iface_info ifaces[IFACE_MAX]; /* lane by lane as in the manifest */
	unsigned iface_lane[IFACE_MAX], iface_id[IFACE_MAX];
	unsigned iface_count;
};

/* True when path is a directory with a manifest in it. */
bool store_is_store(const char *path);
int store_open(struct store_view **v, const char *path,
	       struct weir_error *err) MUST_CHECK;
void store_view_free(struct store_view *v);

/* What somebody who outlived the recorder knows of its end. */
struct store_death {
	const char *reason; /* for the last line: "crash", "killed by signal 9" */
	/* The session's counters as last seen, or NULL; where the manifest has told more, that counts. */
	const struct loss_totals *losses;
	/* Records that the recorder had made in memory.  What of them is not in the files is counted
	 * in LOSS_CRASH. */
	uint64_t recorded;
	bool is_recorded_known;
};

/* What store_open() does to a store whose recorder is gone, for one who knows how it ended.
 * WEIR_ERR_EXISTS when the store has its last line already (nothing is changed), WEIR_ERR_BUSY
 * while the recorder lives. */
int store_recover(const char *path, const struct store_death *death,
		  struct weir_error *err) MUST_CHECK;

/* Every fact that the manifest states is checked against the files, in the order of
 * docs/store-format.md, section 5: chain, lines, each segment's size, hash, packet and byte counts,
 * times, files that nobody mentions.  `fault` gets the first one's words.  Nothing is changed: a
 * store whose recorder is gone without its last line is at fault until it has been opened.  Of one
 * that is being recorded everything is checked that is finished.
 * Returns 0 when all agree, WEIR_ERR_MISMATCH when not. */
struct store_check {
	uint64_t lines, segments, packets; /* those that were checked and agree */
	uint64_t
		removed; /* segments that retention took: of them the lines alone are there */
	bool is_live, is_repaired;
	char grade[24]; /* of the last line; empty without it */
	char fault[WEIR_ERROR_TEXT];
};

int store_verify(const char *path, struct store_check *check,
		 struct weir_error *err) MUST_CHECK;

/* One line of the manifest after the other, whole; for info and for other tools.
 * visit returns non-zero to stop. */
int store_manifest_each(const char *path, int (*visit)(void *arg, json_t *line),
			void *arg, struct weir_error *err) MUST_CHECK;

#endif
