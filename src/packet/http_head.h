/* The host that an HTTP/1 request is for: the authority of its target where it has one (a proxy's
 * request, CONNECT), else its Host field (RFC 9112, sections 3 and 5; RFC 9110, section 7.2).  The
 * port is left out.
 *
 * Calling sequence: http_head_name() with the first bytes of a request; where it says
 * SERVER_NAME_MORE, again with more of them.  A head is looked at up to HTTP_HEAD_MAX bytes.
 * Pure: no state, no allocation, any thread. */
#ifndef WEIR_PACKET_HTTP_HEAD_H
#define WEIR_PACKET_HTTP_HEAD_H

#include "packet/server_name.h"

#include <stdint.h>

#define HTTP_HEAD_MAX 16384

enum server_name_found http_head_name(const uint8_t *bytes, size_t length,
				      struct server_name *name);

#endif
