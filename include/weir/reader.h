/* Reading packets: from a pcap file, a pcapng file, a store of any layout, or standard input.
 *
 * Calling sequence: reader_open(), reader_next() until it returns 0 (end) or a negative code,
 * reader_free().  merge_open() does the same over several sources in time order.
 *
 * Ownership: a packet's pointers are lent until the next call on the same reader.
 * Threads: a reader belongs to one thread.  Memory: bounded (a window of each open file, and for a
 * segment whose times go back, 16 bytes a packet).
 * Errors: damage is reported with file, offset, value found and bound; packets before it have been
 * delivered.  Of a store, whose parts are files of their own, so have those after it that can be read: the
 * first error comes when all else has been delivered.  Facts: pcap is draft-ietf-opsawg-pcap, pcapng draft-ietf-opsawg-pcapng-05. */
#ifndef WEIR_READER_H
#define WEIR_READER_H

#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iface_info;   /* store/iface.h */
struct process_fact; /* store/processes.h */

/* How sure a packet's process is: enum owner_method and enum owner_certainty of store/record.h, and
 * the start of the process on CLOCK_BOOTTIME, in steps of 10 ms (0: not known). */
struct packet_owner {
	uint64_t start_ns;
	uint8_t method, certainty;
};

struct packet {
	int64_t ns;      /* capture time, UTC */
	uint32_t caplen; /* bytes at data */
	uint32_t len;    /* bytes on the wire */
	const uint8_t *data;
	uint16_t linktype; /* LINKTYPE_ number */
	unsigned iface;    /* index for reader_iface() */
	uint32_t flags;    /* epb_flags, 0 where the source has none */
	uint64_t id;       /* packet id, 0 where the source has none */
	uint64_t drops;    /* lost before it, at most INT64_MAX; 0 when none or unknown */
	uint32_t queue, pid, tid;
	bool has_flags, has_queue, has_pid;
	/* The option 0x8101 was there: attribution was at work.  Without has_pid it found nothing. */
	bool has_owner;
	struct packet_owner owner;
	const char *comment; /* first comment option; not NUL-terminated */
	uint32_t comment_length;
};

struct reader;

/* path "-" is standard input.  A store is a directory with a manifest; it is repaired first where
 * its recorder died (store/open.h). */
int reader_open(struct reader **r, const char *path, struct weir_error *err);
void reader_free(struct reader *r);

/* 1: *p is the next packet; 0: the end; negative: an error, and no more packets follow. */
int reader_next(struct reader *r, struct packet *p, struct weir_error *err);

/* Lets the reader leave out parts of its source that hold nothing in [from_ns, to_ns], as a store's
 * manifest tells it; packets outside still come.  Before the first reader_next(). */
void reader_set_range(struct reader *r, int64_t from_ns, int64_t to_ns);

/* Interfaces described so far; more may come with later packets. */
unsigned reader_iface_count(const struct reader *r);
const struct iface_info *reader_iface(const struct reader *r, unsigned index);

/* Packets that the recorder of a pcapng file says it dropped, in the interface statistics read so
 * far: those are mostly the file's last blocks.  A store has its manifest instead, and says 0. */
uint64_t reader_stated_drops(const struct reader *r);

/* Packets that a pcapng file says were lost, by all read so far: of each interface what its packets' drop
 * counts say or what its statistics do, whichever is more, as both count the same.  A store says 0. */
uint64_t reader_lost(const struct reader *r);

/* Packets of a store that could not be read although its manifest or a list states them; whole once
 * reader_next() has returned its error.  Of a file nobody can say, and it is 0. */
uint64_t reader_unread(const struct reader *r);

/* What a source says of itself: a store by its manifest, as it was when the reader was opened; a file
 * says nothing (is_store false, all else zero). */
struct standing {
	bool is_store;
	bool is_live;   /* it is being recorded */
	char grade[24]; /* of the last line; empty where there is none */
	uint64_t lost;  /* packets, as last told */
	/* By retention. */
	uint64_t removed_segments, removed_packets;
	bool lacks_processes; /* its last line states processes.jsonl, which is not there */
	char head[65]; /* SHA-256 of the manifest's last whole line; empty without one */
};
const struct standing *reader_standing(const struct reader *r);

/* What the source knows of the packet's process: from processes.jsonl of a store, from Wireshark's
 * process blocks in a pcapng file.  NULL: nothing.  Lent until the next call on the same reader.
 * In a pcapng file the block stands behind the first packet that it explains: where the file is a
 * regular one the reader looks that far ahead. */
const struct process_fact *reader_process(const struct reader *r, const struct packet *p);

/* Several sources as one, in time order (equal times: order of the sources).  Interface indices
 * are those of the merged table: merge_iface(); interfaces of two sources are never taken for one,
 * whatever their names.
 *
 * Only the heads are compared, so a source whose own times go back (a plain pcap file may; a store
 * is read in order) comes out in its own order.  A source that turns out damaged ends there; the
 * others go on, and the first such error is what merge_next() returns when all have ended. */
struct merge;

int merge_open(struct merge **m, const char *const *paths, size_t count,
	       struct weir_error *err);
void merge_free(struct merge *m);
int merge_next(struct merge *m, struct packet *p, struct weir_error *err);
unsigned merge_iface_count(const struct merge *m);
const struct iface_info *merge_iface(const struct merge *m, unsigned index);

size_t merge_source_count(const struct merge *m);
const char *merge_source_path(const struct merge *m, size_t source);
/* The source that a merged interface, and so a packet on it, came from. */
size_t merge_iface_source(const struct merge *m, unsigned index);

const struct standing *merge_standing(const struct merge *m, size_t source);

/* reader_process() of the packet's source. */
const struct process_fact *merge_process(const struct merge *m, const struct packet *p);
/* What that source knows of a process at a time; start_ns 0: not known (store/processes.h). */
const struct process_fact *merge_process_of(const struct merge *m, size_t source,
					    uint32_t pid, uint64_t start_ns, int64_t ns);

/* reader_set_range() of every source.  Before the first merge_next(). */
void merge_set_range(struct merge *m, int64_t from_ns, int64_t to_ns);

#endif
