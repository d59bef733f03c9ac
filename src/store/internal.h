/* The store being written, for the files that make it up: store.c (life), writer.c (segments and
 * their rotation), packets.c (one file a packet), stream.c (one descriptor), blocks.c (what stands
 * around the records).  Nobody else includes this but tests. */
#ifndef WEIR_STORE_INTERNAL_H
#define WEIR_STORE_INTERNAL_H

#include "store/again.h"
#include "store/flights.h"
#include "store/ledger.h"
#include "store/pcapng.h"

/* The most that a head, new interfaces, or the statistics at the end take. */
#define BLOCKS_MAX (PCAPNG_SECTION_MAX + IFACE_MAX * PCAPNG_INTERFACE_MAX)

/* One open segment a lane, and some that were full and whose last writes are in flight. */
#define SEGMENTS_MAX (LANE_MAX + 4)

struct stream;
struct packets;

struct store {
	struct store_config config; /* its strings are the caller's until store_begin() */
	char path[4096];
	const struct disk *disk;
	struct iface_table *ifaces;
	int dir_fd;
	struct ledger *ledger;   /* NULL: a stream */
	struct stream *stream;   /* NULL: a directory */
	struct packets *packets; /* NULL: layout segments */
	bool has_begun;
	struct again again; /* where config.is_continued */
	/* The write worker's. */
	struct segment *lanes[LANE_MAX]; /* each open, or ready to be */
	struct segment segments[SEGMENTS_MAX];
	unsigned ending; /* of the segments, how many wait for what is in flight */
	struct flights flights;
	bool has_direct; /* the file system takes writes past its cache */
	bool is_sparing; /* processors are short: no hashing of what is written */
	bool is_pressed; /* the source is behind: nothing that can be done later */
	char direct_why[WEIR_ERROR_TEXT]; /* why it does not */
	uint8_t *blocks;                  /* BLOCKS_MAX */
	uint32_t number;                  /* of the last segment */
	int64_t now_ns;                   /* of the last tick */
	int64_t start_ns, first_ns, last_ns;
	bool was_suspended;
	int64_t look_ns, suspended_ns; /* monotonic: next look for space; since when */
	uint64_t lost_before_packets, lost_before_bytes; /* when it was suspended */
	uint64_t records[LANE_MAX][IFACE_MAX];           /* import: for the statistics */
	struct losses losses;
	struct store_progress progress;
	struct pcapng_section section;
	char os[256], hardware[128];
};

/* As store_create(), with the system calls to use. */
int store_create_on(struct store **s, const struct store_config *config,
		    struct iface_table *ifaces, const struct disk *disk,
		    struct weir_error *err) MUST_CHECK;

/* blocks.c: each returns the length of what it put at s->blocks. */
size_t blocks_head(struct store *s, unsigned lane, unsigned iface_count);
size_t blocks_interfaces(struct store *s, unsigned lane, unsigned from, unsigned to);
size_t blocks_stats(struct store *s, const struct segment_facts *f);

/* writer.c */
void writer_write(struct store *s, struct span *span); /* takes it */
void writer_tick(struct store *s);
void writer_finish(struct store *s);
/* Counts a piece that is written, in the session's figures. */
void writer_count(struct store *s, unsigned lane, const struct piece *p);

/* Hands the segment, of which nothing is in flight, to the ledger. */
void writer_close(struct store *s, struct segment *g, const char *reason);
/* Hands the lane's segment to the ledger, now or once nothing of it is in flight.  False where the
 * ledger is so far behind that it cannot be taken: the segment goes on.  Each lane may open its next
 * one afterwards: places for that are kept. */
bool writer_finish_lane(struct store *s, unsigned lane, const char *reason);
/* Opens the lane's segment for a span whose rest is to be written. */
int writer_open_lane(struct store *s, const struct span *span, const struct piece *rest,
		     struct weir_error *err) MUST_CHECK;
/* Appends interfaces that the segment has not described yet. */
int writer_describe(struct store *s, struct segment *g, const struct span *span,
		    struct weir_error *err) MUST_CHECK;
/* Appends blocks at s->blocks; what cannot be written whole is not there. */
int writer_append_blocks(struct store *s, struct segment *g, size_t length,
			 struct weir_error *err) MUST_CHECK;
/* Writes the piece, or its whole records that could be written; the others are counted as lost. */
void writer_put(struct store *s, struct segment *g, const struct piece *p);
/* How much more the segment may take: the statistics at its end are part of it. */
uint64_t writer_room(const struct store *s, const struct segment *g,
		     const struct span *span);
bool writer_is_suspended(const struct store *s);

/* direct.c: whole spans past the page cache, several writes at a time. */
/* Whether files of the store can be written so; what is written until the store has begun is not. */
void direct_probe(struct store *s);
/* For the manifest's first line. */
json_t *direct_facts(const struct store *s);
/* Takes the span and returns true, or has done nothing: it has to be appended. */
bool direct_write(struct store *s, struct span *span);
/* Lands what is done. */
void direct_collect(struct store *s);
/* Waits until nothing of the segment is in flight (NULL: of any). */
void direct_settle(struct store *s, const struct segment *g);

/* packets.c: one file a packet, one line a packet in the list segment. */
int packets_new(struct packets **p, struct store *s) MUST_CHECK;
void packets_free(struct packets *p);
/* The most that one packet costs beside its bytes. */
uint32_t packets_cost(const struct packets *p);
/* Writes the piece's packets and their lines.  On failure *done is the piece's bytes whose packets
 * are written, and the list holds exactly these. */
int packets_append(struct packets *p, struct segment *list, const struct piece *piece,
		   size_t *done, struct weir_error *err) MUST_CHECK;

/* stream.c */
int stream_new(struct stream **t, int fd) MUST_CHECK;
void stream_free(struct stream *t);
int stream_begin(struct store *s, struct weir_error *err) MUST_CHECK;
int stream_write(struct store *s, struct span *span) MUST_CHECK;
int stream_finish(struct store *s) MUST_CHECK;
int stream_fd(const struct stream *t);
/* Its reader has gone, or a block ended in the middle: nothing is written any more. */
bool stream_is_dead(const struct stream *t);
bool stream_is_reader_gone(const struct stream *t);

#endif
