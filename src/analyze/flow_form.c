#include "analyze/flow_form.h"

#include "analyze/facts.h"
#include "analyze/process_text.h"
#include "base/compiler.h"
#include "base/time.h"
#include "packet/text.h"
#include "store/iface.h"
#include "store/processes.h"

/* Longer than any line: names and texts of a process are 4096 bytes at most where they are shown,
 * each of which may take six. */
#define LINE_ROOM ((size_t)256 * 1024)
#define TEXT_MOST 4096

enum {
	PROTOCOL_WIDTH = 8,
	DURATION_WIDTH = 12,
	END_WIDTH = 22,
	STATE_WIDTH = 12,
	COUNT_WIDTH = 12,
	BYTES_WIDTH = 18,
	PROCESS_WIDTH = 20
};

static size_t bounded(const char *text)
{
	size_t n = strlen(text);

	return n < TEXT_MOST ? n : TEXT_MOST;
}

/* Blanks up to the column's width, and one more. */
static void pad(struct line *l, size_t before, size_t width)
{
	size_t n = line_length(l) - before;

	for (; n < width; n++)
		line_char(l, ' ');
	line_char(l, ' ');
}

static const struct process_fact *process_of(const struct flow_writer *w,
					     const struct flow *f,
					     const struct flow_owner *o)
{
	return o->is_known ? merge_process_of(w->merge, f->key.source, o->pid,
					      o->start_ns, f->first_ns)
			   : NULL;
}

static size_t flow_protocol_text(const struct flow *f, char text[PROTOCOL_TEXT])
{
	const struct headers h = { .ip_version = f->key.ip_version,
				   .protocol = f->key.protocol };

	return protocol_text(&h, text);
}

static void put_end(struct line *l, const struct flow *f, unsigned side)
{
	char text[ADDRESS_TEXT];
	size_t before = line_length(l);
	size_t n = address_text(f->key.ip_version, f->key.address[side], text);
	bool is_bracketed = f->key.form == FLOW_PORTS && f->key.ip_version == 6;

	line_text(l, is_bracketed ? "[" : "");
	line_bytes(l, text, n);
	line_text(l, is_bracketed ? "]" : "");
	if (f->key.form == FLOW_PORTS) {
		line_char(l, ':');
		line_unsigned(l, f->key.port[side]);
	}
	pad(l, before, END_WIDTH);
}

static void put_pair(struct line *l, uint64_t a, uint64_t b, size_t width)
{
	size_t before = line_length(l);

	line_unsigned(l, a);
	line_char(l, '/');
	line_unsigned(l, b);
	pad(l, before, width);
}

static void put_seconds(struct line *l, uint64_t ns, size_t width)
{
	char text[32];
	size_t before = line_length(l);
	int n = snprintf(text, sizeof text, "%llu.%06llu",
			 (unsigned long long)(ns / (uint64_t)NS_PER_S),
			 (unsigned long long)(ns % (uint64_t)NS_PER_S / 1000));

	line_bytes(l, text, (size_t)n);
	pad(l, before, width);
}

static void put_processes(struct line *l, const struct flow_writer *w,
			  const struct flow *f)
{
	const struct flow_owner *first = flow_owner(f), *peer = flow_peer_owner(f);
	size_t before = line_length(l);

	if (!process_put(l, first, process_of(w, f, first)))
		line_char(l, '-');
	if (peer) {
		line_char(l, '/');
		(void)process_put(l, peer, process_of(w, f, peer));
	}
	pad(l, before, PROCESS_WIDTH);
}

static void put_names(struct line *l, const struct flow *f)
{
	for (unsigned i = 0; i < FLOW_NAMES && f->names[i].text; i++) {
		line_text(l, i ? " " : "");
		line_printable(l, f->names[i].text, bounded(f->names[i].text));
		line_text(l, f->names[i].is_unasked ? "(unasked " : "(");
		line_text(l, flow_name_from_name(f->names[i].from));
		line_char(l, ')');
	}
}

/* A line ends without blanks. */
static void end_line(struct line *l)
{
	while (l->at > l->start && l->at[-1] == ' ')
		l->at--;
	*l->at++ = '\n';
}

void flow_table_head(struct flow_writer *w)
{
	static const struct {
		const char *word;
		size_t width;
	} columns[] = {
		{ "START", 30 },
		{ "SECONDS", DURATION_WIDTH },
		{ "PROTO", PROTOCOL_WIDTH },
		{ "SOURCE", END_WIDTH },
		{ "DESTINATION", END_WIDTH },
		{ "STATE", STATE_WIDTH },
		{ "PACKETS", COUNT_WIDTH },
		{ "BYTES", BYTES_WIDTH },
		{ "PROCESS", PROCESS_WIDTH },
		{ "NAMES", 0 },
	};
	struct line l;

	line_init(&l, sink_room(w->out, LINE_ROOM), LINE_ROOM - 1);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		size_t before = line_length(&l);

		line_text(&l, columns[i].word);
		pad(&l, before, columns[i].width);
	}
	end_line(&l);
	sink_took(w->out, line_length(&l));
}

void flow_table_line(struct flow_writer *w, const struct flow *f)
{
	char protocol[PROTOCOL_TEXT];
	struct line l;
	size_t before;

	line_init(&l, sink_room(w->out, LINE_ROOM), LINE_ROOM - 1);
	line_time(&l, &w->clock, f->first_ns);
	line_char(&l, ' ');
	put_seconds(&l, (uint64_t)f->last_ns - (uint64_t)f->first_ns, DURATION_WIDTH);
	before = line_length(&l);
	(void)flow_protocol_text(f, protocol);
	line_text(&l, protocol);
	pad(&l, before, PROTOCOL_WIDTH);
	put_end(&l, f, f->src);
	put_end(&l, f, !f->src);
	before = line_length(&l);
	line_text(&l, flow_state_name(flow_state(f)));
	pad(&l, before, STATE_WIDTH);
	put_pair(&l, flow_src(f)->packets, flow_dst(f)->packets, COUNT_WIDTH);
	put_pair(&l, flow_src(f)->bytes, flow_dst(f)->bytes, BYTES_WIDTH);
	put_processes(&l, w, f);
	put_names(&l, f);
	end_line(&l);
	sink_took(w->out, line_length(&l));
}

/* Members; each begins with its comma, the first without. */
static void member(struct line *l, const char *name)
{
	if (l->at[-1] != '{')
		line_char(l, ',');
	line_char(l, '"');
	line_text(l, name);
	line_text(l, "\":");
}

static void member_text(struct line *l, const char *name, const char *text)
{
	member(l, name);
	if (text)
		line_json(l, text, bounded(text));
	else
		line_text(l, "null");
}

static void member_unsigned(struct line *l, const char *name, uint64_t v)
{
	member(l, name);
	line_unsigned(l, v);
}

static void member_if(struct line *l, const char *name, bool is_known, uint64_t v)
{
	if (is_known)
		member_unsigned(l, name, v);
	else
		member_text(l, name, NULL);
}

static void member_time(struct line *l, struct line_clock *clock, const char *name,
			const char *name_ns, int64_t ns)
{
	member(l, name);
	line_char(l, '"');
	line_time(l, clock, ns);
	line_char(l, '"');
	member(l, name_ns);
	line_signed(l, ns);
}

static void json_end(struct line *l, const struct flow *f, unsigned side,
		     const char *name, const char *name_port)
{
	char text[ADDRESS_TEXT];

	(void)address_text(f->key.ip_version, f->key.address[side], text);
	member_text(l, name, text);
	member_if(l, name_port, f->key.form == FLOW_PORTS, f->key.port[side]);
}

/* What tells flows apart that have no ports, and those of one pair on two VLANs. */
static void json_more_key(struct line *l, const struct flow *f)
{
	if (f->key.form == FLOW_ECHO)
		member_unsigned(l, "icmp_id", f->key.port[0]);
	if (f->key.form == FLOW_MESSAGE) {
		member_unsigned(l, "icmp_type", f->key.port[0] >> 8);
		member_unsigned(l, "icmp_code", f->key.port[0] & 0xff);
	}
	if (f->key.form == FLOW_FRAGMENTS) {
		member(l, "fragments_only");
		line_text(l, "true");
	}
	if (!f->key.is_tagged)
		return;
	member(l, "vlan");
	line_char(l, '[');
	for (unsigned i = 0; i < f->key.is_tagged; i++) {
		line_text(l, i ? "," : "");
		line_unsigned(l, f->key.vlan[i]);
	}
	line_char(l, ']');
}

static void json_key(struct line *l, const struct flow *f)
{
	char text[PROTOCOL_TEXT];

	(void)flow_protocol_text(f, text);
	member_text(l, "protocol", text);
	json_end(l, f, f->src, "src", "src_port");
	json_end(l, f, !f->src, "dst", "dst_port");
	json_more_key(l, f);
}

static void json_counts(struct line *l, const struct flow *f)
{
	const struct flow_side *src = flow_src(f), *dst = flow_dst(f);

	member_unsigned(l, "packets", src->packets + dst->packets);
	member_unsigned(l, "bytes", src->bytes + dst->bytes);
	member_unsigned(l, "src_packets", src->packets);
	member_unsigned(l, "src_bytes", src->bytes);
	member_unsigned(l, "dst_packets", dst->packets);
	member_unsigned(l, "dst_bytes", dst->bytes);
	member_unsigned(l, "elsewhere_packets", src->elsewhere + dst->elsewhere);
}

static void json_owner(struct line *l, const struct flow_owner *o,
		       const struct process_fact *fact)
{
	static const struct process_fact nothing = { .pid = 0 };
	const struct process_fact *p = fact ? fact : &nothing;

	member_if(l, "pid", o->is_known, o->pid);
	member_text(l, "process", p->name);
	member_text(l, "process_certainty", process_certainty(o));
	member_text(l, "process_method", process_method(o));
	member_if(l, "process_start_ns", o->start_ns != 0, o->start_ns);
	member_text(l, "process_path", p->path);
	member_text(l, "user", p->user);
	member_text(l, "container", p->container);
}

static void json_processes(struct line *l, const struct flow_writer *w,
			   const struct flow *f)
{
	const struct flow_owner *first = flow_owner(f), *peer = flow_peer_owner(f);
	uint64_t others = flow_other_owners(flow_src(f)) + flow_other_owners(flow_dst(f));

	json_owner(l, first, process_of(w, f, first));
	if (peer) {
		member(l, "peer");
		line_char(l, '{');
		json_owner(l, peer, process_of(w, f, peer));
		line_char(l, '}');
	}
	if (others)
		member_unsigned(l, "other_process_packets", others);
}

static void json_names(struct line *l, struct line_clock *clock, const struct flow *f)
{
	member(l, "names");
	line_char(l, '[');
	for (unsigned i = 0; i < FLOW_NAMES && f->names[i].text; i++) {
		line_text(l, i ? ",{" : "{");
		member_text(l, "name", f->names[i].text);
		member_text(l, "from", flow_name_from_name(f->names[i].from));
		member_time(l, clock, "at", "at_ns", f->names[i].ns);
		if (f->names[i].from == FLOW_NAME_DNS) {
			member(l, "asked");
			line_text(l, f->names[i].is_unasked ? "false" : "true");
		}
		line_char(l, '}');
	}
	line_char(l, ']');
	if (f->names_lost)
		member_unsigned(l, "names_lost", f->names_lost);
}

static void json_place(struct line *l, const struct flow_writer *w, const struct flow *f)
{
	static const char *const directions[] = { NULL, "in", "out" };
	const struct flow_side *first = flow_src(f)->packets ? flow_src(f) : flow_dst(f);
	const char *iface = merge_iface(w->merge, first->iface)->name;
	size_t length;
	const char *name =
		facts_base_name(merge_source_path(w->merge, f->key.source), &length);

	member_text(l, "initiator", flow_initiator_name(f->initiator));
	member_text(l, "direction", directions[first->direction]);
	member_text(l, "iface", *iface ? iface : NULL);
	member(l, "source");
	line_json(l, name, length);
}

void flow_json_line(struct flow_writer *w, const struct flow *f)
{
	struct line l;

	line_init(&l, sink_room(w->out, LINE_ROOM), LINE_ROOM - 1);
	line_char(&l, '{');
	json_key(&l, f);
	member_text(&l, "state", flow_state_name(flow_state(f)));
	member_time(&l, &w->clock, "first", "first_ns", f->first_ns);
	member_time(&l, &w->clock, "last", "last_ns", f->last_ns);
	json_counts(&l, f);
	json_processes(&l, w, f);
	json_names(&l, &w->clock, f);
	json_place(&l, w, f);
	line_char(&l, '}');
	*l.at++ = '\n';
	sink_took(w->out, line_length(&l));
}
