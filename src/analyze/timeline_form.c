#include "analyze/timeline.h"

#include "filesystem/text.h"
#include "packet/text.h"

enum {
	FLOW_TEXT = 160
};

static bool is_flow(const struct timeline_row *r)
{
	return r->facts.what & (TIMELINE_FIRST | TIMELINE_LAST);
}

/* "m.cb", or for a flow "f", "l", "fl". */
static char *put_letters(char *p, const struct timeline_row *r)
{
	static const char letters[] = "macb";

	if (is_flow(r)) {
		*p++ = r->facts.what & TIMELINE_FIRST ? 'f' : '.';
		*p++ = r->facts.what & TIMELINE_LAST ? 'l' : '.';
		return TEXT_LIT(p, "..");
	}
	for (unsigned i = 0; i < 4; i++)
		*p++ = r->facts.what >> i & 1 ? letters[i] : '.';
	return p;
}

static char *put_end(char *p, const struct timeline_facts *f, const uint8_t *address,
		     uint16_t port)
{
	char text[ADDRESS_TEXT];
	size_t n = address_text(f->ip_version, address, text);
	bool has_bracket = f->ip_version == 6 && port;

	if (has_bracket)
		*p++ = '[';
	p = text_bytes(p, text, n);
	if (has_bracket)
		*p++ = ']';
	if (port) {
		*p++ = ':';
		p = text_u64(p, port);
	}
	return p;
}

static char *put_protocol(char *p, const struct timeline_facts *f)
{
	struct headers h = { .ip_version = f->ip_version, .protocol = f->protocol };
	char text[PROTOCOL_TEXT];

	return text_bytes(p, text, protocol_text(&h, text));
}

/* "tcp 192.0.2.1:1234 -> 198.51.100.7:80": at most FLOW_TEXT bytes. */
static char *put_flow(char *p, const struct timeline_facts *f)
{
	p = put_protocol(p, f);
	*p++ = ' ';
	p = put_end(p, f, f->src, f->src_port);
	p = TEXT_LIT(p, " -> ");
	return put_end(p, f, f->dst, f->dst_port);
}

static size_t bound_of(const struct timeline_row *r)
{
	return 2048 + 10 * ((size_t)r->facts.name_length + r->facts.target_length) +
	       8 * strlen(r->source);
}

static char *put_padded(char *p, uint64_t v, unsigned width)
{
	char digits[20], *end = text_u64(digits, v);
	unsigned n = (unsigned)(end - digits);

	for (; n < width; n++)
		*p++ = ' ';
	p = text_bytes(p, digits, (size_t)(end - digits));
	*p++ = ' ';
	return p;
}

/* Eleven columns and a blank; a size that is not known is no 0. */
static char *put_size(char *p, const struct timeline_facts *f)
{
	return f->has & TIMELINE_HAS_SIZE ? put_padded(p, f->size_bytes, 11)
					  : TEXT_LIT(p, "          ? ");
}

static char *put_permissions(char *p, const struct timeline_facts *f)
{
	return f->has & TIMELINE_HAS_PERMISSIONS
		       ? text_bytes(p, f->permissions, sizeof f->permissions)
		       : TEXT_LIT(p, "??????????");
}

static void write_table(struct when_days *days, struct out *o,
			const struct timeline_row *r)
{
	char *p = out_begin(o, bound_of(r));

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = when_iso(days, p, r->at);
	*p++ = ' ';
	p = put_letters(p, r);
	*p++ = ' ';
	if (is_flow(r)) {
		p = TEXT_LIT(p, "flow       ");
		p = put_padded(p, r->facts.size_bytes, 11);
		p = put_flow(p, &r->facts);
		p = TEXT_LIT(p, " (");
		p = text_u64(p, r->facts.packets);
		p = TEXT_LIT(p, " packets)");
	} else {
		p = put_permissions(p, &r->facts);
		*p++ = ' ';
		p = put_size(p, &r->facts);
		p = text_terminal(p, r->name, r->facts.name_length);
		if (r->facts.target_length) {
			p = TEXT_LIT(p, " -> ");
			p = text_terminal(p, r->target, r->facts.target_length);
		}
	}
	*p++ = '\n';
	out_end(o, p);
}

static char *put_quoted(char *p, const char *s, size_t n)
{
	char *end;

	*p++ = '"';
	for (size_t i = 0; i < n;) {
		const char *quote = memchr(s + i, '"', n - i);
		size_t length = quote ? (size_t)(quote - (s + i)) : n - i;

		end = text_terminal(p, s + i, length);
		p = end;
		i += length;
		if (quote) {
			p = TEXT_LIT(p, "\"\"");
			i++;
		}
	}
	*p++ = '"';
	return p;
}

/* An empty field where it is not known. */
static char *put_known(char *p, unsigned has, enum timeline_has which, uint64_t v)
{
	return has & which ? text_u64(p, v) : p;
}

static void write_csv(struct when_days *days, struct out *o, const struct timeline_row *r)
{
	char *p = out_begin(o, bound_of(r));
	const struct timeline_facts *f = &r->facts;

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = when_iso(days, p, r->at);
	*p++ = ',';
	p = put_known(p, is_flow(r) ? TIMELINE_HAS_SIZE : f->has, TIMELINE_HAS_SIZE,
		      f->size_bytes);
	*p++ = ',';
	p = put_letters(p, r);
	*p++ = ',';
	if (is_flow(r)) {
		p = TEXT_LIT(p, ",,,,\"");
		p = put_flow(p, f);
		*p++ = '"';
	} else {
		if (f->has & TIMELINE_HAS_PERMISSIONS)
			p = text_bytes(p, f->permissions, sizeof f->permissions);
		*p++ = ',';
		p = put_known(p, f->has, TIMELINE_HAS_UID, f->uid);
		*p++ = ',';
		p = put_known(p, f->has, TIMELINE_HAS_GID, f->gid);
		*p++ = ',';
		p = put_known(p, f->has, TIMELINE_HAS_INODE, f->inode);
		*p++ = ',';
		p = put_quoted(p, r->name, f->name_length);
	}
	*p++ = ',';
	if (f->target_length)
		p = put_quoted(p, r->target, f->target_length);
	*p++ = ',';
	if (is_flow(r))
		p = text_u64(p, f->packets);
	*p++ = ',';
	p = put_quoted(p, r->source, strlen(r->source));
	*p++ = '\n';
	out_end(o, p);
}

/* The words that Timesketch shows beside the time. */
static char *put_words(char *p, unsigned what)
{
	static const char *const words[] = { "modified", "accessed",     "changed",
					     "born",     "first packet", "last packet" };
	bool is_first = true;

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (!(what >> i & 1))
			continue;
		if (!is_first)
			p = TEXT_LIT(p, ", ");
		p = text_bytes(p, words[i], strlen(words[i]));
		is_first = false;
	}
	return p;
}

static char *put_member(char *p, const char *name, uint64_t v)
{
	p = TEXT_LIT(p, ",\"");
	p = text_bytes(p, name, strlen(name));
	p = TEXT_LIT(p, "\":");
	return text_u64(p, v);
}

static char *put_json_text(char *p, const char *name, const char *s, size_t n)
{
	p = TEXT_LIT(p, ",\"");
	p = text_bytes(p, name, strlen(name));
	p = TEXT_LIT(p, "\":\"");
	p = text_json(p, s, n);
	*p++ = '"';
	if (!text_is_clean(s, n)) {
		p = TEXT_LIT(p, ",\"");
		p = text_bytes(p, name, strlen(name));
		p = TEXT_LIT(p, "_b64\":\"");
		p = text_base64(p, s, n);
		*p++ = '"';
	}
	return p;
}

static char *put_flow_members(char *p, const struct timeline_facts *f)
{
	char text[ADDRESS_TEXT];

	p = TEXT_LIT(p, ",\"data_type\":\"weir:flow\",\"protocol\":\"");
	p = put_protocol(p, f);
	*p++ = '"';
	p = put_json_text(p, "src", text, address_text(f->ip_version, f->src, text));
	p = put_json_text(p, "dst", text, address_text(f->ip_version, f->dst, text));
	if (f->src_port || f->dst_port) {
		p = put_member(p, "src_port", f->src_port);
		p = put_member(p, "dst_port", f->dst_port);
	}
	p = put_member(p, "packets", f->packets);
	p = put_member(p, "bytes", f->size_bytes);
	return f->pid ? put_member(p, "pid", f->pid) : p;
}

static char *put_file_members(char *p, const struct timeline_row *r)
{
	const struct timeline_facts *f = &r->facts;

	p = TEXT_LIT(p, ",\"data_type\":\"weir:file\"");
	p = put_json_text(p, "path", r->name, f->name_length);
	if (f->target_length)
		p = put_json_text(p, "target", r->target, f->target_length);
	if (f->has & TIMELINE_HAS_SIZE)
		p = put_member(p, "size_bytes", f->size_bytes);
	if (f->has & TIMELINE_HAS_INODE)
		p = put_member(p, "inode", f->inode);
	if (f->has & TIMELINE_HAS_UID)
		p = put_member(p, "uid", f->uid);
	if (f->has & TIMELINE_HAS_GID)
		p = put_member(p, "gid", f->gid);
	if (f->has & TIMELINE_HAS_PERMISSIONS)
		p = put_json_text(p, "permissions", f->permissions,
				  sizeof f->permissions);
	p = TEXT_LIT(p, ",\"macb\":\"");
	p = put_letters(p, r);
	*p++ = '"';
	return p;
}

/* Microseconds, where they fit; where not, datetime and timestamp_ns say when it was, and a 0 would
 * say 1970. */
static char *put_microseconds(char *p, struct file_time at)
{
	if (at.s > INT64_MAX / 1000000 - 1 || at.s < INT64_MIN / 1000000 + 1)
		return p;
	p = TEXT_LIT(p, ",\"timestamp\":");
	return text_i64(p, at.s * 1000000 + at.ns / 1000);
}

/* Timesketch asks for message, datetime and timestamp_desc; timestamp is in microseconds.  The order
 * of the members is told in weir-timeline(1). */
static void write_jsonl(struct when_days *days, struct out *o,
			const struct timeline_row *r)
{
	char *p = out_begin(o, 2 * bound_of(r));

	if (!p) {
		out_end(o, NULL);
		return;
	}
	p = TEXT_LIT(p, "{\"message\":\"");
	if (is_flow(r))
		p = put_flow(p, &r->facts);
	else
		p = text_json(p, r->name, r->facts.name_length);
	p = TEXT_LIT(p, "\",\"datetime\":\"");
	p = when_iso(days, p, r->at);
	p = TEXT_LIT(p, "\",\"timestamp_desc\":\"");
	p = put_words(p, r->facts.what);
	*p++ = '"';
	p = put_microseconds(p, r->at);
	p = TEXT_LIT(p, ",\"timestamp_ns\":");
	p = when_ns(p, r->at);
	p = is_flow(r) ? put_flow_members(p, &r->facts) : put_file_members(p, r);
	p = put_json_text(p, "source", r->source, strlen(r->source));
	p = TEXT_LIT(p, "}\n");
	out_end(o, p);
}

const struct timeline_form *timeline_form_find(const char *name)
{
	static const struct timeline_form forms[] = {
		{ "table", NULL, write_table },
		{ "csv",
		  "datetime,size_bytes,macb,permissions,uid,gid,inode,name,target,packets,"
		  "source\n",
		  write_csv },
		{ "jsonl", NULL, write_jsonl },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (!strcmp(forms[i].name, name))
			return &forms[i];
	return NULL;
}
