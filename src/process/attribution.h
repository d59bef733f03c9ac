/* Whose packet is it: the tables of sockets and processes, what fills them, and who asks them.
 *
 * Calling sequence:
 *	attribution_open(&a, &config, err)	with all privileges, before any thread
 *	attribution_judge_by(a, filter, err)	where one asks for processes
 *	attribution_describe(a)			for the manifest's first line
 *	attribution_start(a, dir, busy, err)	after they were dropped: the thread
 *	attribution_refresh(a)			the capture thread, before a run of packets: takes in
 *						what has happened up to now
 *	attribution_find(a, &packet, &owner)	the capture thread, a packet
 *	attribution_block()			the write worker
 *	attribution_stop(a)			after the capture thread has ended
 *	attribution_close(a)
 *
 * What fills the tables is in mechanisms.h, one implementation a system: events of sockets as they
 * happen; snapshots at the start, and where the events may not tell of every socket again
 * whenever packets of unknown ones come.  What is missing is never an error: it is described.
 *
 * Threads: the capture thread owns the table of sockets.  The table of processes has a lock: it is
 * filled by our thread, which gets the facts from the mechanisms and writes processes.jsonl; the
 * capture thread takes it where a socket has a new owner, the write worker once a process and segment.
 * Memory is fixed (attribution_memory()); nothing is allocated a packet. */
#ifndef WEIR_PROCESS_ATTRIBUTION_H
#define WEIR_PROCESS_ATTRIBUTION_H

#include "base/counter.h"
#include "port/port.h"
#include "process/facts.h"
#include "store/record.h"

#include <jansson.h>

struct attribution;
struct filter;

struct attribution_config {
	const struct port_user *user; /* whom the recorder becomes; NULL: nobody else */
	bool has_no_feed;             /* for tests: as if there were no eBPF */
	bool is_inline; /* packets are seen before the kernel tells who sends them */
	uint32_t
		processes; /* for tests: so many are remembered; 0: as many as by default */
};

/* Fails for want of memory only. */
int attribution_open(struct attribution **a, const struct attribution_config *config,
		     struct weir_error *err) MUST_CHECK;
/* dir: of the store, where processes.jsonl is made; -1: it is not. */
/* busy_until_ns: until then (monotonic) processes.jsonl is flushed every ten seconds only, else each
 * second; NULL: that never is so. */
int attribution_start(struct attribution *a, int dir, const struct counter *busy_until_ns,
		      struct weir_error *err) MUST_CHECK;
void attribution_close(struct attribution *a);
/* Before the start: by which filter packets are judged, if it asks for processes; borrowed.  What it asks of a
 * process is kept when that has to make room. */
int attribution_judge_by(struct attribution *a, const struct filter *f,
			 struct weir_error *err) MUST_CHECK;

/* {"mechanisms":[...],"missing":[...]}: a new reference. */
json_t *attribution_describe(const struct attribution *a);
uint64_t attribution_memory(const struct attribution *a);

void attribution_refresh(struct attribution *a);
/* What the feed tells, one event; for tests, which tell it themselves. */
void attribution_event(struct attribution *a, const struct socket_event *e);

/* The lengths stand apart: side by side they would be copied as one word out of two that were written a moment
 * before, for which the processor waits until all that was written before is in its cache. */
struct attributed {
	const uint8_t *data; /* from the link header on */
	int64_t ns;          /* UTC */
	uint32_t caplen;
	uint32_t flags; /* epb_flags */
	uint32_t len;
	uint16_t linktype;
};

/* The owner is always set, unknown or not.  Returns the process's number, 0 with unknown. */
uint32_t attribution_find(struct attribution *a, const struct attributed *p,
			  struct record_owner *owner);

/* A packet that will be asked about soon: what that takes is fetched meanwhile. */
void attribution_expect(const struct attribution *a, const struct attributed *p);

/* What is known of a packet's process, lent until attribution_return(). */
struct attribution_known {
	const char *name, *path, *user,
		*container; /* NULL: it has none, or it is not known */
	/* The program that it ran then is being found out; its name may be known already. */
	bool is_pending, is_name_pending;
};

/* number and owner as attribution_find() told them, ns of the packet.  One that has made room is asked for again,
 * unless what the filter asks of it is kept.
 * False: number 0, and nothing is to be returned. */
bool attribution_borrow(struct attribution *a, uint32_t number,
			const struct record_owner *owner, int64_t ns,
			struct attribution_known *known) MUST_CHECK;
void attribution_return(struct attribution *a);
/* A packet that was recorded because it was pending whether it is wanted. */
void attribution_count_pending(struct attribution *a);

/* The process's block for a segment: PROCESS_BLOCK_MAX bytes (store/process_block.h) are enough; 0:
 * nothing is known of it, any more or (unless it is the last chance) yet. */
size_t attribution_block(struct attribution *a, uint32_t number, uint8_t *out,
			 bool is_last);

/* Ends the thread, which waits up to two seconds for who it was; finishes processes.jsonl, in which each process
 * that was asked about has a line.  {"processes":{...},"attribution":{...}} for the
 * manifest's last line, a new reference. */
json_t *attribution_stop(struct attribution *a);

#endif
