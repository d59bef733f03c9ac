#include "analyze/socket_line.h"

#include "analyze/process_text.h"
#include "packet/text.h"
#include "process/events.h"

static void name(struct line *l, const char *text)
{
	line_text(l, ",\"");
	line_text(l, text);
	line_text(l, "\":");
}

static void put_text(struct line *l, const char *member, const char *text)
{
	name(l, member);
	if (text)
		line_json(l, text, strlen(text));
	else
		line_text(l, "null");
}

static void put_number(struct line *l, const char *member, uint64_t v)
{
	name(l, member);
	line_unsigned(l, v);
}

static void put_number_if(struct line *l, const char *member, bool is_known, uint64_t v)
{
	if (is_known)
		put_number(l, member, v);
	else
		put_text(l, member, NULL);
}

static void put_boolean(struct line *l, const char *member, bool v)
{
	name(l, member);
	line_text(l, v ? "true" : "false");
}

static void put_end(struct line *l, const struct socket_event *e,
		    const uint8_t address[16], uint16_t port,
		    const char *const members[2])
{
	char text[ADDRESS_TEXT];

	(void)address_text(e->family == 6 ? 6 : 4,
			   e->family == 6 ? address : address + 12, text);
	put_text(l, members[0], text);
	put_number(l, members[1], port);
}

/* BIND and LISTEN have no remote side, and the closing of what was only bound has none. */
static bool has_remote(const struct life_event *e)
{
	static const uint8_t none[16];

	return e->socket.remote_port || memcmp(e->socket.remote, none, sizeof none) != 0;
}

static void put_process(struct line *l, const struct life_event *e)
{
	const struct flow_owner o = { .pid = e->socket.pid,
				      .certainty = e->certainty,
				      .is_known = e->socket.pid != 0,
				      .was_sought = true };
	const char *comm = e->socket.comm[0] ? e->socket.comm : NULL;
	bool is_known = o.is_known;

	put_number_if(l, "pid", is_known, e->socket.pid);
	put_number_if(l, "tid", is_known && e->socket.tid, e->socket.tid);
	put_text(l, "process",
		 !is_known         ? NULL
		 : e->process_name ? e->process_name
				   : comm);
	put_text(l, "process_certainty", process_certainty(&o));
	put_number_if(l, "process_start_ns", is_known && e->socket.start_ns,
		      socket_event_start(&e->socket));
	put_number_if(l, "uid", is_known && !e->has_no_ids && e->socket.uid != ID_UNKNOWN,
		      e->socket.uid);
}

static void put_counts(struct line *l, const struct life_event *e)
{
	const struct socket_event *s = &e->socket;

	put_number_if(l, "packets_out", e->has_counts, s->packets_out);
	put_number_if(l, "bytes_out", e->has_counts, s->bytes_out);
	put_number_if(l, "packets_in", e->has_counts, s->packets_in);
	put_number_if(l, "bytes_in", e->has_counts, s->bytes_in);
	if (e->is_begin_unseen)
		put_boolean(l, "begin_seen", false);
}

void socket_line_put(struct line *l, struct line_clock *clock, const struct life_event *e,
		     int64_t ns)
{
	static const char *const local[] = { "local", "local_port" };
	static const char *const remote[] = { "remote", "remote_port" };
	const struct socket_event *s = &e->socket;
	const struct headers h = { .ip_version = s->family, .protocol = s->protocol };
	char text[PROTOCOL_TEXT];

	line_text(l, "{\"ns\":");
	line_signed(l, ns);
	name(l, "time");
	line_char(l, '"');
	line_time(l, clock, ns);
	line_char(l, '"');
	put_text(l, "layer", e->kind <= LIFE_DELETED ? "flow" : "socket");
	put_text(l, "event", life_event_name(e->kind));
	(void)protocol_text(&h, text);
	put_text(l, "protocol", text);
	put_number(l, "ip_version", s->family);
	put_end(l, s, s->local, s->local_port, local);
	if (has_remote(e)) {
		put_end(l, s, s->remote, s->remote_port, remote);
	} else {
		put_text(l, "remote", NULL);
		put_text(l, "remote_port", NULL);
	}
	put_boolean(l, "outbound", e->is_outbound);
	put_boolean(l, "loopback", e->is_loopback);
	put_process(l, e);
	put_number(l, "endpoint", s->cookie);
	put_number_if(l, "parent_endpoint", e->parent_cookie != 0, e->parent_cookie);
	put_number_if(l, "netns", s->netns != 0, s->netns);
	if (e->kind == LIFE_DELETED)
		put_counts(l, e);
	if (e->is_existing)
		put_boolean(l, "existing", true);
	line_text(l, "}\n");
}
