#include "packet/dns.h"

#include "base/compiler.h"
#include "base/cursor.h"

enum {
	HEAD = 12,
	LABEL_MOST = 63,
	NAME_MOST = 255,
	POINTER = 0xc0,
	CLASS_IN = 1,
	JUMPS_MOST = 64, /* of one name: real ones need one or two */
	CHAIN_MOST = 8   /* CNAMEs in disorder: passes over the answers */
};

/* A message under reading: the cursor moves, pointers need its beginning. */
struct reading {
	const uint8_t *start;
	struct cursor c;
};

struct record {
	char owner[DNS_NAME_TEXT];
	uint16_t type, class;
	const uint8_t *data;
	uint16_t length;
};

static char *put_byte(char *p, uint8_t b)
{
	if (b >= 'A' && b <= 'Z')
		b = (uint8_t)(b + 32);
	if (b == '.' || b == '\\')
		*p++ = '\\';
	if (b > 0x20 && b < 0x7f) {
		*p++ = (char)b;
		return p;
	}
	*p++ = '\\';
	*p++ = (char)('0' + b / 100);
	*p++ = (char)('0' + b / 10 % 10);
	*p++ = (char)('0' + b % 10);
	return p;
}

static char *put_label(char *p, const char *text, const uint8_t *label, uint8_t length)
{
	if (p != text)
		*p++ = '.';
	for (uint8_t i = 0; i < length; i++)
		p = put_byte(p, label[i]);
	return p;
}

/* Follows a pointer: it must lead before the part of the name that it ends. */
static bool jump(struct cursor *c, const uint8_t *start, const uint8_t **part,
		 uint8_t high)
{
	size_t to = (size_t)(high & 0x3f) << 8 | cur_u8(c);

	if (c->is_bad || to >= (size_t)(*part - start))
		return false;
	c->at = *part = start + to;
	return true;
}

/* The name at the cursor, which is left behind it.  Returns its text's length; is_bad where it is
 * no name. */
static size_t read_name(struct reading *r, char text[DNS_NAME_TEXT])
{
	struct cursor c = r->c;
	const uint8_t *part = c.at, *behind = NULL, *label;
	size_t bytes = 1;
	unsigned jumps = 0;
	char *p = text;

	for (;;) {
		uint8_t length = cur_u8(&c);

		if (c.is_bad)
			break;
		if (!length) {
			r->c.at = behind ? behind : c.at;
			*p = '\0';
			return (size_t)(p - text);
		}
		if ((length & POINTER) == POINTER) {
			if (!behind)
				behind = c.at + 1;
			if (jumps++ == JUMPS_MOST || !jump(&c, r->start, &part, length))
				break;
			continue;
		}
		bytes += 1U + length;
		label = cur_bytes(&c, length);
		if (!label || length > LABEL_MOST || bytes > NAME_MOST)
			break;
		p = put_label(p, text, label, length);
	}
	r->c.is_bad = true;
	*text = '\0';
	return 0;
}

static bool read_record(struct reading *r, struct record *rr)
{
	(void)read_name(r, rr->owner);
	if (r->c.is_bad)
		return false;
	rr->type = cur_u16be(&r->c);
	rr->class = cur_u16be(&r->c);
	cur_skip(&r->c, 4);
	rr->length = cur_u16be(&r->c);
	rr->data = cur_bytes(&r->c, rr->length);
	return !r->c.is_bad;
}

/* One pass over the answers: what `name` is an alias of.  True where it has changed. */
static bool follow_aliases(struct reading r, unsigned answers, char name[DNS_NAME_TEXT])
{
	struct record rr;
	bool has_changed = false;

	while (answers-- && read_record(&r, &rr)) {
		struct reading target = r;

		if (rr.type != DNS_CNAME || rr.class != CLASS_IN ||
		    strcmp(rr.owner, name) != 0)
			continue;
		target.c.at = rr.data;
		(void)read_name(&target, rr.owner);
		if (target.c.is_bad || !strcmp(rr.owner, name))
			continue;
		memcpy(name, rr.owner, sizeof rr.owner);
		has_changed = true;
	}
	return has_changed;
}

static void add_address(struct dns_message *m, const struct record *rr)
{
	bool is_v6 = rr->type == DNS_AAAA;
	struct dns_address *a;

	if (rr->class != CLASS_IN || (rr->type != DNS_A && !is_v6) ||
	    rr->length != (is_v6 ? 16 : 4))
		return;
	if (m->address_count == DNS_ADDRESS_MAX) {
		m->is_cut = true;
		return;
	}
	a = &m->addresses[m->address_count++];
	*a = (struct dns_address){ .ip_version = is_v6 ? 6 : 4 };
	memcpy(a->bytes, rr->data, rr->length);
}

static void read_answers(struct dns_message *m, struct reading *r, unsigned answers)
{
	char name[DNS_NAME_TEXT];
	struct record rr;

	memcpy(name, m->name, sizeof name);
	for (unsigned i = 0; i < CHAIN_MOST && follow_aliases(*r, answers, name); i++)
		;
	for (; answers; answers--) {
		if (!read_record(r, &rr)) {
			m->is_cut = true;
			return;
		}
		if (!strcmp(rr.owner, name))
			add_address(m, &rr);
	}
}

bool dns_read(struct dns_message *m, const uint8_t *bytes, size_t length)
{
	struct reading r = { .start = bytes };
	unsigned questions, answers;
	uint16_t flags, class;

	m->address_count = 0;
	m->is_cut = false;
	cur_init(&r.c, bytes, length);
	m->id = cur_u16be(&r.c);
	flags = cur_u16be(&r.c);
	m->is_response = flags >> 15;
	m->opcode = flags >> 11 & 15;
	m->rcode = flags & 15;
	questions = cur_u16be(&r.c);
	answers = cur_u16be(&r.c);
	cur_skip(&r.c, 4);
	if (r.c.is_bad || questions != 1)
		return false;
	m->name_length = read_name(&r, m->name);
	m->type = cur_u16be(&r.c);
	class = cur_u16be(&r.c);
	if (r.c.is_bad || class != CLASS_IN)
		return false;
	if (m->is_response)
		read_answers(m, &r, answers);
	return true;
}
