/* A fixed table of processes by (pid, start); the least used goes first: a hand goes round, and passes
 * by what was used as often as it has chances.  Most programs are never asked about by number, and have none: so a
 * connection's process outlasts thousands of them.
 *
 * Each process that is added has a number that is never given again.  Pure; no allocation after
 * _new().  One thread, or the caller's lock. */
#ifndef WEIR_PROCESS_PROCESSES_H
#define WEIR_PROCESS_PROCESSES_H

#include "process/facts.h"

struct process {
	struct process_facts facts;
	uint32_t number; /* from 1 */
	uint32_t added;  /* the how manyth it was to be added, from 1; begins anew */
	uint32_t next;   /* of the same bucket */
	uint8_t mark;    /* the caller's */
	uint8_t chances;
};

struct process_table;

int process_table_new(struct process_table **t, size_t capacity) MUST_CHECK;
void process_table_free(struct process_table *t);
size_t process_table_bytes(size_t capacity);

/* start_ns as records have it (PROCESS_START).  Lent until the next add; NULL: there is none. */
struct process *process_table_find(struct process_table *t, uint32_t pid,
				   uint64_t start_ns);
/* The one that was added last with that pid; NULL: there is none.  Looks at all. */
struct process *process_table_latest(struct process_table *t, uint32_t pid);
/* Which is a use of it, as is process_use() where it was found by its key. */
struct process *process_table_at(struct process_table *t, uint32_t number);
void process_use(struct process *p);
/* Who makes room for the next one that is added; NULL: nobody has to. */
const struct process *process_table_leaving(struct process_table *t);
/* With pid and start set, and the rest zero. */
struct process *process_table_add(struct process_table *t, uint32_t pid,
				  uint64_t start_ns);
/* One after the other, in no order; NULL begins, and ends. */
struct process *process_table_next(struct process_table *t, const struct process *after);
uint64_t process_table_evicted(const struct process_table *t);

#endif
