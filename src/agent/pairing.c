#include "agent/pairing.h"

#include "agent/private_file.h"
#include "base/time.h"
#include "store/json_lines.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <unistd.h>

enum {
	CHECK_BYTES = 3,
	BODY_BYTES = PAIRING_PRINT + PAIRING_TOKEN,
	CODE_BYTES = BODY_BYTES + CHECK_BYTES, /* 35 */
	CODE_DIGITS = CODE_BYTES * 8 / 5,      /* 56 */
	GROUP = 7,
};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static int fill_check(uint8_t bytes[CODE_BYTES])
{
	uint8_t digest[HASH_BYTES];

	if (hash_once(bytes, BODY_BYTES, digest))
		return WEIR_ERR_NO_MEMORY;
	memcpy(bytes + BODY_BYTES, digest, CHECK_BYTES);
	return 0;
}

int pairing_code_format(const struct pairing_code *code, char text[PAIRING_CODE])
{
	uint8_t bytes[CODE_BYTES];
	unsigned held = 0, bits = 0;
	size_t digits = 0, at = 0;

	memcpy(bytes, code->print, PAIRING_PRINT);
	memcpy(bytes + PAIRING_PRINT, code->token, PAIRING_TOKEN);
	if (fill_check(bytes))
		return WEIR_ERR_NO_MEMORY;
	for (size_t i = 0; i < CODE_BYTES; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 5; bits -= 5) {
			if (digits && digits % GROUP == 0)
				text[at++] = '-';
			text[at++] = alphabet[held >> (bits - 5) & 31];
			digits++;
		}
	}
	text[at] = '\0';
	OPENSSL_cleanse(bytes, sizeof bytes);
	return 0;
}

/* -1: no digit.  What people read wrong has one meaning: 0 is O, 1 is I, 8 is B. */
static int digit_value(char c)
{
	const char *p;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	c = c == '0' ? 'O' : c == '1' ? 'I' : c == '8' ? 'B' : c;
	p = c ? strchr(alphabet, c) : NULL;
	return p ? (int)(p - alphabet) : -1;
}

static int bad_code(struct weir_error *err, const char *why)
{
	return err_set(err, WEIR_ERR_USAGE, "this is no pairing code: %s", why);
}

int pairing_code_parse(const char *text, struct pairing_code *code,
		       struct weir_error *err)
{
	uint8_t bytes[CODE_BYTES] = { 0 }, given[CHECK_BYTES];
	unsigned held = 0, bits = 0;
	size_t digits = 0, at = 0;

	for (; *text; text++) {
		int v = digit_value(*text);

		if (v < 0 && (*text == '-' || *text == ' '))
			continue;
		if (v < 0)
			return bad_code(err, "a character that is not of base32");
		if (++digits > CODE_DIGITS)
			return bad_code(err, "longer than 56 characters");
		held = (held << 5 | (unsigned)v) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			bytes[at++] = (uint8_t)(held >> bits);
		}
	}
	if (digits != CODE_DIGITS)
		return bad_code(err, "shorter than 56 characters");
	memcpy(given, bytes + BODY_BYTES, CHECK_BYTES);
	if (fill_check(bytes))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	if (memcmp(given, bytes + BODY_BYTES, CHECK_BYTES) != 0)
		return bad_code(err, "a character is wrong");
	memcpy(code->print, bytes, PAIRING_PRINT);
	memcpy(code->token, bytes + PAIRING_PRINT, PAIRING_TOKEN);
	OPENSSL_cleanse(bytes, sizeof bytes);
	return 0;
}

bool pairing_code_fits(const struct pairing_code *code, const struct pin *agent)
{
	return CRYPTO_memcmp(code->print, agent->bytes, PAIRING_PRINT) == 0;
}

static int token_hash(const uint8_t token[PAIRING_TOKEN], char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES];

	if (hash_once(token, PAIRING_TOKEN, digest))
		return WEIR_ERR_NO_MEMORY;
	hash_hex(digest, hex);
	return 0;
}

int pairing_open(int dir_fd, const struct pin *agent, const struct grants *g,
		 int64_t now_ns, int64_t for_ns, char text[PAIRING_CODE],
		 struct weir_error *err)
{
	struct pairing_code code;
	char hex[HASH_HEX];
	json_t *file;
	int64_t ends_ns = now_ns + for_ns;
	int rc;

	memcpy(code.print, agent->bytes, PAIRING_PRINT);
	if (RAND_priv_bytes(code.token, PAIRING_TOKEN) != 1)
		return err_set(err, WEIR_ERR_SYSTEM, "libcrypto has no random bytes");
	if (token_hash(code.token, hex) || pairing_code_format(&code, text))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	file = json_pack("{s:i,s:s,s:o,s:I,s:I,s:i}", "format", 1, "token_sha256", hex,
			 "roles", grants_to_json(g), "opened_ns", (json_int_t)now_ns,
			 "ends_ns", (json_int_t)ends_ns, "tries", 0);
	rc = file ? private_json_write(dir_fd, PAIRING_NAME, file, err)
		  : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a pairing");
	json_decref(file);
	OPENSSL_cleanse(&code, sizeof code);
	return rc;
}

/* The open pairing; NULL where none is open.  A clock that was set back ends it too. */
static json_t *read_pairing(int dir_fd, int64_t now_ns)
{
	int64_t opened, ends;
	json_t *file;

	if (!private_file_stamp(dir_fd, PAIRING_NAME) ||
	    private_json_read(dir_fd, PAIRING_NAME, &file, NULL))
		return NULL;
	if (json_get_i64(file, "opened_ns", &opened) &&
	    json_get_i64(file, "ends_ns", &ends) && now_ns >= opened && now_ns < ends &&
	    json_get_text(file, "token_sha256"))
		return file;
	json_decref(file);
	return NULL;
}

bool pairing_is_open(int dir_fd, int64_t now_ns)
{
	json_t *file = read_pairing(dir_fd, now_ns);

	json_decref(file);
	return file != NULL;
}

static int count_try(int dir_fd, json_t *file, struct weir_error *err)
{
	uint64_t tries;

	if (!json_get_u64(file, "tries", &tries) || tries + 1 >= PAIRING_TRIES_MAX) {
		(void)unlinkat(dir_fd, PAIRING_NAME, 0);
	} else {
		json_object_set_new(file, "tries", json_integer((json_int_t)tries + 1));
		/* What cannot be counted must not be tried again. */
		if (private_json_write(dir_fd, PAIRING_NAME, file, NULL))
			(void)unlinkat(dir_fd, PAIRING_NAME, 0);
	}
	return err_set(err, WEIR_ERR_MISMATCH, "the code is not the one that is open");
}

int pairing_redeem(int dir_fd, const uint8_t token[PAIRING_TOKEN], int64_t now_ns,
		   struct grants *g, struct weir_error *err)
{
	json_t *file = read_pairing(dir_fd, now_ns);
	const char *want = json_get_text(file, "token_sha256");
	char hex[HASH_HEX];
	int rc = 0;

	if (!file)
		return err_set(err, WEIR_ERR_ABSENT,
			       "no pairing is open: the code was used, or its time is "
			       "over");
	if (token_hash(token, hex))
		rc = err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	else if (strlen(want) != HASH_HEX - 1 ||
		 CRYPTO_memcmp(want, hex, HASH_HEX - 1) != 0)
		rc = count_try(dir_fd, file, err);
	else if (!grants_from_json(json_object_get(file, "roles"), g))
		rc = err_set(err, WEIR_ERR_FORMAT,
			     "'" PAIRING_NAME "' has roles of an unknown form");
	/* Gone before it is used: nobody can use it twice, whatever happens next. */
	else if (unlinkat(dir_fd, PAIRING_NAME, 0))
		rc = err_sys(err, "cannot close the pairing");
	json_decref(file);
	return rc;
}
