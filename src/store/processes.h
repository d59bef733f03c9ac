/* The processes that a recording names: looked up by a packet's process id, start and time.
 *
 * They come from a store's processes.jsonl (docs/store-format.md), or from the process blocks of
 * Wireshark's that stand in a pcapng file.
 * Calling sequence: processes_new(); processes_load() or processes_add() any number of times;
 * processes_find() for a packet; processes_free().  Who reads packets need not do this: the reader
 * does, and merge_process() (weir/reader.h) is the answer for a packet, filters on stored packets
 * included.
 *
 * Ownership: what processes_find() lends lives until the next add or load.  One thread.
 * Memory: PROCESSES_MAX facts and PROCESSES_TEXT bytes of text at most, equal texts once; what has
 * no room is counted in `dropped`.
 * Units: start_ns is CLOCK_BOOTTIME rounded down to 10 ms, as in the option 0x8101; the others are
 * UTC.  0 and NULL: not known. */
#ifndef WEIR_STORE_PROCESSES_H
#define WEIR_STORE_PROCESSES_H

#include "store/window.h"

#define STORE_PROCESSES "processes.jsonl" /* the store's member */

#define PROCESSES_MAX  (1u << 20)
#define PROCESSES_TEXT (256u * 1024 * 1024)
#define PROCESSES_PER_PID \
 4096 /* of one id: a hostile file must not make each look-up long */

/* What was true of a process from at_ns on, until a later fact about the same one (exec). */
struct process_fact {
	uint32_t pid, parent_pid;
	uint64_t start_ns, parent_start_ns;
	int64_t at_ns, started_ns, ended_ns;
	uint32_t uid, gid;
	bool has_uid, has_gid;
	uint64_t netns; /* inode */
	const char *name, *path, *user, *cgroup, *container, *sha256;
	/* Arguments, each ended by a NUL. */
	const char *command_line;
	uint32_t command_line_length;
};

struct processes;

/* Facts that are kept, those that found no room, lines that were no process. */
struct processes_counts {
	uint64_t facts, dropped, bad_lines;
};

struct processes *processes_new(void) MUST_CHECK;
void processes_free(struct processes *p);

/* Copies *fact and its texts.  LIMIT where there is no room (counted). */
int processes_add(struct processes *p, const struct process_fact *fact);
/* Takes the source.  A line that is no process is counted and passed over; negative where reading
 * failed. */
int processes_load(struct processes *p, struct byte_source source,
		   struct weir_error *err) MUST_CHECK;
/* The body of a custom block 0xBAD, its PEN first: adds the process where it is one of Wireshark's
 * process blocks (store/process_block.h), else does nothing. */
void processes_add_block(struct processes *p, const uint8_t *body, size_t length);

/* What was true at ns of the process with that id and start: the latest fact not after ns, else its
 * first.  start_ns 0, not known: the process of that id that had started last at ns, as Wireshark
 * takes it. */
const struct process_fact *processes_find(const struct processes *p, uint32_t pid,
					  uint64_t start_ns, int64_t ns);
const struct processes_counts *processes_counts(const struct processes *p);
/* In the order of their adding; NULL behind the last. */
const struct process_fact *processes_at(const struct processes *p, size_t index);

#endif
