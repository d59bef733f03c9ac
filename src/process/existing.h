/* The sockets that were there when a recorder of events began, told as events: what happened to
 * them before is not known, but whose they are and where they lead.
 *
 * Calling sequence:
 *	feed_open()			first: so nothing falls between
 *	existing_new(&x, tell, arg, err)	with cap_sys_ptrace and cap_dac_read_search: looks
 *	existing_note(x, e)		each event that the feed has told since, before it is taken
 *	existing_tell(x)		then, all sockets of which no event told the beginning
 *	existing_free(x)
 *
 * A socket is told as its state is: LISTEN, BIND (UDP without another end), CONNECT (under way) or
 * ESTABLISHED (with another end); those that listen first.  One that is closed before existing_tell()
 * is told just before its closing.
 * TCP and UDP of this network namespace.  Where several processes hold a socket its pid is 0.
 * Cold: allocates.  One thread. */
#ifndef WEIR_PROCESS_EXISTING_H
#define WEIR_PROCESS_EXISTING_H

#include "base/compiler.h"
#include "process/event.h"
#include "process/sockets.h"
#include "weir/error.h"

#include <stddef.h>

struct existing;
typedef void existing_fn(void *arg, const struct socket_event *e);

int existing_new(struct existing **x, existing_fn *tell, void *arg,
		 struct weir_error *err) MUST_CHECK;
void existing_note(struct existing *x, const struct socket_event *e);
void existing_tell(struct existing *x);
/* Sockets that were found. */
size_t existing_count(const struct existing *x);
void existing_free(struct existing *x);

/* The seed as an event, but for who has it.  Kind 0: there is nothing to tell of it.  Pure. */
void existing_event(struct socket_event *e, const struct socket_seed *seed);

#endif
