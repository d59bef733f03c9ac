/* What the commands share that read recorded packets: the words that name sources, the selection,
 * and an interruption that leaves nothing half-made behind. */
#ifndef WEIR_CLI_SOURCES_H
#define WEIR_CLI_SOURCES_H

#include "analyze/copy.h"
#include "cli/cli.h"

/* The options --filter, --filter-file, --from and --to, the same in each command. */
struct source_options {
	const char *filter, *filter_file;
	int64_t from_ns, to_ns;
	bool looks_before; /* what comes before from_ns is read too: it may name what is wanted */
};

#define SOURCE_OPTIONS_INIT                \
 {                                         \
  .from_ns = INT64_MIN, .to_ns = INT64_MAX \
 }

#define OPTION_FILTER(o)                                                         \
 {                                                                               \
  "filter", 0, OPTION_ONCE, &(o)->filter, "F", "only packets that match F", 0, 0 \
 }
#define OPTION_FILTER_FILE(o)                                   \
 {                                                              \
  "filter-file", 0, OPTION_ONCE, &(o)->filter_file, "FILE",     \
	  "read the filter from FILE; # begins a comment", 0, 0 \
 }
#define OPTION_FROM(o)                                                                 \
 {                                                                                     \
  "from", 0, OPTION_TIME, &(o)->from_ns, "TIME", "only packets of TIME or later", 0, 0 \
 }
#define OPTION_TO(o)                                                                 \
 {                                                                                   \
  "to", 0, OPTION_TIME, &(o)->to_ns, "TIME", "only packets of TIME or earlier", 0, 0 \
 }

/* Opened sources and what is wanted of them. */
struct sources {
	struct merge *merge;
	struct selection selection;
	bool is_stream;    /* one of them is a pipe: somebody may be waiting */
	bool is_selective; /* not everything is wanted */
};

/* words: argv without the command's name.  `s` is to be closed also where this fails. */
int sources_open(struct sources *s, char **words, int count,
		 const struct source_options *o, struct weir_error *err) MUST_CHECK;
/* Says of each source what it says that it lacks.  True where that is damage: a file of a store. */
bool sources_tell_lacks(const struct sources *s, const char *command);
void sources_close(struct sources *s);

#endif
