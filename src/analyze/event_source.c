/* Linux: what the kernel's programs tell of sockets, made events. */
#include "analyze/event_source.h"

#include "base/mem.h"
#include "process/existing.h"
#include "process/facts.h"
#include "process/feed.h"

#include <stdio.h>
#include <sys/stat.h>

struct event_source {
	struct feed *feed;
	struct existing *existing; /* until they are told */
	size_t existing_count;
	char no_existing[WEIR_ERROR_TEXT];
	struct life *life;
	uint32_t netns;
};

/* Sockets of this network namespace only, as packets are of it. */
static uint32_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : (uint32_t)st.st_ino;
}

static void on_existing(void *arg, const struct socket_event *e)
{
	struct event_source *s = arg;

	life_exists(s->life, e);
}

/* A kernel without sock_diag has its events all the same. */
static void look_for_existing(struct event_source *s)
{
	struct weir_error err;

	if (existing_new(&s->existing, on_existing, s, &err))
		(void)snprintf(s->no_existing, sizeof s->no_existing, "%s", err.text);
	else
		s->existing_count = existing_count(s->existing);
}

int event_source_open(struct event_source **out, const struct event_source_config *config,
		      struct weir_error *err)
{
	struct event_source *s = mem_new(1, sizeof *s);
	struct feed_config f = { .has_sockets = true,
				 .is_counting = config->layer == FILTER_FLOW,
				 .wakes_socket_reader = true,
				 .netns = own_netns() };
	int rc;

	*out = s;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for sockets");
	s->netns = f.netns;
	rc = feed_open(&s->feed, &f, err);
	if (rc)
		return rc;
	s->life = life_new(config->layer, config->on, config->arg);
	if (!s->life)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for sockets");
	look_for_existing(s);
	return 0;
}

void event_source_close(struct event_source *s)
{
	if (!s)
		return;
	existing_free(s->existing);
	life_free(s->life);
	feed_close(s->feed);
	mem_free(s);
}

int event_source_fd(const struct event_source *s)
{
	return feed_socket_fd(s->feed);
}

const struct port_event *event_source_wake(const struct event_source *s)
{
	(void)s;
	return NULL;
}

static void on_socket(void *arg, const struct socket_event *e)
{
	struct event_source *s = arg;

	if (s->existing)
		existing_note(s->existing, e);
	life_take(s->life, e);
}

void event_source_take(struct event_source *s)
{
	uint64_t now_ns = (uint64_t)facts_now_ns();

	(void)feed_read_sockets(s->feed, on_socket, s);
	if (s->existing) {
		existing_tell(s->existing);
		existing_free(s->existing);
		s->existing = NULL;
	}
	life_tick(s->life, now_ns);
}

void event_source_finish(struct event_source *s)
{
	life_finish(s->life);
}

const char *event_source_trouble(const struct event_source *s)
{
	(void)s;
	return NULL;
}

uint64_t event_source_lost(const struct event_source *s)
{
	return s->feed ? feed_lost(s->feed) : 0;
}

uint64_t event_source_forgotten(const struct event_source *s)
{
	return s->life ? life_forgotten(s->life) : 0;
}

json_t *event_source_describe(const struct event_source *s)
{
	json_t *j = json_pack("{s:o,s:I}", "feed", feed_describe(s->feed), "netns",
			      (json_int_t)s->netns);

	(void)json_object_set_new(j, "existing_sockets",
				  s->no_existing[0]
					  ? json_null()
					  : json_integer((json_int_t)s->existing_count));
	if (s->no_existing[0])
		(void)json_object_set_new(j, "existing_missing",
					  json_string(s->no_existing));
	return j;
}

const char *event_source_clock(void)
{
	return "CLOCK_BOOTTIME of the kernel's event, with the offset to UTC when it was read";
}
