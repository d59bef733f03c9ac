/* The hash behind random8, random16 and random32: WinDivert's, so that a sample of the traffic
 * taken by a filter is the same sample there and here.  It mixes the first words of the headers
 * and the timestamp in the manner of xxHash64. */
#include "filter/view.h"

#include "base/bytes.h"

#define P1 UINT64_C(11400714785074694791)
#define P2 UINT64_C(14029467366897019727)
#define P3 UINT64_C(1609587929392839161)
#define P4 UINT64_C(9650029242287828579)

static const uint64_t salt[9] = {
	UINT64_C(0x428A2F9871374491), UINT64_C(0xB5C0FBCFE9B5DBA5),
	UINT64_C(0x3956C25B59F111F1), UINT64_C(0x923F82A4AB1C5ED5),
	UINT64_C(0xD807AA9812835B01), UINT64_C(0x243185BE550C7DC3),
	UINT64_C(0x72BE5D7480DEB1FE), UINT64_C(0x9BDC06A7C19BF174),
	UINT64_C(0xE49B69C1EFBE4786),
};

struct mix {
	uint64_t lane[4];
	uint64_t word[5];
	unsigned count;
};

static uint64_t rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static uint64_t mix_round(uint64_t a, uint64_t x)
{
	return rotate(a + x * P2, 31) * P1;
}

static void append(struct mix *m, uint64_t word)
{
	m->word[m->count] = word ^ salt[4 + m->count];
	m->count++;
}

static void take_addresses(struct mix *m, const struct view *v)
{
	const uint8_t *p = v->packet;

	m->lane[1] = get_u64le(p) ^ salt[1];
	m->lane[2] = get_u64le(p + 8) ^ salt[2];
	if (view_header(v, HEADER_IP)) {
		m->lane[3] = get_u32le(p + 16) ^ salt[3];
		return;
	}
	m->lane[3] = get_u64le(p + 16) ^ salt[3];
	append(m, get_u64le(p + 24));
	append(m, get_u64le(p + 32));
}

static void take_transport(struct mix *m, const struct view *v)
{
	const uint8_t *p = view_header(v, HEADER_TCP);

	if (p) {
		append(m, get_u64le(p));
		append(m, get_u64le(p + 8));
		if (m->count <= 3)
			append(m, get_u32le(p + 16));
		else
			m->lane[1] ^= (uint64_t)get_u32le(p + 16) << 32;
		return;
	}
	if (v->present >> HEADER_ICMP)
		append(m, get_u64le(v->packet + v->transport));
}

static uint64_t finish(const struct mix *m)
{
	uint64_t h = rotate(m->lane[0], 1) + rotate(m->lane[1], 7) +
		     rotate(m->lane[2], 12) + rotate(m->lane[3], 18);

	for (unsigned i = 0; i < 4; i++)
		h = (h ^ mix_round(0, m->lane[i])) * P1 + P4;
	h += 32;
	h ^= h >> 33;
	h *= P2;
	h ^= h >> 29;
	h *= P3;
	return h ^ h >> 32;
}

uint64_t view_hash(const struct view *v, int64_t seed)
{
	struct mix m = { .lane = { (uint64_t)seed ^ salt[0] } };

	take_addresses(&m, v);
	take_transport(&m, v);
	while (m.count < 4)
		append(&m, (uint64_t)seed);
	for (unsigned i = 0; i < 4; i++)
		m.lane[i] = mix_round(m.word[i], m.lane[i]);
	return finish(&m);
}
