/* Near misses: for a word that is no word of the language, the one that was probably meant. */
#include "base/compiler.h"
#include "filter/lex.h"

#include <ctype.h>

#define WORD_MAX 40

/* What people write who come from other tools; an edit distance would not find it. */
static const struct {
	const char *word, *meant;
} foreign[] = {
	{ "port", "(tcp.DstPort or udp.DstPort ...), localPort or remotePort" },
	{ "host", "localAddr or remoteAddr" },
	{ "src", "ip.SrcAddr" },
	{ "dst", "ip.DstAddr" },
	{ "ip.src", "ip.SrcAddr" },
	{ "ip.dst", "ip.DstAddr" },
	{ "ip.addr", "ip.SrcAddr, ip.DstAddr, localAddr or remoteAddr" },
	{ "ip.proto", "ip.Protocol" },
	{ "ip.ttl", "ip.TTL" },
	{ "ipv6.src", "ipv6.SrcAddr" },
	{ "ipv6.dst", "ipv6.DstAddr" },
	{ "ip6", "ipv6" },
	{ "icmp6", "icmpv6" },
	{ "tcp.port", "tcp.DstPort or tcp.SrcPort" },
	{ "udp.port", "udp.DstPort or udp.SrcPort" },
	{ "tcp.flags", "tcp.Syn, tcp.Ack, tcp.Fin, ..." },
	{ "tcp.len", "tcp.PayloadLength" },
	{ "pid", "processId" },
	{ "interface", "iface or ifIdx" },
	{ "proto", "protocol" },
	{ "any", "true" },
	{ "all", "true" },
};

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements; a difference of case alone costs nothing. */
static bool is_same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned distance(const char *a, size_t n, const char *b)
{
	unsigned row[WORD_MAX + 1];
	size_t m = strlen(b);

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (unsigned j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			bool is_same = is_same_letter(a[i - 1], b[j - 1]);
			unsigned cost =
				min3(row[j] + 1, row[j - 1] + 1, diagonal + !is_same);

			diagonal = row[j];
			row[j] = cost;
		}
	}
	return row[m];
}

struct best {
	const char *name;
	unsigned distance;
};

static void consider(struct best *best, const char *word, size_t length, const char *name)
{
	unsigned d = distance(word, length, name);

	if (d < best->distance) {
		best->distance = d;
		best->name = name;
	}
}

/* "dstport" for "tcp.DstPort". */
static bool is_tail_of(const char *word, size_t length, const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && strlen(dot + 1) == length && !distance(word, length, dot + 1);
}

void suggest(const char *word, size_t length, enum filter_layer layer, char *hint,
	     size_t size)
{
	static const char *const keywords[] = { "and", "or", "not", "in" };
	struct best best = { NULL, (unsigned)length / 3 + 1 };

	hint[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (strlen(foreign[i].word) == length &&
		    !distance(word, length, foreign[i].word)) {
			(void)snprintf(hint, size, "did you mean %s?", foreign[i].meant);
			return;
		}
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		consider(&best, word, length, keywords[i]);
	for (size_t i = 0; i < field_count(); i++) {
		if (!field_is_at(&field_table[i], layer))
			continue;
		consider(&best, word, length, field_table[i].name);
		if (is_tail_of(word, length, field_table[i].name))
			consider(&best, field_table[i].name, strlen(field_table[i].name),
				 field_table[i].name);
	}
	for (size_t i = 0; macro_at(i); i++)
		consider(&best, word, length, macro_at(i));
	if (best.name)
		(void)snprintf(hint, size, "did you mean '%s'?", best.name);
}
