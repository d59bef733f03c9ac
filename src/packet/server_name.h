/* The name of the server that the first bytes of a connection ask for, whatever says it: what the
 * parsers of a TLS ClientHello and of an HTTP request head have in common.
 *
 * The text is in lower case.  A byte that is not printable, a blank, '(' and '\\' are \DDD, as in
 * the names of DNS: a name that holds them must not be taken for a shorter one, nor for two. */
#ifndef WEIR_PACKET_SERVER_NAME_H
#define WEIR_PACKET_SERVER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define SERVER_NAME_MAX  255                       /* bytes of a name as sent */
#define SERVER_NAME_TEXT (4 * SERVER_NAME_MAX + 1) /* with its NUL */

struct server_name {
	size_t length;
	char text[SERVER_NAME_TEXT]; /* ends with NUL */
};

/* What the bytes seen so far are. */
enum server_name_found {
	SERVER_NAME_NOT,  /* not of this protocol, or damaged */
	SERVER_NAME_MORE, /* so far they may be; the rest is to come */
	SERVER_NAME_NONE, /* they are, and there is no name */
	SERVER_NAME_IS,   /* and here it is */
};

/* Takes the name over; false where its bytes are none or more than SERVER_NAME_MAX. */
bool server_name_set(struct server_name *name, const void *bytes, size_t length);

#endif
