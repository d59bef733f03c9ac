/* Names in packets: DNS messages, TLS hellos and HTTP heads, whole, cut at every byte, and odd. */
#include "lib/tap.h"
#include "packet/dns.h"
#include "packet/http_head.h"
#include "packet/tls_hello.h"

static struct dns_message m;

#define HEAD(flags, answers) "\0\7" flags "\0\1" answers "\0\0\0\0"
#define ANSWER               HEAD("\x81\x80", "\0\2")
#define QUESTION             "\3WwW\2ex\0\0\1\0\1"
/* A record of the name at offset 12. */
#define RECORD(name, type, data, length) name type "\0\1\0\0\0\x3c" length data
#define READ(text)                       dns_read(&m, (const uint8_t *)(text), sizeof(text) - 1)

static void test_answer(void)
{
	static const char text[] =
		ANSWER QUESTION RECORD("\xc0\x0c", "\0\1", "\xc0\0\2\1", "\0\4")
			RECORD("\xc0\x0c", "\0\x1c", "0123456789abcdef", "\0\x10");

	CHECK(READ(text));
	CHECK_STR(m.name, "www.ex");
	CHECK_EQ(m.id, 7);
	CHECK_EQ(m.type, DNS_A);
	CHECK(m.is_response && !m.is_cut);
	CHECK_EQ(m.address_count, 2);
	CHECK_EQ(m.addresses[0].ip_version, 4);
	CHECK(!memcmp(m.addresses[0].bytes, "\xc0\0\2\1", 4));
	CHECK_EQ(m.addresses[1].ip_version, 6);
	for (size_t n = 0; n < sizeof text - 1; n++) {
		bool is_read = dns_read(&m, (const uint8_t *)text, n);

		CHECK_EQ(is_read, n >= 24);
		CHECK(!is_read || m.is_cut);
	}
}

static void test_aliases(void)
{
	/* The alias stands behind the address it leads to. */
	CHECK(READ(ANSWER QUESTION RECORD("\1b\0", "\0\1", "\1\2\3\4", "\0\4")
			   RECORD("\xc0\x0c", "\0\5", "\1b\0", "\0\3")));
	CHECK_EQ(m.address_count, 1);
	/* Round and round. */
	CHECK(READ(ANSWER QUESTION RECORD("\xc0\x0c", "\0\5", "\1b\0", "\0\3")
			   RECORD("\1b\0", "\0\5", "\xc0\x0c", "\0\2")));
	CHECK_EQ(m.address_count, 0);
	/* Somebody else's address. */
	CHECK(READ(ANSWER QUESTION RECORD("\1b\0", "\0\1", "\1\2\3\4", "\0\4")
			   RECORD("\xc0\x0c", "\0\1", "\1\2\3", "\0\3")));
	CHECK_EQ(m.address_count, 0);
}

static void test_odd_names(void)
{
	CHECK(!READ(ANSWER "\xc0\x0c\0\1\0\1"));    /* itself */
	CHECK(!READ(ANSWER "\xc0\x40\0\1\0\1"));    /* forward */
	CHECK(!READ(ANSWER "\1a\xc0\x0c\0\1\0\1")); /* round */
	CHECK(!READ(ANSWER "\x41"
			   "a\0\0\1\0\1")); /* a reserved kind of label */
	CHECK(!READ(ANSWER "\5ab"));
	CHECK(!READ(HEAD("\1\0", "\0\0") "\1a\0\0\1\0\3")); /* another class */
	CHECK(READ(HEAD("\1\0", "\0\0") "\0\0\1\0\1"));
	CHECK_STR(m.name, "");
	CHECK(READ(HEAD("\1\0", "\0\0") "\5.\\\0 \xff\0\0\1\0\1"));
	CHECK_STR(m.name, "\\.\\\\\\000\\032\\255");
	CHECK(!READ(""));
}

static void test_long_name(void)
{
	uint8_t text[400] = { 0, 7, 1, 0, 0, 1 };
	size_t at = 12;

	for (unsigned i = 0; i < 3; i++) {
		text[at++] = 63;
		at += 63;
	}
	text[at] = 61; /* 3 * 64 + 62 + 1 = 255 */
	at += 62 + 1;
	text[at + 1] = text[at + 3] = 1;
	CHECK(dns_read(&m, text, at + 4));
	CHECK_EQ(m.name_length, (3 * 63 + 61) * 4 + 3);
	text[12 + 3 * 64] = 62;
	CHECK(!dns_read(&m, text, at + 5));
}

static struct server_name name;
static uint8_t scratch[TLS_HELLO_MAX];

#define EXTENSION "\0\0\0\x0b\0\x09\0\0\6Tls.ex"
#define BODY(extensions, length)    \
 "\3\3"                             \
 "0123456789abcdef0123456789abcdef" \
 "\0"                               \
 "\0\2\x13\1"                       \
 "\1\0" length extensions
#define MESSAGE "\1\0\0\x3a" BODY(EXTENSION, "\0\x0f")
#define HELLO   "\x16\3\1\0\x3e" MESSAGE
#define TLS(text) \
 tls_hello_name((const uint8_t *)(text), sizeof(text) - 1, scratch, &name)

static void test_hello(void)
{
	static const char text[] = HELLO;

	CHECK_EQ(TLS(HELLO), SERVER_NAME_IS);
	CHECK_STR(name.text, "tls.ex");
	CHECK_EQ(TLS(HELLO "and more"), SERVER_NAME_IS);
	for (size_t n = 0; n < sizeof text - 1; n++)
		CHECK_EQ(tls_hello_name((const uint8_t *)text, n, scratch, &name),
			 SERVER_NAME_MORE);
}

/* The message in records of every size. */
static void test_records(void)
{
	static const char message[] = MESSAGE;
	uint8_t text[2048];

	for (size_t size = 1; size < sizeof message; size++) {
		size_t at = 0;

		for (size_t from = 0; from < sizeof message - 1; from += size) {
			size_t n = sizeof message - 1 - from;

			n = n < size ? n : size;
			memcpy(text + at, "\x16\3\3\0", 4);
			text[at + 4] = (uint8_t)n;
			memcpy(text + at + 5, message + from, n);
			at += 5 + n;
		}
		memset(&name, 0, sizeof name);
		CHECK_EQ(tls_hello_name(text, at, scratch, &name), SERVER_NAME_IS);
		CHECK_STR(name.text, "tls.ex");
	}
}

static void test_odd_hellos(void)
{
	CHECK_EQ(TLS("\x15\3\1\0\2\2\x28"), SERVER_NAME_NOT);
	CHECK_EQ(TLS("\x16\2"), SERVER_NAME_NOT);
	CHECK_EQ(TLS("\x16\3\1\0\0"), SERVER_NAME_NOT);
	CHECK_EQ(TLS("\x16\3\1\xff\xff"), SERVER_NAME_NOT);
	CHECK_EQ(TLS("\x16\3\1\0\4\2\0\0\0"), SERVER_NAME_NOT);   /* a server's hello */
	CHECK_EQ(TLS("\x16\3\1\0\4\1\xff\0\0"), SERVER_NAME_NOT); /* too long */
	CHECK_EQ(TLS("\x16\3\1\0\x2d\1\0\0\x29" BODY("", "")), SERVER_NAME_NONE);
	/* A length that leads out of the extensions. */
	CHECK_EQ(TLS("\x16\3\1\0\x33\1\0\0\x2f" BODY("\0\0\0\x0b", "\0\4")),
		 SERVER_NAME_NOT);
}

/* What a hello may hold and a name may not: it stays one name, and a whole one. */
static void test_hostile_hello(void)
{
	uint8_t text[] = HELLO;

	memcpy(text + sizeof text - 7, "a\0b(\\ ", 6);
	CHECK_EQ(tls_hello_name(text, sizeof text - 1, scratch, &name), SERVER_NAME_IS);
	CHECK_STR(name.text, "a\\000b\\040\\092\\032");
	memcpy(text + sizeof text - 7, "\x1b\x7f\xff.\"A", 6);
	CHECK_EQ(tls_hello_name(text, sizeof text - 1, scratch, &name), SERVER_NAME_IS);
	CHECK_STR(name.text, "\\027\\127\\255.\"a");
	CHECK_EQ(name.length, strlen(name.text));
}

#define HTTP(text) http_head_name((const uint8_t *)(text), sizeof(text) - 1, &name)

static void test_http(void)
{
	static const char text[] = "GET / HTTP/1.1\r\nA: b\r\nHOST:\t Web.ex:80 \r\n";

	CHECK_EQ(HTTP("GET / HTTP/1.1\r\nA: b\r\nHOST:\t Web.ex:80 \r\n"),
		 SERVER_NAME_IS);
	CHECK_STR(name.text, "web.ex");
	for (size_t n = 0; n < sizeof text - 2; n++)
		CHECK_EQ(http_head_name((const uint8_t *)text, n, &name),
			 SERVER_NAME_MORE);
	CHECK_EQ(HTTP("CONNECT far.ex.:443 HTTP/1.1\r\n"), SERVER_NAME_IS);
	CHECK_STR(name.text, "far.ex");
	CHECK_EQ(HTTP("GET http://a.ex/b HTTP/1.1\nHost: c\n"), SERVER_NAME_IS);
	CHECK_STR(name.text, "a.ex");
	CHECK_EQ(HTTP("GET http://good.ex:x@evil.ex:8080/ HTTP/1.1\nHost: c\n"),
		 SERVER_NAME_IS);
	CHECK_STR(name.text, "evil.ex");
	CHECK_EQ(HTTP("GET http://a.ex@b.ex:1@c.ex HTTP/1.1\nHost: d\n"), SERVER_NAME_IS);
	CHECK_STR(name.text, "c.ex");
	CHECK_EQ(HTTP("GET http://a.ex/@b.ex HTTP/1.1\nHost: c\n"), SERVER_NAME_IS);
	CHECK_STR(name.text, "a.ex");
	CHECK_EQ(HTTP("GET http://a.ex?@b.ex HTTP/1.1\nHost: c\n"), SERVER_NAME_IS);
	CHECK_STR(name.text, "a.ex");
	CHECK_EQ(HTTP("GET http://a.ex@ HTTP/1.1\nHost: c\n"), SERVER_NAME_NONE);
	CHECK_EQ(HTTP("GET / HTTP/1.0\nHost: [2001:db8::1]:80\n"), SERVER_NAME_IS);
	CHECK_STR(name.text, "2001:db8::1");
	CHECK_EQ(HTTP("GET / HTTP/1.0\r\n\r\nHost: behind\r\n"), SERVER_NAME_NONE);
	CHECK_EQ(HTTP("GET / HTTP/1.0\r\nHost:\r\n"), SERVER_NAME_NONE);
}

static void test_odd_http(void)
{
	static uint8_t text[HTTP_HEAD_MAX + 1];

	CHECK_EQ(HTTP("PRI * HTTP/2.0\r\n\r\n"), SERVER_NAME_NOT);
	CHECK_EQ(HTTP("SSH-2.0-x\r\n"), SERVER_NAME_NOT);
	CHECK_EQ(HTTP("HE"), SERVER_NAME_MORE);
	CHECK_EQ(HTTP("AA b"), SERVER_NAME_NOT);
	CHECK_EQ(HTTP("GET / HTTP/1.1\nHost: a\033[2J\n"), SERVER_NAME_NOT);
	CHECK_EQ(HTTP("GET / HTTP/1.1\nHost: a\0b\n"), SERVER_NAME_NOT);
	memset(text, 'A', sizeof text);
	CHECK_EQ(http_head_name(text, sizeof text, &name), SERVER_NAME_NOT);
	memcpy(text, "GET /", 5);
	CHECK_EQ(http_head_name(text, HTTP_HEAD_MAX - 1, &name), SERVER_NAME_MORE);
	CHECK_EQ(http_head_name(text, sizeof text, &name), SERVER_NAME_NOT);
	memcpy(text, "GET / HTTP/1.1\n", 15);
	CHECK_EQ(http_head_name(text, sizeof text, &name), SERVER_NAME_NOT);
}

int main(void)
{
	RUN(test_answer);
	RUN(test_aliases);
	RUN(test_odd_names);
	RUN(test_long_name);
	RUN(test_hello);
	RUN(test_records);
	RUN(test_odd_hellos);
	RUN(test_hostile_hello);
	RUN(test_http);
	RUN(test_odd_http);
	return tap_done();
}
