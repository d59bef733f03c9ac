/* Events of one layer of WinDivert, FLOW or SOCKET, as they come: a handle that only observes, and a
 * thread that receives, finds out at once which process each event names, and hands it on.
 *
 * Calling sequence:
 *	divert_feed_open(&f, &config, err)
 *	while ((t = divert_feed_next(f)) != NULL) ...	all there is now; never waits
 *	divert_feed_close(f)
 *
 * Ownership: what the configuration points to outlives the feed; an event is lent until the next
 * call.  Threads: one reader; on_new is called by the feed's own thread.
 * Errors: of WinDivert, as what to do about them.
 * Memory: fixed.  Events that find no room are counted; what WinDivert's own queue dropped nobody
 * can tell. */
#ifndef WEIR_PROCESS_DIVERT_FEED_H
#define WEIR_PROCESS_DIVERT_FEED_H

#include "port/windivert.h"
#include "process/pids.h"

#include <jansson.h>

struct divert_feed;

struct divert_feed_config {
	struct windivert *windivert;
	enum windivert_layer layer;
	const char *filter; /* in WinDivert's words */
	struct pids *pids;
	const struct port_event *wake; /* set when there is something; NULL: nothing is */
	/* A process that was not known before, as soon as it is named; NULL: nobody asks. */
	void (*on_new)(void *arg, uint32_t pid, const struct pids_answer *who);
	void *arg;
};

struct divert_told {
	struct windivert_address address;
	struct pids_answer who;
};

int divert_feed_open(struct divert_feed **f, const struct divert_feed_config *config,
		     struct weir_error *err) MUST_CHECK;
void divert_feed_close(struct divert_feed *f);
uint64_t divert_feed_bytes(void);

const struct divert_told *divert_feed_next(struct divert_feed *f);
uint64_t divert_feed_lost(const struct divert_feed *f);
/* Why nothing comes any more; NULL: it goes on. */
const char *divert_feed_trouble(const struct divert_feed *f);
/* {"version":"2.2","queue":{...}}: a new reference. */
json_t *divert_feed_describe(const struct divert_feed *f);

#endif
