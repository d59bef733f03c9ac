/* Glob patterns over paths, matched one directory level at a time, so that a directory below which
 * nothing can match is never opened.
 *
 * "*" any bytes of one name, "?" one byte, "[a-z]" "[!a-z]" one of a set, "**" any number of
 * directories, "{a,b}" either, "\" takes the next byte as it is.  Bytes, not characters; a leading
 * dot is no special case.  A pattern without '/' is sought at every depth ("**" before it); one with
 * '/' counts from the listed PATH.
 *
 * Calling sequence: pattern_parse(); state = pattern_start(); for each entry of a directory
 * next = pattern_step(p, state, name, length, &is_match): is_match says whether this entry matches,
 * next (0: nothing) is the state for the entries inside; pattern_free().
 * Threads: read-only after parsing.  Cost: linear in the name for each live component. */
#ifndef WEIR_FILESYSTEM_PATTERN_H
#define WEIR_FILESYSTEM_PATTERN_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern;

enum {
	PATTERN_COMPONENTS = 64, /* all alternatives together */
	PATTERN_BYTES = 4096,
};

int pattern_parse(struct pattern **p, const char *text, bool is_case_blind,
		  struct weir_error *err) MUST_CHECK;
void pattern_free(struct pattern *p);
uint64_t pattern_start(const struct pattern *p);
uint64_t pattern_step(const struct pattern *p, uint64_t state, const char *name,
		      size_t length, bool *is_match);
/* It has a '/' or "**", and so says itself how deep to go. */
bool pattern_is_deep(const struct pattern *p);

#endif
