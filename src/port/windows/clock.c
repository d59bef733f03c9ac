#include "base/time.h"
#include "port/files.h"
#include "port/port.h"
#include "port/windows/win.h"

#include <stdio.h>

int64_t win_time_ns(int64_t filetime)
{
	return (filetime - WIN_EPOCH_100NS) * 100;
}

static int64_t filetime_now(void)
{
	FILETIME t;

	if (win_calls()->precise_time)
		win_calls()->precise_time(&t);
	else
		GetSystemTimeAsFileTime(&t);
	return (int64_t)t.dwHighDateTime << 32 | t.dwLowDateTime;
}

int64_t port_realtime_ns(void)
{
	return win_time_ns(filetime_now());
}

/* The counter's frequency is fixed at boot; seconds and rest apart, so that nothing overflows. */
int64_t port_monotonic_ns(void)
{
	LARGE_INTEGER count, frequency;

	(void)QueryPerformanceFrequency(&frequency);
	(void)QueryPerformanceCounter(&count);
	return count.QuadPart / frequency.QuadPart * NS_PER_S +
	       count.QuadPart % frequency.QuadPart * NS_PER_S / frequency.QuadPart;
}

int64_t port_boottime_ns(void)
{
	ULONGLONG since_boot = GetTickCount64() * 10000;

	if (win_calls()->interrupt_time)
		(void)win_calls()->interrupt_time(&since_boot);
	return (int64_t)since_boot * 100;
}

static void read_zone(char *zone, size_t size)
{
	DYNAMIC_TIME_ZONE_INFORMATION z;

	zone[0] = '\0';
	if (GetDynamicTimeZoneInformation(&z) != TIME_ZONE_ID_INVALID)
		(void)snprintf(zone, size, "%ls", z.TimeZoneKeyName);
}

/* Whether the time service disciplines the clock is not to be had from a call. */
void port_clocks(struct port_clocks *c)
{
	*c = (struct port_clocks){ .realtime_ns = port_realtime_ns(),
				   .monotonic_ns = port_monotonic_ns(),
				   .boottime_ns = port_boottime_ns() };
	read_zone(c->zone, sizeof c->zone);
}

struct file_time port_file_clock(void)
{
	int64_t ns = port_realtime_ns();

	return (struct file_time){ .s = ns / NS_PER_S, .ns = (uint32_t)(ns % NS_PER_S) };
}
