/* What a capture is asked to be: the arguments of `start`, checked beyond their schema, and as the
 * words of a recorder's command line.  Pure. */
#ifndef WEIR_PLUGINS_RECORDING_H
#define WEIR_PLUGINS_RECORDING_H

#include "base/compiler.h"
#include "plugins/program.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdint.h>

enum {
	RECORDING_NAME_MAX = 64,
	RECORDING_NUMBERS = 160,
};

/* 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit: never a path, never hidden. */
bool recording_is_name(const char *name);
/* The filter compiles.  The text is that of the filter's own message. */
int recording_check_filter(const json_t *arguments, struct weir_error *err) MUST_CHECK;

struct recording_words {
	const char *items[PROGRAM_WORDS];
	size_t count;
	char numbers[RECORDING_NUMBERS]; /* texts that are made here */
	size_t used;
};

/* How far a recording had come: what is left of `for` and `count`. */
struct recording_done {
	bool is_continued;
	int64_t elapsed_ns;
	uint64_t packets;
};

/* Lends from the arguments and from path.  False: nothing is left to record. */
bool recording_words(struct recording_words *w, const json_t *arguments, const char *path,
		     const struct recording_done *done) MUST_CHECK;
/* The same capture, passively, to standard output. */
void recording_stream_words(struct recording_words *w, const json_t *arguments);

#endif
