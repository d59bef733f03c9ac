#include "packet/http_head.h"

#include "base/cursor.h"

enum {
	METHOD_MOST = 24
};

/* A run of text within the request. */
struct span {
	const char *at;
	size_t length;
};

/* The next line without its end; false where the end is not there yet. */
static bool next_line(struct cursor *c, struct span *line)
{
	const uint8_t *newline = memchr(c->at, '\n', cur_left(c));

	if (!newline)
		return false;
	line->at = (const char *)c->at;
	line->length = (size_t)(newline - c->at);
	if (line->length && line->at[line->length - 1] == '\r')
		line->length--;
	c->at = newline + 1;
	return true;
}

/* What stands before the byte, which is passed; all of it where there is none. */
static struct span before(struct span *s, char byte)
{
	const char *p = s->length ? memchr(s->at, byte, s->length) : NULL;
	struct span head = { s->at, p ? (size_t)(p - s->at) : s->length };
	size_t passed = head.length + (p != NULL);

	s->at += passed;
	s->length -= passed;
	return head;
}

static bool begins_with(struct span s, const char *word)
{
	size_t n = strlen(word);

	if (s.length < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c =
			s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] + 32) : s.at[i];

		if (c != word[i])
			return false;
	}
	return true;
}

static struct span trim(struct span s)
{
	while (s.length && (*s.at == ' ' || *s.at == '\t')) {
		s.at++;
		s.length--;
	}
	while (s.length && (s.at[s.length - 1] == ' ' || s.at[s.length - 1] == '\t'))
		s.length--;
	return s;
}

static bool is_host_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || strchr("-._~%:[]!$&'()*+,;=", c) != NULL;
}

/* The authority of a target behind its "http://", without what stands before the last '@': that is
 * a user's name, whatever it looks like (RFC 3986, section 3.2). */
static struct span authority_of(struct span target)
{
	struct span s = before(&target, '/');

	s = before(&s, '?');
	s = before(&s, '#');
	while (s.length && memchr(s.at, '@', s.length))
		(void)before(&s, '@');
	return s;
}

/* host or host:port; the port of [address]:port lies behind the bracket. */
static enum server_name_found take_authority(struct span s, struct server_name *name)
{
	struct span rest = s;
	bool is_literal = s.length && *s.at == '[';
	struct span host = before(&rest, is_literal ? ']' : ':');

	if (is_literal && host.length) {
		host.at++;
		host.length--;
	}
	while (host.length && host.at[host.length - 1] == '.')
		host.length--;
	for (size_t i = 0; i < host.length; i++)
		if (!host.at[i] || !is_host_byte(host.at[i]))
			return SERVER_NAME_NOT;
	return server_name_set(name, host.at, host.length) ? SERVER_NAME_IS
							   : SERVER_NAME_NONE;
}

static enum server_name_found read_fields(struct cursor *c, struct server_name *name)
{
	struct span line;

	while (next_line(c, &line)) {
		if (!line.length)
			return SERVER_NAME_NONE;
		if (!begins_with(line, "host:"))
			continue;
		(void)before(&line, ':');
		return take_authority(trim(line), name);
	}
	return SERVER_NAME_MORE;
}

/* A method is capitals; what follows one space is the target.  Judged as soon as the first bytes
 * are there, so that other protocols need not be kept. */
static bool may_begin(const uint8_t *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && n <= METHOD_MOST && bytes[n] >= 'A' && bytes[n] <= 'Z')
		n++;
	if (n == length)
		return n <= METHOD_MOST;
	return n >= 3 && n <= METHOD_MOST && bytes[n] == ' ';
}

enum server_name_found http_head_name(const uint8_t *bytes, size_t length,
				      struct server_name *name)
{
	struct span line, method, target;
	struct cursor c;

	if (!may_begin(bytes, length))
		return SERVER_NAME_NOT;
	cur_init(&c, bytes, length < HTTP_HEAD_MAX ? length : HTTP_HEAD_MAX);
	if (!next_line(&c, &line))
		return length < HTTP_HEAD_MAX ? SERVER_NAME_MORE : SERVER_NAME_NOT;
	method = before(&line, ' ');
	target = before(&line, ' ');
	if (!begins_with(line, "http/1."))
		return SERVER_NAME_NOT;
	if (begins_with(method, "connect"))
		return take_authority(target, name);
	if (begins_with(target, "http://")) {
		target.at += 7;
		target.length -= 7;
		return take_authority(authority_of(target), name);
	}
	if (length >= HTTP_HEAD_MAX && !memchr(c.at, '\n', cur_left(&c)))
		return SERVER_NAME_NOT;
	return read_fields(&c, name);
}
