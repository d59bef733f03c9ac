#include "port/port.h"

#include <sys/mman.h>
#include <sys/statvfs.h>

/* A first write to a page costs about 10 us on some hypervisors: better at start than under
 * traffic.  MAP_POPULATE would map the pages read-only for a private mapping on older kernels. */
static void *map_pages(size_t bytes, int flags)
{
	volatile char *p =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
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
