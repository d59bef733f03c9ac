/* The kernel's process connector: which processes fork, start a program and end, as netlink messages, where
 * there are no eBPF programs to tell it.
 *
 * It tells ids only.  Who wants to know more reads /proc at once, and may be too late.
 *
 * Calling sequence: connector_open(), with cap_net_admin, before any thread; from here on no privilege is
 * needed; poll(fd), connector_read(fd, on, arg); close(fd).
 * The kernel tells it in its first namespaces (network, users, process ids) only.  Each error says why there
 * is no connector here.
 * Needs CONFIG_PROC_EVENTS.  Facts: linux/connector.h, linux/cn_proc.h. */
#ifndef WEIR_PROCESS_CONNECTOR_H
#define WEIR_PROCESS_CONNECTOR_H

#include "base/compiler.h"
#include "port/netlink.h"
#include "process/event.h"

struct connector_event {
	uint64_t ns;              /* CLOCK_MONOTONIC */
	uint32_t kind;            /* enum process_event_kind */
	uint32_t pid, parent_pid; /* parent: of FORK */
};

int connector_open(int *fd, struct weir_error *err) MUST_CHECK;

typedef void (*connector_on)(void *arg, const struct connector_event *e);

/* All there is now; never waits.  The number of times that the kernel had no room for events since. */
unsigned connector_read(int fd, connector_on on, void *arg);

/* False: the message tells of nothing that is asked for (of threads, for one), or is damaged.  Pure. */
bool connector_parse(const struct nl_message *m, struct connector_event *e);

#endif
