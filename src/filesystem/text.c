#include "filesystem/text.h"

const char text_pairs[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

static const char hex_digits[] = "0123456789abcdef";

char *text_u64(char *p, uint64_t v)
{
	char digits[20], *d = digits + sizeof digits;

	while (v >= 100) {
		d -= 2;
		memcpy(d, text_pairs + 2 * (v % 100), 2);
		v /= 100;
	}
	if (v >= 10) {
		d -= 2;
		memcpy(d, text_pairs + 2 * v, 2);
	} else {
		*--d = (char)('0' + v);
	}
	return text_bytes(p, d, (size_t)(digits + sizeof digits - d));
}

char *text_i64(char *p, int64_t v)
{
	if (v < 0) {
		*p++ = '-';
		return text_u64(p, 0 - (uint64_t)v);
	}
	return text_u64(p, (uint64_t)v);
}

char *text_octal(char *p, uint32_t v)
{
	unsigned shift = 9;

	while (shift < 30 && v >> (shift + 3))
		shift += 3;
	for (;; shift -= 3) {
		*p++ = (char)('0' + (v >> shift & 7));
		if (!shift)
			return p;
	}
}

unsigned text_utf8(const uint8_t *s, size_t n, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned length = s[0] < 0x80   ? 1
			  : s[0] < 0xc2 ? 0
			  : s[0] < 0xe0 ? 2
			  : s[0] < 0xf0 ? 3
			  : s[0] < 0xf5 ? 4
					: 0;

	if (!length || length > n)
		return 0;
	*point = length == 1 ? s[0] : s[0] & (0x7fU >> length);
	for (unsigned i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3fU);
	}
	if (*point < least[length] || *point > 0x10ffff ||
	    (*point >= 0xd800 && *point < 0xe000))
		return 0;
	return length;
}

/* Eight bytes at once: true when one of them needs a closer look: below 0x20, 0x7f and above, the
 * quote, the backslash. */
static bool is_odd_word(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\'),
		 del = w ^ (ones * 0x7f);

	return ((w | (w - ones * 0x20) | ((quote - ones) & ~quote) |
		 ((slash - ones) & ~slash) | ((del - ones) & ~del)) &
		high) != 0;
}

/* Printable ASCII. */
static bool is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

bool text_is_clean(const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text, *end = s + n;
	uint32_t point;
	uint64_t w;

	while (s < end) {
		unsigned length;

		if (end - s >= 8) {
			memcpy(&w, s, 8);
			if (!(w & 0x8080808080808080)) {
				s += 8;
				continue;
			}
		}
		if (*s < 0x80) {
			s++;
			continue;
		}
		length = text_utf8(s, (size_t)(end - s), &point);
		if (!length)
			return false;
		s += length;
	}
	return true;
}

static char *json_escape(char *p, uint8_t c)
{
	static const char letters[] = "btn?fr"; /* 0x08 to 0x0d */

	*p++ = '\\';
	if (c == '"' || c == '\\') {
		*p++ = (char)c;
	} else if (c >= 8 && c <= 13 && c != 11) {
		*p++ = letters[c - 8];
	} else {
		p = text_bytes(p, "u00", 3);
		*p++ = hex_digits[c >> 4];
		*p++ = hex_digits[c & 15];
	}
	return p;
}

char *text_json(char *p, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text, *end = s + n;
	uint32_t point;
	uint64_t w;

	while (s < end) {
		unsigned length;

		if (end - s >= 8) {
			memcpy(&w, s, 8);
			if (!is_odd_word(w)) {
				memcpy(p, &w, 8);
				p += 8;
				s += 8;
				continue;
			}
		}
		if (is_plain(*s) && *s != '"' && *s != '\\') {
			*p++ = (char)*s++;
			continue;
		}
		length = text_utf8(s, (size_t)(end - s), &point);
		if (!length) {
			p = text_bytes(p, "\xef\xbf\xbd", 3);
			s++;
		} else if (*s < 0x20 || *s == '"' || *s == '\\' || *s == 0x7f) {
			p = json_escape(p, *s++);
		} else {
			p = text_bytes(p, s, length);
			s += length;
		}
	}
	return p;
}

char *text_base64(char *p, const void *bytes, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *s = bytes;

	for (; n >= 3; n -= 3, s += 3) {
		uint32_t v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*p++ = digits[v >> shift & 63];
	}
	if (n) {
		uint32_t v = (uint32_t)s[0] << 16 | (n == 2 ? (uint32_t)s[1] << 8 : 0);

		*p++ = digits[v >> 18 & 63];
		*p++ = digits[v >> 12 & 63];
		*p++ = n == 2 ? digits[v >> 6 & 63] : '=';
		*p++ = '=';
	}
	return p;
}

char *text_hex(char *p, const void *bytes, size_t n)
{
	const uint8_t *s = bytes;

	for (size_t i = 0; i < n; i++) {
		*p++ = hex_digits[s[i] >> 4];
		*p++ = hex_digits[s[i] & 15];
	}
	return p;
}

char *text_mode(char *p, uint32_t mode)
{
	static const char types[] = "?pc?d?b?-?l?s???", bits[] = "rwxrwxrwx";
	char *start = p;

	*p++ = types[mode >> 12 & 15];
	for (unsigned i = 0; i < 9; i++)
		*p++ = mode >> (8 - i) & 1 ? bits[i] : '-';
	if (mode & 04000)
		start[3] = mode & 0100 ? 's' : 'S';
	if (mode & 02000)
		start[6] = mode & 0010 ? 's' : 'S';
	if (mode & 01000)
		start[9] = mode & 0001 ? 't' : 'T';
	return p;
}

bool text_is_deceptive(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0x061c || c == 0xfeff;
}

char *text_terminal(char *p, const char *text, size_t n)
{
	const uint8_t *s = (const uint8_t *)text, *end = s + n;
	uint32_t point;
	uint64_t w;

	while (s < end) {
		unsigned length;

		if (end - s >= 8) {
			memcpy(&w, s, 8);
			if (!is_odd_word(w)) {
				memcpy(p, &w, 8);
				p += 8;
				s += 8;
				continue;
			}
		}
		if (is_plain(*s)) {
			*p++ = (char)*s++;
			continue;
		}
		length = text_utf8(s, (size_t)(end - s), &point);

		if (!length || *s < 0x20 || *s == 0x7f) {
			p = text_hex(text_bytes(p, "\\x", 2), s++, 1);
		} else if (text_is_deceptive(point)) {
			uint8_t two[2] = { (uint8_t)(point >> 8), (uint8_t)point };

			p = text_hex(text_bytes(p, "\\u{", 3), two, 2);
			*p++ = '}';
			s += length;
		} else {
			p = text_bytes(p, s, length);
			s += length;
		}
	}
	return p;
}
