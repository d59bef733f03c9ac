/* What the agent remembers of each caller: how often he asked, how many calls of his are open, which
 * sessions he has.  Bounded: SEATS_MAX callers, one who is idle makes room for another; SESSIONS_OF_ONE
 * sessions each, of which only his own make room.  Pure. */
#ifndef WEIR_AGENT_SEATS_H
#define WEIR_AGENT_SEATS_H

#include "agent/limits.h"

enum {
	SEATS_MAX = 1024,
	SEAT_NAME = 96,
	SESSIONS_OF_ONE = 16,
	SESSION_IDLE_S = 3600,
};

struct session {
	uint64_t id; /* 0: free */
	int64_t used_ns;
};

struct seat {
	char name[SEAT_NAME];
	struct bucket requests;
	unsigned calls;
	uint64_t too_often; /* refused by rate and not yet told */
	int64_t used_ns;
	struct session sessions[SESSIONS_OF_ONE];
};

struct seats {
	struct seat items[SEATS_MAX];
	unsigned count;
};

/* The caller's seat; NULL where all are taken by callers with open calls. */
struct seat *seats_take(struct seats *s, const char *name, int64_t now_ns);
/* The same id for the same caller and name; *ended is the id of a session of his that had to make room, or
 * 0. */
uint64_t seat_session(struct seat *seat, const char *name, int64_t now_ns,
		      uint64_t *ended);
/* One session that was idle for too long, taken out; 0: there is none. */
uint64_t seats_idle_session(struct seats *s, int64_t now_ns);

#endif
