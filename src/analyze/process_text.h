/* A packet's or a flow's process as text, with how sure it is; the same in every command.
 *
 *	curl[4711]      this process, for certain
 *	curl[4711]?     this process, by less than its own socket (see process_certainty())
 *	?[4711]         an id whose process the recording does not describe
 *	?               attribution was at work and found none
 *	(nothing)       nobody looked
 *
 * Pure; texts of the evidence go out through line_printable(). */
#ifndef WEIR_ANALYZE_PROCESS_TEXT_H
#define WEIR_ANALYZE_PROCESS_TEXT_H

#include "analyze/flow.h"
#include "analyze/line.h"

/* Linux's names have 15 bytes; a file may state any. */
#define PROCESS_NAME_SHOWN 64

/* Bytes of it that are shown. */
size_t process_name_length(const char *name);
struct flow_owner flow_owner_of(const struct packet *p);

/* False where there is nothing to say; nothing is written then. */
bool process_put(struct line *l, const struct flow_owner *o,
		 const struct process_fact *f);

/* "exact", "wildcard", "listener", "earlier", "unknown"; "stated" where a file gives the id and not
 * how it was found; NULL where nobody looked. */
const char *process_certainty(const struct flow_owner *o);
/* "socket", "cookie", "tuple", "diag", "proc"; NULL: none is known. */
const char *process_method(const struct flow_owner *o);

#endif
