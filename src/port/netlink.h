/* Netlink messages: building them within bounds, reading them with a cursor, and the socket.
 *
 * Building: nl_build(), then for each message nl_begin(), nl_raw() for the family's fixed header,
 * nl_put*() for attributes (nl_nest() ... nl_unnest() around nested ones), nl_end().  What does not
 * fit sets `is_full`, writes nothing behind the end, and is asked about once, before sending.
 *
 * Reading: nl_next_message() over the bytes received, then nl_next_attr() over a message's body (or
 * an attribute's, for nested ones).  Both return false at the end; `is_bad` of the cursor tells a
 * damaged length from the end.  A bad attribute never hides the ones before it.
 *
 * Headers are in the machine's byte order, as netlink has them; what attributes hold is the
 * family's matter (nf_tables and nfnetlink_queue: big endian).
 * Nothing allocates.  Threads: each object belongs to its caller.
 * Facts: include/uapi/linux/netlink.h; RFC 3549 section 2.3. */
#ifndef WEIR_PORT_NETLINK_H
#define WEIR_PORT_NETLINK_H

#include "base/compiler.h"
#include "base/cursor.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl_builder {
	uint8_t *bytes;
	size_t room, length;
	size_t message;    /* where the message being built starts */
	uint32_t sequence; /* of the last message */
	bool is_full;
};

void nl_build(struct nl_builder *b, void *bytes, size_t room, uint32_t sequence);
/* flags: NLM_F_*; NLM_F_REQUEST is added. */
void nl_begin(struct nl_builder *b, uint16_t type, uint16_t flags);
void nl_end(struct nl_builder *b);
void nl_raw(struct nl_builder *b, const void *bytes, size_t length);
void nl_put(struct nl_builder *b, uint16_t type, const void *bytes, size_t length);
void nl_put_u16be(struct nl_builder *b, uint16_t type, uint16_t value);
void nl_put_u32be(struct nl_builder *b, uint16_t type, uint32_t value);
/* With its NUL. */
void nl_put_text(struct nl_builder *b, uint16_t type, const char *text);
size_t nl_nest(struct nl_builder *b, uint16_t type);
void nl_unnest(struct nl_builder *b, size_t nest);

struct nl_message {
	uint16_t type, flags;
	uint32_t sequence;
	struct cursor body; /* behind the header */
};

bool nl_next_message(struct cursor *c, struct nl_message *m);

struct nl_attr {
	uint16_t type; /* without the flag bits */
	struct cursor body;
};

bool nl_next_attr(struct cursor *c, struct nl_attr *a);
/* The body of an attribute as text: what is before its first NUL, cut to size. */
void nl_attr_text(const struct nl_attr *a, char *text, size_t size);
/* NLMSG_ERROR: the errno it carries, positive; 0 is an acknowledgement.  EBADMSG when cut. */
int nl_message_errno(const struct nl_message *m);

/* The socket: bound to a port id that the kernel chose; close-on-exec. */
int nl_open(int protocol, int *fd, struct weir_error *err) MUST_CHECK;
int nl_port_id(int fd, uint32_t *port_id);

/* Sends what was built and reads every answer there is (the kernel has them ready when the send
 * returns; a dump is followed to its end).  visit (may be NULL) gets all but NLMSG_ERROR, DONE and
 * NOOP.  Returns 0 when nothing failed and *acks (may be NULL) counts the acknowledgements; otherwise the first
 * error's positive errno, with its sequence in *failed (may be NULL). */
typedef void (*nl_visit)(void *arg, const struct nl_message *m);
int nl_transact(int fd, const struct nl_builder *b, unsigned *acks, uint32_t *failed,
		nl_visit visit, void *arg) MUST_CHECK;

#endif
