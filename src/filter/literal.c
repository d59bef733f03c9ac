#include "filter/literal.h"

#include "filter/field.h"

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

static bool parse_digits(const char *s, size_t n, unsigned base, u128 *value)
{
	u128 v = 0, last = WIDE_MAX / base;

	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)digit_value(s[i]);

		if (d >= base || v > last || v * base > WIDE_MAX - d)
			return false;
		v = v * base + d;
	}
	*value = v;
	return true;
}

bool literal_parse_decimal(const char *s, size_t n, u128 *value)
{
	return n && parse_digits(s, n, 10, value);
}

/* Four decimal parts; WinDivert looks at each modulo 2^32 only. */
static bool parse_ipv4(const char *s, size_t n, uint32_t *address, const char **flaw)
{
	uint32_t a = 0;

	for (int part = 0; part < 4; part++) {
		const char *dot = part < 3 ? memchr(s, '.', n) : s + n;
		size_t length = dot ? (size_t)(dot - s) : 0;
		u128 v;

		if (!literal_parse_decimal(s, length, &v) || (uint32_t)v > 255)
			return false;
		if (v > 255)
			*flaw = "a part of an IPv4 address is above 255";
		a = a << 8 | (uint32_t)v;
		s += length + (part < 3);
		n -= length + (part < 3);
	}
	*address = a;
	return true;
}

/* Groups read so far, those before '::' and those behind it. */
struct groups {
	uint16_t left[8], right[8];
	unsigned left_count, right_count;
	bool has_gap, has_tail;
	uint32_t tail;
};

/* One to four hex digits, up to ':' or the end. */
static size_t read_group(const char *s, size_t n, struct groups *g)
{
	size_t length = 0;
	unsigned v = 0;

	while (length < n && length < 5 && digit_value(s[length]) < 16)
		v = v * 16 + (unsigned)digit_value(s[length++]);
	if (!length || length > 4 || (length < n && s[length] != ':'))
		return 0;
	if (g->has_gap)
		g->right[g->right_count++] = (uint16_t)v;
	else
		g->left[g->left_count++] = (uint16_t)v;
	return length;
}

static bool groups_value(const struct groups *g, u128 *value, const char **flaw)
{
	unsigned tail = g->has_tail ? 2 : 0;
	u128 v = 0;

	if (g->left_count + g->right_count + tail > 8)
		return false;
	for (unsigned i = 0; i < g->left_count; i++)
		v |= (u128)g->left[i] << (112 - 16 * i);
	for (unsigned i = 0; i < g->right_count; i++)
		v |= (u128)g->right[i] << 16 * (g->right_count - 1 - i + tail);
	if (g->has_tail) {
		v |= g->tail;
		if (v >> 32 && v >> 32 != 0xffff)
			return false;
		if (!g->has_gap)
			*flaw = "an IPv6 address with an IPv4 tail lacks groups";
	}
	*value = v;
	return true;
}

static bool parse_ipv6(const char *s, size_t n, u128 *value, const char **flaw)
{
	const char *ignored = NULL;
	struct groups g = { 0 };

	if (n >= 2 && s[0] == ':' && s[1] == ':') {
		g.has_gap = true;
		s += 2;
		n -= 2;
	}
	for (int round = 1; round <= 8 && (n || round == 1); round++) {
		size_t length;

		if (n && *s == ':') {
			if (g.has_gap)
				return false;
			g.has_gap = true;
			s++;
			n--;
		}
		if (!n)
			break;
		if (g.left_count < 6 && parse_ipv4(s, n, &g.tail, &ignored)) {
			g.has_tail = true;
			break;
		}
		length = read_group(s, n, &g);
		if (!length || (length == n && !g.has_gap && round < 8))
			return false;
		s += length;
		n -= length;
		if (n) { /* the ':' */
			s++;
			n--;
			if (round == 8)
				*flaw = "an IPv6 address goes on after its eighth group";
		}
	}
	if (ignored)
		*flaw = ignored;
	return (g.has_gap || g.left_count || g.has_tail) && groups_value(&g, value, flaw);
}

enum literal_form literal_parse(const char *s, size_t n, u128 *value, const char **flaw)
{
	uint32_t ipv4;

	*flaw = NULL;
	if (literal_parse_decimal(s, n, value))
		return LITERAL_NUMBER;
	if (n >= 2 && s[0] == '0' && s[1] == 'x' &&
	    parse_digits(s + 2, n - 2, 16, value)) {
		if (n == 2)
			*flaw = "'0x' has no digits";
		return LITERAL_NUMBER;
	}
	if (parse_ipv4(s, n, &ipv4, flaw)) {
		*value = view_mapped(ipv4);
		return LITERAL_IPV4;
	}
	*flaw = NULL;
	return memchr(s, ':', n) && parse_ipv6(s, n, value, flaw) ? LITERAL_IPV6
								  : LITERAL_NONE;
}

void literal_format_decimal(u128 v, char text[LITERAL_TEXT])
{
	char reversed[LITERAL_TEXT];
	size_t n = 0;

	do {
		reversed[n++] = (char)('0' + (unsigned)(v % 10));
		v /= 10;
	} while (v);
	for (size_t i = 0; i < n; i++)
		text[i] = reversed[n - 1 - i];
	text[n] = '\0';
}

void literal_format_hex(u128 v, char text[LITERAL_TEXT])
{
	unsigned long long high = wide_high(v), low = wide_low(v);

	if (high)
		(void)snprintf(text, LITERAL_TEXT, "0x%llx%016llx", high, low);
	else
		(void)snprintf(text, LITERAL_TEXT, "0x%llx", low);
}

void literal_format_ipv4(uint32_t v, char text[LITERAL_TEXT])
{
	(void)snprintf(text, LITERAL_TEXT, "%u.%u.%u.%u", v >> 24, v >> 16 & 255,
		       v >> 8 & 255, v & 255);
}

/* The longest run of zero groups becomes "::", even one of a single group. */
static unsigned longest_run(const uint16_t g[8], unsigned *start)
{
	unsigned best = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && !g[i + n])
			n++;
		if (n > best) {
			best = n;
			*start = i;
		}
	}
	return best;
}

void literal_format_ipv6(u128 v, char text[LITERAL_TEXT])
{
	unsigned start = 8, run;
	uint16_t g[8];
	size_t at = 0;

	if (v >> 32 == 0xffff) {
		literal_format_ipv4((uint32_t)v, text);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		g[i] = (uint16_t)(v >> (112 - 16 * i));
	run = longest_run(g, &start);
	for (unsigned i = 0; i < 8; i++) {
		int n;

		if (run && i == start) {
			n = snprintf(text + at, LITERAL_TEXT - at, i ? ":" : "::");
			i += run - 1;
		} else {
			n = snprintf(text + at, LITERAL_TEXT - at, "%x%s", g[i],
				     i < 7 ? ":" : "");
		}
		at += (size_t)n;
	}
}

struct place literal_place(const struct field *f, struct literal c, bool is_cut)
{
	struct place p = { .is_exact = true };

	if (is_cut && !f->is_full)
		c.value = (uint32_t)c.value;
	if (c.is_negative) {
		/* Below every value, but among the negative ones of a signed field. */
		p.is_exact = f->is_signed && c.value && c.value <= f->bias;
		if (f->is_signed && c.value <= f->bias)
			p.key = f->bias - c.value;
		return p;
	}
	p.key = f->is_signed ? f->bias : 0;
	p.is_above = c.value > field_last(f) - p.key;
	p.key += c.value;
	return p;
}

struct literal literal_of_key(const struct field *f, u128 key)
{
	u128 zero = f->is_signed ? f->bias : 0;

	if (key < zero)
		return (struct literal){ zero - key, true };
	return (struct literal){ key - zero, false };
}
