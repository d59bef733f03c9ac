/* SHA-256 (FIPS 180-4), by OpenSSL's libcrypto.
 *
 * Calling sequence: hash_new(), any hash_update(), hash_finish() which also makes it ready for the
 * next message, hash_free().  One thread at a time.  A libcrypto failure (out of memory) shows as
 * NULL or a negative code, never as a wrong digest. */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 32
#define HASH_HEX   65 /* digits and NUL */

struct hash;

struct hash *hash_new(void) MUST_CHECK;
void hash_free(struct hash *h);
int hash_update(struct hash *h, const void *bytes, size_t length) MUST_CHECK;
/* Of the message so far; it goes on. */
int hash_so_far(struct hash *h, uint8_t digest[HASH_BYTES]) MUST_CHECK;
int hash_finish(struct hash *h, uint8_t digest[HASH_BYTES]) MUST_CHECK;
/* Starts over, forgetting what was hashed. */
int hash_reset(struct hash *h) MUST_CHECK;
int hash_once(const void *bytes, size_t length, uint8_t digest[HASH_BYTES]) MUST_CHECK;
void hash_hex(const uint8_t digest[HASH_BYTES], char hex[HASH_HEX]);

#endif
