#include "packet/server_name.h"

#include <stdint.h>

static char *put_byte(char *p, uint8_t b)
{
	if (b >= 'A' && b <= 'Z')
		b = (uint8_t)(b + 32);
	if (b > 0x20 && b < 0x7f && b != '(' && b != '\\') {
		*p++ = (char)b;
		return p;
	}
	*p++ = '\\';
	*p++ = (char)('0' + b / 100);
	*p++ = (char)('0' + b / 10 % 10);
	*p++ = (char)('0' + b % 10);
	return p;
}

bool server_name_set(struct server_name *name, const void *bytes, size_t length)
{
	const uint8_t *from = bytes;
	char *p = name->text;

	if (!length || length > SERVER_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		p = put_byte(p, from[i]);
	*p = '\0';
	name->length = (size_t)(p - name->text);
	return true;
}
