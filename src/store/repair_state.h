/* A repair as it goes on: for the files that repair a store. */
#ifndef WEIR_STORE_REPAIR_STATE_H
#define WEIR_STORE_REPAIR_STATE_H

#include "store/kept.h"
#include "store/manifest.h"
#include "store/repair.h"

/* What is being put together. */
struct repair {
	const struct store_view *view;
	struct view_facts *facts;
	const struct store_death *death;
	struct manifest m; /* the new one */
	int64_t now_ns;
	json_t *actions;       /* of the line `recovered` */
	json_t *remove_errors; /* each of a line of that type */
	uint64_t cut_bytes;
	struct kept kept;
	json_t *processes; /* of the line `end`; NULL: there is no such file */
};

/* What was done with a file, for the line `recovered`. */
int repair_note(struct repair *r, const char *name, const char *action, uint64_t kept,
		uint64_t cut, const char *fault, struct weir_error *err) MUST_CHECK;
/* Of a file of the store; 0: there is none. */
uint64_t repair_size_beside(const struct repair *r, const char *name);
/* repair_processes.c: cuts processes.jsonl behind its last whole line and puts what it is into r->processes. */
int repair_processes(struct repair *r, struct weir_error *err) MUST_CHECK;

#endif
