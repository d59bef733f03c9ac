/* The server name of a TLS ClientHello (RFC 8446, section 4.1.2; RFC 6066, section 3).
 *
 * Calling sequence: tls_hello_name() with the first bytes of a connection, from its first byte on;
 * where it says SERVER_NAME_MORE, again with more of them.  The hello may be spread over several
 * records; TLS_HELLO_MAX bytes of it are looked at.
 * With an encrypted hello (ECH) the name is the public one of the outer hello.
 * Pure: no state, no allocation, any thread; scratch is the caller's memory. */
#ifndef WEIR_PACKET_TLS_HELLO_H
#define WEIR_PACKET_TLS_HELLO_H

#include "packet/server_name.h"

#include <stdint.h>

#define TLS_HELLO_MAX 16384

/* scratch: TLS_HELLO_MAX bytes. */
enum server_name_found tls_hello_name(const uint8_t *bytes, size_t length,
				      uint8_t *scratch, struct server_name *name);

/* The same for the handshake message alone, without records: what QUIC carries. */
enum server_name_found tls_hello_message(const uint8_t *message, size_t length,
					 struct server_name *name);

#endif
