#include "agent/tls.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

static int verify(X509_STORE_CTX *store, void *arg)
{
	const struct tls *t = arg;
	const SSL *ssl =
		X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const X509 *leaf = X509_STORE_CTX_get0_cert(store);
	struct pin pin;
	bool is_taken = leaf && pin_of_certificate(leaf, &pin);

	if (t->accept(SSL_get_app_data(ssl), is_taken ? &pin : NULL))
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

static bool set_up(SSL_CTX *c, const struct keypair *key)
{
	char algorithms[] = "ed25519:ECDSA+SHA256"; /* the macro casts a const away */

	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	/* Idle connections give their buffers back. */
	(void)SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	return SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
	       SSL_CTX_set_num_tickets(c, 0) &&
	       SSL_CTX_set1_sigalgs_list(c, algorithms) &&
	       SSL_CTX_use_certificate(c, key->certificate) &&
	       SSL_CTX_use_PrivateKey(c, key->key);
}

int tls_init(struct tls *t, bool is_server, const struct keypair *key, tls_accept accept,
	     struct weir_error *err)
{
	/* The system's openssl.cnf does not decide what this program accepts. */
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	t->accept = accept;
	t->context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	if (!t->context || !set_up(t->context, key)) {
		char why[120];

		ERR_error_string_n(ERR_get_error(), why, sizeof why);
		tls_fini(t);
		return err_set(err, WEIR_ERR_SYSTEM, "libssl cannot be set up: %s", why);
	}
	SSL_CTX_set_verify(t->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	SSL_CTX_set_cert_verify_callback(t->context, verify, t);
	return 0;
}

void tls_fini(struct tls *t)
{
	SSL_CTX_free(t->context);
	t->context = NULL;
}

SSL *tls_attach(const struct tls *t, void *data)
{
	SSL *ssl = SSL_new(t->context);

	if (ssl)
		(void)SSL_set_app_data(ssl, data);
	return ssl;
}
