/* All that stands between controllers and plugins, in one piece: the agent's key, the authority with
 * its log, the server, and their clock.
 *
 * Calling sequence: doors_open() on the agent's loop and dispatch; doors_gate() for other transports;
 * doors_close() before the dispatch is freed.
 *
 *	DATA/agent/              0700
 *	DATA/agent/agent.key     the key, agent.crt beside it; `weir agent init` makes them
 *	DATA/agent/controllers.json, pairing.json, audit.jsonl */
#ifndef WEIR_AGENT_DOORS_H
#define WEIR_AGENT_DOORS_H

#include "agent/server.h"

#define DOORS_DIR "agent"
#define DOORS_KEY "agent"

struct doors;

/* config and log are lent for the doors' life. */
int doors_open(struct doors **d, const struct agent_config *config,
	       struct event_base *base, struct dispatch *dispatch,
	       const struct agent_log *log, struct weir_error *err) MUST_CHECK;
void doors_close(struct doors *d);
struct gate doors_gate(struct doors *d);

/* DATA/agent, made where it is not there; WEIR_ERR_PRIVILEGE where it or DATA is somebody else's. */
int doors_directory(const char *data, int *dir_fd, struct weir_error *err) MUST_CHECK;
/* The path of the machine's own door: the configured one, else CONFIG_SOCKET for the usual data
 * directory and one of its own for others (DATA/agent/agent.sock); false: none is wanted. */
bool doors_socket(const struct agent_config *config, char path[CONFIG_PATH_MAX]);

#endif
