/* Linux: eBPF, and the namer. */
#include "process/mechanisms.h"

#include "base/mem.h"
#include "base/time.h"
#include "process/connector.h"

#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING_BYTES (6 * 1024 * 1024) /* of the feed, in the kernel */
#define SCAN_NS    (50 * NS_PER_MS)
/* Without events nobody tells that a port is another's now: twice the time between two snapshots while
 * packets come, and what one of them may take. */
#define TRUST_NS (500 * NS_PER_MS)

struct mechanisms {
	struct feed *feed;
	struct namer namer;
	const struct port_event *wake;
	uint32_t netns;
	bool has_connector;                             /* where there is no feed */
	uint64_t lost_process_events, missed_processes; /* as the namer told last */
	char no_feed[WEIR_ERROR_TEXT], no_connector[WEIR_ERROR_TEXT],
		no_namer[WEIR_ERROR_TEXT];
};

uint64_t mechanisms_memory(void)
{
	return RING_BYTES;
}

static uint32_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : (uint32_t)st.st_ino;
}

static void note(char reason[WEIR_ERROR_TEXT], const char *text)
{
	(void)snprintf(reason, WEIR_ERROR_TEXT, "%s", text);
}

int mechanisms_open(struct mechanisms **out, const struct attribution_config *c,
		    const struct port_event *wake, struct weir_error *err)
{
	struct mechanisms *m = mem_new(1, sizeof *m);
	struct namer_config n = { .user = c->user, .connector = -1 };
	struct feed_config f = { .has_sockets = true,
				 .has_processes = true,
				 .is_brief = true };
	struct weir_error why = { 0 };

	*out = m;
	if (!m)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for attribution");
	m->wake = wake;
	m->netns = f.netns = own_netns();
	if (c->has_no_feed)
		note(m->no_feed, "switched off");
	else if (feed_open(&m->feed, &f, &why))
		note(m->no_feed, why.text);
	if (!m->feed && connector_open(&n.connector, &why))
		note(m->no_connector, why.text);
	m->has_connector = n.connector >= 0;
	n.feed = m->feed;
	if (!port_have_capability("sys_ptrace") ||
	    !port_have_capability("dac_read_search"))
		note(m->no_namer, "cap_sys_ptrace and cap_dac_read_search are missing: "
				  "other users' processes cannot be read");
	if (namer_start(&m->namer, &n, &why))
		note(m->no_namer, why.text);
	/* The child reads it. */
	if (n.connector >= 0)
		(void)close(n.connector);
	return 0;
}

void mechanisms_close(struct mechanisms *m)
{
	if (!m)
		return;
	namer_stop(&m->namer);
	feed_close(m->feed);
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
	json_t *j = json_pack("{s:o,s:o,s:I}", "mechanisms", have, "missing", missing,
			      "netns", (json_int_t)m->netns);

	if (m->feed) {
		(void)json_array_append_new(have, json_string("ebpf"));
		(void)json_object_set_new(j, "ebpf", feed_describe(m->feed));
	}
	if (mechanisms_can_name(m)) {
		(void)json_array_append_new(have, json_string("sock_diag"));
		(void)json_array_append_new(have, json_string("proc"));
	}
	if (mechanisms_can_name(m) && m->has_connector)
		(void)json_array_append_new(have, json_string("proc_connector"));
	add_missing(missing, "ebpf", m->no_feed);
	add_missing(missing, "proc_connector", m->no_connector);
	add_missing(missing, "proc", m->no_namer);
	return j;
}

void mechanisms_read_events(struct mechanisms *m, feed_on_socket on, void *arg)
{
	if (m->feed)
		(void)feed_read_sockets(m->feed, on, arg);
}

uint64_t mechanisms_lost(const struct mechanisms *m)
{
	return m->feed ? feed_lost(m->feed) : m->lost_process_events;
}

uint64_t mechanisms_lost_sockets(const struct mechanisms *m)
{
	return m->feed ? feed_lost_sockets(m->feed) : 0;
}

json_t *mechanisms_report(const struct mechanisms *m, json_t *tally)
{
	(void)json_object_set_new(tally, "missed_processes",
				  json_integer((json_int_t)m->missed_processes));
	return tally;
}

/* The kernel's times are of one clock each, and the offset between them is looked at often. */
int64_t mechanisms_jitter_ns(const struct mechanisms *m)
{
	(void)m;
	return 0;
}

int64_t mechanisms_scan_ns(const struct mechanisms *m)
{
	return m->feed ? 0 : SCAN_NS;
}

int64_t mechanisms_trust_ns(const struct mechanisms *m)
{
	return m->feed ? 0 : TRUST_NS;
}

bool mechanisms_scans_end_sockets(const struct mechanisms *m)
{
	return !m->feed;
}

bool mechanisms_can_name(const struct mechanisms *m)
{
	return m->namer.fd >= 0;
}

uint32_t mechanisms_execs(const struct mechanisms *m, uint32_t pid)
{
	return m->feed ? feed_execs(m->feed, pid) : 0;
}

bool mechanisms_ask(struct mechanisms *m, uint32_t pid, uint64_t start_ns)
{
	return namer_ask(&m->namer, pid, start_ns);
}

bool mechanisms_scan(struct mechanisms *m)
{
	return namer_scan(&m->namer);
}

bool mechanisms_tally(struct mechanisms *m)
{
	return namer_tally(&m->namer);
}

int mechanisms_answer(struct mechanisms *m, struct namer_answer *a)
{
	int rc = m->namer.fd >= 0 ? namer_read(&m->namer, a) : 0;

	if (rc > 0) {
		m->lost_process_events = a->lost_events;
		m->missed_processes = a->missed_processes;
	}
	if (rc >= 0)
		return rc;
	namer_stop(&m->namer);
	return 0;
}

void mechanisms_wait(const struct mechanisms *m, int timeout_ms)
{
	struct pollfd fds[2] = { { .fd = m->wake->fd, .events = POLLIN },
				 { .fd = m->namer.fd, .events = POLLIN } };

	(void)poll(fds, 2, timeout_ms);
}

void mechanisms_wait_room(const struct mechanisms *m, int timeout_ms)
{
	struct pollfd full = { .fd = m->namer.fd, .events = POLLOUT };

	(void)poll(&full, 1, timeout_ms);
}
