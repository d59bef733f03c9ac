/* What fills the tables of sockets and processes: one implementation a system.
 *
 *	            events of sockets as they happen   snapshots, names of processes
 *	Linux       eBPF (feed.h)                      the namer: sock_diag, /proc (namer.h)
 *	Windows     WinDivert's FLOW and SOCKET        a thread: IP Helper's tables,
 *	            layers (divert_feed.h)             what may be asked of a process
 *
 * Calling sequence:
 *	mechanisms_open(&m, &config, wake, err)	with all privileges, before any thread
 *	mechanisms_read_events(m, on, arg)	the capture thread: all there is now; never waits
 *	mechanisms_ask(), mechanisms_scan()	the process thread
 *	mechanisms_wait(m, ms)			the same: until `wake` is set or an answer is there
 *	mechanisms_answer(m, &a)		the same, until it has none
 *	mechanisms_close(m)
 *
 * What is missing is no error: mechanisms_describe() says it, with the reason.
 * Times of events and of snapshots are of the clock that facts_now_ns() reads. */
#ifndef WEIR_PROCESS_MECHANISMS_H
#define WEIR_PROCESS_MECHANISMS_H

#include "process/attribution.h"
#include "process/feed.h"
#include "process/namer.h"

struct mechanisms;

/* Fails for want of memory only.  wake: lent; waits end when it is set. */
int mechanisms_open(struct mechanisms **m, const struct attribution_config *config,
		    const struct port_event *wake, struct weir_error *err) MUST_CHECK;
void mechanisms_close(struct mechanisms *m);
/* As attribution_describe(). */
json_t *mechanisms_describe(const struct mechanisms *m);
/* What it takes beside the tables. */
uint64_t mechanisms_memory(void);

void mechanisms_read_events(struct mechanisms *m, feed_on_socket on, void *arg);
/* Events that found no room. */
uint64_t mechanisms_lost(const struct mechanisms *m);
/* The same of sockets alone; for the capture thread. */
uint64_t mechanisms_lost_sockets(const struct mechanisms *m);
/* Adds to the manifest's last words what else went wrong; returns them. */
json_t *mechanisms_report(const struct mechanisms *m, json_t *tally);

/* How far the clocks of packets and of events may be apart. */
int64_t mechanisms_jitter_ns(const struct mechanisms *m);
/* A packet of an unknown socket asks for a snapshot, this long after the one before; 0: it does not,
 * for the events tell of every socket. */
int64_t mechanisms_scan_ns(const struct mechanisms *m);
/* How long what a snapshot tells is believed; 0: until an event, or a later snapshot, tells otherwise. */
int64_t mechanisms_trust_ns(const struct mechanisms *m);
/* Whether a socket that a snapshot lacks is gone. */
bool mechanisms_scans_end_sockets(const struct mechanisms *m);

/* Whether somebody answers. */
bool mechanisms_can_name(const struct mechanisms *m);
/* A count that is another as soon as the process has started a program; 0 for ever where nobody counts.  May be
 * another for other reasons, too. */
uint32_t mechanisms_execs(const struct mechanisms *m, uint32_t pid);
/* False: it cannot be asked now. */
bool mechanisms_ask(struct mechanisms *m, uint32_t pid, uint64_t start_ns);
bool mechanisms_scan(struct mechanisms *m);
/* Asks for the last of its counts, which mechanisms_lost() and mechanisms_report() tell once
 * NAMER_TALLY has come; false: there is nothing to wait for. */
bool mechanisms_tally(struct mechanisms *m);
/* 1: an answer; 0: none now, or none any more. */
int mechanisms_answer(struct mechanisms *m, struct namer_answer *a) MUST_CHECK;
void mechanisms_wait(const struct mechanisms *m, int timeout_ms);
/* Until it can be asked again, or an answer is in the way. */
void mechanisms_wait_room(const struct mechanisms *m, int timeout_ms);

#endif
