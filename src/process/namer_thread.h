/* The thread that reads what may be known of processes and takes snapshots of sockets, where no other
 * process of ours can do it (Windows: there is no fork, and the right to look is the recorder's own).
 *
 * Calling sequence: as the namer's (namer.h), whose answers it gives:
 *	namer_thread_start(&n, pids, wake, err)
 *	namer_thread_notice()		from any thread: a process that an event has named
 *	namer_thread_ask(), _scan()	from one thread
 *	namer_thread_answer()		the same one; `wake` is set when there is one
 *	namer_thread_stop(n)
 *
 * A process is read as soon as it is noticed, and told of unasked; its executable is hashed when
 * nothing else is to be done.  Memory is fixed; a full list of requests refuses, and who has
 * noticed in vain is read when it is asked for. */
#ifndef WEIR_PROCESS_NAMER_THREAD_H
#define WEIR_PROCESS_NAMER_THREAD_H

#include "process/namer.h"
#include "process/pids.h"

struct namer_thread;

int namer_thread_start(struct namer_thread **n, struct pids *pids,
		       const struct port_event *wake, struct weir_error *err) MUST_CHECK;
void namer_thread_stop(struct namer_thread *n);
uint64_t namer_thread_bytes(void);

void namer_thread_notice(struct namer_thread *n, uint32_t pid,
			 const struct pids_answer *who);
/* False: it cannot be asked now. */
bool namer_thread_ask(struct namer_thread *n, uint32_t pid, uint64_t start_ns);
bool namer_thread_scan(struct namer_thread *n);
/* False: there is no answer now. */
bool namer_thread_answer(struct namer_thread *n, struct namer_answer *a);

#endif
