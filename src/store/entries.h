/* The names in a store's directory.
 *
 * Calling sequence: entries_open(), readdir(), closedir().  Any thread. */
#ifndef WEIR_STORE_ENTRIES_H
#define WEIR_STORE_ENTRIES_H

#include "base/compiler.h"
#include "weir/error.h"

#include <dirent.h>

/* dir_fd stays the caller's, and where it stands.  NULL with the error. */
DIR *entries_open(int dir_fd, struct weir_error *err) MUST_CHECK;

#endif
