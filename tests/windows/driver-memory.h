/* Another process's memory, for driver.c: wine's kernel mode has no calls for it, user mode has.
 *
 * Calling sequence: memory_read(), memory_write(); true when all bytes went.
 * Threads: any. */
#ifndef TESTS_DRIVER_MEMORY_H
#define TESTS_DRIVER_MEMORY_H

__declspec(dllexport) int memory_read(void *pid, unsigned long long from, void *to,
				      unsigned long long bytes);
__declspec(dllexport) int memory_write(void *pid, unsigned long long to, const void *from,
				       unsigned long long bytes);

#endif
