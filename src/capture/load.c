#include "capture/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int load_open(void)
{
	return open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
}

void load_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

unsigned load_runnable(int fd)
{
	char text[64];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	unsigned count = 0;

	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%*s %*s %*s %u/", &count) == 1 ? count : 0;
}
