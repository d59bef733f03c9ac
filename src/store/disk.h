/* Every system call that changes a store goes through this table, so that a test can make each one
 * fail in turn (tests/unit/store-fault.c).
 *
 * The functions are those of POSIX with the same name: -1 and errno on failure.  A store makes,
 * appends, cuts and removes; it never changes a byte that was written. */
#ifndef WEIR_STORE_DISK_H
#define WEIR_STORE_DISK_H

#include "base/compiler.h"
#include "port/writes.h"
#include "weir/error.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk {
	/* Makes a file that was not there (O_EXCL), for reading and writing, mode 0600. */
	int (*make)(int dir_fd, const char *name);
	ssize_t (*write)(int fd, const void *bytes, size_t length, off_t at);
	int (*truncate)(int fd, off_t length);
	int (*sync)(int fd);     /* a file's data and size */
	int (*sync_dir)(int fd); /* a directory's entries */
	int (*sync_all)(int fd); /* everything on the file system that holds fd */
	/* Space from `at`, behind the end, without a change of size. */
	int (*reserve)(int fd, off_t at, off_t length);
	int (*remove)(int dir_fd, const char *name);
	/* The same file once more, for writes of whole pages past the page cache (O_DIRECT).  Fails
	 * where that has no meaning: on a file system in memory, or one that cannot do it. */
	int (*open_direct)(int dir_fd, const char *name);
	/* Space from `at` on that belongs to the file, and reads as zeros. */
	int (*extend)(int fd, off_t at, off_t length);
	/* port/writes.h */
	int (*submit)(struct writes *w, int fd, const void *bytes, size_t length,
		      off_t at, uint32_t tag);
	unsigned (*take)(struct writes *w, struct written *done, unsigned max);
};

extern const struct disk disk_system;

/* Writes all, however many calls it takes.  On failure *done (may be NULL) says how much was
 * written and errno why. */
int disk_write(const struct disk *d, int fd, const void *bytes, size_t length,
	       uint64_t at, size_t *done) MUST_CHECK;

/* True for the errnos that mean: no room, try later. */
int disk_is_full(int error);

#endif
