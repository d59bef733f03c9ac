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
	bool is_sorted;
	bool is_removed; /* by retention; the file is gone, the line stays */
	char sha256[65]; /* empty while it is still being written */
};

struct store_view {
	char path[4096];
	int dir_fd;
	enum store_layout layout;
	json_t *start; /* the first manifest line */
	json_t *end;   /* the last one, or NULL while recording */
	bool is_live, was_repaired;
	struct store_segment *segments;
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

/* Every fact that the manifest states is checked against the files, in order: chain, lines, each
 * segment's size, hash, packet and byte counts, times.  `fault` gets the first one's words.
 * Returns 0 when all agree, WEIR_ERR_MISMATCH when not. */
struct store_check {
	uint64_t lines, segments, packets;
	char fault[WEIR_ERROR_TEXT];
};

int store_verify(const char *path, struct store_check *check,
		 struct weir_error *err) MUST_CHECK;

/* One line of the manifest after the other, whole; for info and for other tools.
 * visit returns non-zero to stop. */
int store_manifest_each(const char *path, int (*visit)(void *arg, json_t *line),
			void *arg, struct weir_error *err) MUST_CHECK;

#endif
