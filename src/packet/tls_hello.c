#include "packet/tls_hello.h"

#include "base/cursor.h"

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_HEAD = 5,
	RECORD_MOST = 16384,
	CLIENT_HELLO = 1,
	MESSAGE_HEAD = 4,
	EXTENSION_SERVER_NAME = 0,
	NAME_HOST = 0
};

static uint32_t cur_u24be(struct cursor *c)
{
	uint32_t high = cur_u8(c);

	return high << 16 | cur_u16be(c);
}

/* A part of the message whose length stands before it, in one byte or two. */
static void sub(struct cursor *c, struct cursor *part, size_t length)
{
	const uint8_t *p = cur_bytes(c, length);

	cur_init(part, p ? p : c->at, p ? length : 0);
}

/* The list of names holds at most one of each type. */
static enum server_name_found read_names(struct cursor *extension,
					 struct server_name *name)
{
	struct cursor list;

	sub(extension, &list, cur_u16be(extension));
	while (cur_left(&list)) {
		uint8_t type = cur_u8(&list);
		uint16_t length = cur_u16be(&list);
		const uint8_t *text = cur_bytes(&list, length);

		if (list.is_bad)
			return SERVER_NAME_NOT;
		if (type == NAME_HOST)
			return server_name_set(name, text, length) ? SERVER_NAME_IS
								   : SERVER_NAME_NOT;
	}
	return SERVER_NAME_NONE;
}

static enum server_name_found read_extensions(struct cursor *c, struct server_name *name)
{
	struct cursor all, extension;

	if (!cur_left(c)) /* TLS 1.2 and before may have none */
		return SERVER_NAME_NONE;
	sub(c, &all, cur_u16be(c));
	if (c->is_bad)
		return SERVER_NAME_NOT;
	while (cur_left(&all)) {
		uint16_t type = cur_u16be(&all);

		sub(&all, &extension, cur_u16be(&all));
		if (all.is_bad)
			return SERVER_NAME_NOT;
		if (type == EXTENSION_SERVER_NAME)
			return read_names(&extension, name);
	}
	return SERVER_NAME_NONE;
}

enum server_name_found tls_hello_message(const uint8_t *message, size_t length,
					 struct server_name *name)
{
	struct cursor c, body;
	uint32_t stated;

	cur_init(&c, message, length);
	if (cur_left(&c) && *message != CLIENT_HELLO)
		return SERVER_NAME_NOT;
	cur_skip(&c, 1);
	stated = cur_u24be(&c);
	if (c.is_bad || (stated <= TLS_HELLO_MAX - MESSAGE_HEAD && stated > cur_left(&c)))
		return SERVER_NAME_MORE;
	if (stated > cur_left(&c))
		return SERVER_NAME_NOT;
	sub(&c, &body, stated);
	if (cur_u8(&body) != 3) /* legacy_version is 3.1 to 3.3 */
		return SERVER_NAME_NOT;
	cur_skip(&body, 1 + 32);
	cur_skip(&body, cur_u8(&body));    /* session id */
	cur_skip(&body, cur_u16be(&body)); /* cipher suites */
	cur_skip(&body, cur_u8(&body));    /* compression */
	return body.is_bad ? SERVER_NAME_NOT : read_extensions(&body, name);
}

/* Takes one record's part of the handshake; false where it is none. */
static bool take_record(struct cursor *c, const uint8_t **part, size_t *length,
			bool *is_whole)
{
	uint8_t type = cur_u8(c), major = cur_u8(c);
	size_t stated;

	cur_skip(c, 1);
	stated = cur_u16be(c);
	if (type != RECORD_HANDSHAKE || major != 3 || !stated || stated > RECORD_MOST)
		return false;
	*is_whole = stated <= cur_left(c);
	*length = *is_whole ? stated : cur_left(c);
	*part = cur_bytes(c, *length);
	return true;
}

/* Fewer bytes than a record's head: they may still become one. */
static enum server_name_found judge_short(const uint8_t *bytes, size_t length)
{
	if ((length > 0 && bytes[0] != RECORD_HANDSHAKE) || (length > 1 && bytes[1] != 3))
		return SERVER_NAME_NOT;
	return SERVER_NAME_MORE;
}

enum server_name_found tls_hello_name(const uint8_t *bytes, size_t length,
				      uint8_t *scratch, struct server_name *name)
{
	const uint8_t *message = NULL, *part;
	size_t have = 0, n;
	bool is_whole = true;
	struct cursor c;

	cur_init(&c, bytes, length);
	while (is_whole && cur_left(&c) >= RECORD_HEAD) {
		enum server_name_found found;

		if (!take_record(&c, &part, &n, &is_whole))
			return SERVER_NAME_NOT;
		/* The first record mostly has all of it, in place. */
		if (!have) {
			message = part;
		} else {
			if (n > TLS_HELLO_MAX - have)
				return SERVER_NAME_NOT;
			if (message != scratch)
				memcpy(scratch, message, have);
			memcpy(scratch + have, part, n);
			message = scratch;
		}
		have += n;
		found = tls_hello_message(message, have, name);
		if (found != SERVER_NAME_MORE)
			return found;
	}
	return have ? SERVER_NAME_MORE : judge_short(bytes, length);
}
