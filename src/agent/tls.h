/* TLS 1.3 with a certificate on both sides, and no other way in.
 *
 * Certificates are not believed (agent/keypair.h): no chain, no name, no date is looked at, only whether
 * the peer holds the key, which TLS proves, and whose key it is, which the caller is asked for each
 * handshake.  No session is resumed: a key that was revoked would come back by a ticket.
 *
 * Threads: any, one at a time. */
#ifndef WEIR_AGENT_TLS_H
#define WEIR_AGENT_TLS_H

#include "agent/keypair.h"

#include <openssl/ssl.h>

/* Whether the peer with this certificate may go on; `data` is the pointer that tls_attach() gave.  pin
 * is NULL where the certificate has a key that is not taken. */
typedef bool (*tls_accept)(void *data, const struct pin *pin);

struct tls {
	SSL_CTX *context;
	tls_accept accept;
};

/* Borrows the key.  t must stay where it is. */
int tls_init(struct tls *t, bool is_server, const struct keypair *key, tls_accept accept,
	     struct weir_error *err) MUST_CHECK;
void tls_fini(struct tls *t);
/* NULL where libssl has no memory. */
SSL *tls_attach(const struct tls *t, void *data) MUST_CHECK;

#endif
