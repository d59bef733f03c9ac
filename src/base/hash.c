#include "base/hash.h"

#include "base/mem.h"
#include "weir/error.h"

#include <openssl/evp.h>
#include <stdbool.h>

struct hash {
	EVP_MD *md; /* fetched once: a fetch for each message costs more than a small message */
	EVP_MD_CTX *ctx;
};

struct hash *hash_new(void)
{
	struct hash *h = mem_new(1, sizeof *h);

	if (!h)
		return NULL;
	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	if (!h->md || !h->ctx || hash_reset(h)) {
		hash_free(h);
		return NULL;
	}
	return h;
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	mem_free(h);
}

int hash_reset(struct hash *h)
{
	return EVP_DigestInit_ex(h->ctx, h->md, NULL) == 1 ? 0 : WEIR_ERR_NO_MEMORY;
}

int hash_update(struct hash *h, const void *bytes, size_t length)
{
	return EVP_DigestUpdate(h->ctx, bytes, length) == 1 ? 0 : WEIR_ERR_NO_MEMORY;
}

int hash_so_far(struct hash *h, uint8_t digest[HASH_BYTES])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	unsigned n = 0;
	bool is_good = copy && EVP_MD_CTX_copy_ex(copy, h->ctx) == 1 &&
		       EVP_DigestFinal_ex(copy, digest, &n) == 1 && n == HASH_BYTES;

	EVP_MD_CTX_free(copy);
	return is_good ? 0 : WEIR_ERR_NO_MEMORY;
}

int hash_finish(struct hash *h, uint8_t digest[HASH_BYTES])
{
	unsigned n = 0;

	if (EVP_DigestFinal_ex(h->ctx, digest, &n) != 1 || n != HASH_BYTES)
		return WEIR_ERR_NO_MEMORY;
	return hash_reset(h);
}

int hash_once(const void *bytes, size_t length, uint8_t digest[HASH_BYTES])
{
	unsigned n = 0;

	if (EVP_Digest(bytes, length, digest, &n, EVP_sha256(), NULL) != 1 ||
	    n != HASH_BYTES)
		return WEIR_ERR_NO_MEMORY;
	return 0;
}

void hash_hex(const uint8_t digest[HASH_BYTES], char hex[HASH_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < HASH_BYTES; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * HASH_BYTES] = '\0';
}
