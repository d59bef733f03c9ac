/* UTF-16, as Windows has names and texts, to UTF-8 and back.
 *
 * Names may hold surrogates without a partner: they become three bytes each (WTF-8), so that every
 * name comes back as it was.  In the other direction bytes that are no such text fail.
 * Threads: no state.  Errors: WEIR_ERR_FORMAT for bad bytes, WEIR_ERR_LIMIT where room is short.
 * Facts: RFC 2781, RFC 3629; WTF-8 as in simonsapin.github.io/wtf-8. */
#ifndef WEIR_BASE_UTF16_H
#define WEIR_BASE_UTF16_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

/* Room that is always enough, without a NUL. */
#define UTF16_TEXT_ROOM(units) ((units)*3U)
#define UTF16_UNIT_ROOM(bytes) (bytes)

/* Units as they lie in memory, two bytes each, little endian, whatever their alignment.  Returns the
 * bytes written, without a NUL, or a negative code. */
int64_t utf16_to_text(const void *units, size_t count, char *text,
		      size_t room) MUST_CHECK;
/* Returns the units written, without a NUL, or a negative code. */
int64_t utf16_of_text(const char *text, size_t length, uint16_t *units,
		      size_t room) MUST_CHECK;

#endif
