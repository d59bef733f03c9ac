/* The key of an agent or a controller, with the certificate that carries it through TLS.
 *
 * A certificate here is a wrapping: self-signed, without end, and nothing in it is believed but its
 * public key.  Who somebody is, is the PIN: SHA-256 of the certificate's SubjectPublicKeyInfo (RFC
 * 7469), which curl takes as --pinnedpubkey.  Keys are Ed25519 (RFC 8032); a P-256 key that somebody
 * made otherwise is taken too, and no other kind.
 *
 * Calling sequence: keypair_make() once; keypair_load(); keypair_free().  Threads: any, one at a time.
 * Errors: WEIR_ERR_ABSENT where there is no key yet. */
#ifndef WEIR_AGENT_KEYPAIR_H
#define WEIR_AGENT_KEYPAIR_H

#include "base/hash.h"
#include "weir/error.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct pin {
	uint8_t bytes[HASH_BYTES];
};

#define PIN_HEX    HASH_HEX
#define PIN_BASE64 60 /* "sha256//" is not in it */

struct keypair {
	EVP_PKEY *key;
	X509 *certificate;
	struct pin pin;
};

/* Writes BASE.key and BASE.crt (PEM, mode 0600) with `name` as subject; WEIR_ERR_EXISTS where there is
 * one. */
int keypair_make(int dir_fd, const char *base, const char *name,
		 struct weir_error *err) MUST_CHECK;
int keypair_load(int dir_fd, const char *base, struct keypair *k,
		 struct weir_error *err) MUST_CHECK;
void keypair_fini(struct keypair *k);

/* False where the key is of a kind that is not taken, or libcrypto fails. */
bool pin_of_certificate(const X509 *certificate, struct pin *pin) MUST_CHECK;
bool pin_is_equal(const struct pin *a, const struct pin *b);
void pin_hex(const struct pin *pin, char hex[PIN_HEX]);
bool pin_from_hex(const char *hex, struct pin *pin) MUST_CHECK;
/* As curl's --pinnedpubkey has it behind "sha256//". */
void pin_base64(const struct pin *pin, char text[PIN_BASE64]);

#endif
