#include "port/port.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

/* From this size on in pages of 2 MiB, where the kernel has some: a quarter of the time at the start
 * (160 MiB: 0.2 s for 0.8 s), and less to look up afterwards. */
#define HUGE_LEAST ((size_t)8 << 20)

/* A first write to a page costs about 10 us on some hypervisors: better at start than under
 * traffic.  MAP_POPULATE would map the pages read-only for a private mapping on older kernels. */
static void *map_pages(size_t bytes, int flags)
{
	volatile char *p =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (bytes >= HUGE_LEAST)
		(void)madvise((void *)(uintptr_t)p, bytes, MADV_HUGEPAGE);
	for (size_t i = 0; i < bytes; i += 4096)
		p[i] = 0;
	return (void *)(uintptr_t)p;
}

void *port_pages_new(size_t bytes)
{
	return map_pages(bytes, MAP_PRIVATE);
}

void *port_shared_new(size_t bytes)
{
	return map_pages(bytes, MAP_SHARED);
}

void port_pages_free(void *p, size_t bytes)
{
	if (p)
		(void)munmap(p, bytes);
}

int port_disk_free(int dir_fd, uint64_t *bytes)
{
	struct statvfs v;

	if (fstatvfs(dir_fd, &v))
		return WEIR_ERR_SYSTEM;
	*bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

/* What the file wants of addresses and offsets is known since Linux 6.1; elsewhere pages do. */
bool port_takes_pages(int fd, size_t alignment)
{
	struct statfs fs;
#ifdef STATX_DIOALIGN
	struct statx x;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &x) &&
	    x.stx_mask & STATX_DIOALIGN &&
	    (!x.stx_dio_mem_align || x.stx_dio_mem_align > alignment ||
	     x.stx_dio_offset_align > alignment))
		return false;
#endif
	/* In memory there is no page cache to be passed by. */
	return !fstatfs(fd, &fs) && fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}
