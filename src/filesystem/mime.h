/* The MIME type that a name claims, by its ending; from a small table of our own.  NULL where the
 * ending says nothing.  By content: filesystem/magic.h. */
#ifndef WEIR_FILESYSTEM_MIME_H
#define WEIR_FILESYSTEM_MIME_H

#include <stddef.h>

const char *mime_of_name(const char *name, size_t length);

#endif
