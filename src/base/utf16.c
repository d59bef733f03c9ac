#include "base/utf16.h"

#include "base/bytes.h"
#include "weir/error.h"

#include <stdbool.h>

static bool is_high(uint32_t u)
{
	return (u & 0xfc00) == 0xd800;
}

static bool is_low(uint32_t u)
{
	return (u & 0xfc00) == 0xdc00;
}

static uint32_t unit_at(const uint8_t *p, size_t i)
{
	return (uint32_t)p[2 * i] | (uint32_t)p[2 * i + 1] << 8;
}

/* Writes one code point; returns its length. */
static unsigned put_point(uint32_t point, uint8_t out[4])
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (uint8_t)(0xc0 | point >> 6);
		out[1] = (uint8_t)(0x80 | (point & 63));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (uint8_t)(0xe0 | point >> 12);
		out[1] = (uint8_t)(0x80 | (point >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (point & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | point >> 18);
	out[1] = (uint8_t)(0x80 | (point >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (point >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (point & 63));
	return 4;
}

int64_t utf16_to_text(const void *units, size_t count, char *text, size_t room)
{
	const uint8_t *p = units;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t point = unit_at(p, i);
		uint8_t out[4];
		unsigned n;

		if (is_high(point) && i + 1 < count && is_low(unit_at(p, i + 1)))
			point = 0x10000 + ((point & 0x3ff) << 10) +
				(unit_at(p, ++i) & 0x3ff);
		n = put_point(point, out);
		if (room - used < n)
			return WEIR_ERR_LIMIT;
		memcpy(text + used, out, n);
		used += n;
	}
	return (int64_t)used;
}

/* One code point, surrogates included; 0 where the bytes are none. */
static unsigned get_point(const uint8_t *p, size_t left, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned n = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
				   : 4;

	if (!n || n > left || p[0] > 0xf4)
		return 0;
	*point = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (p[i] & 63U);
	}
	return *point < least[n] || *point > 0x10ffff ? 0 : n;
}

int64_t utf16_of_text(const char *text, size_t length, uint16_t *units, size_t room)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t used = 0;

	for (size_t i = 0; i < length;) {
		uint32_t point;
		unsigned n = get_point(p + i, length - i, &point);
		bool is_pair = n == 4;

		if (!n)
			return WEIR_ERR_FORMAT;
		if (room - used < 1U + is_pair)
			return WEIR_ERR_LIMIT;
		if (is_pair) {
			units[used++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
			point = 0xdc00 + (point & 0x3ff);
		}
		units[used++] = (uint16_t)point;
		i += n;
	}
	return (int64_t)used;
}
