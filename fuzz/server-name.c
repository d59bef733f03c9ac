/* The first bytes of a connection as TLS and as HTTP: more bytes never make of a name another one,
 * and a name is bounded and of printable bytes without a blank. */
#include "packet/http_head.h"
#include "packet/tls_hello.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum server_name_found parse(int is_tls, const uint8_t *data, size_t size,
				    struct server_name *name)
{
	static uint8_t scratch[TLS_HELLO_MAX];

	return is_tls ? tls_hello_name(data, size, scratch, name)
		      : http_head_name(data, size, name);
}

static void check_text(const struct server_name *name)
{
	assert(name->length && name->length < SERVER_NAME_TEXT &&
	       strlen(name->text) == name->length);
	for (size_t i = 0; i < name->length; i++)
		assert(name->text[i] > 0x20 && name->text[i] < 0x7f &&
		       name->text[i] != '(');
}

static void check(int is_tls, const uint8_t *data, size_t size)
{
	struct server_name whole, part;
	enum server_name_found found = parse(is_tls, data, size, &whole), before;

	if (found == SERVER_NAME_IS)
		check_text(&whole);
	before = parse(is_tls, data, size / 2, &part);
	if (before == SERVER_NAME_IS)
		assert(found == SERVER_NAME_IS && whole.length == part.length &&
		       !memcmp(whole.text, part.text, part.length));
	if (before == SERVER_NAME_NOT)
		assert(found == SERVER_NAME_NOT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(1, data, size);
	check(0, data, size);
	return 0;
}
