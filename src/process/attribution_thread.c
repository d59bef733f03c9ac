#include "base/time.h"
#include "process/attribution_state.h"
#include "process/form.h"
#include "store/processes.h"

#include <stdio.h>
#include <string.h>

#define POLL_MS      250
#define SYNC_NS      NS_PER_S
#define SYNC_MOST_NS (10 * NS_PER_S)   /* while a flush would lose packets */
#define END_NS       (500 * NS_PER_MS) /* for answers that are still to come */
#define END_NAMES_NS (2 * NS_PER_S)    /* for who it was, on a machine that is busy */
#define ADDRESSES_NS NS_PER_S

/* What is known for good goes into the store, once; a hash that is to come is waited for. */
static void write_line(struct attribution *a, const struct process_facts *f)
{
	if (a->file && !f->is_hash_pending && !written_before(a->written, f))
		line_file_add_json(a->file, facts_line(f));
}

static void take_facts(struct attribution *a, const struct process_facts *f)
{
	struct process *p;

	port_monitor_lock(a->lock);
	p = process_table_find(a->processes, f->pid, f->start_ns);
	if (!p)
		p = attribution_add(a, f->pid, f->start_ns);
	a->outstanding -= p->mark == MARK_ASKED;
	p->mark |= MARK_KNOWN;
	p->facts = *f;
	port_monitor_unlock(a->lock);
	write_line(a, f);
}

/* Too late to read it: what was told with its socket is all. */
static void take_absent(struct attribution *a, const struct namer_answer *n)
{
	const struct process_facts *asked = &n->facts;
	struct process_facts f;
	struct process *p;

	port_monitor_lock(a->lock);
	p = process_table_find(a->processes, asked->pid, asked->start_ns);
	if (!p || p->mark & MARK_KNOWN) {
		port_monitor_unlock(a->lock);
		return;
	}
	a->outstanding -= p->mark == MARK_ASKED;
	p->mark |= MARK_KNOWN;
	(void)snprintf(p->facts.reason, sizeof p->facts.reason,
		       "gone before it could be read");
	p->facts.execs = asked->execs;
	if (n->count)
		p->facts.started_ns = 0;
	f = p->facts;
	port_monitor_unlock(a->lock);
	write_line(a, &f);
}

/* Nobody tells what happens between two looks.  So an owner is believed from when the look was over, for before
 * it the same addresses may have been another's, to some time after it began. */
static void believe_for_a_time(const struct attribution *a, struct socket_seed *s)
{
	s->from_ns = facts_now_ns();
	s->until_ns = s->seen_ns + a->trust_ns;
}

static void take_seeds(struct attribution *a, const struct namer_answer *n)
{
	port_monitor_lock(a->lock);
	for (uint32_t i = 0; i < n->count; i++) {
		struct socket_seed *s = &a->seeds[a->seed_count];

		if (a->seed_count == SEEDS) {
			a->dropped_seeds++;
			continue;
		}
		*s = n->seeds[i];
		/* Unless it says itself since when: it may be so only since the look before. */
		if (!s->from_ns)
			s->from_ns = a->last_scan_ns;
		s->seen_ns = a->this_scan_ns;
		if (a->trust_ns)
			believe_for_a_time(a, s);
		if (s->pid)
			s->process = attribution_find_or_add(a, s->pid,
							     socket_seed_start(s), NULL)
					     ->number;
		a->seed_count++;
	}
	port_monitor_unlock(a->lock);
}

static void end_scan(struct attribution *a, bool is_partial)
{
	port_monitor_lock(a->lock);
	if (!is_partial) {
		a->scanned_ns = a->this_scan_ns;
		a->scanned_before_ns = a->last_scan_ns;
		a->last_scan_ns = a->this_scan_ns;
	}
	port_monitor_unlock(a->lock);
	a->is_scanning = false;
	counter_add(&a->seeds_done, 1);
}

static void take_answers(struct attribution *a)
{
	struct namer_answer *n = &a->answer;

	while (mechanisms_answer(a->mechanisms, n)) {
		if (n->kind == NAMER_FACTS)
			take_facts(a, &n->facts);
		else if (n->kind == NAMER_ABSENT)
			take_absent(a, n);
		else if (n->kind == NAMER_SEEDS_OF_SCAN)
			take_seeds(a, n);
		else if (n->kind == NAMER_SCANNED)
			end_scan(a, n->count != 0);
		else if (n->kind == NAMER_TALLY)
			a->is_tallied = true;
	}
}

static void start_scan(struct attribution *a)
{
	a->scans_done = counter_read(&a->scans_wanted);
	a->this_scan_ns = facts_now_ns();
	a->is_scanning = mechanisms_scan(a->mechanisms);
}

/* False: the recording is to end, and nobody takes the question. */
static bool ask(struct attribution *a, const struct wanted *w)
{
	int64_t ending_ns = 0;

	while (!mechanisms_ask(a->mechanisms, w->pid, w->start_ns) &&
	       mechanisms_can_name(a->mechanisms)) {
		int64_t now = port_monotonic_ns();

		if (counter_read(&a->is_ending) && !ending_ns)
			ending_ns = now;
		if (ending_ns && now - ending_ns > END_NAMES_NS)
			return false;
		take_answers(a);
		mechanisms_wait_room(a->mechanisms, 10);
	}
	return true;
}

static void send_wanted(struct attribution *a)
{
	struct wanted w[WANTED];
	unsigned count;

	port_monitor_lock(a->lock);
	count = a->wanted_count;
	memcpy(w, a->wanted, count * sizeof w[0]);
	a->wanted_count = 0;
	a->outstanding += (int)count;
	port_monitor_unlock(a->lock);
	for (unsigned i = 0; i < count && ask(a, &w[i]); i++)
		;
}

static void read_addresses(struct attribution *a, int64_t now)
{
	struct addresses *next = &a->read_ours;
	struct weir_error err;

	if (now - a->addresses_ns < ADDRESSES_NS)
		return;
	a->addresses_ns = now;
	if (addresses_read(next, &err))
		return;
	port_monitor_lock(a->lock);
	/* Read into zeroed memory. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(next, &a->next_ours, sizeof *next) != 0) {
		a->next_ours = *next;
		counter_add(&a->ours_count, 1);
	}
	port_monitor_unlock(a->lock);
}

static bool is_busy(const struct attribution *a, int64_t now)
{
	return a->busy_until_ns && now < (int64_t)counter_read(a->busy_until_ns);
}

static void turn(struct attribution *a)
{
	int64_t now = port_monotonic_ns();

	take_answers(a);
	send_wanted(a);
	if (!a->is_scanning && counter_read(&a->scans_wanted) != a->scans_done)
		start_scan(a);
	read_addresses(a, now);
	if (a->file && now - a->synced_ns >= (is_busy(a, now) ? SYNC_MOST_NS : SYNC_NS)) {
		a->synced_ns = now;
		line_file_sync(a->file);
	}
}

/* Called with the lock. */
static struct process *next_unwritten(struct attribution *a, const struct process *after)
{
	struct process *p = process_table_next(a->processes, after);

	while (p && !(p->mark & MARK_KNOWN && p->facts.is_hash_pending))
		p = process_table_next(a->processes, p);
	return p;
}

/* Answers are still to come. */
static bool is_waiting(struct attribution *a)
{
	bool is_hashing;

	port_monitor_lock(a->lock);
	is_hashing = next_unwritten(a, NULL) != NULL;
	port_monitor_unlock(a->lock);
	return a->outstanding || a->wanted_count || is_hashing;
}

/* Called with the lock. */
static struct process *next_unread(struct attribution *a, const struct process *after)
{
	struct process *p = process_table_next(a->processes, after);

	while (p && (p->mark & MARK_KNOWN || !(p->mark & (MARK_ASKED | MARK_WANTED))))
		p = process_table_next(a->processes, p);
	return p;
}

static bool is_over(struct attribution *a, int64_t ended_ns)
{
	int64_t past = port_monotonic_ns() - ended_ns;
	bool is_read;

	if (past <= END_NS)
		return false;
	port_monitor_lock(a->lock);
	is_read = !a->wanted_count && !next_unread(a, NULL);
	port_monitor_unlock(a->lock);
	return is_read || past > END_NAMES_NS;
}

/* A packet's process has a line, also where nothing but its id was found out. */
static void write_unread(struct attribution *a)
{
	struct process *p = NULL;

	port_monitor_lock(a->lock);
	while ((p = next_unread(a, p)) != NULL) {
		p->mark |= MARK_KNOWN;
		(void)snprintf(p->facts.reason, sizeof p->facts.reason,
			       "not read before the recording ended");
		write_line(a, &p->facts);
	}
	port_monitor_unlock(a->lock);
}

/* What is hashed too late is known all the same. */
static void write_unhashed(struct attribution *a)
{
	struct process *p = NULL;

	port_monitor_lock(a->lock);
	while ((p = next_unwritten(a, p)) != NULL) {
		p->facts.is_hash_pending = false;
		(void)snprintf(p->facts.reason, sizeof p->facts.reason,
			       "not hashed before the recording ended");
		write_line(a, &p->facts);
	}
	port_monitor_unlock(a->lock);
}

static void *run(void *arg)
{
	struct attribution *a = arg;
	int64_t ended_ns = 0;

	for (;;) {
		mechanisms_wait(a->mechanisms, ended_ns ? 5 : POLL_MS);
		port_event_clear(&a->wake);
		turn(a);
		if (!counter_read(&a->is_ending))
			continue;
		if (!ended_ns) {
			ended_ns = port_monotonic_ns();
			a->is_tallied = !mechanisms_tally(a->mechanisms);
		}
		if ((!is_waiting(a) && a->is_tallied) ||
		    !mechanisms_can_name(a->mechanisms) || is_over(a, ended_ns))
			return NULL;
	}
}

int attribution_start(struct attribution *a, int dir, const struct counter *busy_until_ns,
		      struct weir_error *err)
{
	int rc = dir >= 0 ? line_file_go_on(&a->file, dir, STORE_PROCESSES, err) : 0;

	a->busy_until_ns = busy_until_ns;
	if (!rc)
		rc = port_thread_start(&a->thread, "weir-process", run, a, err);
	return rc;
}

static json_t *tally(const struct attribution *a)
{
	struct socket_table_counts c;

	socket_table_counts(a->sockets, &c);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "events",
			 (json_int_t)counter_read(&a->events), "lost_events",
			 (json_int_t)mechanisms_lost(a->mechanisms), "exact_packets",
			 (json_int_t)counter_read(&a->exact), "unknown_packets",
			 (json_int_t)counter_read(&a->unknown), "pending_packets",
			 (json_int_t)counter_read(&a->pending), "tuples",
			 (json_int_t)c.entries, "evicted_tuples", (json_int_t)c.evicted,
			 "evicted_processes",
			 (json_int_t)process_table_evicted(a->processes),
			 "dropped_sockets", (json_int_t)a->dropped_seeds);
}

json_t *attribution_stop(struct attribution *a)
{
	json_t *j = json_object();

	if (a->thread) {
		counter_set(&a->is_ending, 1);
		port_event_set(&a->wake);
		port_thread_join(a->thread);
		a->thread = NULL;
	}
	write_unread(a);
	write_unhashed(a);
	(void)json_object_set_new(j, "attribution",
				  mechanisms_report(a->mechanisms, tally(a)));
	if (a->file)
		(void)json_object_set_new(j, "processes", line_file_end(a->file));
	a->file = NULL;
	return j;
}
