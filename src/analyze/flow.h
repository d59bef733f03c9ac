/* One conversation: who with whom, from when to when, how much each way, in which state.
 *
 * A flow is what has one protocol and one pair of addresses and ports (ICMP echo: the identifier),
 * one VLAN and one source, both directions together.  A TCP connection that takes the addresses and
 * ports of an earlier one is a flow of its own: it begins with a SYN of another sequence number, or
 * behind a closed or reset one, or behind packets of the other end alone that answer nothing.
 *
 * A packet that is seen on several interfaces (a bridge and its ports, a VLAN and its carrier) is
 * counted once: each direction counts what is seen on the interface of its first packet; the rest
 * is in `elsewhere`.
 *
 * Calling sequence: flow_key_make(); for the flow's first packet flow_begin(); flow_add() for each,
 * the first included; where it says that the packet begins another flow, that one is the caller's
 * to begin.  flow_join() puts two parts of one flow together, the earlier first.
 * Plain data without pointers of its own: texts belong to a pool of the caller's.  Pure, any
 * thread.  Facts: RFC 9293, section 3.3.2 (states as far as a bystander can see them). */
#ifndef WEIR_ANALYZE_FLOW_H
#define WEIR_ANALYZE_FLOW_H

#include "packet/headers.h"
#include "weir/reader.h"

/* The same for both directions: the end with the smaller address (then port) is the first. */
struct flow_key {
	uint8_t address[2][16];
	uint16_t port[2]; /* ICMP: identifier, or type and code, twice */
	uint16_t vlan[LINK_VLANS];
	uint16_t source;
	uint8_t ip_version, protocol;
	uint8_t form;      /* enum flow_form */
	uint8_t is_tagged; /* VLANs there are */
	uint8_t zeroes[2];
};

enum flow_form {
	FLOW_PLAIN, /* no ports */
	FLOW_PORTS,
	FLOW_ECHO,      /* ICMP with an identifier */
	FLOW_MESSAGE,   /* other ICMP, by type and code */
	FLOW_FRAGMENTS, /* pieces whose first one was not seen */
};

/* Who the packets of one direction belong to. */
struct flow_owner {
	uint64_t start_ns;
	uint32_t pid;
	uint8_t method, certainty; /* of record.h */
	bool is_known, was_sought; /* has_pid, has_owner of a packet */
};

struct flow_side {
	uint64_t packets, bytes; /* on the wire */
	uint64_t elsewhere;      /* packets on other interfaces than the first */
	/* Packets that are surely of the owner; of the first other process; of further ones. */
	uint64_t exact, other_exact, further_exact;
	struct flow_owner owner, other;
	unsigned iface;
	uint32_t syn_seq;
	uint8_t flags;     /* of TCP, all that were seen */
	uint8_t direction; /* enum link_direction of the first packet */
	bool has_syn, has_syn_ack;
};

/* How the flow's first end, the initiator, is known. */
enum flow_initiator {
	FLOW_BY_FIRST, /* it sent the first packet that was seen */
	FLOW_BY_SYN,
	FLOW_BY_SYN_ACK, /* the other end answered with it */
};

enum flow_state {
	FLOW_ONE_WAY,   /* not TCP: packets in one direction only */
	FLOW_ANSWERED,  /* not TCP: in both */
	FLOW_NEW,       /* SYN, no answer */
	FLOW_REFUSED,   /* SYN, answered by RST */
	FLOW_HALF_OPEN, /* SYN and its answer, nothing more from the initiator */
	FLOW_ESTABLISHED,
	FLOW_CLOSING, /* one end has finished */
	FLOW_CLOSED,  /* both have */
	FLOW_RESET,
};

#define FLOW_NAMES 4

enum flow_name_from {
	FLOW_NAME_DNS,
	FLOW_NAME_TLS,
	FLOW_NAME_HTTP,
	FLOW_NAME_QUIC,
};

struct flow_name {
	const char *text; /* NULL: none */
	int64_t ns;       /* when it was seen */
	uint8_t from;     /* enum flow_name_from */
	bool is_unasked;  /* a DNS answer whose question is not in the recording */
};

struct flow {
	struct flow_key key;
	int64_t first_ns, last_ns;
	struct flow_side side[2]; /* as in the key */
	/* The same as a second interface has seen it: this may be a part of a flow, and the part
	 * before it count on that one.  `elsewhere` is not used here. */
	struct flow_side second[2];
	struct flow_name names[FLOW_NAMES];
	uint32_t start_seq; /* of the initiator's first byte, where start is not 0 */
	uint8_t src;        /* the side that is the initiator */
	uint8_t initiator;  /* enum flow_initiator */
	uint8_t start; /* how far the initiator's first bytes are read: analyze/opening.h */
	uint8_t names_lost; /* that found no place */
};

/* False where the packet belongs to no flow (no IP header).  *side is the sender's. */
bool flow_key_make(struct flow_key *key, const struct headers *h, size_t source,
		   unsigned *side);

/* What flow_add() needs to know of a packet. */
struct flow_packet {
	const struct packet *packet;
	const struct headers *headers;
	unsigned side;
	enum link_direction direction;
};

void flow_begin(struct flow *f, const struct flow_key *key, const struct flow_packet *p);
/* A SYN without ACK. */
bool flow_is_opening(const struct flow_packet *p);
/* Whether the packet begins another flow of the same key. */
bool flow_is_over(const struct flow *f, const struct flow_packet *p);
void flow_add(struct flow *f, const struct flow_packet *p);

/* Packets of which only the number is known any more. */
struct flow_pieces {
	uint64_t packets, bytes; /* on the interface of the first of them */
	uint64_t elsewhere;
	int64_t first_ns, last_ns;
	unsigned iface;
	uint8_t direction; /* enum link_direction of the first */
};

void flow_add_pieces(struct flow *f, unsigned side, const struct flow_pieces *pieces);

/* Whether `later` goes on with what the earlier part was about. */
bool flow_is_part(const struct flow *earlier, const struct flow *later);
/* Adds the later part to the earlier one, as if there had been one.  Beyond what is kept of a part,
 * which is two interfaces and two sure processes a side, numbers are told too low or too high. */
void flow_join(struct flow *f, const struct flow *later);
/* A name once; the first ones stay. */
void flow_add_name(struct flow *f, const struct flow_name *name);

/* Packets that are surely of other processes than the owner. */
uint64_t flow_other_owners(const struct flow_side *s);

/* Whose flow it is on the recorded machine, and where both ends are there the other's too (NULL: no
 * other).  A listener's place is taken by the process that accepted. */
const struct flow_owner *flow_owner(const struct flow *f);
const struct flow_owner *flow_peer_owner(const struct flow *f);

enum flow_state flow_state(const struct flow *f);
const char *flow_state_name(enum flow_state state);
const char *flow_initiator_name(enum flow_initiator initiator);
const char *flow_name_from_name(enum flow_name_from from);

static inline const struct flow_side *flow_src(const struct flow *f)
{
	return &f->side[f->src];
}

static inline const struct flow_side *flow_dst(const struct flow *f)
{
	return &f->side[!f->src];
}

#endif
