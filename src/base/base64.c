#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *text, const void *bytes, size_t length)
{
	const uint8_t *p = bytes;
	char *to = text;

	for (; length >= 3; length -= 3, p += 3) {
		*to++ = digits[p[0] >> 2];
		*to++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
		*to++ = digits[(p[1] & 15) << 2 | p[2] >> 6];
		*to++ = digits[p[2] & 63];
	}
	if (length) {
		unsigned second = length == 2 ? p[1] : 0;

		*to++ = digits[p[0] >> 2];
		*to++ = digits[(p[0] & 3u) << 4 | second >> 4];
		*to++ = length == 2 ? digits[(second & 15) << 2] : '=';
		*to++ = '=';
	}
	return (size_t)(to - text);
}

static int digit_value(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Four digits, of which the last `padding` are '='. */
static bool decode_group(const char *p, unsigned padding, uint8_t **to)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 4; i++) {
		int v = i < 4 - padding ? digit_value(p[i]) : p[i] == '=' ? 0 : -1;

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
	}
	/* Bits that would be lost must be none. */
	if (padding && bits & ((1U << (8 * padding)) - 1))
		return false;
	*(*to)++ = (uint8_t)(bits >> 16);
	if (padding < 2)
		*(*to)++ = (uint8_t)(bits >> 8);
	if (!padding)
		*(*to)++ = (uint8_t)bits;
	return true;
}

bool base64_decode(const char *text, size_t length, void *bytes, size_t *decoded)
{
	uint8_t *to = bytes;

	*decoded = 0;
	if (length % 4)
		return false;
	for (size_t at = 0; at < length; at += 4) {
		unsigned padding = 0;

		if (at + 4 == length && text[at + 3] == '=')
			padding = text[at + 2] == '=' ? 2 : 1;
		if (!decode_group(text + at, padding, &to))
			return false;
	}
	*decoded = (size_t)(to - (uint8_t *)bytes);
	return true;
}
