#include "analyze/line.h"

#include "base/time.h"
#include "filesystem/text.h"

static const char hex_digits[] = "0123456789abcdef";

void line_bytes(struct line *l, const char *bytes, size_t length)
{
	size_t room = (size_t)(l->end - l->at);

	if (length > room) {
		length = room;
		l->is_cut = true;
	}
	memcpy(l->at, bytes, length);
	l->at += length;
}

void line_text(struct line *l, const char *text)
{
	line_bytes(l, text, strlen(text));
}

void line_unsigned(struct line *l, uint64_t v)
{
	char digits[20];
	size_t n = sizeof digits;

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	line_bytes(l, digits + n, sizeof digits - n);
}

void line_signed(struct line *l, int64_t v)
{
	if (v < 0)
		line_char(l, '-');
	line_unsigned(l, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

/* Length of the UTF-8 character at p, 0 where there is none (RFC 3629, section 4: no overlong
 * forms, no surrogates, nothing above U+10FFFF). */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	size_t n = p[0] < 0x80   ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
				 : 4;

	if (p[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* C0, DEL, and C1 in its two-byte form. */
static bool is_control(const uint8_t *p, size_t n)
{
	return p[0] < 0x20 || p[0] == 0x7f || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

static void put_escaped(struct line *l, const uint8_t *p, size_t n, const char *prefix)
{
	for (size_t i = 0; i < n; i++) {
		line_text(l, prefix);
		line_char(l, hex_digits[p[i] >> 4]);
		line_char(l, hex_digits[p[i] & 15]);
	}
}

/* Which byte is given a backslash in front, besides those that are escaped. */
typedef void (*put_plain)(struct line *l, const uint8_t *p, size_t n);

static void put_characters(struct line *l, const char *bytes, size_t length,
			   const char *control_prefix, const char *bad_prefix,
			   put_plain plain)
{
	const uint8_t *p = (const uint8_t *)bytes;

	while (length) {
		size_t n = utf8_length(p, length), passed = n ? n : 1;

		if (!n)
			put_escaped(l, p, 1, bad_prefix);
		else if (is_control(p, n))
			put_escaped(l, p, n, n == 1 ? control_prefix : bad_prefix);
		else
			plain(l, p, n);
		p += passed;
		length -= passed;
	}
}

static void plain_shown(struct line *l, const uint8_t *p, size_t n)
{
	uint32_t point;

	if (n > 1 && text_utf8(p, n, &point) && text_is_deceptive(point)) {
		put_escaped(l, p, n, "\\x");
		return;
	}
	if (*p == '\\')
		line_char(l, '\\');
	line_bytes(l, (const char *)p, n);
}

void line_printable(struct line *l, const char *bytes, size_t length)
{
	put_characters(l, bytes, length, "\\x", "\\x", plain_shown);
}

void line_utf8(struct line *l, const char *bytes, size_t length)
{
	const uint8_t *p = (const uint8_t *)bytes;

	while (length) {
		size_t n = utf8_length(p, length), passed = n ? n : 1;

		if (n)
			line_bytes(l, (const char *)p, n);
		else
			put_escaped(l, p, 1, "\\x");
		p += passed;
		length -= passed;
	}
}

static void plain_json(struct line *l, const uint8_t *p, size_t n)
{
	if (*p == '\\' || *p == '"')
		line_char(l, '\\');
	line_bytes(l, (const char *)p, n);
}

void line_json(struct line *l, const char *bytes, size_t length)
{
	line_char(l, '"');
	put_characters(l, bytes, length, "\\u00", "\\\\x", plain_json);
	line_char(l, '"');
}

static void plain_csv(struct line *l, const uint8_t *p, size_t n)
{
	if (*p == '"')
		line_char(l, '"');
	line_bytes(l, (const char *)p, n);
}

void line_csv(struct line *l, const char *bytes, size_t length)
{
	bool is_quoted = false;

	for (size_t i = 0; i < length; i++)
		is_quoted |= bytes[i] == ',' || bytes[i] == '"';
	if (is_quoted)
		line_char(l, '"');
	put_characters(l, bytes, length, "\\x", "\\x", plain_csv);
	if (is_quoted)
		line_char(l, '"');
}

static void put_fraction(struct line *l, uint32_t ns)
{
	char digits[11] = ".000000000";

	for (unsigned i = 9; i; i--) {
		digits[i] = (char)('0' + ns % 10);
		ns /= 10;
	}
	line_bytes(l, digits, 10);
	line_char(l, 'Z');
}

void line_time(struct line *l, struct line_clock *clock, int64_t ns)
{
	int64_t second = ns / NS_PER_S, rest = ns % NS_PER_S;

	if (rest < 0) {
		rest += NS_PER_S;
		second--;
	}
	if (!clock->length || clock->second != second) {
		char text[TIME_TEXT];

		time_format(ns, text);
		clock->length = (unsigned)(strlen(text) - strlen(".123456789Z"));
		clock->second = second;
		memcpy(clock->text, text, clock->length);
	}
	line_bytes(l, clock->text, clock->length);
	put_fraction(l, (uint32_t)rest);
}
