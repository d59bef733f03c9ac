/* The agents that a controller knows: agents.json of his directory, one entry a pairing.
 *
 * Calling sequence: agents_open() (no file is an empty list), find, put, remove; each change is written
 * at once.  Threads: one. */
#ifndef WEIR_AGENT_AGENTS_H
#define WEIR_AGENT_AGENTS_H

#include "agent/config.h"
#include "agent/keypair.h"

#define AGENTS_NAME "agents.json"

enum {
	AGENTS_MAX = 10000,
	AGENT_NAME = 64,
};

struct known_agent {
	char name[AGENT_NAME];
	char address[CONFIG_ADDRESS];
	uint16_t port;
	struct pin pin;
	int64_t paired_ns;
};

struct agents {
	int dir_fd; /* lent */
	struct known_agent *items;
	size_t count, room;
};

int agents_open(struct agents *a, int dir_fd, struct weir_error *err) MUST_CHECK;
void agents_fini(struct agents *a);
/* By name, or by address where just one has it. */
const struct known_agent *agents_find(const struct agents *a, const char *word);
/* In place of one with the same name. */
int agents_put(struct agents *a, const struct known_agent *one,
	       struct weir_error *err) MUST_CHECK;
int agents_remove(struct agents *a, const char *name, struct weir_error *err) MUST_CHECK;
json_t *agent_to_json(const struct known_agent *one) MUST_CHECK;
int agents_parse(struct agents *a, const json_t *file, struct weir_error *err) MUST_CHECK;

#endif
