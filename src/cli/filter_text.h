/* Where a filter's text comes from: the words of the command line, or a file. */
#ifndef WEIR_CLI_FILTER_TEXT_H
#define WEIR_CLI_FILTER_TEXT_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdio.h>

/* *text is the caller's (mem_free(), also after an error); NULL where neither words nor a file are
 * given.  The words are one filter, as if they had been quoted.  A file ("-": standard input) has
 * comments: compile it with FILTER_COMMENTS. */
int filter_text_take(char **words, int count, const char *file, char **text,
		     struct weir_error *err) MUST_CHECK;

/* The file, or standard input for "-"; NULL with err. */
FILE *filter_text_open(const char *path, struct weir_error *err) MUST_CHECK;

#endif
