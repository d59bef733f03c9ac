#include "base/mem.h"
#include "port/files.h"
#include "port/port.h"
#include "port/windows/win.h"

void *port_pages_new(size_t bytes)
{
	volatile char *p =
		VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

	for (size_t i = 0; p && i < bytes; i += 4096)
		p[i] = 0;
	return (void *)(uintptr_t)p;
}

/* There is no fork(): nobody to share with. */
void *port_shared_new(size_t bytes)
{
	return port_pages_new(bytes);
}

void port_pages_free(void *p, size_t bytes)
{
	(void)bytes;
	if (p)
		(void)VirtualFree(p, 0, MEM_RELEASE);
}

int port_disk_free(int dir_fd, uint64_t *bytes)
{
	HANDLE h = win_handle(dir_fd);
	wchar_t *path = h == INVALID_HANDLE_VALUE ? NULL : win_path_of(h);
	ULARGE_INTEGER left;
	BOOL is_known = path && GetDiskFreeSpaceExW(path, &left, NULL, NULL);

	mem_free(path);
	if (!is_known)
		return WEIR_ERR_SYSTEM;
	*bytes = left.QuadPart;
	return 0;
}

void port_memory_large(void *p, size_t bytes)
{
	(void)p;
	(void)bytes;
}

unsigned port_processor_count(void)
{
	SYSTEM_INFO info;

	GetNativeSystemInfo(&info);
	return info.dwNumberOfProcessors ? info.dwNumberOfProcessors : 1;
}

/* No unbuffered writes here: wine takes what Windows refuses, so that they could not be tried. */
bool port_takes_pages(int fd, size_t alignment)
{
	(void)fd;
	(void)alignment;
	return false;
}
