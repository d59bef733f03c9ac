#include "agent/keypair.h"

#include "agent/private_file.h"
#include "base/mem.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

static int fail(struct weir_error *err, const char *what)
{
	return err_set(err, WEIR_ERR_SYSTEM, "libcrypto cannot %s", what);
}

static bool set_name(X509 *x, const char *text)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					  (const unsigned char *)text, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

static bool set_serial(X509 *x)
{
	uint64_t number = 0;

	return RAND_bytes((unsigned char *)&number, sizeof number) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), number >> 1 | 1) == 1;
}

/* Valid from 1970 to 9999 (RFC 5280, 4.1.2.5): clocks of endpoints are wrong, and what ends a key here
 * is its removal from the list, not a date. */
static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
	X509 *x = X509_new();

	if (x && X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(x), "19700101000000Z") &&
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(x), "99991231235959Z") &&
	    set_name(x, name) && X509_set_pubkey(x, key) && X509_sign(x, key, NULL) > 0)
		return x;
	X509_free(x);
	return NULL;
}

static int write_pem(int dir_fd, const char *base, const char *suffix, BIO *pem,
		     struct weir_error *err)
{
	char name[128];
	char *bytes;
	long length = BIO_get_mem_data(pem, &bytes);

	(void)snprintf(name, sizeof name, "%s%s", base, suffix);
	return private_file_write(dir_fd, name, bytes, (size_t)length, err);
}

static int write_both(int dir_fd, const char *base, EVP_PKEY *key, X509 *x,
		      struct weir_error *err)
{
	BIO *key_pem = BIO_new(BIO_s_secmem()), *x_pem = BIO_new(BIO_s_mem());
	int rc;

	if (!key_pem || !x_pem ||
	    !PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_bio_X509(x_pem, x))
		rc = fail(err, "write a key");
	else
		rc = write_pem(dir_fd, base, ".key", key_pem, err);
	if (!rc)
		rc = write_pem(dir_fd, base, ".crt", x_pem, err);
	BIO_free(key_pem);
	BIO_free(x_pem);
	return rc;
}

int keypair_make(int dir_fd, const char *base, const char *name, struct weir_error *err)
{
	EVP_PKEY *key;
	char file[128];
	X509 *x;
	int rc;

	(void)snprintf(file, sizeof file, "%s.key", base);
	if (private_file_stamp(dir_fd, file))
		return err_set(err, WEIR_ERR_EXISTS, "there is a key '%s' already", file);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!key)
		return fail(err, "make a key");
	x = make_certificate(key, name);
	rc = x ? write_both(dir_fd, base, key, x, err) : fail(err, "make a certificate");
	X509_free(x);
	EVP_PKEY_free(key);
	return rc;
}

static BIO *read_pem(int dir_fd, const char *base, const char *suffix, char **bytes,
		     struct weir_error *err)
{
	char name[128];
	size_t length;

	(void)snprintf(name, sizeof name, "%s%s", base, suffix);
	if (private_file_read(dir_fd, name, bytes, &length, err))
		return NULL;
	return BIO_new_mem_buf(*bytes, (int)length);
}

/* No pass phrase: a file that wants one is refused instead of asking a terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcrypto declares it so */
static int no_phrase(char *buffer, int size, int rwflag, void *data)
{
	(void)buffer;
	(void)size;
	(void)rwflag;
	(void)data;
	return -1;
}

int keypair_load(int dir_fd, const char *base, struct keypair *k, struct weir_error *err)
{
	char *key_bytes = NULL, *x_bytes = NULL;
	struct weir_error why = { 0 };
	BIO *key_pem, *x_pem;

	memset(k, 0, sizeof *k);
	key_pem = read_pem(dir_fd, base, ".key", &key_bytes, &why);
	x_pem = key_pem ? read_pem(dir_fd, base, ".crt", &x_bytes, &why) : NULL;
	if (x_pem) {
		k->key = PEM_read_bio_PrivateKey(key_pem, NULL, no_phrase, NULL);
		k->certificate = PEM_read_bio_X509(x_pem, NULL, no_phrase, NULL);
		if (!k->key || !k->certificate)
			(void)err_set(&why, WEIR_ERR_FORMAT,
				      "'%s.key' and '%s.crt' are no PEM files", base,
				      base);
		else if (X509_check_private_key(k->certificate, k->key) != 1)
			(void)err_set(&why, WEIR_ERR_MISMATCH,
				      "'%s.key' is not the key of '%s.crt'", base, base);
		else if (!pin_of_certificate(k->certificate, &k->pin))
			(void)err_set(&why, WEIR_ERR_UNSUPPORTED,
				      "'%s.key' is neither Ed25519 nor P-256", base);
	}
	BIO_free(key_pem);
	BIO_free(x_pem);
	mem_free(key_bytes);
	mem_free(x_bytes);
	if (!why.code)
		return 0;
	keypair_fini(k);
	return err_set(err, why.code, "%s", why.text);
}

void keypair_fini(struct keypair *k)
{
	EVP_PKEY_free(k->key);
	X509_free(k->certificate);
	k->key = NULL;
	k->certificate = NULL;
}

static bool is_taken_kind(const EVP_PKEY *key)
{
	char group[64] = "";
	size_t length;

	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1 &&
	       !strcmp(group, "prime256v1");
}

bool pin_of_certificate(const X509 *certificate, struct pin *pin)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	unsigned char *der = NULL;
	int length;
	bool is_good;

	if (!key || !is_taken_kind(key))
		return false;
	length = i2d_PUBKEY(key, &der);
	is_good = length > 0 && hash_once(der, (size_t)length, pin->bytes) == 0;
	OPENSSL_free(der);
	return is_good;
}

bool pin_is_equal(const struct pin *a, const struct pin *b)
{
	return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void pin_hex(const struct pin *pin, char hex[PIN_HEX])
{
	hash_hex(pin->bytes, hex);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool pin_from_hex(const char *hex, struct pin *pin)
{
	if (strlen(hex) != PIN_HEX - 1)
		return false;
	for (size_t i = 0; i < sizeof pin->bytes; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		pin->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void pin_base64(const struct pin *pin, char text[PIN_BASE64])
{
	/* 32 bytes are 44 characters and a NUL. */
	(void)EVP_EncodeBlock((unsigned char *)text, pin->bytes, sizeof pin->bytes);
}
