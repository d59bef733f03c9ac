#include "port/port.h"

#include "base/time.h"

#include <sys/timex.h>
#include <unistd.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t))
		return 0;
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t port_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t port_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t port_boottime_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/* The zone's name is the tail of what /etc/localtime points to. */
static void read_zone(char *zone, size_t size)
{
	static const char root[] = "/zoneinfo/";
	char target[512];
	ssize_t n = readlink("/etc/localtime", target, sizeof target - 1);
	const char *name;

	zone[0] = '\0';
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strstr(target, root);
	if (name)
		(void)snprintf(zone, size, "%s", name + sizeof root - 1);
}

void port_clocks(struct port_clocks *c)
{
	struct timex tx = { 0 };
	int state = adjtimex(&tx);

	c->realtime_ns = read_clock(CLOCK_REALTIME);
	c->monotonic_ns = read_clock(CLOCK_MONOTONIC);
	c->boottime_ns = read_clock(CLOCK_BOOTTIME);
	c->is_synchronised =
		state >= 0 && state != TIME_ERROR && !(tx.status & STA_UNSYNC);
	c->offset_ns = tx.offset * (tx.status & STA_NANO ? 1 : NS_PER_US);
	c->max_error_ns = tx.maxerror * NS_PER_US;
	read_zone(c->zone, sizeof c->zone);
}
