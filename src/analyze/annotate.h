/* What is known of a packet's process and of the other end's name, as a comment for readers that show
 * comments and nothing else:
 *
 *	process curl[4711] exact, /usr/bin/curl, user ann; names example.org (dns), example.org (tls)
 *
 * Calling sequence: annotator_new(); in order of time annotator_see() for every packet, wanted or
 * not: the text is of what was known by then; annotator_free().
 * Ownership: the text is lent until the next call; length 0: nothing is known.
 * Threads: one owner.  Memory: fixed: the table of flows, and what analyze/follow.h says; a flow that
 * had to leave the table loses the names that its first packets gave. */
#ifndef WEIR_ANALYZE_ANNOTATE_H
#define WEIR_ANALYZE_ANNOTATE_H

#include "base/compiler.h"
#include "weir/reader.h"

#define ANNOTATION_MAX 8192

struct annotator;

struct annotation {
	const char *text;
	size_t length;
};

struct annotator *annotator_new(const struct merge *m) MUST_CHECK;
void annotator_free(struct annotator *a);
struct annotation annotator_see(struct annotator *a, const struct packet *p,
				bool is_wanted);

#endif
