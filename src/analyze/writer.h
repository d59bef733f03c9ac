/* Writers: packets of a merge in the form of a file, one form a file (write_*.c).
 *
 * Calling sequence: a struct writer with `ops`, `out`, `merge` and `name` set and the rest zero;
 * then begin once (after the first merge_next(), so that the sources' interfaces are known), packet
 * for each, end once.  They stop at the first error; the sink keeps its own failures.
 *
 * Ownership: a writer borrows sink, merge and packets.  It allocates nothing; packet bytes are
 * copied once, into the sink's buffer.  One thread. */
#ifndef WEIR_ANALYZE_WRITER_H
#define WEIR_ANALYZE_WRITER_H

#include "analyze/annotate.h"
#include "analyze/line.h"
#include "analyze/sink.h"
#include "weir/reader.h"

struct writer;

struct writer_ops {
	const char *name;   /* of the format: "pcapng" */
	const char *suffix; /* of a file that holds it: ".pcapng" */
	bool is_binary;     /* not for a terminal */
	int (*begin)(struct writer *w, struct weir_error *err);
	int (*packet)(struct writer *w, const struct packet *p, struct weir_error *err);
	int (*end)(struct writer *w, struct weir_error *err);
};

extern const struct writer_ops writer_pcapng, writer_pcap, writer_jsonl, writer_csv,
	writer_text, writer_split;

struct recent;
struct split;

struct writer {
	const struct writer_ops *ops;
	struct sink *out;
	const struct merge *merge;
	const char *name; /* of the output, for messages */
	/* What the sources are, one text for each of merge_source_count(); NULL: no such text.
	 * Goes into the file where its form has a place for it. */
	const char *const *parents;
	/* Of this packet, for a form that has a place for comments; length 0: none. */
	struct annotation annotation;
	/* pcapng: the processes whose blocks are in the output already, by struct writer_process;
	 * NULL: no process blocks are written. */
	struct recent *described;
	const char *
		note; /* pcapng: a comment of the section, behind the parents; NULL: none */
	struct split *split; /* writer_split's */
	uint64_t number;     /* of this output among several */
	/* The formats' own state. */
	unsigned iface_count; /* described in the output so far */
	bool has_linktype;
	uint16_t linktype;
	unsigned
		first_iface; /* of the first packet, for the message about a second link type */
	bool is_mixed;       /* several link types have been written */
	struct line_clock clock;
};

/* A key of `described`; zeroed before it is filled in. */
struct writer_process {
	uint64_t start_ns;
	int64_t started_ns, at_ns;
	uint32_t pid, source;
	uint64_t output; /* writer.number */
};

enum {
	WRITER_PROCESSES =
		32768 /* remembered in `described`: beyond, a block may come twice */
};

struct recent *writer_described_new(void) MUST_CHECK;

/* The format of that name, or that a file of that name should have; NULL where there is none. */
const struct writer_ops *writer_by_name(const char *name);
const struct writer_ops *writer_by_path(const char *path);

#endif
