/* Small files of the agent and the controller that only their owner may read: keys, who may call,
 * open pairings, known agents.
 *
 * Written whole beside the old one (NAME.new, mode 0600; on Windows with the
 * directory's rights), synced, and renamed over it: a reader sees
 * the old one or the new one.  Read up to PRIVATE_FILE_MAX bytes; links are not followed; a file
 * that others may write is refused. */
#ifndef WEIR_AGENT_PRIVATE_FILE_H
#define WEIR_AGENT_PRIVATE_FILE_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRIVATE_FILE_MAX (1024 * 1024)

/* Makes what is missing of a path, each as port_private_directory() does. */
int private_dirs_make(const char *path, bool for_user, struct weir_error *err) MUST_CHECK;
/* Opens a directory, made for our user where it is not there (its parents too).  WEIR_ERR_PRIVILEGE where
 * others own it or may write it, on Windows also where they may read it. */
int private_dir_open(const char *path, int *dir_fd, struct weir_error *err) MUST_CHECK;
/* *bytes is the caller's (mem_free), with a NUL behind its end.  WEIR_ERR_ABSENT where there is none. */
int private_file_read(int dir_fd, const char *name, char **bytes, size_t *length,
		      struct weir_error *err) MUST_CHECK;
int private_file_write(int dir_fd, const char *name, const void *bytes, size_t length,
		       struct weir_error *err) MUST_CHECK;
/* The same as one JSON object; *object is the caller's. */
int private_json_read(int dir_fd, const char *name, json_t **object,
		      struct weir_error *err) MUST_CHECK;
int private_json_write(int dir_fd, const char *name, const json_t *object,
		       struct weir_error *err) MUST_CHECK;
/* Changes when the file is replaced; 0 where there is none. */
uint64_t private_file_stamp(int dir_fd, const char *name);

#endif
