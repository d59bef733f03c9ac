/* The captures of the divert plugin: each a recorder of its own, watched by a thread of its own, all
 * in one state file.
 *
 *	STARTING --started--> RECORDING --its bound is reached------------> ENDED
 *	    |                  |  |  ^                                        ^
 *	    | never started    |  |  | back-off; the same store's next        |
 *	    v     recorder died|  |  | segment                                |
 *	(forgotten)            v  |  |                                        |
 *	                     WAITING +--stop--> STOPPING --store is closed----+
 *
 * A recorder ends with its control descriptor, so none outlives the plugin for longer than it takes to
 * close its store.  What the state file says is recording or waiting is gone on with by the plugin's
 * next life; what is stopping is closed.  What has never recorded is not in that file.
 *
 * Threads: everything locks; capture_stop() and capture_start() wait. */
#ifndef WEIR_PLUGINS_CAPTURES_H
#define WEIR_PLUGINS_CAPTURES_H

#include "plugins/launcher.h"
#include "plugins/serve.h"

enum {
	CAPTURES_RUNNING = 16,
	CAPTURES_KEPT = 128, /* running and ended; the oldest ended one is forgotten */
};

struct captures;

/* stores: where all stores lie.  Recording captures of the last life go on. */
int captures_new(struct captures **c, const char *stores, struct launcher *launcher,
		 struct weir_error *err) MUST_CHECK;
/* Ends the recorders, but not what the state says of them. */
void captures_stop(struct captures *c);
void captures_free(struct captures *c);

/* Who asks. */
struct captures_caller {
	const char *name;
	/* Looked at while he waits; NULL: he stays. */
	bool (*is_gone)(const void *who);
	const void *who;
};

/* name: NULL chooses one, which the result tells.  One that has not begun when its caller goes, or after 30 s,
 * does not record.
 * Codes of the errors: EXISTS (the name or the store is taken), ABSENT, LIMIT, USAGE, SYSTEM, CLOSED (the
 * caller has gone). */
int captures_start(struct captures *c, const char *name, json_t *arguments,
		   const struct captures_caller *by, json_t **result,
		   struct weir_error *err) MUST_CHECK;
/* Waits until the store is closed, which *result has the grade of; for 30 s at most: then BUSY; or until the caller
 * goes: then CLOSED.  It ends all the same when its recorder listens again, in whichever life of the plugin. */
int captures_end(struct captures *c, const char *name, const struct captures_caller *by,
		 json_t **result, struct weir_error *err) MUST_CHECK;
/* To the recorder of one that is recording. */
int captures_tell(struct captures *c, const char *name, const char *line,
		  struct weir_error *err) MUST_CHECK;
/* {"captures":[...]}, or of one alone its object (NULL: there is none). */
json_t *captures_list(struct captures *c) MUST_CHECK;
json_t *captures_status(struct captures *c, const char *name) MUST_CHECK;
/* The store's path and the arguments of one, new references; false where there is none. */
bool captures_find(struct captures *c, const char *name, char *path, size_t size,
		   json_t **arguments);

#endif
