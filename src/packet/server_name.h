/* The name of the server that the first bytes of a connection ask for, whatever says it: what the
 * parsers of a TLS ClientHello and of an HTTP request head have in common. */
#ifndef WEIR_PACKET_SERVER_NAME_H
#define WEIR_PACKET_SERVER_NAME_H

#include <stddef.h>

#define SERVER_NAME_MAX 255

struct server_name {
	size_t length;
	char text[SERVER_NAME_MAX + 1]; /* as sent, in lower case; ends with NUL */
};

/* What the bytes seen so far are. */
enum server_name_found {
	SERVER_NAME_NOT,  /* not of this protocol, or damaged */
	SERVER_NAME_MORE, /* so far they may be; the rest is to come */
	SERVER_NAME_NONE, /* they are, and there is no name */
	SERVER_NAME_IS,   /* and here it is */
};

/* Puts the bytes in lower case; false where they are none or too many. */
static inline int server_name_set(struct server_name *name, const void *bytes,
				  size_t length)
{
	const char *from = bytes;

	if (!length || length > SERVER_NAME_MAX)
		return 0;
	for (size_t i = 0; i < length; i++)
		name->text[i] =
			from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] + 32) : from[i];
	name->text[length] = '\0';
	name->length = length;
	return 1;
}

#endif
