/* A plugin's state: one JSON file in its directory, always whole: written beside, made durable,
 * renamed.  Whatever moment the process is killed at, the file is the old state or the new one.
 *
 * The directory is the environment's WEIR_STATE.  Threads: the caller's lock. */
#ifndef WEIR_PLUGINS_STATE_H
#define WEIR_PLUGINS_STATE_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>

#define STATE_DIR_ENV "WEIR_STATE"
#define STATE_MAX     (16 * 1024 * 1024)

/* *state is NULL where nothing was saved yet.  A file that is no JSON (it can only have been damaged
 * from outside) is put aside as NAME.damaged and is WEIR_ERR_FORMAT. */
int state_load(int dir_fd, const char *name, json_t **state,
	       struct weir_error *err) MUST_CHECK;
int state_save(int dir_fd, const char *name, const json_t *state,
	       struct weir_error *err) MUST_CHECK;
/* The plugin's own directory. */
int state_open(int *dir_fd, struct weir_error *err) MUST_CHECK;

#endif
