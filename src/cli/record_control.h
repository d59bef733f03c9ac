/* A recorder's other owner than its terminal: a descriptor on which requests come as lines.
 *
 *	mark {"text":...}	a line `mark` with these members in the manifest
 *	stop			end, as after a signal; so does the end of the file
 *
 * Calling sequence: control_start() once the session runs; control_reason() from the main loop;
 * control_stop() before the session is closed.  A thread of its own reads. */
#ifndef WEIR_CLI_RECORD_CONTROL_H
#define WEIR_CLI_RECORD_CONTROL_H

#include "capture/session.h"

struct control;

int control_start(struct control **c, int fd, struct session *s,
		  struct weir_error *err) MUST_CHECK;
/* "request", "owner_gone", or NULL while it is to go on. */
const char *control_reason(const struct control *c);
void control_stop(struct control *c);

#endif
