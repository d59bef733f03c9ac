/* Windows: two layers of WinDivert's events, IP Helper's tables, and a thread that looks at processes. */
#include "process/mechanisms.h"

#include "base/mem.h"
#include "base/time.h"
#include "process/divert_event.h"
#include "process/divert_feed.h"
#include "process/namer_thread.h"

#include <stdio.h>

/* Between two snapshots: events tell of nearly everything; without them nothing else does. */
#define SCAN_NS       NS_PER_S
#define SCAN_ALONE_NS (100 * NS_PER_MS)
/* The packet's time went through UTC and back, and the stack tells of an inbound packet's flow just
 * behind it. */
#define JITTER_NS NS_PER_MS

enum {
	SOCKETS, /* tells of a connection before FLOW does */
	FLOWS,
	FEEDS
};

struct layer {
	const char *mechanism;
	struct divert_feed *feed;
	const struct divert_told *head;
	char missing[WEIR_ERROR_TEXT];
};

struct mechanisms {
	struct windivert *windivert;
	struct pids *pids;
	struct namer_thread *namer;
	const struct port_event *wake;
	struct layer layers[FEEDS];
	int64_t ticks_per_s;
	bool sees_all; /* processes of other users too */
	char no_namer[WEIR_ERROR_TEXT];
};

static const struct pids_system processes = { port_process_open, port_process_ended,
					      port_process_close };

uint64_t mechanisms_memory(void)
{
	return pids_bytes() + namer_thread_bytes() + FEEDS * divert_feed_bytes();
}

/* Read at once: it may be gone soon. */
static void on_new(void *arg, uint32_t pid, const struct pids_answer *who)
{
	const struct mechanisms *m = arg;

	if (m->namer)
		namer_thread_notice(m->namer, pid, who);
}

static void open_layer(struct mechanisms *m, struct layer *l, enum windivert_layer layer)
{
	const struct divert_feed_config c = { .windivert = m->windivert,
					      .layer = layer,
					      .filter = "true",
					      .pids = m->pids,
					      .on_new = on_new,
					      .arg = m };
	struct weir_error why;

	l->missing[0] = '\0';
	if (divert_feed_open(&l->feed, &c, &why))
		(void)snprintf(l->missing, sizeof l->missing, "%s", why.text);
}

static void open_layers(struct mechanisms *m, const struct attribution_config *c)
{
	struct weir_error why = { .text = "switched off" };

	if (c->has_no_feed || windivert_load(&m->windivert, &why)) {
		for (unsigned i = 0; i < FEEDS; i++)
			(void)snprintf(m->layers[i].missing, sizeof m->layers[i].missing,
				       "%s", why.text);
		return;
	}
	m->ticks_per_s = windivert_ticks_per_s();
	open_layer(m, &m->layers[SOCKETS], WINDIVERT_SOCKET);
	open_layer(m, &m->layers[FLOWS], WINDIVERT_FLOW);
}

int mechanisms_open(struct mechanisms **out, const struct attribution_config *c,
		    const struct port_event *wake, struct weir_error *err)
{
	struct mechanisms *m = mem_new(1, sizeof *m);
	struct weir_error why;

	*out = m;
	if (!m || pids_new(&m->pids, &processes))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for attribution");
	m->wake = wake;
	m->layers[SOCKETS].mechanism = "windivert_socket";
	m->layers[FLOWS].mechanism = "windivert_flow";
	m->sees_all = port_process_begin();
	if (namer_thread_start(&m->namer, m->pids, wake, &why))
		(void)snprintf(m->no_namer, sizeof m->no_namer, "%s", why.text);
	open_layers(m, c);
	return 0;
}

void mechanisms_close(struct mechanisms *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < FEEDS; i++)
		divert_feed_close(m->layers[i].feed);
	namer_thread_stop(m->namer);
	pids_free(m->pids);
	windivert_unload(m->windivert);
	mem_free(m);
}

static void add_missing(json_t *list, const char *mechanism, const char *reason)
{
	if (reason[0])
		(void)json_array_append_new(list, json_pack("{s:s,s:s}", "mechanism",
							    mechanism, "reason", reason));
}

json_t *mechanisms_describe(const struct mechanisms *m)
{
	json_t *have = json_array(), *missing = json_array();
	json_t *j = json_pack("{s:o,s:o}", "mechanisms", have, "missing", missing);

	for (unsigned i = 0; i < FEEDS; i++) {
		const struct layer *l = &m->layers[i];

		add_missing(missing, l->mechanism, l->missing);
		if (!l->feed)
			continue;
		(void)json_array_append_new(have, json_string(l->mechanism));
		(void)json_object_set_new(j, "windivert", divert_feed_describe(l->feed));
	}
	if (m->namer)
		(void)json_array_append_new(have, json_string("iphelper"));
	add_missing(missing, "iphelper", m->no_namer);
	if (!m->sees_all)
		add_missing(missing, "process",
			    port_have_capability("debug")
				    ? "without SeDebugPrivilege some of other users' "
				      "processes cannot be read"
				    : "not started as an administrator: other users' "
				      "processes cannot be read");
	return j;
}

static const struct divert_told *head_of(struct layer *l)
{
	if (!l->head && l->feed)
		l->head = divert_feed_next(l->feed);
	return l->head;
}

/* Of what both handles have, the earlier first. */
static struct layer *earliest(struct mechanisms *m)
{
	struct layer *first = NULL;

	for (unsigned i = 0; i < FEEDS; i++) {
		struct layer *l = &m->layers[i];

		if (head_of(l) &&
		    (!first || l->head->address.ticks < first->head->address.ticks))
			first = l;
	}
	return first;
}

void mechanisms_read_events(struct mechanisms *m, feed_on_socket on, void *arg)
{
	struct socket_event e;
	struct layer *l;

	while ((l = earliest(m)) != NULL) {
		if (divert_event_take(&e, &l->head->address, m->ticks_per_s)) {
			e.start_ns = l->head->who.start_ns;
			on(arg, &e);
		}
		l->head = NULL;
	}
}

uint64_t mechanisms_lost(const struct mechanisms *m)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < FEEDS; i++)
		lost += m->layers[i].feed ? divert_feed_lost(m->layers[i].feed) : 0;
	return lost;
}

uint64_t mechanisms_lost_sockets(const struct mechanisms *m)
{
	return mechanisms_lost(m);
}

bool mechanisms_tally(struct mechanisms *m)
{
	(void)m;
	return false;
}

json_t *mechanisms_report(const struct mechanisms *m, json_t *tally)
{
	json_t *failed = json_array();

	for (unsigned i = 0; i < FEEDS; i++) {
		const struct layer *l = &m->layers[i];
		const char *trouble = l->feed ? divert_feed_trouble(l->feed) : NULL;

		add_missing(failed, l->mechanism, trouble ? trouble : "");
	}
	if (json_array_size(failed))
		(void)json_object_set(tally, "failed", failed);
	json_decref(failed);
	return tally;
}

int64_t mechanisms_jitter_ns(const struct mechanisms *m)
{
	(void)m;
	return JITTER_NS;
}

int64_t mechanisms_scan_ns(const struct mechanisms *m)
{
	return m->layers[SOCKETS].feed && m->layers[FLOWS].feed ? SCAN_NS : SCAN_ALONE_NS;
}

int64_t mechanisms_trust_ns(const struct mechanisms *m)
{
	(void)m;
	return 0;
}

bool mechanisms_scans_end_sockets(const struct mechanisms *m)
{
	(void)m;
	return true;
}

bool mechanisms_can_name(const struct mechanisms *m)
{
	return m->namer != NULL;
}

/* A process is one program. */
uint32_t mechanisms_execs(const struct mechanisms *m, uint32_t pid)
{
	(void)m;
	(void)pid;
	return 0;
}

bool mechanisms_ask(struct mechanisms *m, uint32_t pid, uint64_t start_ns)
{
	return m->namer && namer_thread_ask(m->namer, pid, start_ns);
}

bool mechanisms_scan(struct mechanisms *m)
{
	return m->namer && namer_thread_scan(m->namer);
}

int mechanisms_answer(struct mechanisms *m, struct namer_answer *a)
{
	return m->namer && namer_thread_answer(m->namer, a);
}

void mechanisms_wait(const struct mechanisms *m, int timeout_ms)
{
	(void)port_event_wait(m->wake, timeout_ms * NS_PER_MS);
}

void mechanisms_wait_room(const struct mechanisms *m, int timeout_ms)
{
	(void)port_event_wait(m->wake, timeout_ms * NS_PER_MS);
}
