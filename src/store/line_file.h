/* A member of a store that holds lines of its own (events.jsonl, processes.jsonl): appended, hashed
 * as it grows, stated in the manifest's last line.
 *
 * Calling sequence: line_file_open() or line_file_go_on(), line_file_add() any number of times,
 * line_file_sync() now and then, line_file_end().  One thread at a time.
 * A line waits in memory for line_file_sync(); line_file_add_json()'s are written at once.
 * A line that cannot be written (a full disk) leaves nothing behind and is counted. */
#ifndef WEIR_STORE_LINE_FILE_H
#define WEIR_STORE_LINE_FILE_H

#include "base/compiler.h"
#include "port/port.h"
#include "weir/error.h"

#include <jansson.h>

#define STORE_EVENTS "events.jsonl"

struct line_file;

/* Made within the directory; the name is lent. */
int line_file_open(struct line_file **f, int dir_fd, const char *name,
		   struct weir_error *err) MUST_CHECK;
/* The same; where there is one, of an earlier session, its whole lines are gone on behind. */
int line_file_go_on(struct line_file **f, int dir_fd, const char *name,
		    struct weir_error *err) MUST_CHECK;
/* Gives the file to the user that the recorder becomes. */
int line_file_own(struct line_file *f, const struct port_user *user,
		  struct weir_error *err) MUST_CHECK;
/* The line's bytes, its newline included. */
void line_file_add(struct line_file *f, const void *bytes, size_t length);
/* Takes the object. */
void line_file_add_json(struct line_file *f, json_t *line);
/* Makes durable what was added since the last time. */
void line_file_sync(struct line_file *f);
/* {"name","lines","bytes","sha256","lost_lines"}, a new reference; frees f. */
json_t *line_file_end(struct line_file *f);

#endif
