/* Writing text fast: each function writes at p, where the caller has made room, without NUL, and
 * returns the byte behind.  The bound of each is told with it.
 *
 * Names are bytes.  text_is_clean() tells whether bytes are valid UTF-8 (RFC 3629: no surrogates, no
 * overlong forms, nothing beyond U+10FFFF). */
#ifndef WEIR_FILESYSTEM_TEXT_H
#define WEIR_FILESYSTEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern const char text_pairs[201]; /* "00" to "99" */

static inline char *text_bytes(char *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

/* A string literal. */
#define TEXT_LIT(p, literal) text_bytes((p), (literal), sizeof(literal) - 1)

static inline char *text_2(char *p, unsigned v)
{
	return text_bytes(p, text_pairs + 2 * (v % 100), 2);
}

/* Nine digits. */
static inline char *text_9(char *p, uint32_t v)
{
	uint32_t high = v / 100000, low = v % 100000; /* 4 and 5 digits */

	p = text_2(p, high / 100);
	p = text_2(p, high % 100);
	*p++ = (char)('0' + low / 10000);
	low %= 10000;
	p = text_2(p, low / 100);
	return text_2(p, low % 100);
}

/* At most 20 bytes. */
char *text_u64(char *p, uint64_t v);
char *text_i64(char *p, int64_t v);
/* "0644": at least four digits; at most 11 bytes. */
char *text_octal(char *p, uint32_t v);

/* The length of the valid UTF-8 sequence at s, 0 where there is none. */
unsigned text_utf8(const uint8_t *s, size_t n, uint32_t *point);
bool text_is_clean(const char *s, size_t n);

/* Inside a JSON string: at most 6n bytes.  Invalid bytes become U+FFFD. */
char *text_json(char *p, const char *s, size_t n);
/* RFC 4648 with padding: at most TEXT_BASE64(n) bytes. */
#define TEXT_BASE64(n) (((n) + 2) / 3 * 4)
char *text_base64(char *p, const void *bytes, size_t n);
/* Two digits a byte. */
char *text_hex(char *p, const void *bytes, size_t n);
/* "-rwsr-xr-x": ten bytes. */
char *text_mode(char *p, uint32_t mode);
/* Characters that reorder what a person reads, or that nobody sees. */
bool text_is_deceptive(uint32_t point);
/* For a person's terminal: control characters, what turns the direction of writing, and invalid
 * bytes as \xNN or \u{...}: at most 10n bytes. */
char *text_terminal(char *p, const char *s, size_t n);

#endif
