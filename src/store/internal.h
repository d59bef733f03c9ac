/* The store being written, for the files that make it up: store.c (life), writer.c (segments and
 * their rotation), packets.c (one file a packet), stream.c (one descriptor), blocks.c (what stands
 * around the records).  Nobody else includes this but tests. */
#ifndef WEIR_STORE_INTERNAL_H
#define WEIR_STORE_INTERNAL_H

#include "store/ledger.h"
#include "store/pcapng.h"

/* The most that a head, new interfaces, or the statistics at the end take. */
#define BLOCKS_MAX (PCAPNG_SECTION_MAX + IFACE_MAX * PCAPNG_INTERFACE_MAX)

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
	/* The write worker's. */
	struct segment lanes[LANE_MAX];
	uint8_t *blocks; /* BLOCKS_MAX */
	uint32_t number; /* of the last segment */
	int64_t now_ns;  /* of the last tick */
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
void writer_write(struct store *s, const struct span *span);
void writer_tick(struct store *s);
void writer_finish(struct store *s);
/* Counts a piece that is written, in the session's figures. */
void writer_count(struct store *s, unsigned lane, const struct piece *p);

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

#endif
