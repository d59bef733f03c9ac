/* Events as the ring buffers hold them, checked: what is not one of ours, or has a text without an
 * end, comes no further.  Pure. */
#ifndef WEIR_PROCESS_EVENTS_H
#define WEIR_PROCESS_EVENTS_H

#include "process/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: the bytes are no such event. */
bool socket_event_read(struct socket_event *e, const void *bytes, size_t size);
bool process_event_read(struct process_event *e, const void *bytes, size_t size);

/* The process's start, as records have it: what does not come from the kernel's programs has it so. */
static inline uint64_t socket_event_start(const struct socket_event *e)
{
	return e->method ? e->start_ns : PROCESS_START(e->start_ns);
}

/* "bind", "connect", ...; "unknown". */
const char *socket_event_name(unsigned kind);

#endif
