/* Inside of port_file_calls: files.c has the table, small.c its one call of many files. */
#ifndef WEIR_PORT_LINUX_FILES_PARTS_H
#define WEIR_PORT_LINUX_FILES_PARTS_H

#include "port/files.h"

/* How files and directories are opened: never waiting, never through a link. */
#define FILES_OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

void port_small_files(void *state, struct small_reader *r, int dir,
		      struct small_file *files, unsigned count);

#endif
