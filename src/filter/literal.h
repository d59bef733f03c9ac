/* The constants of the language: numbers, addresses, and how a constant stands to a field's values.
 *
 * Every constant is a sign and a 128-bit magnitude; an IPv4 address is ::ffff:a.b.c.d.  Minus zero
 * is a constant of its own, between -1 and 0.  Pure; no allocation. */
#ifndef WEIR_FILTER_LITERAL_H
#define WEIR_FILTER_LITERAL_H

#include "filter/wide.h"

#include <stdbool.h>
#include <stddef.h>

struct field;

struct literal {
	u128 value;
	bool is_negative;
};

/* Which form a word had. */
enum literal_form {
	LITERAL_NONE, /* it is none */
	LITERAL_NUMBER,
	LITERAL_IPV4,
	LITERAL_IPV6,
};

/* Reads a word of digits, hex digits, '.' and ':'.  *flaw is set (else NULL) where WinDivert reads
 * the word as something that it does not say; it tells what is wrong with the word. */
enum literal_form literal_parse(const char *word, size_t length, u128 *value,
				const char **flaw);
/* Decimal digits only, below 2^128. */
bool literal_parse_decimal(const char *word, size_t length, u128 *value);

#define LITERAL_TEXT 48

/* Decimal, 0x hex, dotted quad, IPv6 (a mapped address as dotted quad); NUL-terminated. */
void literal_format_decimal(u128 value, char text[LITERAL_TEXT]);
void literal_format_hex(u128 value, char text[LITERAL_TEXT]);
void literal_format_ipv4(uint32_t value, char text[LITERAL_TEXT]);
void literal_format_ipv6(u128 value, char text[LITERAL_TEXT]);

/* Where a constant stands among a field's keys (field.h): at `key`, or just before it. */
struct place {
	u128 key;
	bool is_exact;
	bool is_above; /* above every key; the others do not count then */
};

/* WinDivert compares many fields with the low 32 bits of a constant only: is_cut asks for that. */
struct place literal_place(const struct field *f, struct literal c, bool is_cut);
/* The constant that stands at this key. */
struct literal literal_of_key(const struct field *f, u128 key);

#endif
