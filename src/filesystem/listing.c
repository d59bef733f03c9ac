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

/* The next quote or backslash, or the end: eight bytes at a time, because most are short and a call
 * costs more. */
static const char *find_special(const char *p, const char *end)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t w, quote, slash;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, 8);
		quote = w ^ (ones * '"');
		slash = w ^ (ones * '\\');
		if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high)
			break;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* Whether n bytes are the same, inline: they are few. */
static bool is_same(const char *a, const char *b, size_t n)
{
	uint64_t x, y;

	if (n < 8)
		return !memcmp(a, b, n);
	for (size_t i = 0; i + 8 < n; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			return false;
	}
	memcpy(&x, a + n - 8, 8);
	memcpy(&y, b + n - 8, 8);
	return x == y;
}

/* A string as it stands between its quotes; *is_escaped when it has a backslash. */
static bool take_string(struct scan *s, struct listing_text *t, bool *is_escaped)
{
	const char *p;

	if (!take(s, '"'))
		return false;
	t->bytes = s->at;
	*is_escaped = false;
	for (p = s->at;; p += 2) {
		p = find_special(p, s->end);
		if (p == s->end)
			return false;
		if (*p == '"') {
			t->length = (size_t)(p - t->bytes);
			s->at = p + 1;
			return true;
		}
		*is_escaped = true;
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
	size_t n = t->length;

	/* Whole groups of four, of which only the last may be filled up. */
	if (n % 4)
		return false;
	for (unsigned i = 0; i < 2 && n && t->bytes[n - 1] == '='; i++)
		n--;
	for (size_t i = 0; i < n; i++) {
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
	MEMBER_NUMBER_32,
	MEMBER_TRUTH,
	MEMBER_TIME
};

struct listing_member {
	const char *name;
	size_t length;
	enum listing_kind of;
	enum member_kind kind;
	unsigned has; /* its bit of enum listing_has */
	size_t off;   /* in the row; for a time its number */
};

/* clang-format off: one row a line */
#define MEMBER(name, kind, has, field)                                    \
 {                                                                        \
  name, sizeof(name) - 1, LISTING_FILE, MEMBER_##kind, LISTING_HAS_##has, \
	  offsetof(struct listing_row, field)                             \
 }
#define MEMBER_AT(name, time)                                                           \
 {                                                                                      \
  name, sizeof(name) - 1, LISTING_FILE, MEMBER_TIME, LISTING_HAS_##time, LISTING_##time \
 }
#define MEMBER_END(name, kind, has, field)                                   \
 {                                                                           \
  name, sizeof(name) - 1, LISTING_SUMMARY, MEMBER_##kind, LISTING_HAS_##has, \
	  offsetof(struct listing_row, field)                                \
 }

static const struct listing_member members[] = {
	MEMBER("path", TEXT, PATH, path),
	MEMBER("path_b64", BASE64, PATH_B64, path),
	MEMBER("type", TEXT, TYPE, type),
	MEMBER("permissions", TEXT, PERMISSIONS, permissions),
	MEMBER("uid", NUMBER_32, UID, uid),
	MEMBER("user", TEXT, USER, user),
	MEMBER("gid", NUMBER_32, GID, gid),
	MEMBER("group", TEXT, GROUP, group),
	MEMBER("size_bytes", NUMBER, SIZE, size_bytes),
	MEMBER("inode", NUMBER, INODE, inode),
	MEMBER_AT("born_ns", BORN),
	MEMBER_AT("modified_ns", MODIFIED),
	MEMBER_AT("changed_ns", CHANGED),
	MEMBER_AT("accessed_ns", ACCESSED),
	MEMBER("target", TEXT, TARGET, target),
	MEMBER("target_b64", BASE64, TARGET_B64, target),
	MEMBER("md5", TEXT, MD5, md5),
	MEMBER("sha1", TEXT, SHA1, sha1),
	MEMBER("sha256", TEXT, SHA256, sha256),
	MEMBER_END("complete", TRUTH, COMPLETE, is_complete),
	MEMBER_END("reason", TEXT, REASON, reason),
	MEMBER_END("written", NUMBER, WRITTEN, written),
	MEMBER_END("failed_paths", NUMBER, FAILED_PATHS, failed_paths),
	MEMBER_END("failed_mounts", NUMBER, FAILED_MOUNTS, failed_mounts),
};

/* clang-format on */

static const struct listing_member *find_member(const struct listing_text *name,
						enum listing_kind of)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (members[i].of == of && members[i].length == name->length &&
		    members[i].name[0] == *name->bytes &&
		    !memcmp(members[i].name, name->bytes, name->length))
			return &members[i];
	return NULL;
}

/* The exact bytes count, wherever they stand: the text beside them is for people. */
static unsigned exact_of(const struct listing_member *m)
{
	return m->has == LISTING_HAS_PATH     ? LISTING_HAS_PATH_B64
	       : m->has == LISTING_HAS_TARGET ? LISTING_HAS_TARGET_B64
					      : 0;
}

static bool take_text(struct scan *s, const struct listing_member *m,
		      struct listing_row *row)
{
	struct listing_text *t = (struct listing_text *)(void *)((char *)row + m->off);
	struct listing_text unwanted;
	bool is_escaped;

	if (row->has & exact_of(m))
		t = &unwanted;
	if (!take_string(s, t, &is_escaped))
		return false;
	if (m->kind == MEMBER_BASE64)
		return decode_base64(s, t);
	return !is_escaped || unescape(s, t);
}

static bool to_truth(const struct listing_text *t, bool *v)
{
	*v = t->length == 4 && !memcmp(t->bytes, "true", 4);
	return *v || (t->length == 5 && !memcmp(t->bytes, "false", 5));
}

static bool take_value(struct scan *s, const struct listing_member *m,
		       struct listing_row *row)
{
	void *field = (char *)row + m->off;
	struct listing_text t;

	/* Of two values none is the one. */
	if (row->has & m->has)
		return false;
	row->has |= m->has;
	if (m->kind == MEMBER_TEXT || m->kind == MEMBER_BASE64)
		return take_text(s, m, row);
	if (!take_word(s, &t))
		return false;
	if (m->kind == MEMBER_TRUTH)
		return to_truth(&t, field);
	if (m->kind == MEMBER_NUMBER || m->kind == MEMBER_NUMBER_32)
		return to_u64(&t, field) &&
		       (m->kind == MEMBER_NUMBER || *(uint64_t *)field <= UINT32_MAX);
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

/* A member whose name stands where the last line had it; true when its value was taken, too. */
static bool take_guessed(struct scan *s, const struct listing_guess *g,
			 struct listing_row *row, bool *is_good)
{
	size_t left = (size_t)(s->end - s->at);
	const char *behind;

	if (!g->length || left < g->length || !is_same(s->at, g->text, g->length))
		return false;
	left -= g->length;
	s->at += g->length;
	behind = s->at + g->value_length;
	if (g->member)
		*is_good = take_value(s, g->member, row);
	else if (g->value_length && left > g->value_length &&
		 is_same(s->at, g->value, g->value_length) &&
		 (*behind == ',' || *behind == '}'))
		s->at = behind;
	else
		*is_good = skip_value(s);
	return true;
}

/* Keeps `"name":`, from there to where its value begins, and the value where nobody wants it. */
static void keep_guess(struct listing_guess *g, const struct scan *s, const char *start,
		       const char *value, const struct listing_member *m)
{
	size_t n = (size_t)(value - start), value_length = (size_t)(s->at - value);

	g->length = 0;
	if (n > sizeof g->text)
		return;
	memcpy(g->text, start, n);
	g->length = (uint8_t)n;
	g->member = m;
	g->value_length = 0;
	if (m || value_length > sizeof g->value)
		return;
	memcpy(g->value, value, value_length);
	g->value_length = (uint8_t)value_length;
}

static bool take_kind(struct scan *s, struct listing_row *row)
{
	static const struct {
		const char *name;
		enum listing_kind kind;
	} kinds[] = {
		{ "file", LISTING_FILE },         { "error", LISTING_ERROR },
		{ "header", LISTING_HEADER },     { "summary", LISTING_SUMMARY },
		{ "progress", LISTING_PROGRESS },
	};
	struct listing_text kind;
	bool is_escaped;

	if (row->has & LISTING_HAS_RECORD || !take_string(s, &kind, &is_escaped))
		return false;
	row->has |= LISTING_HAS_RECORD;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (is_text(&kind, kinds[i].name))
			row->kind = kinds[i].kind;
	return true;
}

/* One member; "record" comes first in what weir writes, so that others than files cost little. */
static bool take_member(struct scan *s, struct listing_row *row, struct listing_guess *g)
{
	struct listing_text name;
	const struct listing_member *m;
	bool is_escaped, is_good = true;
	const char *start, *value;

	skip_blanks(s);
	start = s->at;
	if (g && row->kind == LISTING_FILE && take_guessed(s, g, row, &is_good))
		return is_good;
	if (!take_string(s, &name, &is_escaped) || !take(s, ':'))
		return false;
	skip_blanks(s);
	value = s->at;
	if (is_text(&name, "record"))
		return take_kind(s, row);
	m = row->kind == LISTING_OTHER ? NULL : find_member(&name, row->kind);
	if (!(m ? take_value(s, m, row) : skip_value(s)))
		return false;
	if (g && row->kind == LISTING_FILE)
		keep_guess(g, s, start, value, m);
	return true;
}

static bool parse_members(struct scan *s, struct listing_row *row,
			  struct listing_guess *guesses)
{
	unsigned i = 0;

	do {
		if (!take_member(s, row,
				 guesses && i < LISTING_GUESSES ? &guesses[i] : NULL))
			return false;
		i++;
	} while (take(s, ','));
	return take(s, '}');
}

/* Whether the line was read before it was known what it is: "record" did not stand first. */
static bool was_late(const struct listing_row *row, const char *line, size_t length)
{
	static const char first[] = "{\"record\":";

	return row->kind != LISTING_OTHER &&
	       (length < sizeof first - 1 || memcmp(line, first, sizeof first - 1) != 0);
}

/* The row lends texts that are decoded into it. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static bool parse_line(struct scan *s, const char *line, size_t length, char *buffer,
		       struct listing_guess *guesses, struct listing_row *row)
{
	*s = (struct scan){
		.start = line, .at = line, .end = line + length, .spare = buffer
	};
	return take(s, '{') && parse_members(s, row, guesses);
}

bool listing_parse(const char *line, size_t length, char *buffer,
		   struct listing_guess guesses[LISTING_GUESSES], struct listing_row *row,
		   size_t *fault)
{
	struct scan s;
	bool is_good;

	*row = (struct listing_row){ .kind = LISTING_OTHER };
	is_good = parse_line(&s, line, length, buffer, guesses, row);
	if (is_good && was_late(row, line, length)) {
		*row = (struct listing_row){ .kind = row->kind };
		is_good = parse_line(&s, line, length, buffer, NULL, row);
	}
	skip_blanks(&s);
	if (s.at < s.end && *s.at == '\r')
		s.at++;
	*fault = (size_t)(s.at - line);
	return is_good && s.at == s.end;
}
