/* In winedevice.exe, beside the driver. */
#include "driver-memory.h"

#include <windows.h>

static HANDLE process_of(void *pid)
{
	return OpenProcess(PROCESS_VM_READ | PROCESS_VM_WRITE | PROCESS_VM_OPERATION,
			   FALSE, (DWORD)(ULONG_PTR)pid);
}

int memory_read(void *pid, unsigned long long from, void *to, unsigned long long bytes)
{
	HANDLE h = process_of(pid);
	SIZE_T n = 0;
	BOOL ok = h && ReadProcessMemory(h, (const void *)(ULONG_PTR)from, to, bytes, &n);

	if (h)
		CloseHandle(h);
	return ok && n == bytes;
}

int memory_write(void *pid, unsigned long long to, const void *from,
		 unsigned long long bytes)
{
	HANDLE h = process_of(pid);
	SIZE_T n = 0;
	BOOL ok = h && WriteProcessMemory(h, (void *)(ULONG_PTR)to, from, bytes, &n);

	if (h)
		CloseHandle(h);
	return ok && n == bytes;
}
