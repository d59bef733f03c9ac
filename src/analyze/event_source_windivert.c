/* Windows: a handle of WinDivert at the layer. */
#include "analyze/event_source.h"

#include "analyze/divert_life.h"
#include "base/mem.h"

#include <stdio.h>

struct event_source {
	struct event_source_config config;
	struct windivert *windivert;
	struct pids *pids;
	struct divert_feed *feed;
	struct port_event wake;
	int64_t ticks_per_s;
	bool is_exact; /* the driver's filter is the whole filter */
	char *said;    /* the filter in WinDivert's words */
};

static const struct pids_system processes = { port_process_open, port_process_ended,
					      port_process_close };

/* As much of the filter as the driver can decide. */
static int say_filter(struct event_source *s, struct weir_error *err)
{
	s->said = mem_new(FILTER_WINDIVERT_TEXT, 1);
	if (!s->said)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a filter");
	return filter_windivert(s->config.filter, s->said, FILTER_WINDIVERT_TEXT,
				&s->is_exact, err);
}

static int open_feed(struct event_source *s, struct weir_error *err)
{
	struct divert_feed_config c = { .layer = s->config.layer == FILTER_FLOW
							 ? WINDIVERT_FLOW
							 : WINDIVERT_SOCKET,
					.filter = s->said,
					.wake = &s->wake };
	int rc = windivert_load(&s->windivert, err);

	if (rc)
		return rc;
	if (pids_new(&s->pids, &processes))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for processes");
	c.windivert = s->windivert;
	c.pids = s->pids;
	s->ticks_per_s = windivert_ticks_per_s();
	return divert_feed_open(&s->feed, &c, err);
}

int event_source_open(struct event_source **out, const struct event_source_config *config,
		      struct weir_error *err)
{
	struct event_source *s = mem_new(1, sizeof *s);
	int rc;

	*out = s;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for sockets");
	s->config = *config;
	s->wake.fd = -1;
	rc = port_event_init(&s->wake, err);
	if (!rc)
		rc = say_filter(s, err);
	return rc ? rc : open_feed(s, err);
}

void event_source_close(struct event_source *s)
{
	if (!s)
		return;
	divert_feed_close(s->feed);
	pids_free(s->pids);
	windivert_unload(s->windivert);
	port_event_fini(&s->wake);
	mem_free(s->said);
	mem_free(s);
}

int event_source_fd(const struct event_source *s)
{
	(void)s;
	return -1;
}

const struct port_event *event_source_wake(const struct event_source *s)
{
	return &s->wake;
}

void event_source_take(struct event_source *s)
{
	const struct divert_told *t;
	struct life_event e;

	/* Cleared first: what comes meanwhile sets it again. */
	port_event_clear(&s->wake);
	while ((t = divert_feed_next(s->feed)) != NULL) {
		divert_life_take(&e, t, s->ticks_per_s);
		s->config.on(s->config.arg, &e);
	}
	pids_tend(s->pids, port_realtime_ns(), NULL, NULL);
}

void event_source_finish(struct event_source *s)
{
	event_source_take(s);
}

const char *event_source_trouble(const struct event_source *s)
{
	return divert_feed_trouble(s->feed);
}

uint64_t event_source_lost(const struct event_source *s)
{
	return s->feed ? divert_feed_lost(s->feed) : 0;
}

/* Nothing is remembered of sockets. */
uint64_t event_source_forgotten(const struct event_source *s)
{
	(void)s;
	return 0;
}

json_t *event_source_describe(const struct event_source *s)
{
	json_t *d = divert_feed_describe(s->feed);

	(void)json_object_set_new(d, "filter", json_string(s->said));
	(void)json_object_set_new(d, "filter_is_exact", json_boolean(s->is_exact));
	return json_pack("{s:o,s:{s:n,s:s}}", "windivert", d, "counts", "value", "reason",
			 "WinDivert's flow layer counts no packets and no bytes");
}

const char *event_source_clock(void)
{
	return "performance counter of WinDivert's event, with the offset to UTC when it was "
	       "read";
}
