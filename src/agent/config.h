/* weir.conf: the agent's configuration (weir.conf(5)).
 *
 * One `key = value` a line; a line that begins with # is a comment; a key that may be given several
 * times adds.  A key that is not known, a value out of its bounds, a key given twice are errors that
 * name the line: a typing error must not silently leave a default in force.
 *
 * Calling sequence: config_default(); config_parse() or config_read(); then options of the command
 * line may write over it.  Pure but for config_read(). */
#ifndef WEIR_AGENT_CONFIG_H
#define WEIR_AGENT_CONFIG_H

#include "agent/grants.h"
#include "agent/limits.h"
#include "port/places.h"

#include <stddef.h>

#define CONFIG_PATH   PLACE_CONFIG
#define CONFIG_DATA   PLACE_DATA
#define CONFIG_SOCKET PLACE_DOOR
#define CONFIG_PORT   40961

enum {
	CONFIG_LISTEN_MAX = 8,
	CONFIG_USERS_MAX = 12,
	CONFIG_PATH_MAX = 512,
	CONFIG_ADDRESS = 64,
	CONFIG_FILE_MAX = 256 * 1024,
};

/* Who may use the Unix socket beside root, who always may. */
struct config_user {
	uint32_t uid;
	struct grants grants;
};

struct agent_config {
	char name[64]; /* what it calls itself; empty: the host's name */
	char data[CONFIG_PATH_MAX];
	char socket[CONFIG_PATH_MAX]; /* empty: the usual one; "none" */
	char listen[CONFIG_LISTEN_MAX][CONFIG_ADDRESS];
	size_t listen_count;
	char tim[CONFIG_ADDRESS]; /* empty or "none": none */
	struct config_user users[CONFIG_USERS_MAX];
	size_t user_count;

	/* Limits; 0 is none for times and rates. */
	uint64_t max_body_bytes, max_header_bytes;
	uint64_t max_connections, max_connections_address, max_calls_key;
	struct rate requests_key;    /* of one key or user */
	struct rate strangers_total; /* handshakes of keys that are not known, together */
	int64_t handshake_ns, idle_ns, write_ns, call_ns;
};

void config_default(struct agent_config *c);
int config_parse(struct agent_config *c, const char *text, size_t length,
		 struct weir_error *err) MUST_CHECK;
/* One key, as a line of the file would set it. */
int config_set(struct agent_config *c, const char *key, const char *value,
	       struct weir_error *err) MUST_CHECK;
/* WEIR_ERR_PRIVILEGE where others than we and the system's administrators could have written it. */
int config_read(struct agent_config *c, const char *path,
		struct weir_error *err) MUST_CHECK;

/* "192.0.2.1:40961", "[2001:db8::1]:40961", an address alone has `port`; names are not resolved but
 * for "localhost".  *address is without brackets. */
int address_parse(const char *text, uint16_t port, char address[CONFIG_ADDRESS],
		  uint16_t *found, struct weir_error *err) MUST_CHECK;

#endif
