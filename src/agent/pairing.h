/* How two strangers come to know each other's key: a code that is carried from one to the other by
 * a person (SECURITY.md says why this is enough and a PAKE is not needed).
 *
 * The code is 35 bytes in base32 (RFC 4648), 8 groups of 7: the first 16 bytes of the agent's pin, a
 * token of 16 random bytes, the first 3 bytes of SHA-256 of these 32 (against slips, not against
 * people).  The controller connects, holds the agent's key to the code before it says anything, and
 * sends the token inside the TLS session that its own key has authenticated.
 *
 * The agent keeps SHA-256 of the token in pairing.json, with the roles and the end of its time: one
 * open pairing at a time, good once, PAIRING_TRIES_MAX wrong tokens end it.  Several processes may
 * open one (the running agent, `weir agent code`): the file is read each time.
 * Threads: one. */
#ifndef WEIR_AGENT_PAIRING_H
#define WEIR_AGENT_PAIRING_H

#include "agent/grants.h"
#include "agent/keypair.h"

#define PAIRING_NAME "pairing.json"

enum {
	PAIRING_TOKEN = 16,
	PAIRING_PRINT = 16, /* bytes of the agent's pin */
	PAIRING_CODE = 64,  /* 56 characters, 7 hyphens and NUL */
	PAIRING_TRIES_MAX = 5,
};

struct pairing_code {
	uint8_t print[PAIRING_PRINT], token[PAIRING_TOKEN];
};

int pairing_code_format(const struct pairing_code *code,
			char text[PAIRING_CODE]) MUST_CHECK;
/* Takes lower case, and spaces or none for the hyphens. */
int pairing_code_parse(const char *text, struct pairing_code *code,
		       struct weir_error *err) MUST_CHECK;
/* The agent that answers is the one of the code. */
bool pairing_code_fits(const struct pairing_code *code, const struct pin *agent);

/* Opens a pairing in place of one that may be open. */
int pairing_open(int dir_fd, const struct pin *agent, const struct grants *g,
		 int64_t now_ns, int64_t for_ns, char text[PAIRING_CODE],
		 struct weir_error *err) MUST_CHECK;
bool pairing_is_open(int dir_fd, int64_t now_ns);
/* The token fits: *g is what it grants, and the pairing is closed.  WEIR_ERR_ABSENT: none is open;
 * WEIR_ERR_MISMATCH: another token. */
int pairing_redeem(int dir_fd, const uint8_t token[PAIRING_TOKEN], int64_t now_ns,
		   struct grants *g, struct weir_error *err) MUST_CHECK;

#endif
