#include "filesystem/listing.h"

#include "filesystem/text.h"
#include "filesystem/when.h"

struct scan {
	const char *start, *at, *end;
	char *spare; /* where the next decoded text goes */
};

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		s->at++;
}

/* Passes one expected byte. */
static bool take(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->at >= s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* A string as it stands between its quotes; *is_escaped when it has a backslash. */
static bool take_string(struct scan *s, struct listing_text *t, bool *is_escaped)
{
	const char *p, *slash;

	if (!take(s, '"'))
		return false;
	t->bytes = s->at;
	*is_escaped = false;
	for (p = s->at;; p += 2) {
		const char *quote = p;

		/* Most are short: a loop is quicker than a call. */
		while (quote < s->end && *quote != '"' && *quote != '\\')
			quote++;
		if (quote == s->end)
			return false;
		slash = *quote == '\\' ? quote : NULL;
		if (!slash) {
			t->length = (size_t)(quote - t->bytes);
			s->at = quote + 1;
			return true;
		}
		*is_escaped = true;
		p = slash;
		if (s->end - p < 2)
			return false;
	}
}

static bool hex4(const char *p, uint32_t *v)
{
	*v = 0;
	for (unsigned i = 0; i < 4; i++) {
		char c = p[i];
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
		*v = *v << 4 | digit;
	}
	return true;
}

static char *put_utf8(char *p, uint32_t c)
{
	if (c < 0x80) {
		*p++ = (char)c;
	} else if (c < 0x800) {
		*p++ = (char)(0xc0 | c >> 6);
		*p++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*p++ = (char)(0xe0 | c >> 12);
		*p++ = (char)(0x80 | (c >> 6 & 63));
		*p++ = (char)(0x80 | (c & 63));
	} else {
		*p++ = (char)(0xf0 | c >> 18);
		*p++ = (char)(0x80 | (c >> 12 & 63));
		*p++ = (char)(0x80 | (c >> 6 & 63));
		*p++ = (char)(0x80 | (c & 63));
	}
	return p;
}

/* "\uXXXX", two of them for a character beyond the first plane; p stands behind the 'u'. */
static const char *unescape_u(const char *p, const char *end, char **to)
{
	uint32_t high, low;

	if (end - p < 4 || !hex4(p, &high))
		return NULL;
	p += 4;
	if (high >= 0xd800 && high < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
	    p[1] == 'u' && hex4(p + 2, &low) && low >= 0xdc00 && low < 0xe000) {
		high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	*to = put_utf8(*to, high);
	return p;
}

/* Never longer than what it is made from. */
static bool unescape(struct scan *s, struct listing_text *t)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *p = t->bytes, *end = p + t->length, *found;
	char *to = s->spare;

	while (p < end) {
		if (*p != '\\') {
			*to++ = *p++;
			continue;
		}
		if (++p == end)
			return false;
		if (*p == 'u') {
			p = unescape_u(p + 1, end, &to);
			if (!p)
				return false;
			continue;
		}
		found = *p ? strchr(letters, *p) : NULL;
		if (!found)
			return false;
		*to++ = meant[found - letters];
		p++;
	}
	t->bytes = s->spare;
	t->length = (size_t)(to - s->spare);
	s->spare = to;
	return true;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool decode_base64(struct scan *s, struct listing_text *t)
{
	char *to = s->spare;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < t->length && t->bytes[i] != '='; i++) {
		int v = base64_value(t->bytes[i]);

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*to++ = (char)(bits >> have);
		}
	}
	t->bytes = s->spare;
	t->length = (size_t)(to - s->spare);
	s->spare = to;
	return true;
}

/* A number, true, false or null: what stands up to the next comma or bracket. */
static bool take_word(struct scan *s, struct listing_text *t)
{
	skip_blanks(s);
	t->bytes = s->at;
	while (s->at < s->end && *s->at != ',' && *s->at != '}' && *s->at != ']' &&
	       *s->at != ' ' && *s->at != '\t')
		s->at++;
	t->length = (size_t)(s->at - t->bytes);
	return t->length != 0;
}

/* An object or array of no interest; its brackets need only balance. */
static bool skip_nested(struct scan *s)
{
	unsigned depth = 0;
	struct listing_text t;
	bool is_escaped;

	while (s->at < s->end) {
		char c = *s->at;

		if (c == '"') {
			if (!take_string(s, &t, &is_escaped))
				return false;
			continue;
		}
		s->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && !--depth)
			return true;
	}
	return false;
}

static bool to_u64(const struct listing_text *t, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < t->length; i++) {
		unsigned digit = (unsigned)(t->bytes[i] - '0');

		if (digit > 9 || *v > (UINT64_MAX - digit) / 10)
			return false;
		*v = *v * 10 + digit;
	}
	return true;
}

enum member_kind {
	MEMBER_TEXT,
	MEMBER_BASE64,
	MEMBER_NUMBER,
	MEMBER_TIME
};

struct member {
	const char *name;
	size_t length;
	enum member_kind kind;
	size_t off; /* in the row; for a time its number */
};

#define MEMBER(name, kind, field)                                            \
 {                                                                           \
  name, sizeof(name) - 1, MEMBER_##kind, offsetof(struct listing_row, field) \
 }
#define MEMBER_AT(name, time)                         \
 {                                                    \
  name, sizeof(name) - 1, MEMBER_TIME, LISTING_##time \
 }

static const struct member *find_member(const struct listing_text *name)
{
	static const struct member members[] = {
		MEMBER("path", TEXT, path),
		MEMBER("path_b64", BASE64, path),
		MEMBER("type", TEXT, type),
		MEMBER("permissions", TEXT, permissions),
		MEMBER("uid", NUMBER, uid),
		MEMBER("user", TEXT, user),
		MEMBER("gid", NUMBER, gid),
		MEMBER("group", TEXT, group),
		MEMBER("size_bytes", NUMBER, size_bytes),
		MEMBER("inode", NUMBER, inode),
		MEMBER_AT("born_ns", BORN),
		MEMBER_AT("modified_ns", MODIFIED),
		MEMBER_AT("changed_ns", CHANGED),
		MEMBER_AT("accessed_ns", ACCESSED),
		MEMBER("target", TEXT, target),
		MEMBER("target_b64", BASE64, target),
		MEMBER("md5", TEXT, md5),
		MEMBER("sha1", TEXT, sha1),
		MEMBER("sha256", TEXT, sha256),
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (members[i].length == name->length &&
		    members[i].name[0] == *name->bytes &&
		    !memcmp(members[i].name, name->bytes, name->length))
			return &members[i];
	return NULL;
}

static bool take_text(struct scan *s, const struct member *m, struct listing_row *row)
{
	struct listing_text *t = (struct listing_text *)(void *)((char *)row + m->off);
	bool is_escaped;

	if (!take_string(s, t, &is_escaped))
		return false;
	if (m->kind == MEMBER_BASE64)
		return decode_base64(s, t);
	return !is_escaped || unescape(s, t);
}

static bool take_value(struct scan *s, const struct member *m, struct listing_row *row)
{
	struct listing_text t;

	if (m->kind == MEMBER_TEXT || m->kind == MEMBER_BASE64)
		return take_text(s, m, row);
	if (!take_word(s, &t))
		return false;
	if (m->kind == MEMBER_NUMBER)
		return to_u64(&t, (uint64_t *)(void *)((char *)row + m->off));
	row->has_time |= 1U << m->off;
	return when_parse_ns(t.bytes, t.length, &row->times[m->off]);
}

static bool skip_value(struct scan *s)
{
	struct listing_text t;
	bool is_escaped;

	skip_blanks(s);
	if (s->at >= s->end)
		return false;
	if (*s->at == '"')
		return take_string(s, &t, &is_escaped);
	if (*s->at == '{' || *s->at == '[')
		return skip_nested(s);
	return take_word(s, &t);
}

static bool is_text(const struct listing_text *t, const char *text)
{
	/* Most members end here by their first letter. */
	return t->length && *t->bytes == *text && t->length == strlen(text) &&
	       !memcmp(t->bytes, text, t->length);
}

/* The members of the object; "record" comes first in what weir writes, so that others cost little. */
static bool parse_members(struct scan *s, struct listing_row *row)
{
	struct listing_text name, kind;
	const struct member *m;
	bool is_escaped;

	do {
		if (!take_string(s, &name, &is_escaped) || !take(s, ':'))
			return false;
		skip_blanks(s);
		if (is_text(&name, "record")) {
			if (!take_string(s, &kind, &is_escaped))
				return false;
			row->kind = is_text(&kind, "file")     ? LISTING_FILE
				    : is_text(&kind, "header") ? LISTING_HEADER
							       : LISTING_OTHER;
			continue;
		}
		m = row->kind == LISTING_FILE ? find_member(&name) : NULL;
		if (!(m ? take_value(s, m, row) : skip_value(s)))
			return false;
	} while (take(s, ','));
	return take(s, '}');
}

/* The row lends texts that are decoded into it. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
bool listing_parse(const char *line, size_t length, char *buffer, struct listing_row *row,
		   size_t *fault)
{
	struct scan s = {
		.start = line, .at = line, .end = line + length, .spare = buffer
	};
	bool is_good;

	*row = (struct listing_row){ .kind = LISTING_OTHER };
	is_good = take(&s, '{') && parse_members(&s, row);
	skip_blanks(&s);
	if (s.at < s.end && *s.at == '\r')
		s.at++;
	*fault = (size_t)(s.at - line);
	return is_good && s.at == s.end;
}
