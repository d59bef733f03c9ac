/* A readable line a packet, for people:
 *
 *	2026-11-22T23:13:35.123456789Z lo out IP 127.0.0.1:40000 > 127.0.0.1:80 TCP [SYN] seq 1 len 0
 *
 * Sequence numbers are those on the wire.  Nothing of the evidence gets out as a control byte. */
#include "analyze/facts.h"
#include "analyze/process_text.h"
#include "analyze/writer.h"
#include "base/compiler.h"
#include "packet/text.h"

#include <ctype.h>

#define LINE_ROOM    4096
#define COMMENT_SHOW 256 /* bytes of a comment that are shown */

static void put_number(struct line *l, const char *before, uint64_t v)
{
	line_text(l, before);
	line_unsigned(l, v);
}

static void put_address(struct line *l, const struct headers *h, const uint8_t *address,
			uint16_t port)
{
	char text[ADDRESS_TEXT];
	size_t n = address_text(h->ip_version, address, text);
	bool is_bracketed = h->has_ports && h->ip_version == 6;

	if (is_bracketed)
		line_char(l, '[');
	line_bytes(l, text, n);
	if (is_bracketed)
		line_char(l, ']');
	if (h->has_ports)
		put_number(l, ":", port);
}

static void put_pair(struct line *l, const struct headers *h)
{
	put_address(l, h, h->src, h->src_port);
	line_text(l, " > ");
	put_address(l, h, h->dst, h->dst_port);
}

static void put_protocol(struct line *l, const struct headers *h)
{
	char text[PROTOCOL_TEXT];

	(void)protocol_text(h, text);
	line_char(l, ' ');
	if (*text == '0') {
		line_text(l, text);
		return;
	}
	for (const char *p = text; *p; p++)
		line_char(l, (char)toupper((unsigned char)*p));
}

static void put_tcp(struct line *l, const struct headers *h)
{
	char text[FLAGS_TEXT];

	line_text(l, " [");
	line_bytes(l, text, tcp_flags_text(h->tcp_flags, text));
	put_number(l, "] seq ", h->tcp_seq);
	if (h->tcp_flags & 0x10)
		put_number(l, " ack ", h->tcp_ack);
}

static void put_icmp(struct line *l, const struct headers *h)
{
	char text[ICMP_TEXT];
	bool is_echo = h->protocol == PROTOCOL_ICMP
			       ? h->icmp_type == 8 || h->icmp_type == 0
			       : h->icmp_type == 128 || h->icmp_type == 129;

	line_char(l, ' ');
	line_bytes(l, text, icmp_text(h, text));
	if (!is_echo)
		return;
	put_number(l, " id ", h->icmp_id);
	put_number(l, " seq ", h->icmp_seq);
}

static void put_ip(struct line *l, const struct headers *h)
{
	line_text(l, h->ip_version == 6 ? " IP6 " : " IP ");
	put_pair(l, h);
	put_protocol(l, h);
	if (h->has_tcp)
		put_tcp(l, h);
	if (h->has_icmp)
		put_icmp(l, h);
	if (h->is_fragment)
		put_number(l, " fragment at ", h->fragment_off);
}

static void put_arp(struct line *l, const struct headers *h)
{
	static const char *const words[] = { NULL, " request", " reply" };

	line_text(l, " ARP ");
	put_pair(l, h);
	if (h->arp_op == 1 || h->arp_op == 2)
		line_text(l, words[h->arp_op]);
	else
		put_number(l, " operation ", h->arp_op);
}

static void put_other(struct line *l, const struct facts *f)
{
	const char *name = link_name(f->linktype);

	if (f->headers.link.ethertype) {
		put_protocol(l, &f->headers);
		return;
	}
	line_char(l, ' ');
	if (name)
		line_text(l, name);
	else
		put_number(l, "link type ", f->linktype);
}

static void put_headers(struct line *l, const struct facts *f)
{
	const struct headers *h = &f->headers;
	unsigned tags = h->link.vlan_count < LINK_VLANS ? h->link.vlan_count : LINK_VLANS;

	for (unsigned i = 0; i < tags; i++)
		put_number(l, " vlan ", h->link.vlan[i]);
	if (h->ip_version)
		put_ip(l, h);
	else if (h->has_arp)
		put_arp(l, h);
	else
		put_other(l, f);
	put_number(l, " len ", h->payload_bytes);
	if (h->is_cut)
		line_text(l, " (header cut off)");
	if (h->is_malformed)
		line_text(l, " (malformed)");
}

static void put_process(struct line *l, const struct packet *p,
			const struct process_fact *f)
{
	const struct flow_owner o = flow_owner_of(p);

	if (!o.is_known && !o.was_sought)
		return;
	line_char(l, ' ');
	(void)process_put(l, &o, f);
}

static void put_remarks(struct line *l, const struct packet *p,
			const struct process_fact *f)
{
	if (p->caplen < p->len) {
		put_number(l, " (captured ", p->caplen);
		put_number(l, " of ", p->len);
		line_char(l, ')');
	}
	if (p->drops) {
		put_number(l, " (", p->drops);
		line_text(l, " lost before)");
	}
	put_process(l, p, f);
	if (p->comment) {
		bool is_long = p->comment_length > COMMENT_SHOW;

		line_text(l, " # ");
		line_printable(l, p->comment, is_long ? COMMENT_SHOW : p->comment_length);
		line_text(l, is_long ? "..." : "");
	}
}

static int begin(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

static int put_packet(struct writer *w, const struct packet *p,
		      struct weir_error *err UNUSED)
{
	struct facts f;
	struct line l;

	facts_gather(&f, w->merge, p);
	line_init(&l, sink_room(w->out, LINE_ROOM), LINE_ROOM - 1);
	line_time(&l, &w->clock, p->ns);
	line_char(&l, ' ');
	if (merge_source_count(w->merge) > 1) {
		line_printable(&l, f.source, f.source_length);
		line_char(&l, ':');
	}
	line_printable(&l, *f.iface ? f.iface : "-", strlen(*f.iface ? f.iface : "-"));
	line_char(&l, ' ');
	line_text(&l, f.direction ? f.direction : "-");
	put_headers(&l, &f);
	put_remarks(&l, p, merge_process(w->merge, p));
	*l.at++ = '\n';
	sink_took(w->out, line_length(&l));
	return 0;
}

static int end(struct writer *w, struct weir_error *err UNUSED)
{
	(void)w;
	return 0;
}

const struct writer_ops writer_text = { .name = "text",
					.suffix = ".txt",
					.is_binary = false,
					.begin = begin,
					.packet = put_packet,
					.end = end };
