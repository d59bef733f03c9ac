/* A DNS message (RFC 1035, section 4; RFC 3596): who is asked for, and which addresses the answer
 * gives it.
 *
 * Calling sequence: dns_read() with the message alone (over TCP without the length before it);
 * false where it is none.  Only messages of one question are read: there are no others in use.
 * An address counts where its record's owner is the name that was asked for or what that name's
 * CNAMEs lead to; what else stands in the answer says nothing about the question.
 * Names are in lower case, their labels parted by dots, a dot or a backslash within a label with a
 * backslash before it, other bytes that are not printable as \DDD (RFC 4343, section 2.1).
 * Pointers of compressed names must lead back (RFC 1035, section 4.1.4), so that none goes round.
 * Pure: no state, no allocation, any thread. */
#ifndef WEIR_PACKET_DNS_H
#define WEIR_PACKET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_TEXT   1024 /* 255 bytes, each escaped, and NUL */
#define DNS_ADDRESS_MAX 64   /* kept of one message */

enum {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_AAAA = 28
};

struct dns_address {
	uint8_t ip_version, bytes[16];
};

struct dns_message {
	uint16_t id, type; /* of the question */
	bool is_response;
	uint8_t opcode, rcode;
	char name[DNS_NAME_TEXT]; /* that is asked for; "" is the root */
	size_t name_length;
	unsigned address_count;
	struct dns_address addresses[DNS_ADDRESS_MAX];
	bool is_cut; /* the answers end before they should, or there are more addresses */
};

bool dns_read(struct dns_message *m, const uint8_t *bytes, size_t length);

#endif
