/* Where the events of the FLOW and SOCKET layers come from: one implementation a system.
 *
 *	Linux    eBPF's account of sockets (process/feed.h), made events by socket_life.h
 *	Windows  WinDivert's handle of that layer, whose events they are
 *
 * Calling sequence:
 *	event_source_open(&s, &config, err)	with all privileges
 *	wait for event_source_fd() (-1: none) or event_source_wake() (NULL: none)
 *	event_source_take(s)	hands what there is to config.on; never waits
 *	event_source_finish(s)	the same of what still waited for something
 *	event_source_close(s)
 *
 * A filter is applied by its owner: what the source can leave out by itself it does not hand over.
 * Threads: one owner.  Times are of the clock of facts_now_ns(). */
#ifndef WEIR_ANALYZE_EVENT_SOURCE_H
#define WEIR_ANALYZE_EVENT_SOURCE_H

#include "analyze/socket_life.h"
#include "port/port.h"

#include <jansson.h>

struct event_source;

struct event_source_config {
	enum filter_layer layer;
	const struct filter *filter;
	life_fn *on;
	void *arg;
};

int event_source_open(struct event_source **s, const struct event_source_config *config,
		      struct weir_error *err) MUST_CHECK;
void event_source_close(struct event_source *s);

int event_source_fd(const struct event_source *s);
const struct port_event *event_source_wake(const struct event_source *s);

void event_source_take(struct event_source *s);
void event_source_finish(struct event_source *s);
/* Why nothing comes any more; NULL: it goes on. */
const char *event_source_trouble(const struct event_source *s);

/* Events that found no room; sockets and flows that had to be forgotten. */
uint64_t event_source_lost(const struct event_source *s);
uint64_t event_source_forgotten(const struct event_source *s);
/* For the manifest: members beside "layer"; a new reference. */
json_t *event_source_describe(const struct event_source *s);
/* What the times are of, for the manifest. */
const char *event_source_clock(void);

#endif
