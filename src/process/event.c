#include "process/events.h"

#include "base/compiler.h"

#include <string.h>

bool socket_event_read(struct socket_event *e, const void *bytes, size_t size)
{
	bool has_counts = size >= sizeof *e;

	if (size < SOCKET_EVENT_BRIEF)
		return false;
	memcpy(e, bytes, has_counts ? sizeof *e : SOCKET_EVENT_BRIEF);
	if (!has_counts)
		e->packets_out = e->bytes_out = e->packets_in = e->bytes_in = 0;
	e->comm[sizeof e->comm - 1] = '\0';
	return e->kind >= SOCKET_BIND && e->kind <= SOCKET_CLOSE &&
	       (e->family == 4 || e->family == 6);
}

bool process_event_read(struct process_event *e, const void *bytes, size_t size)
{
	if (size < sizeof *e)
		return false;
	memcpy(e, bytes, sizeof *e);
	e->comm[sizeof e->comm - 1] = '\0';
	e->path[sizeof e->path - 1] = '\0';
	if (e->args_length > sizeof e->args)
		e->args_length = sizeof e->args;
	return e->kind >= PROCESS_FORK && e->kind <= PROCESS_EXIT && e->pid;
}

const char *socket_event_name(unsigned kind)
{
	static const char *const names[] = { "bind",        "connect", "listen",
					     "established", "accept",  "send",
					     "use",         "close",   "flow end" };

	return kind >= SOCKET_BIND && kind <= SOCKET_FLOW_END ? names[kind - SOCKET_BIND]
							      : "unknown";
}
