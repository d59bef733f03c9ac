#include "process/namer_thread.h"

#include "base/mem.h"
#include "base/time.h"
#include "process/hasher.h"
#include "process/iphelper.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES 1024
#define REQUESTS  1024
#define ANSWERS   64
#define TEND_NS   NS_PER_S

enum request_kind {
	REQUEST_FACTS,
	REQUEST_NOTICE,
	REQUEST_GONE, /* the same of a process of which there is nothing but its id */
	REQUEST_SCAN,
};

struct request {
	uint32_t kind, pid;
	uint64_t start_ns;
};

enum mark {
	MARK_TOLD = 1,
	MARK_READ = 2
};

struct namer_thread {
	struct pids *pids;
	const struct port_event *wake;
	struct port_thread *thread;
	/* Under the lock. */
	struct port_monitor *lock;
	struct request requests[REQUESTS];
	struct namer_answer answers[ANSWERS];
	size_t request_first, request_count, answer_first, answer_count;
	bool is_ending;
	/* The thread's. */
	struct process_table *table;
	struct hasher *hasher;
	struct namer_answer out;
	int64_t tended_ns, scan_utc_ns, boot_ns;
	bool is_partial; /* the snapshot under way */
};

uint64_t namer_thread_bytes(void)
{
	return sizeof(struct namer_thread) + process_table_bytes(PROCESSES);
}

/* Waits for room: who reads the answers is never waited for by what fills the tables. */
static void send_answer(struct namer_thread *n, uint32_t kind)
{
	n->out.kind = kind;
	port_monitor_lock(n->lock);
	while (n->answer_count == ANSWERS && !n->is_ending)
		(void)port_monitor_wait(n->lock, NS_PER_S);
	if (n->answer_count < ANSWERS)
		n->answers[(n->answer_first + n->answer_count++) % ANSWERS] = n->out;
	port_monitor_unlock(n->lock);
	port_event_set(n->wake);
}

static void tell_facts(struct namer_thread *n, struct process *p)
{
	p->mark |= MARK_TOLD;
	n->out.count = 0;
	n->out.facts = p->facts;
	send_answer(n, NAMER_FACTS);
}

static void hash_on(struct namer_thread *n)
{
	struct hasher_file file;
	struct process *p;

	if (!hasher_read(n->hasher))
		return;
	hasher_take(n->hasher, &file);
	p = process_table_at(n->table, file.number);
	if (!p) {
		hasher_close(&file);
		return;
	}
	hasher_hash(n->hasher, &p->facts, &file);
	tell_facts(n, p);
}

static bool read_process(struct namer_thread *n, struct process *p)
{
	struct process_facts f;
	int exe;

	if (facts_read(&f, p->facts.pid, p->facts.start_ns, &exe))
		return false;
	f.seen = SEEN_PACKET;
	p->facts = f;
	p->mark |= MARK_READ;
	hasher_put(n->hasher, &p->facts, p->number, exe);
	return true;
}

/* Nothing but its id; the key is when that was first told of. */
static void set_gone(struct process *p)
{
	p->facts.at_ns = (int64_t)p->facts.start_ns;
	(void)snprintf(p->facts.reason, sizeof p->facts.reason,
		       "gone before it could be read");
	p->mark |= MARK_READ;
}

static void answer_facts(struct namer_thread *n, const struct request *r)
{
	struct process *p = process_table_find(n->table, r->pid, r->start_ns);

	if (!p)
		p = process_table_add(n->table, r->pid, r->start_ns);
	if (r->kind == REQUEST_GONE)
		set_gone(p);
	if (p->mark & MARK_READ || read_process(n, p)) {
		tell_facts(n, p);
		return;
	}
	n->out.facts = p->facts;
	n->out.count = 1;
	send_answer(n, NAMER_ABSENT);
}

static void on_row(void *arg, const struct iphelper_row *row)
{
	struct namer_thread *n = arg;
	struct socket_seed *s = &n->out.seeds[n->out.count];
	int64_t made_ns = iphelper_time_ns(row->made_filetime);
	struct pids_answer who;

	*s = row->seed;
	pids_who(n->pids, s->pid, n->scan_utc_ns, &who);
	s->start_ns = who.start_ns;
	if (made_ns > 0 && made_ns <= n->scan_utc_ns && made_ns > n->boot_ns)
		s->from_ns = made_ns - n->boot_ns;
	if (++n->out.count == NAMER_SEEDS) {
		send_answer(n, NAMER_SEEDS_OF_SCAN);
		n->out.count = 0;
	}
}

static void on_table(void *arg, enum ip_table table, const void *bytes, size_t length)
{
	struct namer_thread *n = arg;

	/* One that is cut has told what it has. */
	if (iphelper_rows(table, bytes, length, on_row, n) < 0)
		n->is_partial = true;
}

static void answer_scan(struct namer_thread *n)
{
	struct weir_error err;

	n->is_partial = false;
	n->scan_utc_ns = port_realtime_ns();
	n->boot_ns = facts_boot_ns();
	n->out.count = 0;
	if (port_socket_tables(on_table, n, &err))
		n->is_partial = true;
	if (n->out.count)
		send_answer(n, NAMER_SEEDS_OF_SCAN);
	n->out.count = n->is_partial;
	n->out.ns = n->scan_utc_ns - n->boot_ns;
	send_answer(n, NAMER_SCANNED);
}

static void on_end(void *arg, uint32_t pid, uint64_t start_ns, int64_t ended_ns)
{
	struct namer_thread *n = arg;
	struct process *p = process_table_find(n->table, pid, start_ns);

	if (!p)
		return;
	p->facts.ended_ns = ended_ns;
	if (p->mark & MARK_TOLD && !p->facts.is_hash_pending)
		tell_facts(n, p);
}

/* False: there is none, and it was not waited for longer than until there is other work. */
static bool next_request(struct namer_thread *n, struct request *r, bool *is_ending)
{
	bool is_there;

	port_monitor_lock(n->lock);
	if (!n->request_count && !n->is_ending && !hasher_is_waiting(n->hasher))
		(void)port_monitor_wait(n->lock, TEND_NS);
	is_there = n->request_count != 0;
	if (is_there) {
		*r = n->requests[n->request_first];
		n->request_first = (n->request_first + 1) % REQUESTS;
		n->request_count--;
	}
	*is_ending = n->is_ending;
	port_monitor_unlock(n->lock);
	return is_there;
}

static void *run(void *arg)
{
	struct namer_thread *n = arg;
	bool is_ending = false;
	struct request r;

	while (!is_ending) {
		int64_t now_ns = port_monotonic_ns();

		if (next_request(n, &r, &is_ending)) {
			if (r.kind == REQUEST_SCAN)
				answer_scan(n);
			else
				answer_facts(n, &r);
		} else if (hasher_is_waiting(n->hasher) && !is_ending) {
			hash_on(n);
		}
		if (now_ns - n->tended_ns >= TEND_NS) {
			n->tended_ns = now_ns;
			pids_tend(n->pids, port_realtime_ns(), on_end, n);
		}
	}
	return NULL;
}

int namer_thread_start(struct namer_thread **out, struct pids *pids,
		       const struct port_event *wake, struct weir_error *err)
{
	struct namer_thread *n = mem_new(1, sizeof *n);
	int rc = 0;

	*out = NULL;
	if (!n)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for processes");
	n->pids = pids;
	n->wake = wake;
	n->lock = port_monitor_new();
	n->hasher = hasher_new();
	if (!n->lock || !n->hasher || process_table_new(&n->table, PROCESSES))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for processes");
	if (!rc)
		rc = port_thread_start(&n->thread, "weir-namer", run, n, err);
	if (rc)
		namer_thread_stop(n);
	else
		*out = n;
	return rc;
}

void namer_thread_stop(struct namer_thread *n)
{
	if (!n)
		return;
	if (n->thread) {
		port_monitor_lock(n->lock);
		n->is_ending = true;
		port_monitor_signal(n->lock);
		port_monitor_unlock(n->lock);
		port_thread_join(n->thread);
	}
	process_table_free(n->table);
	hasher_free(n->hasher);
	if (n->lock)
		port_monitor_free(n->lock);
	mem_free(n);
}

static bool request(struct namer_thread *n, const struct request *r)
{
	bool has_room;

	port_monitor_lock(n->lock);
	has_room = n->request_count < REQUESTS;
	if (has_room)
		n->requests[(n->request_first + n->request_count++) % REQUESTS] = *r;
	port_monitor_signal(n->lock);
	port_monitor_unlock(n->lock);
	return has_room;
}

void namer_thread_notice(struct namer_thread *n, uint32_t pid,
			 const struct pids_answer *who)
{
	const struct request r = { .kind = who->is_gone ? REQUEST_GONE : REQUEST_NOTICE,
				   .pid = pid,
				   .start_ns = who->start_ns };

	(void)request(n, &r);
}

bool namer_thread_ask(struct namer_thread *n, uint32_t pid, uint64_t start_ns)
{
	const struct request r = { .kind = REQUEST_FACTS,
				   .pid = pid,
				   .start_ns = start_ns };

	return request(n, &r);
}

bool namer_thread_scan(struct namer_thread *n)
{
	const struct request r = { .kind = REQUEST_SCAN };

	return request(n, &r);
}

bool namer_thread_answer(struct namer_thread *n, struct namer_answer *a)
{
	bool is_there;

	port_monitor_lock(n->lock);
	is_there = n->answer_count != 0;
	if (is_there) {
		*a = n->answers[n->answer_first];
		n->answer_first = (n->answer_first + 1) % ANSWERS;
		n->answer_count--;
		port_monitor_signal(n->lock);
	}
	port_monitor_unlock(n->lock);
	return is_there;
}
