#include "agent/seats.h"

#include "base/hash.h"

#include <stdio.h>
#include <string.h>

struct seat *seats_take(struct seats *s, const char *name, int64_t now_ns)
{
	struct seat *oldest = NULL, *found = NULL;

	for (unsigned i = 0; i < s->count && !found; i++) {
		struct seat *one = &s->items[i];

		if (!strcmp(one->name, name))
			found = one;
		else if (!one->calls && (!oldest || one->used_ns < oldest->used_ns))
			oldest = one;
	}
	if (!found) {
		found = s->count < SEATS_MAX ? &s->items[s->count++] : oldest;
		if (!found)
			return NULL;
		memset(found, 0, sizeof *found);
		(void)snprintf(found->name, sizeof found->name, "%s", name);
	}
	found->used_ns = now_ns;
	return found;
}

/* Not guessable from outside is not asked for: a caller cannot choose an id, only a name. */
static uint64_t session_id(const char *caller, const char *name)
{
	char both[SEAT_NAME + 80];
	uint8_t digest[HASH_BYTES];
	uint64_t id = 0;
	int n = snprintf(both, sizeof both, "%s\n%.64s", caller, name);

	if (n > 0 && !hash_once(both, strlen(both), digest))
		memcpy(&id, digest, sizeof id);
	/* A JSON integer, and never 0. */
	return (id & INT64_MAX) | 1;
}

uint64_t seat_session(struct seat *seat, const char *name, int64_t now_ns,
		      uint64_t *ended)
{
	uint64_t id = session_id(seat->name, name);
	struct session *place = &seat->sessions[0];

	*ended = 0;
	for (unsigned i = 0; i < SESSIONS_OF_ONE; i++) {
		struct session *one = &seat->sessions[i];

		if (one->id == id) {
			one->used_ns = now_ns;
			return id;
		}
		if (one->used_ns < place->used_ns)
			place = one;
	}
	*ended = place->id;
	*place = (struct session){ id, now_ns };
	return id;
}

static uint64_t idle_session(struct seat *seat, int64_t now_ns)
{
	for (unsigned i = 0; i < SESSIONS_OF_ONE; i++) {
		struct session *one = &seat->sessions[i];
		uint64_t id = one->id;

		if (!id || now_ns - one->used_ns < SESSION_IDLE_S * NS_PER_S)
			continue;
		*one = (struct session){ 0, 0 };
		return id;
	}
	return 0;
}

uint64_t seats_idle_session(struct seats *s, int64_t now_ns)
{
	uint64_t id = 0;

	for (unsigned i = 0; i < s->count && !id; i++)
		id = idle_session(&s->items[i], now_ns);
	return id;
}
