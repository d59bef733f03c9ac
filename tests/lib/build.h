/* Files made by hand, byte by byte, in either byte order: for tests of what reads them.
 *
 *	struct build b = { .is_big = true };
 *	put32(&b, 0xa1b2c3d4);
 *	ng_begin(&b, 6); put32(&b, 0); ...; ng_end(&b);
 *
 * Fixed room; a test that needs more fails loudly. */
#ifndef TESTS_BUILD_H
#define TESTS_BUILD_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BUILD_ROOM 131072

struct build {
	uint8_t bytes[BUILD_ROOM];
	size_t length;
	bool is_big;
	size_t block; /* where the pcapng block begun last begins */
};

static inline void put8(struct build *b, uint8_t v)
{
	assert(b->length < BUILD_ROOM);
	b->bytes[b->length++] = v;
}

static inline void put_n(struct build *b, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put8(b, (uint8_t)(v >> 8 * (b->is_big ? n - 1 - i : i)));
}

static inline void put16(struct build *b, uint16_t v)
{
	put_n(b, v, 2);
}

static inline void put32(struct build *b, uint32_t v)
{
	put_n(b, v, 4);
}

static inline void put64(struct build *b, uint64_t v)
{
	put_n(b, v, 8);
}

static inline void put_bytes(struct build *b, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put8(b, ((const uint8_t *)bytes)[i]);
}

static inline void put_pad(struct build *b)
{
	while (b->length % 4)
		put8(b, 0);
}

/* Changes what is there. */
static inline void poke32(struct build *b, size_t at, uint32_t v)
{
	size_t length = b->length;

	b->length = at;
	put32(b, v);
	b->length = length;
}

/* pcap. */
static inline void pcap_header(struct build *b, uint32_t magic, uint32_t snaplen,
			       uint32_t network)
{
	put32(b, magic);
	put16(b, 2);
	put16(b, 4);
	put64(b, 0);
	put32(b, snaplen);
	put32(b, network);
}

static inline void pcap_record(struct build *b, uint32_t s, uint32_t fraction,
			       uint32_t caplen, uint32_t len)
{
	put32(b, s);
	put32(b, fraction);
	put32(b, caplen);
	put32(b, len);
	for (uint32_t i = 0; i < caplen; i++)
		put8(b, (uint8_t)i);
}

/* pcapng: a block's length is filled in by ng_end(). */
static inline void ng_begin(struct build *b, uint32_t type)
{
	b->block = b->length;
	put32(b, type);
	put32(b, 0);
}

static inline void ng_end(struct build *b)
{
	put_pad(b);
	poke32(b, b->block + 4, (uint32_t)(b->length + 4 - b->block));
	put32(b, (uint32_t)(b->length + 4 - b->block));
}

static inline void ng_option(struct build *b, uint16_t code, const void *value,
			     uint16_t length)
{
	put16(b, code);
	put16(b, length);
	put_bytes(b, value, length);
	put_pad(b);
}

static inline void ng_option_n(struct build *b, uint16_t code, uint64_t value,
			       unsigned bytes)
{
	put16(b, code);
	put16(b, (uint16_t)bytes);
	put_n(b, value, bytes);
	put_pad(b);
}

static inline void ng_section(struct build *b)
{
	ng_begin(b, 0x0a0d0d0a);
	put32(b, 0x1a2b3c4d);
	put16(b, 1);
	put16(b, 0);
	put64(b, UINT64_MAX);
	ng_end(b);
}

/* An interface whose options the caller puts between these two. */
static inline void ng_iface_begin(struct build *b, uint16_t linktype, uint32_t snaplen)
{
	ng_begin(b, 1);
	put16(b, linktype);
	put16(b, 0);
	put32(b, snaplen);
}

static inline void ng_iface(struct build *b, uint16_t linktype, uint32_t snaplen,
			    uint8_t tsresol)
{
	ng_iface_begin(b, linktype, snaplen);
	ng_option(b, 9, &tsresol, 1);
	ng_option(b, 0, NULL, 0);
	ng_end(b);
}

/* A packet whose options the caller puts between this and ng_end(). */
static inline void ng_packet_begin(struct build *b, uint32_t iface, uint64_t ticks,
				   uint32_t caplen, uint32_t len)
{
	ng_begin(b, 6);
	put32(b, iface);
	put32(b, (uint32_t)(ticks >> 32));
	put32(b, (uint32_t)ticks);
	put32(b, caplen);
	put32(b, len);
	for (uint32_t i = 0; i < caplen; i++)
		put8(b, (uint8_t)i);
	put_pad(b);
}

static inline void ng_packet(struct build *b, uint32_t iface, uint64_t ticks,
			     uint32_t caplen)
{
	ng_packet_begin(b, iface, ticks, caplen, caplen);
	ng_end(b);
}

#endif
