/* The plugins of this binary: `weir plugin NAME` runs one until its host closes its standard input.
 * Each returns 0 or what went wrong before it could serve. */
#ifndef WEIR_PLUGINS_PLUGINS_H
#define WEIR_PLUGINS_PLUGINS_H

#include "weir/error.h"

/* optional: parts of the sandbox that it enters by itself and that may be missing (bits of
 * enum sandbox_part). */
int plugin_filesystem_run(unsigned optional, struct weir_error *err);
int plugin_divert_run(unsigned optional, struct weir_error *err);

#endif
