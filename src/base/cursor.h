/* A bounded read position over bytes from outside (a file, the network, a controller).
 *
 * Calling sequence: cur_init(), then any reads; a read past the end returns 0 (or NULL), moves
 * nothing and sets `is_bad`, which stays set.  So a parser reads a whole structure and asks once:
 *
 *	struct cursor c;
 *	cur_init(&c, bytes, length);
 *	type = cur_u32le(&c);
 *	body = cur_bytes(&c, cur_u32le(&c));
 *	if (c.is_bad)
 *		return err_set(...);
 *
 * The cursor borrows the bytes.  No allocation, no failure but is_bad. */
#ifndef WEIR_BASE_CURSOR_H
#define WEIR_BASE_CURSOR_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

struct cursor {
	const uint8_t *at, *end;
	bool is_bad;
};

static inline void cur_init(struct cursor *c, const void *bytes, size_t length)
{
	c->at = bytes;
	c->end = c->at + length;
	c->is_bad = false;
}

static inline size_t cur_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* Lends the next n bytes and passes them. */
static inline const uint8_t *cur_bytes(struct cursor *c, size_t n)
{
	const uint8_t *p = c->at;

	if (cur_left(c) < n) {
		c->is_bad = true;
		return NULL;
	}
	c->at += n;
	return p;
}

static inline void cur_skip(struct cursor *c, size_t n)
{
	(void)cur_bytes(c, n);
}

#define CUR_READ(name, type, size, get)    \
 static inline type name(struct cursor *c) \
 {                                         \
  const uint8_t *p = cur_bytes(c, size);   \
  return p ? get(p) : 0;                   \
 }
#define CUR_GET_U8(p) (*(p))
CUR_READ(cur_u8, uint8_t, 1, CUR_GET_U8)
CUR_READ(cur_u16le, uint16_t, 2, get_u16le)
CUR_READ(cur_u32le, uint32_t, 4, get_u32le)
CUR_READ(cur_u64le, uint64_t, 8, get_u64le)
CUR_READ(cur_u16be, uint16_t, 2, get_u16be)
CUR_READ(cur_u32be, uint32_t, 4, get_u32be)
CUR_READ(cur_u64be, uint64_t, 8, get_u64be)
#undef CUR_GET_U8
#undef CUR_READ

/* For formats whose byte order stands in their header. */
static inline uint16_t cur_u16(struct cursor *c, bool is_big)
{
	return is_big ? cur_u16be(c) : cur_u16le(c);
}

static inline uint32_t cur_u32(struct cursor *c, bool is_big)
{
	return is_big ? cur_u32be(c) : cur_u32le(c);
}

static inline uint64_t cur_u64(struct cursor *c, bool is_big)
{
	return is_big ? cur_u64be(c) : cur_u64le(c);
}

#endif
