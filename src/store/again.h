/* A store that is gone on with: what its manifest says, so that the next session's lines and figures
 * follow on (docs/store-format.md, `continued`).
 *
 * Calling sequence: again_interfaces() before the source is opened: repairs the store where its
 * recorder died, and puts its interfaces into the table, so that their ids stay; then, in the
 * process that will record, again_open(), which takes the manifest's lock; again_undo() where the
 * session could not begin; again_fini().
 * Errors: WEIR_ERR_BUSY while a recorder lives. */
#ifndef WEIR_STORE_AGAIN_H
#define WEIR_STORE_AGAIN_H

#include "store/chain.h"
#include "store/disk.h"
#include "store/open.h"

struct again {
	int dir_fd, manifest_fd; /* open and locked; -1 once taken */
	uint64_t manifest_bytes;
	struct chain chain;
	enum store_layout layout;
	uint32_t last_number;
	uint64_t packets, bytes, wire_bytes, segments, removed_segments;
	int64_t first_ns, last_ns;
	struct loss_totals losses;
	/* The gap's beginning: when the last session is known to have recorded for the last time. */
	int64_t alive_ns;
	char reason[64], grade[24]; /* of its end */
	/* The worst of its sessions, the gaps between them left aside. */
	enum store_grade sessions;
	/* What was stated last of processes.jsonl, as which it is there; NULL: there is none. */
	json_t *processes;
	struct store_segment *kept; /* finished and not removed, by number */
	size_t kept_count;
};

int again_interfaces(const char *path, struct iface_table *ifaces,
		     struct weir_error *err) MUST_CHECK;
int again_open(struct again *a, const char *path, struct weir_error *err) MUST_CHECK;
void again_fini(struct again *a);
/* Takes back what a session has appended that recorded nothing: the store's bytes are as they were.  On
 * failure *is_cut tells whether processes.jsonl is as it was. */
int again_undo(const struct again *a, const struct disk *disk, int dir_fd,
	       int manifest_fd, bool *is_cut) MUST_CHECK;
/* The members of the line `continued` beside those of a first line. */
void again_describe(const struct again *a, int64_t now_ns, json_t *line);

#endif
