/* The one place that every request passes, whichever transport it came by: may this caller do this,
 * now?  The answer and what came of it stand in the audit log before anything happens.
 *
 * In this order: the caller's rate and number of open calls; whether the directive is there; the
 * caller's role for the plugin against the directive's; the line in the log; then dispatch_call().  Where
 * the log cannot be written nothing is allowed.
 *
 * It also answers the agent's own directives that are about keys: `keys`, `code`, `revoke`, `grant`,
 * `whoami` of the plugin `agent`.
 *
 * Calling sequence: authority_new() on the agent's directory, after the dispatch; transports take
 * authority_gate(); authority_tick() about once a second; authority_free() after the transports.
 * Threads: the event loop's. */
#ifndef WEIR_AGENT_AUTHORIZE_H
#define WEIR_AGENT_AUTHORIZE_H

#include "agent/config.h"
#include "agent/controllers.h"
#include "agent/dispatch.h"
#include "agent/log.h"

struct authority;

struct authority_config {
	const struct agent_config *config; /* both lent for the authority's life */
	const struct agent_log *log;
	int dir_fd; /* the agent's directory; lent */
	const struct pin
		*pin; /* of the agent's key; NULL where there is none: no pairing */
};

int authority_new(struct authority **a, struct dispatch *d, struct event_base *base,
		  const struct authority_config *config,
		  struct weir_error *err) MUST_CHECK;
void authority_free(struct authority *a);
struct gate authority_gate(struct authority *a);
/* Looks for changes of the list of keys, ends sessions that nobody uses, syncs the log. */
void authority_tick(struct authority *a);

/* Who has this key; NULL where nobody has, or it was revoked.  Looks whether the list was changed. */
const struct controller *authority_find(struct authority *a, const struct pin *pin,
					bool *is_revoked);
/* Called when keys were revoked or the list was changed: connections must be looked at again. */
void authority_on_change(struct authority *a, void (*changed)(void *data), void *data);
bool authority_is_pairing(const struct authority *a);
/* A stranger shows a token; on success he is in the list under `name`.  Written to the log. */
int authority_pair(struct authority *a, const char *address, const struct pin *pin,
		   const char *name, const char *token_hex, struct controller *made,
		   struct weir_error *err) MUST_CHECK;

/* What is no request: a connection refused, a request that could not be read.  Strangers cannot fill
 * the disk: within NOTE_WINDOW_S seconds equal notes of one address are one line with a count. */
void authority_note(struct authority *a, const char *type, const char *reason,
		    const char *address, const char *caller);

/* dispatch_describe() with the directives above. */
json_t *authority_describe(const struct authority *a) MUST_CHECK;

/* {"format":1,...}: how the name of the agent is told to controllers. */
const char *authority_name(const struct authority *a);

#endif
