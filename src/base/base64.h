/* RFC 4648 base64, strictly: the standard alphabet, padding where it belongs, no blanks.  Pure. */
#ifndef WEIR_BASE_BASE64_H
#define WEIR_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#define BASE64_ROOM(n) (((n) + 2) / 3 * 4) /* of text for n bytes */

/* Returns the length of what it wrote (no NUL). */
size_t base64_encode(char *text, const void *bytes, size_t length);
/* bytes has room for length / 4 * 3; false where the text is none. */
bool base64_decode(const char *text, size_t length, void *bytes, size_t *decoded);

#endif
