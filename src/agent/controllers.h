/* Who may call over the network: the file controllers.json of the agent's directory, one entry a
 * key, with a name and roles.
 *
 * Calling sequence: controllers_open() (no file is an empty list); find, add, revoke, grant; each
 * change is written at once.  controllers_refresh() looks whether another process has written the
 * file and reads it again; it says whether anything changed.
 *
 * A revoked key stays in the list, so that what it did can be told from the log, and so that it
 * cannot be paired again.  Threads: one. */
#ifndef WEIR_AGENT_CONTROLLERS_H
#define WEIR_AGENT_CONTROLLERS_H

#include "agent/grants.h"
#include "agent/keypair.h"

#define CONTROLLERS_NAME "controllers.json"

enum {
	CONTROLLERS_MAX = 1000,
	CONTROLLER_NAME = 64,
};

struct controller {
	char name[CONTROLLER_NAME];
	struct pin pin;
	struct grants grants;
	int64_t added_ns, revoked_ns; /* revoked_ns 0: it is not */
};

struct controllers {
	int dir_fd; /* lent */
	uint64_t stamp;
	struct controller *items;
	size_t count, room;
};

int controllers_open(struct controllers *c, int dir_fd,
		     struct weir_error *err) MUST_CHECK;
void controllers_fini(struct controllers *c);
/* On failure the list is as it was, or, where the file is no list, empty: nobody may call. */
int controllers_refresh(struct controllers *c, bool *is_changed,
			struct weir_error *err) MUST_CHECK;
/* Lent until the next change.  Revoked ones are found too. */
const struct controller *controllers_by_pin(const struct controllers *c,
					    const struct pin *pin);
/* By name, by pin in hex, or by a prefix of it of at least 8 digits; revoked ones last. */
const struct controller *controllers_by_word(const struct controllers *c,
					     const char *word);
/* WEIR_ERR_EXISTS where the key is in the list, revoked or not, or an active one has the name. */
int controllers_add(struct controllers *c, const struct controller *one,
		    struct weir_error *err) MUST_CHECK;
int controllers_revoke(struct controllers *c, const struct pin *pin, int64_t now_ns,
		       struct weir_error *err) MUST_CHECK;
int controllers_grant(struct controllers *c, const struct pin *pin,
		      const struct grants *g, struct weir_error *err) MUST_CHECK;
/* As the file and the directive `keys` show it. */
json_t *controller_to_json(const struct controller *one) MUST_CHECK;
/* The file's content; for controllers_refresh() and for fuzzing. */
int controllers_parse(struct controllers *c, const json_t *file,
		      struct weir_error *err) MUST_CHECK;

#endif
