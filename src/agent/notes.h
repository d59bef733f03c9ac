/* Events that strangers cause, made few: the first of a kind from an address is told at once, those
 * that follow within a window are counted and told together when it ends.  Bounded: NOTES_MAX kinds at
 * a time; beyond that all are counted under one.  Pure: who tells is given. */
#ifndef WEIR_AGENT_NOTES_H
#define WEIR_AGENT_NOTES_H

#include "base/time.h"

enum {
	NOTES_MAX = 64,
	NOTE_WINDOW_S = 10,
};

struct note {
	char type[24], reason[96], address[64], caller[96];
	uint64_t count; /* not yet told */
	int64_t ends_ns;
};

struct notes {
	struct note items[NOTES_MAX];
	unsigned used;
	uint64_t others;
	int64_t others_ends_ns;
	void (*tell)(void *data, const struct note *n, uint64_t count);
	void *data;
};

void audit_notes_add(struct notes *n, const char *type, const char *reason,
		     const char *address, const char *caller, int64_t now_ns);
/* Tells what has been counted in windows that are over; all of it where `all`. */
void audit_notes_flush(struct notes *n, int64_t now_ns, int all);

#endif
