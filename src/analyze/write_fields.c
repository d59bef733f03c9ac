/* JSON Lines and CSV: the same fields in the same order, from one table.
 * What is not known is null in JSON and empty in CSV. */
#include "analyze/facts.h"
#include "analyze/process_text.h"
#include "analyze/writer.h"
#include "base/compiler.h"
#include "packet/text.h"
#include "store/processes.h"

#define LINE_ROOM \
 4096 /* longer than any line: 64 bytes of name, 255 of source, each escaped */

/* A field's value under construction, in one of the two forms. */
struct out {
	struct line l;
	struct line_clock *clock;
	const struct process_fact *process; /* NULL: not described */
	bool is_json;
};

static void put_text(struct out *o, const char *bytes, size_t length)
{
	if (o->is_json)
		line_json(&o->l, bytes, length);
	else
		line_csv(&o->l, bytes, length);
}

static void put_none(struct out *o)
{
	if (o->is_json)
		line_text(&o->l, "null");
}

static void put_text_or_none(struct out *o, const char *text)
{
	if (text && *text)
		put_text(o, text, strlen(text));
	else
		put_none(o);
}

static void put_number_if(struct out *o, bool is_known, uint64_t v)
{
	if (is_known)
		line_unsigned(&o->l, v);
	else
		put_none(o);
}

typedef void (*put_field)(struct out *o, const struct facts *f, const struct packet *p);

#define FIELD(name)                                            \
 static void name(struct out *o, const struct facts *f UNUSED, \
		  const struct packet *p UNUSED)

FIELD(put_ns)
{
	line_signed(&o->l, p->ns);
}

FIELD(put_time)
{
	if (o->is_json)
		line_char(&o->l, '"');
	line_time(&o->l, o->clock, p->ns);
	if (o->is_json)
		line_char(&o->l, '"');
}

FIELD(put_source)
{
	put_text(o, f->source, f->source_length);
}

FIELD(put_iface)
{
	put_text_or_none(o, f->iface);
}

FIELD(put_direction)
{
	put_text_or_none(o, f->direction);
}

FIELD(put_linktype)
{
	line_unsigned(&o->l, f->linktype);
}

FIELD(put_packet_id)
{
	put_number_if(o, p->id != 0, p->id);
}

FIELD(put_captured)
{
	line_unsigned(&o->l, p->caplen);
}

FIELD(put_wire)
{
	line_unsigned(&o->l, p->len);
}

FIELD(put_protocol)
{
	char text[PROTOCOL_TEXT];

	(void)protocol_text(&f->headers, text);
	put_text_or_none(o, text);
}

static void put_address(struct out *o, const struct headers *h, const uint8_t *address)
{
	char text[ADDRESS_TEXT];

	if (!h->ip_version && !h->has_arp) {
		put_none(o);
		return;
	}
	put_text(o, text, address_text(h->ip_version, address, text));
}

FIELD(put_src)
{
	put_address(o, &f->headers, f->headers.src);
}

FIELD(put_src_port)
{
	put_number_if(o, f->headers.has_ports, f->headers.src_port);
}

FIELD(put_dst)
{
	put_address(o, &f->headers, f->headers.dst);
}

FIELD(put_dst_port)
{
	put_number_if(o, f->headers.has_ports, f->headers.dst_port);
}

FIELD(put_tcp_flags)
{
	char text[FLAGS_TEXT];

	if (f->headers.has_tcp)
		put_text(o, text, tcp_flags_text(f->headers.tcp_flags, text));
	else
		put_none(o);
}

FIELD(put_pid)
{
	put_number_if(o, p->has_pid, p->pid);
}

FIELD(put_process)
{
	if (o->process && o->process->name)
		put_text(o, o->process->name, process_name_length(o->process->name));
	else
		put_none(o);
}

FIELD(put_certainty)
{
	const struct flow_owner owner = flow_owner_of(p);

	put_text_or_none(o, process_certainty(&owner));
}

static const struct {
	const char *name;
	put_field put;
} fields[] = {
	{ "ns", put_ns },
	{ "time", put_time },
	{ "source", put_source },
	{ "iface", put_iface },
	{ "direction", put_direction },
	{ "linktype", put_linktype },
	{ "packet_id", put_packet_id },
	{ "captured_bytes", put_captured },
	{ "wire_bytes", put_wire },
	{ "protocol", put_protocol },
	{ "src", put_src },
	{ "src_port", put_src_port },
	{ "dst", put_dst },
	{ "dst_port", put_dst_port },
	{ "tcp_flags", put_tcp_flags },
	{ "pid", put_pid },
	{ "process", put_process },
	{ "process_certainty", put_certainty },
};

static int begin_jsonl(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

static int begin_csv(struct writer *w, struct weir_error *err UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (i)
			sink_put(w->out, ",", 1);
		sink_put(w->out, fields[i].name, strlen(fields[i].name));
	}
	sink_put(w->out, "\n", 1);
	return 0;
}

static void put_name(struct line *l, const char *name)
{
	line_char(l, '"');
	line_text(l, name);
	line_bytes(l, "\":", 2);
}

static void put_line(struct writer *w, const struct packet *p, bool is_json)
{
	struct out o = { .clock = &w->clock,
			 .process = merge_process(w->merge, p),
			 .is_json = is_json };
	struct facts f;

	facts_gather(&f, w->merge, p);
	line_init(&o.l, sink_room(w->out, LINE_ROOM), LINE_ROOM);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (i || is_json)
			line_char(&o.l, i ? ',' : '{');
		if (is_json)
			put_name(&o.l, fields[i].name);
		fields[i].put(&o, &f, p);
	}
	if (is_json)
		line_char(&o.l, '}');
	line_char(&o.l, '\n');
	sink_took(w->out, line_length(&o.l));
}

static int put_jsonl(struct writer *w, const struct packet *p,
		     struct weir_error *err UNUSED)
{
	put_line(w, p, true);
	return 0;
}

static int put_csv(struct writer *w, const struct packet *p,
		   struct weir_error *err UNUSED)
{
	put_line(w, p, false);
	return 0;
}

static int end(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

const struct writer_ops writer_jsonl = { .name = "jsonl",
					 .suffix = ".jsonl",
					 .is_binary = false,
					 .begin = begin_jsonl,
					 .packet = put_jsonl,
					 .end = end };

const struct writer_ops writer_csv = { .name = "csv",
				       .suffix = ".csv",
				       .is_binary = false,
				       .begin = begin_csv,
				       .packet = put_csv,
				       .end = end };
