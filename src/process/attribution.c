#include "process/attribution.h"

#include "base/bytes.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/time.h"
#include "packet/headers.h"
#include "process/attribution_state.h"
#include "process/form.h"
#include "store/iface.h"

#include <stdio.h>
#include <string.h>

#define SOCKETS 32768
/* Between looks at how UTC and the clock of the events differ. */
#define CLOCK_NS (100 * NS_PER_MS)
/* An inline recorder dates a packet when it takes it: its program may have started another by then. */
#define HELD_NS (10 * NS_PER_MS)

uint64_t attribution_memory(const struct attribution *a)
{
	return sizeof *a + socket_table_bytes(SOCKETS) +
	       2 * process_table_bytes(PROCESSES) + SEEDS * sizeof(struct socket_seed) +
	       written_bytes() + (a->kept ? kept_bytes() : 0) + mechanisms_memory();
}

static int take_memory(struct attribution *a, struct weir_error *err)
{
	a->wake.fd = -1;
	a->lock = port_monitor_new();
	a->seeds = mem_new(SEEDS, sizeof *a->seeds);
	if (!a->lock || !a->seeds || socket_table_new(&a->sockets, SOCKETS) ||
	    process_table_new(&a->processes, a->capacity) || written_new(&a->written))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for attribution");
	a->recall = socket_table_recall(a->sockets);
	a->ports = socket_table_ports(a->sockets);
	return port_event_init(&a->wake, err);
}

int attribution_open(struct attribution **out, const struct attribution_config *config,
		     struct weir_error *err)
{
	struct attribution *a = mem_new(1, sizeof *a);
	struct weir_error ignored;
	int rc;

	*out = NULL;
	if (!a)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for attribution");
	a->capacity = config->processes ? config->processes : PROCESSES;
	rc = take_memory(a, err);
	if (!rc)
		rc = mechanisms_open(&a->mechanisms, config, &a->wake, err);
	if (rc) {
		attribution_close(a);
		return rc;
	}
	a->is_inline = config->is_inline;
	a->can_name = mechanisms_can_name(a->mechanisms);
	a->boot_ns = facts_boot_ns();
	a->jitter_ns = mechanisms_jitter_ns(a->mechanisms);
	a->trust_ns = mechanisms_trust_ns(a->mechanisms);
	if (addresses_read(&a->ours, &ignored))
		a->ours.is_cut = true;
	a->next_ours = a->ours;
	/* What was there before. */
	counter_set(&a->scans_wanted, 1);
	*out = a;
	return 0;
}

int attribution_judge_by(struct attribution *a, const struct filter *f,
			 struct weir_error *err)
{
	if (!(filter_asks_of_process(f) & (FILTER_ASKS_NAME | FILTER_ASKS_FACTS)))
		return 0;
	return kept_new(&a->kept, f)
		       ? err_set(err, WEIR_ERR_NO_MEMORY, "no memory for attribution")
		       : 0;
}

void attribution_close(struct attribution *a)
{
	if (!a)
		return;
	if (a->thread)
		json_decref(attribution_stop(a));
	mechanisms_close(a->mechanisms);
	socket_table_free(a->sockets);
	process_table_free(a->processes);
	kept_free(a->kept);
	written_free(a->written);
	mem_free(a->seeds);
	if (a->lock)
		port_monitor_free(a->lock);
	port_event_fini(&a->wake);
	mem_free(a);
}

json_t *attribution_describe(const struct attribution *a)
{
	return mechanisms_describe(a->mechanisms);
}

/* Called with the lock.  Whoever asks for a process that nobody has named yet has it asked for. */
static void want(struct attribution *a, struct process *p)
{
	if (p->mark & (MARK_ASKED | MARK_KNOWN))
		return;
	if (a->wanted_count == WANTED) {
		p->mark = MARK_WANTED;
		return;
	}
	p->mark = MARK_ASKED;
	a->wanted[a->wanted_count++] =
		(struct wanted){ .pid = p->facts.pid, .start_ns = p->facts.start_ns };
	port_event_set(&a->wake);
}

/* From when on its program is the one that the facts are of, by the events' clock: UTC may have been set since. */
static int64_t program_ns(const struct process_facts *f)
{
	return f->seen == SEEN_EXEC ? (int64_t)f->start_ns + f->at_ns - f->started_ns : 0;
}

/* Called with the lock. */
struct process *attribution_add(struct attribution *a, uint32_t pid, uint64_t start_ns)
{
	const struct process *leaving =
		a->kept ? process_table_leaving(a->processes) : NULL;
	struct process *p;

	if (leaving && leaving->mark & MARK_KNOWN)
		kept_put(a->kept, &leaving->facts, program_ns(&leaving->facts));
	p = process_table_add(a->processes, pid, start_ns);
	counter_set(&a->added, p->added);
	return p;
}

/* Called with the lock. */
struct process *attribution_find_or_add(struct attribution *a, uint32_t pid,
					uint64_t start_ns, const struct socket_event *e)
{
	struct process *p = process_table_find(a->processes, pid, start_ns);

	if (!p) {
		p = attribution_add(a, pid, start_ns);
		p->facts.started_ns = p->facts.at_ns =
			facts_started_ns(start_ns, a->boot_ns);
		p->facts.execs = mechanisms_execs(a->mechanisms, pid);
		if (e) {
			(void)snprintf(p->facts.name, sizeof p->facts.name, "%s",
				       e->comm);
			p->facts.uid = e->uid;
			/* Windows tells none. */
			p->facts.has_uid = !e->method && e->uid != ID_UNKNOWN;
		}
	}
	process_use(p);
	want(a, p);
	return p;
}

static bool is_recent(const struct attribution *a, const struct recent *r, uint32_t pid,
		      uint64_t start_ns)
{
	return r->pid == pid && r->start_ns == start_ns &&
	       (uint32_t)counter_read(&a->added) - r->at < a->capacity / 2;
}

static uint32_t number_of(struct attribution *a, const struct socket_event *e)
{
	struct recent *r = &a->recent[e->pid & (RECENT - 1)];
	uint64_t start_ns = socket_event_start(e);
	const struct process *p;
	uint32_t number;

	if (!e->pid)
		return 0;
	if (is_recent(a, r, e->pid, start_ns))
		return r->number;
	port_monitor_lock(a->lock);
	p = attribution_find_or_add(a, e->pid, start_ns, e);
	number = p->number;
	/* Whom nobody could be asked about yet is looked at again. */
	if (p->mark & (MARK_ASKED | MARK_KNOWN))
		*r = (struct recent){ .pid = e->pid,
				      .start_ns = start_ns,
				      .number = number,
				      .at = (uint32_t)counter_read(&a->added) };
	port_monitor_unlock(a->lock);
	return number;
}

void attribution_event(struct attribution *a, const struct socket_event *e)
{
	counter_add(&a->events, 1);
	socket_table_event(a->sockets, e, number_of(a, e));
}

static void apply_batch(struct attribution *a)
{
	socket_table_expect(a->sockets, a->batch, a->batched);
	for (unsigned i = 0; i < a->batched; i++)
		attribution_event(a, &a->batch[i]);
	a->batched = 0;
}

static void on_socket(void *arg, const struct socket_event *e)
{
	struct attribution *a = arg;

	a->batch[a->batched++] = *e;
	if (a->batched == BATCH)
		apply_batch(a);
}

static void apply_seeds(struct attribution *a)
{
	port_monitor_lock(a->lock);
	a->seeds_seen = counter_read(&a->seeds_done);
	for (size_t i = 0; i < a->seed_count; i++)
		socket_table_seed(a->sockets, &a->seeds[i]);
	a->seed_count = 0;
	if (a->scanned_ns && mechanisms_scans_end_sockets(a->mechanisms)) {
		/* Between two snapshots: it cannot be said more closely. */
		socket_table_age(a->sockets, a->scanned_ns, a->scanned_before_ns);
		a->scanned_ns = 0;
	}
	port_monitor_unlock(a->lock);
}

static void apply_addresses(struct attribution *a)
{
	port_monitor_lock(a->lock);
	a->ours_seen = counter_read(&a->ours_count);
	a->ours = a->next_ours;
	port_monitor_unlock(a->lock);
}

static void note_lost(struct attribution *a)
{
	uint64_t lost = mechanisms_lost_sockets(a->mechanisms);

	if (lost == a->lost_seen)
		return;
	a->lost_seen = lost;
	socket_table_lost(a->sockets, port_realtime_ns() - a->boot_ns);
}

void attribution_refresh(struct attribution *a)
{
	int64_t now = port_monotonic_ns();

	if (now - a->clock_ns >= CLOCK_NS) {
		a->clock_ns = now;
		a->boot_ns = facts_boot_ns();
	}
	if (counter_read(&a->ours_count) != a->ours_seen)
		apply_addresses(a);
	if (counter_read(&a->seeds_done) != a->seeds_seen)
		apply_seeds(a);
	mechanisms_read_events(a->mechanisms, on_socket, a);
	apply_batch(a);
	note_lost(a);
}

/* Without events a packet of an unknown socket is the sign that there are new ones; any other is that
 * what is known must be looked at again in time (pauses: how much longer that may take). */
static void want_scan(struct attribution *a, int pauses)
{
	int64_t pause = mechanisms_scan_ns(a->mechanisms), now = port_monotonic_ns();

	if (!pause || now - a->scan_ns < pause * pauses)
		return;
	a->scan_ns = now;
	counter_add(&a->scans_wanted, 1);
	port_event_set(&a->wake);
}

static void put_address(uint8_t out[16], uint8_t version, const uint8_t *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (version == 6) {
		memcpy(out, address, 16);
		return;
	}
	memcpy(out, mapped, sizeof mapped);
	memcpy(out + 12, address, 4);
}

enum {
	ECHO_REPLY = 0,
	ECHO_REQUEST = 8,
	ECHO_REQUEST_V6 = 128,
	ECHO_REPLY_V6 = 129,
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16
};

static bool is_echo(const struct headers *h)
{
	return h->has_icmp &&
	       (h->protocol == PROTOCOL_ICMP
			? h->icmp_type == ECHO_REPLY || h->icmp_type == ECHO_REQUEST
			: h->icmp_type == ECHO_REQUEST_V6 ||
				  h->icmp_type == ECHO_REPLY_V6);
}

/* False: nothing that a socket could be looked up by. */
static bool ask_of(const struct attribution *a, const struct attributed *p,
		   struct socket_question *q, bool *is_ending)
{
	bool is_out = (p->flags & RECORD_DIRECTION) != RECORD_INBOUND;
	struct headers h;

	headers_decode(&h, p->linktype, p->data, p->caplen, p->len);
	if (!h.ip_version || h.fragment_off)
		return false;
	*q = (struct socket_question){ .ns = p->ns - a->boot_ns,
				       .jitter_ns = a->jitter_ns,
				       .is_held = is_out && a->is_inline };
	q->key.protocol = h.protocol;
	q->key.family = h.ip_version;
	put_address(q->key.local, h.ip_version, is_out ? h.src : h.dst);
	put_address(q->key.remote, h.ip_version, is_out ? h.dst : h.src);
	if (h.has_ports) {
		q->key.local_port = is_out ? h.src_port : h.dst_port;
		q->key.remote_port = is_out ? h.dst_port : h.src_port;
	} else if (is_echo(&h)) {
		q->key.local_port = h.icmp_id;
	}
	q->is_opening = h.has_tcp && (h.tcp_flags & TCP_SYN);
	*is_ending = h.has_tcp && (h.tcp_flags & (TCP_FIN | TCP_RST));
	q->is_connecting = q->is_opening && is_out && !(h.tcp_flags & TCP_ACK);
	q->is_ours = addresses_have(&a->ours, q->key.local);
	return true;
}

/* The IPv4 header of a packet that answers may be kept for; NULL: it is another. */
static inline const uint8_t *ipv4_of(const struct attributed *p, size_t *caplen)
{
	const uint8_t *at = p->data;

	*caplen = p->caplen;
	if (LIKELY(p->linktype == LINKTYPE_ETHERNET)) {
		if (*caplen < RECALL_ETHERNET || at[12] != ETHERTYPE_IPV4 >> 8 || at[13])
			return NULL;
		*caplen -= RECALL_ETHERNET;
		return at + RECALL_ETHERNET;
	}
	return p->linktype == LINKTYPE_RAW ? at : NULL;
}

/* port: as it stands in the packet.  Whether any socket has it as its local one: where none has, nothing else
 * needs to be asked. */
static inline bool is_port_used(const struct attribution *a, uint16_t port)
{
	uint8_t wire[sizeof port];
	unsigned number;

	memcpy(wire, &port, sizeof wire);
	number = get_u16be(wire);
	return a->ports[number / 8] >> number % 8 & 1;
}

void attribution_expect(const struct attribution *a, const struct attributed *p)
{
	size_t caplen;
	const uint8_t *ip = ipv4_of(p, &caplen);
	struct recall_key key;

	/* Nothing is read here: hashing has pushed it out of the cache since the block before. */
	if (ip && recall_key_of(&key, ip, caplen, true))
		__builtin_prefetch(recall_set(a->recall, &key), 1);
}

/* Closings are missing: what opens a connection may be of the next one. */
static const struct recall_slot *find_doubted(const struct attribution *a,
					      const struct recall_key *key,
					      const uint8_t *ip, size_t caplen,
					      int64_t ns)
{
	if (!a->recall->has_doubted || caplen < RECALL_FLAGS + 1 ||
	    ip[RECALL_FLAGS] & TCP_SYN)
		return NULL;
	return recall_find_doubted(a->recall, key, ns);
}

static uint32_t find_nothing(struct attribution *a, struct record_owner *owner)
{
	*owner = (struct record_owner){ .method = OWNER_NO_METHOD };
	counter_add(&a->unknown, 1);
	want_scan(a, 1);
	return 0;
}

/* Without events: a connection that begins or ends is the end of what was found by looking; and that somebody
 * had the addresses before is no answer, for nobody told that they are not another's now. */
static const struct socket_owner *look_up_doubting(struct attribution *a,
						   const struct socket_question *q,
						   bool is_ending,
						   enum owner_certainty *certainty)
{
	const struct socket_owner *found;

	if (q->is_opening)
		socket_table_doubt(a->sockets, q);
	found = socket_table_find(a->sockets, q, certainty);
	if (is_ending)
		socket_table_doubt(a->sockets, q);
	want_scan(a, q->is_opening || is_ending ? 1 : 4);
	return *certainty == OWNER_EARLIER && found->method == OWNER_DIAG ? NULL : found;
}

/* By all that is known. */
static uint32_t find(struct attribution *a, const struct attributed *p, bool may_be_kept,
		     struct record_owner *owner)
{
	const struct socket_owner *found = NULL;
	enum owner_certainty certainty = OWNER_UNKNOWN;
	struct socket_question q;
	bool is_ending;
	uint32_t process;

	if (ask_of(a, p, &q, &is_ending))
		found = a->trust_ns ? look_up_doubting(a, &q, is_ending, &certainty)
				    : socket_table_find(a->sockets, &q, &certainty);
	if (!found)
		return find_nothing(a, owner);
	*owner = (struct record_owner){ .pid = found->pid,
					.tid = found->tid,
					.start_ns = found->start_ns,
					.method = found->method,
					.certainty = (uint8_t)certainty };
	process = found->process;
	if (certainty == OWNER_EXACT) {
		counter_add(&a->exact, 1);
		if (may_be_kept && found->from_ns <= q.ns)
			socket_table_remember(a->sockets, &q.key);
	}
	return process;
}

uint32_t attribution_find(struct attribution *a, const struct attributed *p,
			  struct record_owner *owner)
{
	size_t caplen;
	const uint8_t *ip = ipv4_of(p, &caplen);
	bool is_out = (p->flags & RECORD_DIRECTION) != RECORD_INBOUND;
	const struct recall_slot *s;
	struct recall_key key;

	if (UNLIKELY(!ip || !recall_key_of(&key, ip, caplen, is_out)))
		return find(a, p, false, owner);
	if (!is_port_used(a, key.local_port))
		return find_nothing(a, owner);
	s = recall_find(a->recall, &key, p->ns - a->boot_ns);
	if (UNLIKELY(!s))
		s = find_doubted(a, &key, ip, caplen, p->ns - a->boot_ns);
	if (UNLIKELY(!s))
		return find(a, p, true, owner);
	*owner = (struct record_owner){ .pid = s->answer.pid,
					.tid = s->answer.tid,
					.start_ns = s->answer.start_ns,
					.method = s->answer.method,
					.certainty = OWNER_EXACT };
	counter_add(&a->exact, 1);
	return s->answer.process;
}

static bool is_before(const struct attribution *a, int64_t ns, int64_t program_ns)
{
	return program_ns && ns - a->boot_ns < program_ns + (a->is_inline ? HELD_NS : 0);
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void lend(const struct attribution *a, const struct process *p, int64_t ns,
		 struct attribution_known *known)
{
	const struct process_facts *f = &p->facts;
	/* It has started another program since the facts were found out, or before that the packet is of. */
	bool is_another = f->execs != mechanisms_execs(a->mechanisms, f->pid) ||
			  is_before(a, ns, program_ns(f));

	*known = (struct attribution_known){
		.name = text_or_null(f->name),
		.path = text_or_null(f->path),
		.user = text_or_null(f->user),
		.container = text_or_null(f->container),
		.is_pending = is_another || !(p->mark & MARK_KNOWN),
		.is_name_pending = is_another || !f->name[0],
	};
}

/* False: nothing is, or of another program. */
static bool lend_kept(const struct attribution *a, const struct record_owner *owner,
		      int64_t ns, struct attribution_known *known)
{
	const struct kept_texts *k =
		a->kept ? kept_find(a->kept, owner->pid, owner->start_ns,
				    mechanisms_execs(a->mechanisms, owner->pid))
			: NULL;

	if (!k)
		return false;
	*known = (struct attribution_known){ .name = k->name,
					     .path = k->path,
					     .user = k->user,
					     .container = k->container };
	known->is_pending = known->is_name_pending = is_before(a, ns, k->from_ns);
	return true;
}

/* Called with the lock.  The event that was to tell of its next program may have been lost. */
static void want_again(struct attribution *a, struct process *p)
{
	if (p->facts.execs == mechanisms_execs(a->mechanisms, p->facts.pid))
		return;
	p->mark = 0;
	want(a, p);
}

bool attribution_borrow(struct attribution *a, uint32_t number,
			const struct record_owner *owner, int64_t ns,
			struct attribution_known *known)
{
	struct process *p;

	if (!number)
		return false;
	port_monitor_lock(a->lock);
	p = process_table_at(a->processes, number);
	if (!p)
		p = process_table_find(a->processes, owner->pid, owner->start_ns);
	if (!(p && p->mark & MARK_KNOWN) && lend_kept(a, owner, ns, known))
		return true;
	/* It had to make room, and its connection goes on. */
	if (!p)
		p = attribution_find_or_add(a, owner->pid, owner->start_ns, NULL);
	process_use(p);
	lend(a, p, ns, known);
	if (!a->can_name)
		known->is_pending = known->is_name_pending = false;
	else if (p->mark & MARK_KNOWN)
		want_again(a, p);
	return true;
}

void attribution_return(struct attribution *a)
{
	port_monitor_unlock(a->lock);
}

void attribution_count_pending(struct attribution *a)
{
	counter_add(&a->pending, 1);
}

size_t attribution_block(struct attribution *a, uint32_t number, uint8_t *out,
			 bool is_last)
{
	struct process *p;
	size_t length = 0;

	port_monitor_lock(a->lock);
	p = process_table_at(a->processes, number);
	if (p && (is_last || p->mark & MARK_KNOWN))
		length = facts_block(&p->facts, out);
	port_monitor_unlock(a->lock);
	return length;
}
