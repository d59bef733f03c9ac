#include "agent/config.h"

#include <arpa/inet.h>
#include <errno.h>

static int bad(struct weir_error *err, const char *text, const char *why)
{
	return err_set(err, WEIR_ERR_USAGE, "address '%.80s': %s", text, why);
}

static bool read_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	return true;
}

static bool is_numeric(const char *address)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, address, bytes) == 1 ||
	       inet_pton(AF_INET6, address, bytes) == 1;
}

int address_parse(const char *text, uint16_t port, char address[CONFIG_ADDRESS],
		  uint16_t *found, struct weir_error *err)
{
	const char *begin = text, *end = text + strlen(text), *colon = strrchr(text, ':');

	*found = port;
	if (*text == '[') {
		const char *close = strchr(text, ']');

		if (!close)
			return bad(err, text, "no closing bracket");
		begin = text + 1;
		end = close;
		colon = close[1] == ':' ? close + 1 : NULL;
		if (!colon && close[1])
			return bad(err, text, "something behind the bracket");
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL; /* several colons and no brackets: IPv6 without a port */
	}
	if (colon && !read_port(colon + 1, found))
		return bad(err, text, "the port is not within 0 to 65535");
	if ((size_t)(end - begin) >= CONFIG_ADDRESS)
		return bad(err, text, "too long");
	(void)snprintf(address, CONFIG_ADDRESS, "%.*s", (int)(end - begin), begin);
	if (!strcmp(address, "localhost"))
		(void)snprintf(address, CONFIG_ADDRESS, "127.0.0.1");
	if (!is_numeric(address))
		return bad(err, text, "is no IP address (names are not resolved)");
	return 0;
}
