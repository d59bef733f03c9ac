/* From sources through a selection into a writer: what export and show have in common.
 *
 * Calling sequence: fill a struct copy, copy_run(), read its counts.  The sink is the caller's, to
 * close or to discard.  One thread; memory does not grow with the packets.
 * Errors: WEIR_ERR_CLOSED after a failed write (sink_close() has the words) or where *stop was set.
 * Where a source is damaged, all that could be read has been written, `is_damaged` is set and
 * `damage` says what it was; copy_run() returns 0. */
#ifndef WEIR_ANALYZE_COPY_H
#define WEIR_ANALYZE_COPY_H

#include "analyze/select.h"
#include "analyze/writer.h"

#include <signal.h>

/* Of a packet's captured bytes: other programs call a capture file damaged at a packet that has
 * more (WTAP_MAX_PACKET_SIZE_STANDARD, MAXIMUM_SNAPLEN) and read no further. */
#define COPY_CAPTURED_MAX 262144

struct copy {
	struct writer *writer;
	struct merge *merge;
	const struct selection *selection;
	struct annotator *annotator;       /* NULL: packets get no comments of ours */
	uint64_t count_limit;              /* 0: none */
	bool is_live;                      /* each packet is handed on at once */
	const volatile sig_atomic_t *stop; /* NULL: never */
	/* Result. */
	uint64_t read_count, count;
	uint64_t
		cut_count; /* written with COPY_CAPTURED_MAX bytes, because they had more */
	bool is_damaged;
	struct weir_error damage;
};

int copy_run(struct copy *c, struct weir_error *err) MUST_CHECK;

#endif
