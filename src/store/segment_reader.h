/* One segment of a store, read in order of time whatever the order of its records.
 *
 * Calling sequence: segment_reader_open(), segment_reader_next() until 0 or negative, segment_reader_free().  Packets'
 * pointers are lent until the next call on the same one.  packet.iface is the segment's own
 * number: segment_reader_iface() describes it.
 *
 * A packet of a list that cannot be read is passed over and counted; what else is wrong ends the segment.
 *
 * Each holds one descriptor, a window, and for a segment that is not sorted 16 bytes a packet.
 * It borrows view and segment.  One thread. */
#ifndef WEIR_STORE_SEGMENT_READER_H
#define WEIR_STORE_SEGMENT_READER_H

#include "store/open.h"
#include "weir/reader.h"

struct segment_reader;

struct segment_reader_ops {
	int (*next)(struct segment_reader *t, struct packet *p, struct weir_error *err);
	const struct iface_info *(*iface)(const struct segment_reader *t, unsigned index);
	void (*fini)(struct segment_reader *t);
};

struct segment_reader {
	const struct segment_reader_ops *ops;
	const struct store_segment *segment;
	/* For who merges several. */
	struct packet head;
	uint64_t count; /* packets so far */
	/* Passed over so far, and what was wrong with the first. */
	uint64_t unread;
	struct weir_error damage;
	unsigned
		ifaces[IFACE_MAX]; /* own number -> merged number + 1; 0: not yet asked */
};

/* WEIR_ERR_ABSENT where the file is gone. */
int segment_reader_open(struct segment_reader **t, const struct store_view *view,
			const struct store_segment *segment,
			struct weir_error *err) MUST_CHECK;
void segment_reader_free(struct segment_reader *t);

static inline int segment_reader_next(struct segment_reader *t, struct packet *p,
				      struct weir_error *err)
{
	return t->ops->next(t, p, err);
}

static inline const struct iface_info *segment_reader_iface(
	const struct segment_reader *t, unsigned index)
{
	return t->ops->iface(t, index);
}

/* For segment_reader_open(): each takes fd, also where it fails. */
int block_reader_new(struct segment_reader **t, const struct store_segment *segment,
		     int fd, struct weir_error *err) MUST_CHECK;
int list_reader_new(struct segment_reader **t, const struct store_view *view,
		    const struct store_segment *segment, int fd,
		    struct weir_error *err) MUST_CHECK;

#endif
