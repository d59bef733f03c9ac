#include "filesystem/acl.h"

#include "base/cursor.h"
#include "filesystem/text.h"

enum {
	ACL_VERSION = 2,
	ENTRY_MAX = 32
};

static const char *tag_name(unsigned tag)
{
	switch (tag) {
	case 0x01: /* the owner */
	case 0x02:
		return "user:";
	case 0x04: /* the owning group */
	case 0x08:
		return "group:";
	case 0x10:
		return "mask:";
	case 0x20:
		return "other:";
	default:
		return NULL;
	}
}

bool acl_text(const void *bytes, size_t length, char *text, size_t size)
{
	char *p = text, *end = text + size;
	struct cursor c;

	cur_init(&c, bytes, length);
	if (cur_u32le(&c) != ACL_VERSION || c.is_bad || cur_left(&c) % 8)
		return false;
	while (cur_left(&c)) {
		unsigned tag = cur_u16le(&c), permissions = cur_u16le(&c);
		uint32_t id = cur_u32le(&c);
		const char *name = tag_name(tag);

		if (!name || permissions > 7 || end - p < ENTRY_MAX)
			return false;
		if (p > text)
			*p++ = ',';
		p = text_bytes(p, name, strlen(name));
		if (tag == 0x02 || tag == 0x08)
			p = text_u64(p, id);
		*p++ = ':';
		*p++ = permissions & 4 ? 'r' : '-';
		*p++ = permissions & 2 ? 'w' : '-';
		*p++ = permissions & 1 ? 'x' : '-';
	}
	*p = '\0';
	return p > text;
}
