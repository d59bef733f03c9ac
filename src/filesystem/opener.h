/* Opening a volume that may not answer: in a thread of its own, with a time to give up after.
 *
 * Calling sequence: opener_open() as volume_open() or, with a mount, volume_open_mount(); the volume
 * is the caller's to close and to free.
 * Errors: WEIR_ERR_BUSY when it took longer than stall_ns.  The thread is left hanging then, and the
 * table of mounts and what it opens must stay as long as the process lives. */
#ifndef WEIR_FILESYSTEM_OPENER_H
#define WEIR_FILESYSTEM_OPENER_H

#include "filesystem/volume.h"

int opener_open(struct volume **v, const char *path, const struct mount_row *mount,
		const struct mounts *mounts, int64_t stall_ns,
		struct weir_error *err) MUST_CHECK;

#endif
