#include "store/chain.h"

#include "base/time.h"

#include <stdarg.h>

void chain_init(struct chain *c)
{
	c->seq = 0;
	memset(c->prev, '0', HASH_HEX - 1);
	c->prev[HASH_HEX - 1] = '\0';
}

size_t chain_dump(const struct chain *c, const char *type, int64_t ns, json_t *members,
		  char *line, size_t room)
{
	char at[TIME_TEXT];
	json_t *o;
	size_t n;

	time_format(ns, at);
	o = json_pack("{s:I,s:s,s:s,s:I}", "seq", (json_int_t)c->seq + 1, "type", type,
		      "at", at, "at_ns", (json_int_t)ns);
	if (members)
		json_object_update_missing(o, members);
	json_object_set_new(o, "prev", json_string(c->prev));
	n = json_dumpb(o, line, room - 1, JSON_COMPACT);
	json_decref(o);
	if (!n || n >= room)
		return 0;
	line[n] = '\n';
	return n + 1;
}

int chain_advance(struct chain *c, const char *line, size_t length)
{
	uint8_t digest[HASH_BYTES];

	if (hash_once(line, length, digest))
		return WEIR_ERR_NO_MEMORY;
	hash_hex(digest, c->prev);
	c->seq++;
	return 0;
}

static bool fail(char fault[CHAIN_FAULT], const char *format, ...) PRINTF_LIKE(2, 3);

static bool fail(char fault[CHAIN_FAULT], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(fault, CHAIN_FAULT, format, ap) < 0)
		fault[0] = '\0';
	va_end(ap);
	return false;
}

static bool check_time(const char *what, unsigned long long number, const json_t *object,
		       char fault[CHAIN_FAULT])
{
	const char *at = json_get_text(object, "at");
	char text[TIME_TEXT];
	int64_t ns;

	if (!json_get_i64(object, "at_ns", &ns))
		return fail(fault, "%s line %llu: no at_ns", what, number);
	time_format(ns, text);
	if (!at || strcmp(at, text) != 0)
		return fail(fault, "%s line %llu: at '%.40s' is not at_ns %lld", what,
			    number, at ? at : "", (long long)ns);
	return true;
}

bool chain_check(const struct chain *c, const char *what, const struct json_line *line,
		 char fault[CHAIN_FAULT])
{
	unsigned long long number = (unsigned long long)c->seq + 1;
	const char *prev = json_get_text(line->object, "prev");
	uint64_t seq;

	if (!line->object)
		return fail(fault, "%s line %llu is no JSON object", what, number);
	if (!line->is_ended)
		return fail(fault, "%s line %llu is cut: it has no end", what, number);
	if (!json_get_u64(line->object, "seq", &seq) || seq != number)
		return fail(
			fault,
			"%s line %llu: seq is %llu: a line is missing, was added or is "
			"out of place",
			what, number, (unsigned long long)seq);
	if (!prev || strcmp(prev, c->prev) != 0)
		return fail(
			fault,
			"%s line %llu: prev is not the hash of line %llu: one of the two "
			"was changed",
			what, number, number - 1);
	return check_time(what, number, line->object, fault);
}
