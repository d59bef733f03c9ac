/* Keys, roles, the list of controllers, pairing. */
#include "agent/controllers.h"
#include "agent/pairing.h"
#include "agent/private_file.h"
#include "base/time.h"
#include "lib/folder.h"
#include "lib/tap.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (1700000000 * NS_PER_S)

static int dir_fd;
static struct weir_error err;

static void begin(void)
{
	folder_make();
	dir_fd = open(folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(dir_fd >= 0);
}

static void end(void)
{
	(void)close(dir_fd);
	folder_remove();
}

static void test_keypair(void)
{
	struct keypair k, again;
	struct stat st;
	struct pin pin;

	begin();
	CHECK_EQ(keypair_load(dir_fd, "agent", &k, &err), WEIR_ERR_ABSENT);
	CHECK_EQ(keypair_make(dir_fd, "agent", "a.host", &err), 0);
	CHECK_EQ(fstatat(dir_fd, "agent.key", &st, 0), 0);
	CHECK_EQ(st.st_mode & 07777, 0600);
	CHECK_EQ(keypair_load(dir_fd, "agent", &k, &err), 0);
	CHECK(EVP_PKEY_is_a(k.key, "ED25519"));
	CHECK_EQ(keypair_make(dir_fd, "agent", "a.host", &err), WEIR_ERR_EXISTS);
	CHECK_EQ(keypair_load(dir_fd, "agent", &again, &err), 0);
	CHECK(pin_is_equal(&k.pin, &again.pin));
	CHECK(pin_of_certificate(k.certificate, &pin) && pin_is_equal(&pin, &k.pin));
	keypair_fini(&k);
	keypair_fini(&again);
	end();
}

static void test_keypair_of_others(void)
{
	struct keypair k;

	begin();
	CHECK_EQ(keypair_make(dir_fd, "a", "a", &err), 0);
	CHECK_EQ(keypair_make(dir_fd, "b", "b", &err), 0);
	CHECK_EQ(renameat(dir_fd, "b.key", dir_fd, "a.key"), 0);
	CHECK_EQ(keypair_load(dir_fd, "a", &k, &err), WEIR_ERR_MISMATCH);
	CHECK_EQ(fchmodat(dir_fd, "a.key", 0666, 0), 0);
	CHECK_EQ(keypair_load(dir_fd, "a", &k, &err), WEIR_ERR_PRIVILEGE);
	folder_write("c.key", "no key", 6);
	folder_write("c.crt", "no key", 6);
	CHECK_EQ(fchmodat(dir_fd, "c.key", 0600, 0), 0);
	CHECK_EQ(fchmodat(dir_fd, "c.crt", 0600, 0), 0);
	CHECK_EQ(keypair_load(dir_fd, "c", &k, &err), WEIR_ERR_FORMAT);
	end();
}

/* Only the two kinds of key are taken. */
static void test_key_kinds(void)
{
	static const struct {
		const char *kind, *group;
		bool is_taken;
	} all[] = { { "ED25519", NULL, true },
		    { "EC", "P-256", true },
		    { "EC", "P-384", false },
		    { "ED448", NULL, false },
		    { "RSA", NULL, false } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		EVP_PKEY *key =
			all[i].group ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", all[i].group)
			: !strcmp(all[i].kind, "RSA")
				? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
				: EVP_PKEY_Q_keygen(NULL, NULL, all[i].kind);
		X509 *x = X509_new();
		struct pin pin;

		CHECK(key && x && X509_set_pubkey(x, key));
		CHECK_EQ(pin_of_certificate(x, &pin), all[i].is_taken);
		X509_free(x);
		EVP_PKEY_free(key);
	}
}

static void test_pin_text(void)
{
	struct pin a, b;
	char hex[PIN_HEX], base64[PIN_BASE64];

	for (unsigned i = 0; i < sizeof a.bytes; i++)
		a.bytes[i] = (uint8_t)(i * 9 + 3);
	pin_hex(&a, hex);
	CHECK(pin_from_hex(hex, &b) && pin_is_equal(&a, &b));
	hex[5] = 'G';
	CHECK(!pin_from_hex(hex, &b));
	CHECK(!pin_from_hex("", &b));
	hex[63] = '\0';
	CHECK(!pin_from_hex(hex, &b));
	pin_base64(&a, base64);
	CHECK_EQ(strlen(base64), 44);
}

static void test_grants(void)
{
	struct caller_role roles[GRANTS_MAX];
	struct caller caller = { 0 };
	struct grants g, back;
	char text[GRANTS_TEXT];
	json_t *o;

	CHECK_EQ(grants_parse("viewer divert=operator,files=none", &g, &err), 0);
	CHECK_EQ(grants_for(&g, "divert"), ROLE_OPERATOR);
	CHECK_EQ(grants_for(&g, "files"), ROLE_NONE);
	CHECK_EQ(grants_for(&g, "other"), ROLE_VIEWER);
	grants_text(&g, text);
	CHECK_STR(text, "viewer divert=operator files=none");
	o = grants_to_json(&g);
	CHECK(grants_from_json(o, &back));
	CHECK_EQ(grants_for(&back, "divert"), ROLE_OPERATOR);
	json_decref(o);
	grants_view(&g, roles, &caller);
	CHECK_EQ(caller.role_count, 2);
	CHECK_STR(caller.roles[0].plugin, "divert");
	CHECK_EQ(grants_parse("chief", &g, &err), WEIR_ERR_USAGE);
	CHECK_EQ(grants_parse("", &g, &err), WEIR_ERR_USAGE);
	CHECK_EQ(grants_parse("a/b=viewer", &g, &err), WEIR_ERR_USAGE);
	CHECK_EQ(grants_parse("a=viewer a=admin", &g, &err), WEIR_ERR_USAGE);
	CHECK(!grants_from_json(NULL, &g));
}

static void test_names(void)
{
	CHECK(is_plain_name("web-1.example_2", 63));
	CHECK(!is_plain_name("", 63));
	CHECK(!is_plain_name("..", 63));
	CHECK(!is_plain_name("a/b", 63));
	CHECK(!is_plain_name("a b", 63));
	CHECK(!is_plain_name("abcd", 3));
}

static struct controller make_one(const char *name, uint8_t seed)
{
	struct controller one = { .added_ns = T0 };

	(void)snprintf(one.name, sizeof one.name, "%s", name);
	memset(one.pin.bytes, seed, sizeof one.pin.bytes);
	CHECK_EQ(grants_parse("viewer divert=operator", &one.grants, &err), 0);
	return one;
}

static void test_controllers(void)
{
	struct controller alice = make_one("alice", 1), bob = make_one("bob", 2);
	struct controllers c, again;
	const struct controller *found;

	begin();
	CHECK_EQ(controllers_open(&c, dir_fd, &err), 0);
	CHECK_EQ(c.count, 0);
	CHECK_EQ(controllers_add(&c, &alice, &err), 0);
	CHECK_EQ(controllers_add(&c, &alice, &err), WEIR_ERR_EXISTS);
	bob.pin.bytes[0] ^= 1;
	CHECK_EQ(controllers_add(&c, &bob, &err), 0);
	CHECK_EQ(controllers_open(&again, dir_fd, &err), 0);
	found = controllers_by_pin(&again, &alice.pin);
	CHECK(found && !strcmp(found->name, "alice") && !found->revoked_ns);
	CHECK(found && grants_for(&found->grants, "divert") == ROLE_OPERATOR);
	CHECK(controllers_by_word(&again, "01010101") == found);
	CHECK(!controllers_by_word(&again, "0101"));
	CHECK(!controllers_by_word(&again, "nobody"));
	controllers_fini(&c);
	controllers_fini(&again);
	end();
}

static void test_revoked(void)
{
	struct controller alice = make_one("alice", 1), other = make_one("alice", 3);
	struct controllers c, running;
	const struct controller *found;
	bool is_changed = false;

	begin();
	CHECK_EQ(controllers_open(&c, dir_fd, &err), 0);
	CHECK_EQ(controllers_add(&c, &alice, &err), 0);
	CHECK_EQ(controllers_open(&running, dir_fd, &err), 0);
	CHECK_EQ(controllers_refresh(&running, &is_changed, &err), 0);
	CHECK(!is_changed);
	CHECK_EQ(controllers_revoke(&c, &alice.pin, T0 + 5, &err), 0);
	CHECK_EQ(controllers_revoke(&c, &alice.pin, T0 + 6, &err), WEIR_ERR_ABSENT);
	CHECK_EQ(controllers_refresh(&running, &is_changed, &err), 0);
	CHECK(is_changed);
	found = controllers_by_pin(&running, &alice.pin);
	CHECK(found && found->revoked_ns == T0 + 5);
	/* The key never comes back; the name may. */
	CHECK_EQ(controllers_add(&c, &alice, &err), WEIR_ERR_EXISTS);
	CHECK_EQ(controllers_add(&c, &other, &err), 0);
	found = controllers_by_word(&c, "alice");
	CHECK(found && pin_is_equal(&found->pin, &other.pin));
	CHECK_EQ(controllers_grant(&c, &alice.pin, &other.grants, &err), WEIR_ERR_ABSENT);
	controllers_fini(&c);
	controllers_fini(&running);
	end();
}

/* A list that cannot be read lets nobody in. */
static void test_broken_list(void)
{
	static const char *const all[] = {
		"",
		"{}",
		"[]",
		"{\"format\":2,\"controllers\":[]}",
		"{\"format\":1,\"controllers\":[{\"name\":\"a\"}]}",
		"{\"format\":1,\"controllers\":[{\"name\":\"../a\",\"pin\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\","
		"\"roles\":{\"*\":\"admin\"},\"added_ns\":1}]}",
	};
	struct controller alice = make_one("alice", 1);
	struct controllers c;
	bool is_changed;

	begin();
	CHECK_EQ(controllers_open(&c, dir_fd, &err), 0);
	CHECK_EQ(controllers_add(&c, &alice, &err), 0);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		CHECK_EQ(private_file_write(dir_fd, CONTROLLERS_NAME, all[i],
					    strlen(all[i]), &err),
			 0);
		CHECK_EQ(controllers_refresh(&c, &is_changed, &err), WEIR_ERR_FORMAT);
		CHECK_EQ(c.count, 0);
	}
	controllers_fini(&c);
	end();
}

static struct pairing_code some_code(void)
{
	struct pairing_code code = { 0 };

	for (unsigned i = 0; i < 16; i++) {
		code.print[i] = (uint8_t)(i * 11);
		code.token[i] = (uint8_t)(255 - i * 13);
	}
	return code;
}

static void test_code(void)
{
	struct pairing_code code = some_code(), back;
	char text[PAIRING_CODE], loose[200];
	size_t n = 0;

	CHECK_EQ(pairing_code_format(&code, text), 0);
	CHECK_EQ(strlen(text), 63);
	CHECK_EQ(pairing_code_parse(text, &back, &err), 0);
	CHECK(!memcmp(&back, &code, sizeof code));
	for (const char *p = text; *p; p++) {
		if (*p == '-')
			continue;
		loose[n++] = *p >= 'A' ? (char)(*p + 32) : *p;
		loose[n++] = ' ';
	}
	loose[n] = '\0';
	CHECK_EQ(pairing_code_parse(loose, &back, &err), 0);
	CHECK(!memcmp(&back, &code, sizeof code));
}

/* Any one character that is another one is found, and so is one too many or too few. */
static void test_code_slips(void)
{
	struct pairing_code code = some_code(), back;
	char text[PAIRING_CODE + 8];

	CHECK_EQ(pairing_code_format(&code, text), 0);
	for (size_t i = 0; i < 63; i++) {
		char was = text[i];

		if (was == '-')
			continue;
		text[i] = was == 'Q' ? 'R' : 'Q';
		CHECK_EQ(pairing_code_parse(text, &back, &err), WEIR_ERR_USAGE);
		text[i] = was;
	}
	memcpy(text + 63, "A", 2);
	CHECK_EQ(pairing_code_parse(text, &back, &err), WEIR_ERR_USAGE);
	text[62] = '\0';
	CHECK_EQ(pairing_code_parse(text, &back, &err), WEIR_ERR_USAGE);
	CHECK_EQ(pairing_code_parse("", &back, &err), WEIR_ERR_USAGE);
	CHECK_EQ(pairing_code_parse("AAAA/AAA", &back, &err), WEIR_ERR_USAGE);
}

static void open_pairing(const struct pin *pin, struct pairing_code *code)
{
	char text[PAIRING_CODE];
	struct grants g;

	CHECK_EQ(grants_parse("operator", &g, &err), 0);
	CHECK_EQ(pairing_open(dir_fd, pin, &g, T0, 600 * NS_PER_S, text, &err), 0);
	CHECK_EQ(pairing_code_parse(text, code, &err), 0);
}

static void test_pairing(void)
{
	struct pin pin = { { 1, 2, 3 } }, other = { { 1, 2, 4 } };
	struct pairing_code code;
	struct grants g;

	begin();
	CHECK(!pairing_is_open(dir_fd, T0));
	open_pairing(&pin, &code);
	CHECK(pairing_is_open(dir_fd, T0));
	CHECK(pairing_code_fits(&code, &pin) && !pairing_code_fits(&code, &other));
	CHECK_EQ(pairing_redeem(dir_fd, code.token, T0 + 1, &g, &err), 0);
	CHECK_EQ(g.role, ROLE_OPERATOR);
	CHECK_EQ(pairing_redeem(dir_fd, code.token, T0 + 1, &g, &err), WEIR_ERR_ABSENT);
	CHECK(!pairing_is_open(dir_fd, T0 + 1));
	end();
}

static void test_pairing_ends(void)
{
	struct pin pin = { { 9 } };
	struct pairing_code code;
	struct grants g;

	begin();
	open_pairing(&pin, &code);
	CHECK(!pairing_is_open(dir_fd, T0 + 600 * NS_PER_S));
	CHECK(!pairing_is_open(dir_fd, T0 - 1));
	CHECK_EQ(pairing_redeem(dir_fd, code.token, T0 + 600 * NS_PER_S, &g, &err),
		 WEIR_ERR_ABSENT);
	CHECK_EQ(pairing_redeem(dir_fd, code.token, T0 + 599 * NS_PER_S, &g, &err), 0);
	end();
}

static void test_pairing_guessed(void)
{
	struct pin pin = { { 9 } };
	struct pairing_code code;
	uint8_t wrong[PAIRING_TOKEN] = { 0 };
	struct grants g;

	begin();
	open_pairing(&pin, &code);
	for (unsigned i = 0; i < PAIRING_TRIES_MAX; i++)
		CHECK_EQ(pairing_redeem(dir_fd, wrong, T0, &g, &err), WEIR_ERR_MISMATCH);
	CHECK_EQ(pairing_redeem(dir_fd, code.token, T0, &g, &err), WEIR_ERR_ABSENT);
	end();
}

int main(void)
{
	RUN(test_keypair);
	RUN(test_keypair_of_others);
	RUN(test_key_kinds);
	RUN(test_pin_text);
	RUN(test_grants);
	RUN(test_names);
	RUN(test_controllers);
	RUN(test_revoked);
	RUN(test_broken_list);
	RUN(test_code);
	RUN(test_code_slips);
	RUN(test_pairing);
	RUN(test_pairing_ends);
	RUN(test_pairing_guessed);
	return tap_done();
}
